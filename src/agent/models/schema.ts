import { objectOf } from '../../core/json.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';

/** Keywords whose value has schemas by names, which are no keywords. */
const named = new Set(['properties', 'patternProperties', '$defs', 'definitions']);
/** Keywords whose value is data. */
const data = new Set(['enum', 'const', 'default', 'examples', 'required']);

/** A JSON Schema without these keywords, on every level. */
export function without(words: readonly string[], schema: JsonObject): JsonObject {
  if (words.length === 0) return schema;
  const inner = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(inner);
    return value !== null && typeof value === 'object' ? without(words, value) : value;
  };
  const kept = Object.entries(schema).filter(([word]) => !words.includes(word));
  return Object.fromEntries(
    kept.map(([word, value]): [string, JsonValue] => {
      if (data.has(word)) return [word, value];
      if (!named.has(word)) return [word, inner(value)];
      return [word, Object.fromEntries(Object.entries(objectOf(value)).map(([name, each]) => [name, inner(each)]))];
    }),
  );
}
