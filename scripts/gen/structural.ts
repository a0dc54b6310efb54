import { z } from 'zod';
import { declaredOf } from '../../src/lib/rule.ts';
import type { Declared } from '../../src/lib/rule.ts';
import { bare } from '../../src/lib/schema.ts';
import { describe } from '../../src/resources/merge.ts';
import { portablePattern } from './pattern.ts';

/** A rule of `x-kubernetes-validations`. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

/** A node of a structural schema (apiextensions v1), as far as ours use it. */
export interface StructuralNode {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: readonly unknown[];
  pattern?: string;
  format?: string;
  allOf?: readonly StructuralNode[];
  not?: StructuralNode;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  items?: StructuralNode;
  properties?: Record<string, StructuralNode>;
  required?: readonly string[];
  additionalProperties?: StructuralNode;
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-validations'?: readonly CelRule[];
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: readonly string[];
}

/**
 * What a zod schema accepts, as structural schema: patterns that Go's RE2 reads as JavaScript does, rules in CEL, and bounds on
 * all. Throws, with the path, for what cannot be said so.
 */
export function structural(schema: z.ZodType, path: string): StructuralNode {
  const inner = bare(schema);
  const description = describe(schema);
  const given = defaultOf(schema);
  const node = {
    ...(description === '' ? {} : { description }),
    ...typed(inner, path),
    ...(given === undefined ? {} : { default: given }),
  };
  const { declared, others } = declaredOf(inner);
  if (others > 0) throw new Error(`${path}: a refinement that neither rule() nor beyond() declared`);
  return withRules(node, celRules(declared));
}

/** Adds rules to those that a node has. */
export function withRules(node: StructuralNode, rules: readonly CelRule[]): StructuralNode {
  if (rules.length === 0) return node;
  return { ...node, 'x-kubernetes-validations': [...(node['x-kubernetes-validations'] ?? []), ...rules] };
}

/** The CEL of refinements; `self` stands for what `of` says. */
export function celRules(declared: readonly Declared[], of = 'self'): readonly CelRule[] {
  return declared.flatMap(({ cel, message, path }) => {
    if (cel === null) return [];
    const at = [...of.split('.').slice(1), ...path];
    const fieldPath = at.length === 0 ? {} : { fieldPath: at.map((name) => `.${name}`).join('') };
    return [{ rule: cel.replaceAll(/\bself\b/g, of), message, ...fieldPath }];
  });
}

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/** A field as CEL names it: reserved words are escaped. */
export function celName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`${name} is no name for CEL`);
  return reserved.has(name) ? `__${name}__` : name;
}

function defaultOf(schema: z.ZodType): unknown {
  let inner: z.ZodType = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable) inner = inner.unwrap() as z.ZodType;
  return inner instanceof z.ZodDefault ? inner.def.defaultValue : undefined;
}

function typed(schema: z.ZodType, path: string): StructuralNode {
  if (schema instanceof z.ZodString) return { type: 'string', ...textBounds(schema, path) };
  if (schema instanceof z.ZodEnum) return { type: 'string', enum: schema.options };
  if (schema instanceof z.ZodBoolean) return { type: 'boolean' };
  if (schema instanceof z.ZodNumber) return numberNode(schema);
  if (schema instanceof z.ZodArray)
    return {
      type: 'array',
      ...itemBounds(schema, path),
      items: structural(schema.element as z.ZodType, `${path}[]`),
    };
  if (schema instanceof z.ZodRecord) return recordNode(schema, path);
  if (schema instanceof z.ZodObject) return { type: 'object', ...objectFields(schema, path) };
  if (schema instanceof z.ZodUnion) return unionNode(schema, path);
  throw new Error(`${path}: a schema of type ${schema.type} cannot stand in a CRD`);
}

type Bounds = Partial<Record<'minimum' | 'maximum', number>>;

function boundsOf(schema: z.ZodType): Bounds {
  const bounds: Bounds = {};
  for (const { _zod } of schema._zod.def.checks ?? []) {
    const { check, minimum, maximum, value, inclusive } = _zod.def as z.core.$ZodCheckDef & Record<string, unknown>;
    if (inclusive === false) throw new Error('bounds must be inclusive');
    if (check.startsWith('min_')) bounds.minimum = minimum as number;
    if (check.startsWith('max_')) bounds.maximum = maximum as number;
    if (check === 'greater_than') bounds.minimum = value as number;
    if (check === 'less_than') bounds.maximum = value as number;
  }
  return bounds;
}

function patternsOf(schema: z.ZodType): readonly RegExp[] {
  return (schema._zod.def.checks ?? []).flatMap(({ _zod }) => {
    const { pattern } = _zod.def as { readonly pattern?: RegExp };
    return pattern === undefined ? [] : [pattern];
  });
}

function textBounds(schema: z.ZodString, path: string): StructuralNode {
  const { minimum, maximum } = boundsOf(schema);
  if (maximum === undefined) throw new Error(`${path}: a text needs a longest length`);
  const [first, ...more] = patternsOf(schema).map((pattern) => ({ pattern: portablePattern(pattern, path) }));
  return {
    ...(minimum === undefined ? {} : { minLength: minimum }),
    maxLength: maximum,
    ...first,
    ...(more.length === 0 ? {} : { allOf: more }),
  };
}

function numberNode(schema: z.ZodNumber): StructuralNode {
  const { minimum, maximum } = boundsOf(schema);
  const isInteger = schema.isInt;
  // Beyond them a number here is no longer the one that was written.
  const [least, most] = isInteger ? [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] : [undefined, undefined];
  const bounds = { minimum: minimum ?? least, maximum: maximum ?? most };
  return {
    type: isInteger ? 'integer' : 'number',
    ...(bounds.minimum === undefined ? {} : { minimum: bounds.minimum }),
    ...(bounds.maximum === undefined ? {} : { maximum: bounds.maximum }),
  };
}

function itemBounds(schema: z.ZodArray, path: string): StructuralNode {
  const { minimum, maximum } = boundsOf(schema);
  if (maximum === undefined) throw new Error(`${path}: a list needs a largest size`);
  return { ...(minimum === undefined ? {} : { minItems: minimum }), maxItems: maximum };
}

function objectFields(schema: z.ZodObject, path: string): StructuralNode {
  const entries = Object.entries(schema.shape) as [string, z.ZodType][];
  const isStrict = schema.def.catchall !== undefined;
  const required = entries.filter(([, child]) => !child.safeParse(undefined).success).map(([name]) => name);
  return {
    properties: Object.fromEntries(entries.map(([name, child]) => [name, structural(child, `${path}.${name}`)])),
    ...(required.length === 0 ? {} : { required }),
    ...(isStrict ? {} : { 'x-kubernetes-preserve-unknown-fields': true }),
  };
}

/** A map; what is said of its names is said in CEL. */
function recordNode(schema: z.ZodRecord, path: string): StructuralNode {
  const value = schema.valueType as z.ZodType;
  if (value instanceof z.ZodUnknown) return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const most = declaredOf(schema).declared.find(({ mostMembers }) => mostMembers !== undefined)?.mostMembers;
  if (most === undefined) throw new Error(`${path}: a map needs a largest size`);
  const node = { type: 'object', maxProperties: most, additionalProperties: structural(value, `${path}.*`) };
  return withRules(node, nameRules(schema.keyType as z.ZodType, path));
}

function nameRules(names: z.ZodType, path: string): readonly CelRule[] {
  const { minimum, maximum } = boundsOf(names);
  const bounds = [
    ...(minimum === undefined ? [] : [`size(self) >= ${minimum}`]),
    ...(maximum === undefined ? [] : [`size(self) <= ${maximum}`]),
  ].map((rule) => ({ rule, message: `has ${minimum ?? 0} to ${maximum ?? 'any number of'} characters` }));
  const patterns = patternsOf(names).map((pattern) => ({
    rule: `self.matches(${JSON.stringify(portablePattern(pattern, path))})`,
    message: messageOf(names, pattern),
  }));
  const { declared, others } = declaredOf(names);
  if (others > 0) throw new Error(`${path}: a refinement of names that neither rule() nor beyond() declared`);
  return [...bounds, ...patterns, ...celRules(declared)].map(({ rule, message }) => ({
    rule: `self.all(name, ${rule.replaceAll(/\bself\b/g, 'name')})`,
    message: `a name ${message}`,
  }));
}

/** What a schema says where its pattern does not match. */
function messageOf(schema: z.ZodType, pattern: RegExp): string {
  for (const { _zod } of schema._zod.def.checks ?? []) {
    const { pattern: own, error } = _zod.def as unknown as Partial<{ pattern: RegExp; error: () => unknown }>;
    const text = own === pattern ? error?.() : undefined;
    if (typeof text === 'string') return text;
  }
  return 'has the wrong form';
}

/** No such value: what a union does not take. Types within `anyOf` are not allowed in a structural schema. */
const never = {
  number: { minimum: 1, maximum: 0 },
  boolean: { not: { enum: [true, false] } },
  string: { minLength: 1, maxLength: 0 },
  array: { minItems: 1, maxItems: 0 },
  object: { minProperties: 1, maxProperties: 0 },
} as const;

/** Text, a list, or an object, of which each keyword concerns one only. */
function unionNode(schema: z.ZodUnion, path: string): StructuralNode {
  const options = schema.options as readonly z.ZodType[];
  const text = options.find((option) => option instanceof z.ZodString);
  const list = options.find((option) => option instanceof z.ZodArray);
  const object = options.find((option) => option instanceof z.ZodObject);
  const known = [text, list, object].filter((option) => option !== undefined);
  if (known.length !== options.length) throw new Error(`${path}: a union of these cannot stand in a CRD`);
  if (object?.def.catchall !== undefined) throw new Error(`${path}: an object in a union must take unknown fields`);
  const { type: _, ...items } = list === undefined ? { type: '', ...never.array } : structural(list, path);
  return {
    'x-kubernetes-preserve-unknown-fields': true,
    ...never.number,
    ...never.boolean,
    ...(text === undefined ? never.string : textBounds(text, path)),
    ...items,
    ...(object === undefined ? never.object : objectFields(object, path)),
  };
}
