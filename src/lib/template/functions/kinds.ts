import { FunctionError } from '../error.ts';
import { isTrue, kindOf, typeName } from '../values.ts';
import { deepEqual } from './compare.ts';
import { fixed, variadic } from './define.ts';
import type { FunctionTable } from './define.ts';

/** Go's name of a value's kind (reflect.Kind). */
function kindName(value: unknown): string {
  const kind = kindOf(value);
  if (kind === 'missing' || kind === 'nil') return 'invalid';
  if (kind === 'list') return 'slice';
  if (kind === 'time') return 'struct';
  if (kind === 'named') return 'int';
  return kind === 'duration' ? 'int64' : kind;
}

/** Helm's `required`: only nothing and empty text are missing; 0 and false are values. */
function required(message: string, value: unknown): unknown {
  if (value === undefined || value === null || value === '') throw new FunctionError(message);
  return value;
}

function fail(message: string): never {
  throw new FunctionError(message);
}

/** What a value is, what stands for one that is empty, and failing: Sprig's and Helm's. A time is never empty. */
export const kindFunctions: FunctionTable = {
  default: variadic(['any'], 'any', (fallback, given) => (isTrue(given[0]) ? given[0] : fallback)),
  coalesce: variadic([], 'any', (values) => values.find(isTrue) ?? null),
  ternary: fixed(['any', 'any', 'bool'], (yes, no, condition) => (condition ? yes : no)),
  empty: fixed(['any'], (value) => !isTrue(value)),
  all: variadic([], 'any', (values) => values.every(isTrue)),
  any: variadic([], 'any', (values) => values.some(isTrue)),
  required: fixed(['string', 'any'], required),
  fail: fixed(['string'], fail),
  kindOf: fixed(['any'], kindName),
  kindIs: fixed(['string', 'any'], (kind, value) => kindName(value) === kind),
  typeOf: fixed(['any'], typeName),
  typeIs: fixed(['string', 'any'], (type, value) => typeName(value) === type),
  typeIsLike: fixed(['string', 'any'], (type, value) => [type, `*${type}`].includes(typeName(value))),
  deepEqual: fixed(['any', 'any'], deepEqual),
};
