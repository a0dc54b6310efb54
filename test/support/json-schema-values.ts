import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import type { Random } from './random.ts';

// Values of a JSON Schema, as the OpenAPI document has them, in bounds and out of bounds.

/** What nobody would send on purpose. */
export const oddTexts = [
  '\u0000',
  '\u001b[31m',
  '%',
  '../../etc/passwd',
  "' OR 1=1 --",
  '{{ .alert }}',
  '\ud83d\ude00',
  'ä'.repeat(100),
  '__proto__',
  'constructor',
  'null',
  '-1',
  '1e9',
  '9'.repeat(30),
] as const;

/** A few of them. */
export function someOdd(random: Random): readonly string[] {
  return [random.pick(oddTexts), random.pick(oddTexts), random.pick(oddTexts)];
}

/** A value that the schema takes. */
export function goodValue(schema: JsonObject, random: Random): JsonValue {
  const { examples, enum: words, type, minimum, maximum, minItems } = schema;
  if (Array.isArray(examples)) return random.pick(examples);
  if (Array.isArray(words)) return random.pick(words);
  if (schema['const'] !== undefined) return schema['const'];
  const kind = Array.isArray(type) ? random.pick(type) : type;
  if (kind === 'integer' || kind === 'number') return random.between(numberOr(minimum, 0), numberOr(maximum, 1000));
  if (kind === 'boolean') return random.next() < 0.5;
  if (kind === 'null') return null;
  if (kind === 'array') {
    const items = schema['items'] as JsonObject;
    return Array.from({ length: numberOr(minItems, 1) }, () => goodValue(items, random));
  }
  if (kind === 'object') return goodObject(schema, random);
  return schema['format'] === 'date-time' ? '2026-01-31T08:00:00Z' : `text-${random.between(1, 999)}`;
}

function goodObject(schema: JsonObject, random: Random): JsonObject {
  const required = (schema['required'] ?? []) as readonly string[];
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonObject>>;
  const chosen = Object.entries(properties).filter(([name]) => required.includes(name) || random.next() < 0.3);
  return Object.fromEntries(chosen.map(([name, field]) => [name, goodValue(field, random)]));
}

/** Values that the schema refuses; of a text without bounds there are none. */
export function badValues(schema: JsonObject, random: Random): readonly JsonValue[] {
  const { enum: words, type, minimum, maximum, minLength, maxLength } = schema;
  if (Array.isArray(words)) return ['no such word', '', ...someOdd(random)];
  if (type === 'integer')
    return ['', 'x', '1.5', ' 1', ...numbersBeyond(minimum, -1), ...numbersBeyond(maximum, 1), '9'.repeat(30)];
  if (type === 'boolean') return ['perhaps', '2'];
  const isText = type === 'string';
  return [
    ...(isText && numberOr(minLength, 0) > 0 ? [''] : []),
    ...(isText && typeof maxLength === 'number' ? ['x'.repeat(maxLength + 1)] : []),
  ];
}

function numbersBeyond(bound: JsonValue | undefined, by: number): readonly JsonValue[] {
  return typeof bound === 'number' ? [bound + by] : [];
}

function numberOr(value: JsonValue | undefined, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

/** Bodies that are near the schema and not of it, and some that are far from everything. */
export function oddBodies(good: JsonValue, random: Random): readonly JsonValue[] {
  const fields = typeof good === 'object' && good !== null && !Array.isArray(good) ? good : {};
  const wrong: readonly JsonValue[] = [null, 7, 'text', [], {}, { deep: { deeper: [[[{}]]] } }, true];
  return [
    ...wrong,
    { ...fields, unknown: 1 },
    ...Object.keys(fields).flatMap((name) => wrong.map((value) => ({ ...fields, [name]: value }))),
    ...Object.keys(fields).map((name) =>
      Object.fromEntries(Object.entries(fields).filter(([other]) => other !== name)),
    ),
    ...Object.keys(fields).flatMap((name) => someOdd(random).map((value) => ({ ...fields, [name]: value }))),
  ];
}
