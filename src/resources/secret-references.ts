import { secretKeyRef, secretRef } from '../lib/secret-reference.ts';
import { jsonSchema, resourceSchemas } from './field-tree.ts';
import type { JsonSchemaNode } from './field-tree.ts';
import type { ResourceKind } from './object.ts';

/** How references are written in schemas, wherever they stand. */
const text = jsonSchema(secretRef).pattern;
const object = jsonSchema(secretKeyRef).description;

const schemas = new Map<ResourceKind, JsonSchemaNode>();

/** The names of the Secrets that an object's spec refers to, in its namespace, in no order. `spec` as it came; not checked. */
export function secretNames(kind: ResourceKind, spec: unknown): readonly string[] {
  const schema = schemas.get(kind) ?? jsonSchema(resourceSchemas[kind]);
  schemas.set(kind, schema);
  const names = new Set<string>();
  collect(schema.properties?.['spec'] ?? {}, spec, names);
  return [...names];
}

function collect(schema: JsonSchemaNode, value: unknown, names: Set<string>): void {
  if (typeof value === 'string') {
    if (isReference(schema)) names.add(value.split('/')[0] ?? '');
    return;
  }
  // What no schema describes has no references, and may be nested as deeply as somebody likes.
  if (value === null || typeof value !== 'object' || Object.keys(schema).length === 0) return;
  const forms = [schema, ...(schema.anyOf ?? [])];
  for (const form of forms) {
    if (Array.isArray(value)) for (const item of value) collect(form.items ?? {}, item, names);
    else collectFields(form, value, names);
  }
}

function collectFields(schema: JsonSchemaNode, value: object, names: Set<string>): void {
  if (schema.description === object && 'name' in value && typeof value.name === 'string') names.add(value.name);
  const { additionalProperties: rest } = schema;
  for (const [name, field] of Object.entries(value))
    collect(schema.properties?.[name] ?? (typeof rest === 'object' ? rest : {}), field, names);
}

function isReference(schema: JsonSchemaNode): boolean {
  return [schema, ...(schema.anyOf ?? [])].some(({ pattern }) => pattern === text);
}
