import { z } from 'zod';
import { objectName } from '../lib/schema.ts';
import type { MergedField } from './merge.ts';
import type { ResourceKind } from './object.ts';
import { sinkConfigFields, sinkSpec } from './sink.ts';
import { sourceConfigFields, sourceSpec } from './source.ts';
import { branchFields, stepFields } from './step-spec.ts';
import { workflowSpec } from './workflow.ts';

/** A node of what `z.toJSONSchema` writes (OpenAPI 3.0 flavour), as far as our schemas use it. */
export interface JsonSchemaNode {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchemaNode>;
  required?: string[];
  items?: JsonSchemaNode;
  additionalProperties?: JsonSchemaNode | boolean;
  anyOf?: JsonSchemaNode[];
  [keyword: string]: unknown;
}

/** A field of a resource, for `fist explain` and the reference pages. */
export interface FieldInfo {
  readonly name: string;
  /** `spec.steps[].goal`. */
  readonly path: string;
  /** `string`, `[]object`, `map of string`. */
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
  readonly default?: unknown;
  readonly values: readonly string[];
  /** Types of the resource (or step) that use the field; empty = all. */
  readonly usedBy: readonly string[];
  /** Of those, the ones that cannot do without it. */
  readonly requiredBy: readonly string[];
  readonly fields: readonly FieldInfo[];
}

/** The schema of a whole object of each kind. */
export const resourceSchemas: Readonly<Record<ResourceKind, z.ZodObject>> = {
  Source: whole('Source', sourceSpec),
  Workflow: whole('Workflow', workflowSpec),
  Sink: whole('Sink', sinkSpec),
};

function whole(kind: ResourceKind, spec: z.ZodObject): z.ZodObject {
  return z
    .object({
      apiVersion: z.literal('punchingfist.io/v1alpha1').meta({ description: 'Version of the schema.' }),
      kind: z.literal(kind).meta({ description: 'Kind of the object.' }),
      metadata: z
        .object({
          name: objectName.meta({ description: `Name of the ${kind}.` }),
          namespace: objectName.optional().meta({ description: 'Namespace; files without one are in default.' }),
        })
        .meta({ description: 'Name and namespace.' }),
      spec,
    })
    .meta({ description: spec.description ?? '' });
}

/** What a schema accepts, as JSON schema. */
export function jsonSchema(schema: z.ZodType): JsonSchemaNode {
  return z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' }) as JsonSchemaNode;
}

/** Made when they are first asked for: the JSON schema of a kind takes some 10 ms. */
const trees = new Map<ResourceKind, FieldInfo>();

/** The fields of a kind, as a tree whose root is the object itself. */
export function fieldTree(kind: ResourceKind): FieldInfo {
  const made = trees.get(kind) ?? fieldInfo(kind, '', jsonSchema(resourceSchemas[kind]), true, kind);
  trees.set(kind, made);
  return made;
}

function fieldInfo(
  name: string,
  path: string,
  schema: JsonSchemaNode,
  required: boolean,
  kind: ResourceKind,
): FieldInfo {
  const inner = schema.items ?? schema;
  const innerPath = schema.items === undefined ? path : `${path}[]`;
  const use = usage(kind, path);
  const fields = Object.entries(inner.properties ?? {}).map(([child, childSchema]) => {
    const childPath = innerPath === '' ? child : `${innerPath}.${child}`;
    return fieldInfo(child, childPath, childSchema, inner.required?.includes(child) === true, kind);
  });
  return {
    name,
    path,
    type: typeName(schema),
    required: required && !('default' in schema),
    description: schema.description ?? '',
    ...('default' in schema ? { default: schema.default } : {}),
    values: (inner.enum ?? []).map(String),
    usedBy: use?.usedBy ?? [],
    requiredBy: use?.requiredBy ?? [],
    fields,
  };
}

/** Which types use a merged field. */
function usage(kind: ResourceKind, path: string): MergedField | undefined {
  const config = /^spec\.config\.([^.]+)$/.exec(path)?.[1];
  if (kind === 'Source') return sourceConfigFields.find(({ name }) => name === config);
  if (kind === 'Sink') return sinkConfigFields.find(({ name }) => name === config);
  const step = new RegExp(`^spec\\.steps\\[\\](?:\\.(?:${branchFields.join('|')}))*\\.([^.]+)$`).exec(path)?.[1];
  return stepFields.find(({ name }) => name === step);
}

function typeName(schema: JsonSchemaNode): string {
  if (schema.items !== undefined) return `[]${typeName(schema.items)}`;
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeName).join(' or ');
  if (typeof schema.additionalProperties === 'object') return `map of ${typeName(schema.additionalProperties)}`;
  return schema.type ?? 'any';
}
