import { stringify } from 'yaml';
import { z } from 'zod';
import { declaredOf } from '../../src/lib/rule.ts';
import type { Declared } from '../../src/lib/rule.ts';
import { bare } from '../../src/lib/schema.ts';
import { shapeOf } from '../../src/resources/merge.ts';
import type { MergedField, TypeWithConfig } from '../../src/resources/merge.ts';
import type { ResourceKind } from '../../src/resources/object.ts';
import { sinkConfigFields, sinkSpec } from '../../src/resources/sink.ts';
import { sourceConfigFields, sourceSpec } from '../../src/resources/source.ts';
import { branchFields, defaultTypeOf, stepFields, stepRules } from '../../src/resources/step-spec.ts';
import { distinctLists, workflowSpec } from '../../src/resources/workflow.ts';
import { sinks } from '../../src/sinks/index.ts';
import { sourceDefinitions } from '../../src/sources/index.ts';
import { stepDefinitions } from '../../src/workflows/steps/index.ts';
import type { StepDefinition } from '../../src/workflows/steps/define.ts';
import { statusSchemas } from './status.ts';
import { celName, celRules, structural, withRules } from './structural.ts';
import type { CelRule, StructuralNode } from './structural.ts';

interface Kind {
  readonly kind: ResourceKind;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly spec: StructuralNode;
  readonly columns: readonly PrinterColumn[];
}

interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority?: number;
}

export const group = 'punchingfist.io';

const ready = `.status.conditions[?(@.type=="Ready")]`;
const common: readonly PrinterColumn[] = [
  { name: 'Ready', type: 'string', jsonPath: `${ready}.status` },
  { name: 'Reason', type: 'string', jsonPath: `${ready}.reason` },
];
const last: readonly PrinterColumn[] = [
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Message', type: 'string', jsonPath: `${ready}.message`, priority: 1 },
];
const typeColumn: PrinterColumn = { name: 'Type', type: 'string', jsonPath: '.spec.type' };

/** A CustomResourceDefinition (apiextensions.k8s.io/v1) of one of our kinds. */
export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced';
    readonly names: {
      readonly kind: ResourceKind;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
      readonly categories: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly subresources: object;
      readonly additionalPrinterColumns: readonly PrinterColumn[];
      readonly schema: { readonly openAPIV3Schema: StructuralNode };
    }[];
  };
}

/** The CRDs of Source, Workflow and Sink, as `deploy/crds/phase1-crds.yaml` and the chart have them. */
export function crdObjects(): readonly CustomResourceDefinition[] {
  return kinds().map((kind) => crd(kind));
}

/** All CRDs as one YAML file. */
export function crdFile(): string {
  const documents = crdObjects().map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
  return `# Generated from the schemas by scripts/gen.ts.\n${documents.join('---\n')}`;
}

function kinds(): readonly Kind[] {
  const source = withRules(structural(sourceSpec, 'Source.spec'), configRules(sourceDefinitions, sourceConfigFields));
  const sink = withRules(structural(sinkSpec, 'Sink.spec'), configRules(sinks, sinkConfigFields));
  const workflow = withRules(structural(workflowSpec, 'Workflow.spec'), distinctLists.map(distinctRule));
  const steps = workflow.properties?.['steps'];
  if (steps?.items !== undefined) steps.items = stepNode(steps.items, null);
  return [
    {
      kind: 'Source',
      plural: 'sources',
      shortNames: ['fsrc'],
      spec: source,
      columns: [typeColumn, ...common, date('Last event', '.status.lastEventTime'), ...last],
    },
    {
      kind: 'Workflow',
      plural: 'workflows',
      shortNames: ['fwf'],
      spec: workflow,
      columns: [
        ...common,
        { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
        date('Last run', '.status.lastRun.startTime'),
        ...last,
      ],
    },
    {
      kind: 'Sink',
      plural: 'sinks',
      shortNames: ['fsink'],
      spec: sink,
      columns: [typeColumn, ...common, date('Last sent', '.status.lastSentTime'), ...last],
    },
  ];
}

function date(name: string, jsonPath: string): PrinterColumn {
  return { name, type: 'date', jsonPath };
}

function crd({ kind, plural, shortNames, spec, columns }: Kind): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames,
        categories: ['fist'],
      },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: spec.description ?? '',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec,
                status: statusSchemas[kind],
              },
            },
          },
        },
      ],
    },
  };
}

/** What the types say of `config`: what they cannot do without, and their rules. */
function configRules(types: readonly TypeWithConfig[], fields: readonly MergedField[]): readonly CelRule[] {
  const required = fields.flatMap(({ name, requiredBy }) =>
    isTyped(name, types) ? requiredRules(name, requiredBy, 'self.type', 'self.config') : [],
  );
  const own = types.flatMap(({ type, config }) =>
    celRules(declaredOf(config).declared, 'self.config').map((each) => guarded(each, type, 'self.type')),
  );
  return [...required, ...own];
}

function requiredRules(name: string, types: readonly string[], type: string, of: string): readonly CelRule[] {
  const path = [...of.split('.').slice(1), name].join('.');
  return types.map((each) => ({
    rule: `${type} != '${each}' || has(${of}.${celName(name)})`,
    message: `${path} is required when type is ${each}`,
  }));
}

function guarded({ rule, ...rest }: CelRule, type: string, typeOf: string): CelRule {
  return { rule: `${typeOf} != '${type}' || (${rule})`, ...rest };
}

/** A step with the rules of its types, at every depth of branches. What is told of fields is told at the first one. */
function stepNode(node: StructuralNode, field: string | null): StructuralNode {
  const usual = field === null ? null : defaultTypeOf(field);
  const type = usual === null ? 'self.type' : `(has(self.type) ? self.type : '${usual}')`;
  const required = stepFields.flatMap(({ name, requiredBy }) => requiredRules(name, requiredBy, type, 'self'));
  const own = stepDefinitions.flatMap((step) => [
    ...celRules(declaredOf(step.config).declared).map((each) => guarded(each, step.type, type)),
    ...exclusiveBranches(step, node).map((each) => guarded(each, step.type, type)),
  ]);
  const rules = [...required, ...own, ...celRules(stepRules.map(({ declared }) => declared as Declared))];
  const properties = Object.entries(node.properties ?? {}).map(([name, child]) => {
    const shown = field === null ? child : withoutDescriptions(child);
    return [name, branchFields.includes(name) ? stepNode(shown, name) : shown] as const;
  });
  return withRules({ ...node, properties: Object.fromEntries(properties) }, rules);
}

/** Two fields for one branch exclude each other. */
function exclusiveBranches({ branches }: StepDefinition, node: StructuralNode): readonly CelRule[] {
  return branches.flatMap(({ field, branch }, place) =>
    branches
      .slice(place + 1)
      .filter((other) => other.branch === branch && node.properties?.[field] !== undefined)
      .map((other) => ({
        rule: `!has(self.${celName(field)}) || !has(self.${celName(other.field)})`,
        message: `${field} and ${other.field} exclude each other: both are the step that runs ${branch}`,
      })),
  );
}

function distinctRule({ field, member }: (typeof distinctLists)[number]): CelRule {
  const of = member === null ? '' : `.${member}`;
  const rule = `self.${field}.all(one, self.${field}.exists_one(other, other${of} == one${of}))`;
  return { rule: `!has(self.${field}) || ${rule}`, message: `${field} has a name twice`, fieldPath: `.${field}` };
}

/** A CRD must not be larger than what kubectl can keep in an annotation. */
function withoutDescriptions(told: StructuralNode): StructuralNode {
  const node = { ...told };
  delete node.description;
  const properties = Object.entries(node.properties ?? {}).map(([name, child]) => [name, withoutDescriptions(child)]);
  return {
    ...node,
    ...(node.items === undefined ? {} : { items: withoutDescriptions(node.items) }),
    ...(node.properties === undefined ? {} : { properties: Object.fromEntries(properties) }),
    ...(node.additionalProperties === undefined
      ? {}
      : { additionalProperties: withoutDescriptions(node.additionalProperties) }),
  };
}

/** Whether CEL can see a field: one that is text or a list has no type there. */
function isTyped(name: string, types: readonly TypeWithConfig[]): boolean {
  return types.every(({ config }) => !(bare(shapeOf(config)[name] ?? z.string()) instanceof z.ZodUnion));
}
