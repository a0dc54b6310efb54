import { finishInTurns } from '../../lib/turns.ts';
import { isJson, isObject, parseJson } from './objects-text.ts';
import type { ParsedObjects } from './objects-text.ts';

/**
 * The objects of a List, an array, a single object, or (YAML) of several documents of these. Whatever has no
 * `metadata.name` is left out. Gives turns. Throws NoObjects.
 */
export async function parseObjects(bytes: Buffer): Promise<ParsedObjects> {
  const { listed, single } = await (isJson(bytes) ? finishInTurns(parseJson(bytes)) : parseAsYaml(bytes));
  return { listed: listed.filter(isObject), single: single.filter(isObject) };
}

/** The parser of YAML takes as long to load as a small dump of JSON to investigate: it is loaded where it is needed. */
async function parseAsYaml(bytes: Buffer): Promise<ParsedObjects<unknown>> {
  const { parseDocuments } = await import('./objects-yaml.ts');
  return finishInTurns(parseDocuments(bytes));
}
