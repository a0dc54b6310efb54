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
  /** Where all types have the same one. */
  readonly default?: unknown;
  /** As text for people; by type where they differ. */
  readonly description: string;
  readonly usedBy: readonly string[];
  /** Types that cannot do without it. */
  readonly requiredBy: readonly string[];
}

/** What one type says of a field. */
interface Use {
  readonly type: string;
  readonly schema: z.ZodType;
  /** undefined: it has none. */
  readonly default: unknown;
  readonly isRequired: boolean;
}

/**
 * The fields of all types of a registry: one `config` object per resource, as the contract has it. A name that two types
 * share must have one schema (a test says so), so the first one stands for all.
 */
export function mergeFields(types: readonly TypeWithConfig[]): readonly MergedField[] {
  const fields = new Map<string, Use[]>();
  for (const { type, config } of types) {
    for (const [name, schema] of Object.entries(shapeOf(config))) {
      const absent = schema.safeParse(undefined);
      const use = { type, schema, default: absent.data, isRequired: !absent.success };
      fields.set(name, [...(fields.get(name) ?? []), use]);
    }
  }
  return [...fields].map(([name, uses]) => mergedField(name, uses));
}

/** A default that not all types have is told in words. */
function mergedField(name: string, uses: readonly Use[]): MergedField {
  const [first] = uses;
  const descriptions = typesBy(uses, ({ schema }) => describe(schema));
  const defaults = typesBy(uses, (use) => (use.default === undefined ? '' : defaultText(use.default)));
  const isShared = defaults.size === 1;
  const told = [...defaults].flatMap(([text, types]) => (text === '' ? [] : [`${text} (${types.join(', ')})`]));
  return {
    name,
    schema: bare(first?.schema ?? z.never()),
    ...(isShared && first?.default !== undefined ? { default: first.default } : {}),
    usedBy: uses.map(({ type }) => type),
    requiredBy: uses.filter(({ isRequired }) => isRequired).map(({ type }) => type),
    description: `${joinDescriptions(descriptions)}${isShared ? '' : ` Default: ${told.join('; ')}.`}`,
  };
}

function typesBy(uses: readonly Use[], textOf: (use: Use) => string): ReadonlyMap<string, readonly string[]> {
  const types = new Map<string, string[]>();
  for (const use of uses) types.set(textOf(use), [...(types.get(textOf(use)) ?? []), use.type]);
  return types;
}

function defaultText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
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
