import { stringify } from 'yaml';
import { jsonSchema } from '../../src/resources/field-tree.ts';
import type { JsonSchemaNode } from '../../src/resources/field-tree.ts';
import type { MergedField } from '../../src/resources/merge.ts';
import type { ResourceKind } from '../../src/resources/object.ts';
import { sinkConfigFields, sinkSpec } from '../../src/resources/sink.ts';
import { sourceConfigFields, sourceSpec } from '../../src/resources/source.ts';
import { branchFields, stepFields, workflowSpec } from '../../src/resources/workflow.ts';
import { statusSchemas } from './status.ts';

interface Kind {
  readonly kind: ResourceKind;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly spec: JsonSchemaNode;
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
      readonly schema: { readonly openAPIV3Schema: JsonSchemaNode };
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
  const source = withRules(structural(jsonSchema(sourceSpec), 'Source.spec'), configRules(sourceConfigFields));
  const sink = withRules(structural(jsonSchema(sinkSpec), 'Sink.spec'), configRules(sinkConfigFields));
  const workflow = structural(jsonSchema(workflowSpec), 'Workflow.spec');
  addStepRules(workflow.properties?.['steps']?.items);
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

/**
 * A structural schema (apiextensions v1): no `oneOf` or `anyOf` with types, no `additionalProperties: false`, no defaults
 * (the program has them), none of the bounds that only say "a JavaScript number". Throws for what cannot be expressed.
 */
export function structural(node: JsonSchemaNode, path: string, isTold = true): JsonSchemaNode {
  const { description } = node;
  const text = description === undefined || !isTold ? {} : { description };
  if (node.anyOf !== undefined) return { ...text, 'x-kubernetes-preserve-unknown-fields': true };
  if (node.type === undefined) throw new Error(`${path}: a schema without a type cannot stand in a CRD`);
  const result: JsonSchemaNode = { ...text, type: node.type };
  for (const keyword of ['pattern', 'format', 'minLength', 'maxLength', 'minItems', 'maxItems', 'enum']) {
    if (keyword in node) result[keyword] = node[keyword];
  }
  for (const bound of ['minimum', 'maximum'] as const) {
    const value = node[bound];
    if (value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER) result[bound] = value;
  }
  if (node.items !== undefined) result.items = structural(node.items, `${path}[]`, isTold);
  if (typeof node.additionalProperties === 'object' && Object.keys(node.additionalProperties).length === 0) {
    result['x-kubernetes-preserve-unknown-fields'] = true;
  } else if (typeof node.additionalProperties === 'object') {
    result.additionalProperties = structural(node.additionalProperties, `${path}.*`, isTold);
  }
  if (node.properties !== undefined) {
    const entries = Object.entries(node.properties).map(
      ([name, child]) => [name, branchOr(child, `${path}.${name}`, isTold)] as const,
    );
    result.properties = Object.fromEntries(entries);
    const required = (node.required ?? []).filter((name) => !('default' in (node.properties?.[name] ?? {})));
    if (required.length > 0) result.required = required;
  }
  return result;
}

/** The fields of a step within a step are told at the first one: a CRD must not be larger than kubectl can annotate. */
function branchOr(node: JsonSchemaNode, path: string, isTold: boolean): JsonSchemaNode {
  if (!/^Workflow\.spec\.steps\[\]\.[^.]+$/.test(path) || !branchFields.some((field) => path.endsWith(`.${field}`)))
    return structural(node, path, isTold);
  return { description: node.description ?? '', ...structural(node, path, false) };
}

interface Rule {
  readonly rule: string;
  readonly message: string;
}

function withRules(node: JsonSchemaNode, rules: readonly Rule[]): JsonSchemaNode {
  return rules.length === 0 ? node : { ...node, 'x-kubernetes-validations': rules };
}

/** "config.path is required when type is webhook". */
function configRules(fields: readonly MergedField[]): readonly Rule[] {
  return fields.flatMap(({ name, requiredBy }) =>
    requiredBy.map((type) => ({
      rule: `self.type != '${type}' || has(self.config.${name})`,
      message: `config.${name} is required when type is ${type}`,
    })),
  );
}

/** The same for steps, at every depth of branches, where the type may be left to the field. */
function addStepRules(step: JsonSchemaNode | undefined): void {
  if (step?.properties === undefined) return;
  const rules = stepFields.flatMap(({ name, requiredBy }) =>
    requiredBy.map((type) => ({
      rule: `!has(self.type) || self.type != '${type}' || has(self.${name})`,
      message: `${name} is required when type is ${type}`,
    })),
  );
  step['x-kubernetes-validations'] = rules;
  for (const field of branchFields) addStepRules(step.properties[field]);
}
