import { z } from 'zod';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { bare } from '../lib/schema.ts';

/** Text of a config that is a template, with its place below `spec.config`. */
export interface TemplatedText {
  readonly path: readonly (string | number)[];
  readonly text: string;
  /** A condition is rendered as `true` or `false`. */
  readonly kind: 'template' | 'condition';
}

/** All texts of a config that are templates: fields, and members of lists and maps. Pure. */
export function templatedTexts(schema: z.ZodObject, config: JsonObject): readonly TemplatedText[] {
  return Object.entries(schema.shape).flatMap(([name, field]) => textsIn(bare(field), config[name], [name]));
}

function textsIn(
  schema: z.ZodType,
  value: JsonValue | undefined,
  path: TemplatedText['path'],
): readonly TemplatedText[] {
  if (value === undefined || value === null) return [];
  if (schema instanceof z.ZodString) {
    const kind = kindOf(schema);
    return kind !== null && typeof value === 'string' ? [{ path, text: value, kind }] : [];
  }
  if (schema instanceof z.ZodArray && Array.isArray(value))
    return value.flatMap((item, index) => textsIn(bare(schema.element as z.ZodType), item, [...path, index]));
  if (typeof value !== 'object' || Array.isArray(value)) return [];
  const members = schema instanceof z.ZodObject ? schema.shape : undefined;
  const any = schema instanceof z.ZodRecord ? bare(schema.valueType as z.ZodType) : undefined;
  return Object.entries(value).flatMap(([name, item]) => {
    const member = any ?? (members?.[name] === undefined ? undefined : bare(members[name]));
    return member === undefined ? [] : textsIn(member, item, [...path, name]);
  });
}

function kindOf(schema: z.ZodString): TemplatedText['kind'] | null {
  const { template, condition } = schema.meta() ?? {};
  if (template === true) return 'template';
  return condition === true ? 'condition' : null;
}

/** Fields of a config with texts in their places. Pure. */
export function withTexts(config: JsonObject, texts: readonly Omit<TemplatedText, 'kind'>[]): JsonObject {
  const fields = new Set(texts.map(({ path: [name] }) => String(name)));
  const copy = structuredClone(Object.fromEntries(Object.entries(config).filter(([name]) => fields.has(name))));
  for (const { path, text } of texts) {
    let parent: Record<string, unknown> = copy;
    for (const step of path.slice(0, -1)) parent = parent[step] as Record<string, unknown>;
    parent[path.at(-1) as string] = text;
  }
  return copy;
}
