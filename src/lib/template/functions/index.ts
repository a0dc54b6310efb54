import { mostSimilar } from '../../similar.ts';
import { accessFunctions } from './access.ts';
import { compareFunctions } from './compare.ts';
import { dateFunctions } from './dates.ts';
import { caseFunctions } from './cases.ts';
import { decimalFunctions } from './decimals.ts';
import { humanizeFunctions } from './humanize.ts';
import { kindFunctions } from './kinds.ts';
import { mapFunctions } from './maps.ts';
import { partFunctions } from './parts.ts';
import { prometheusFunctions } from './prometheus.ts';
import type { FunctionTable, TemplateFunction } from './define.ts';
import { encodingFunctions } from './encoding.ts';
import { jsonFunctions } from './json.ts';
import { listFunctions } from './lists.ts';
import { mathFunctions } from './math.ts';
import { regexFunctions } from './regex.ts';
import { stringFunctions } from './strings.ts';

import { refusedFunctions } from './refused.ts';

/** Every family of functions; none reads files, the environment or the network. */
const tables: readonly FunctionTable[] = [
  accessFunctions,
  compareFunctions,
  dateFunctions,
  encodingFunctions,
  jsonFunctions,
  listFunctions,
  mathFunctions,
  regexFunctions,
  stringFunctions,
  prometheusFunctions,
  partFunctions,
  mapFunctions,
  kindFunctions,
  humanizeFunctions,
  decimalFunctions,
  caseFunctions,
];

/** All functions by name; a Map, so that `constructor` is no function. */
export const functions: ReadonlyMap<string, TemplateFunction> = new Map(
  tables.flatMap((table) => Object.entries(table)),
);

/** `and` and `or` are the executor's own, because they stop at the first argument that decides. */
export const functionNames: ReadonlySet<string> = new Set([...functions.keys(), 'and', 'or']);

/** What to say of a name that is no function. */
export function unknownFunction(name: string): string {
  const refusal = refusedFunctions.get(name);
  if (refusal !== undefined) return `function ${JSON.stringify(name)} is refused: ${refusal}`;
  const similar = mostSimilar(name, [...functionNames]);
  return `function ${JSON.stringify(name)} is not defined${similar === undefined ? '' : `; did you mean ${similar}?`}`;
}
