import { z } from 'zod';
import { bare } from '../lib/schema.ts';

/** An entry of a registry, as far as its fields go. */
export interface TypeWithConfig {
  readonly type: string;
  readonly config: z.ZodType;
}

/** A field that one or more types use. */
export interface MergedField {
  readonly name: string;
  /** The field's own schema, not optional. */
  readonly schema: z.ZodType;
  /** Of the first type that has one. */
  readonly default?: unknown;
  /** As text for people; by type where they differ. */
  readonly description: string;
  readonly usedBy: readonly string[];
  /** Types that cannot do without it. */
  readonly requiredBy: readonly string[];
}

interface FieldInWork {
  readonly schema: z.ZodType;
  default?: unknown;
  /** Types by description. */
  readonly descriptions: Map<string, string[]>;
  readonly requiredBy: string[];
  readonly usedBy: string[];
}

/**
 * The fields of all types of a registry: one `config` object per resource, as the contract has it. A name that two types
 * share must have one schema (a test says so), so the first one stands for all.
 */
export function mergeFields(types: readonly TypeWithConfig[]): readonly MergedField[] {
  const fields = new Map<
    string,
    { schema: z.ZodType; descriptions: Map<string, string[]>; requiredBy: string[]; usedBy: string[] }
  >();
  for (const { type, config } of types) {
    for (const [name, schema] of Object.entries(shapeOf(config))) {
      const field: FieldInWork = fields.get(name) ?? {
        schema: bare(schema),
        descriptions: new Map(),
        requiredBy: [],
        usedBy: [],
      };
      fields.set(name, field);
      const description = describe(schema);
      field.descriptions.set(description, [...(field.descriptions.get(description) ?? []), type]);
      field.usedBy.push(type);
      const absent = schema.safeParse(undefined);
      if (absent.success && absent.data !== undefined) field.default ??= absent.data;
      if (!absent.success) field.requiredBy.push(type);
    }
  }
  return [...fields].map(([name, { descriptions, ...field }]) => ({
    name,
    ...field,
    description: joinDescriptions(descriptions),
  }));
}

/** The merged fields as the shape of an object, all optional. */
export function optionalShape(fields: readonly MergedField[]): Record<string, z.ZodType> {
  return Object.fromEntries(
    fields.map((field) => {
      const facts = 'default' in field ? { default: field.default } : {};
      return [field.name, field.schema.optional().meta({ description: field.description, ...facts })];
    }),
  );
}

/** Fields of an object schema. */
export function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  const inner = bare(schema);
  if (!(inner instanceof z.ZodObject)) throw new TypeError('the config of a type must be a z.object');
  return inner.shape;
}

/** The description of a schema, from the outside in. */
export function describe(schema: z.ZodType): string {
  let inner = schema;
  for (;;) {
    if (inner.description !== undefined) return inner.description;
    if (!(inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodNullable)) return '';
    inner = inner.unwrap() as z.ZodType;
  }
}

function joinDescriptions(descriptions: ReadonlyMap<string, readonly string[]>): string {
  const entries = [...descriptions].filter(([text]) => text !== '');
  if (entries.length <= 1) return entries[0]?.[0] ?? '';
  return entries.map(([text, types]) => `${types.join(', ')}: ${text}`).join(' ');
}
