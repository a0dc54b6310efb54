import type { Pieces } from '../../lib/turns.ts';
import { parseYaml } from '../../lib/yaml.ts';
import { NoObjects, withTypeOf } from './objects-text.ts';
import type { ParsedObjects } from './objects-text.ts';
import { findYamlParts } from './yaml-parts.ts';

/** Of one document or item of YAML. */
const largestPart = 4 * 1024 * 1024;
/** More nodes than that through aliases is an attack, not an object. */
const maxAliasCount = 100;

/** The objects of documents of YAML, or of a List in it, item by item. Throws NoObjects. */
export function* parseDocuments(bytes: Buffer): Pieces<ParsedObjects<unknown>> {
  const [listed, single]: [unknown[], unknown[]] = [[], []];
  for (const { from, to, indent, list } of yield* findYamlParts(bytes)) {
    if (to - from > largestPart) throw new NoObjects('YAML', `has a part of more than ${largestPart} bytes`);
    const text = `${' '.repeat(indent)}${bytes.toString('utf8', from, to)}`;
    const value = yield* parsePart(withoutManagedFields(text));
    const items = itemsIn(value);
    if (items !== null) for (const item of items) listed.push(item);
    else if (list === null) single.push(value);
    else listed.push(withTypeOf(list, value));
    yield;
  }
  return { listed, single };
}

/** Without who wrote which field: it is often half of an object, parsing it takes as long, and nothing reads it. */
function withoutManagedFields(text: string): string {
  const column = /^( *)[A-Za-z]/m.exec(text)?.[1] ?? '';
  // Of the object itself: what stands deeper may be text.
  const start = new RegExp(
    `^${column}metadata:[ \\t]*\\r?\\n(?=(${column} +)\\S)(?:${column} .*\\n)*?(?=\\1managedFields:[ \\t]*\\r?\\n)`,
    'm',
  ).exec(text);
  if (start === null) return text;
  const from = start.index + start[0].length;
  const rest = text.slice(text.indexOf('\n', from) + 1);
  const end = new RegExp(`^(?!${start[1] ?? ''}(?: |-)|[ \\t]*\\r?$)`, 'm').exec(rest);
  return text.slice(0, from) + (end === null ? '' : rest.slice(end.index));
}

/** The items of a List that was not taken apart; null for an object. */
function itemsIn(value: unknown): readonly unknown[] | null {
  if (value === null || typeof value !== 'object') throw new NoObjects('YAML', 'is neither JSON nor YAML of objects');
  const { items } = value as { items?: unknown };
  return Array.isArray(items) ? items : null;
}

function* parsePart(text: string): Pieces<unknown> {
  const [part] = yield* parseYaml(text);
  const problem = part?.errors[0]?.message.split('\n')[0];
  if (problem !== undefined) throw new NoObjects('YAML', `is no YAML (${problem})`);
  try {
    return part?.documents[0]?.toJS({ maxAliasCount }) ?? null;
  } catch (error) {
    throw new NoObjects('YAML', `is no YAML (${(error as Error).message})`);
  }
}
