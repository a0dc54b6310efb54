import { accessFunctions } from './access.ts';
import { compareFunctions } from './compare.ts';
import { dateFunctions } from './dates.ts';
import type { FunctionTable, TemplateFunction } from './define.ts';
import { encodingFunctions } from './encoding.ts';
import { jsonFunctions } from './json.ts';
import { listFunctions } from './lists.ts';
import { mathFunctions } from './math.ts';
import { regexFunctions } from './regex.ts';
import { stringFunctions } from './strings.ts';

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
];

/** All functions by name; a Map, so that `constructor` is no function. */
export const functions: ReadonlyMap<string, TemplateFunction> = new Map(
  tables.flatMap((table) => Object.entries(table)),
);

/** `and` and `or` are the executor's own, because they stop at the first argument that decides. */
export const functionNames: ReadonlySet<string> = new Set([...functions.keys(), 'and', 'or']);
