import { compareUtf8 } from '../../hash.ts';
import { FunctionError } from '../error.ts';
import { formatValue } from '../print.ts';
import { checkCharacters, checkMembers, spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { isTrue, kindOf, nilList, typeName } from '../values.ts';
import type { GoList } from '../values.ts';
import { deepEqual } from './compare.ts';
import { fixed, variadic, withMust } from './define.ts';
import type { FunctionTable } from './define.ts';

function listOf(value: unknown, name: string): GoList {
  if (kindOf(value) === 'list') return value as GoList;
  throw new FunctionError(`${name} needs a list, not a value of type ${typeName(value)}`);
}

/** Sprig's strslice: a list's members as text without its nils; anything else is a list of one. */
export function textsOf(value: unknown, runtime: Runtime): string[] {
  if (value === undefined || value === null) return [];
  const list = kindOf(value) === 'list' ? (value as GoList) : [value];
  spend(runtime, list.length);
  return list
    .filter((element) => element !== undefined && element !== null)
    .map((element) => formatValue(element, runtime));
}

function bounded(list: GoList, runtime: Runtime): GoList {
  checkMembers(runtime, list.length);
  return list;
}

function unique(list: GoList, runtime: Runtime): GoList {
  const kept: unknown[] = [];
  for (const element of list) if (!contains(kept, element, runtime)) kept.push(element);
  return kept;
}

function contains(list: GoList, wanted: unknown, runtime: Runtime): boolean {
  return list.some((element) => deepEqual(element, wanted, runtime));
}

/** Each of some n log n comparisons may look at the whole texts. */
function sorted(texts: string[], runtime: Runtime): string[] {
  const longest = texts.reduce((most, text) => Math.max(most, text.length), 0);
  spend(runtime, Math.ceil(texts.length * Math.log2(texts.length + 1) * (1 + longest / 32)));
  return texts.sort(compareUtf8);
}

function join(separator: string, value: unknown, runtime: Runtime): string {
  const texts = textsOf(value, runtime);
  const characters = texts.reduce((sum, text) => sum + text.length, separator.length * Math.max(texts.length - 1, 0));
  checkCharacters(runtime, characters);
  return texts.join(separator);
}

/** Lists of at most `size` members. */
function chunk(size: number, list: GoList, runtime: Runtime): GoList {
  if (size < 1) throw new FunctionError('chunk needs a size of at least 1');
  spend(runtime, Math.ceil(list.length / size));
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

const list = variadic([], 'any', (elements, runtime) => bounded(elements, runtime));

/** Lists, as Sprig and Alertmanager have them. */
export const listFunctions: FunctionTable = {
  list,
  tuple: list,
  stringSlice: variadic([], 'string', (elements) => elements),
  concat: variadic([], 'any', (lists, runtime) => {
    if (lists.length === 0) return nilList;
    const parts = lists.map((list) => listOf(list, 'concat'));
    checkMembers(
      runtime,
      parts.reduce((sum, part) => sum + part.length, 0),
    );
    return parts.flat(1);
  }),
  sortAlpha: fixed(['any'], (value, runtime) => {
    if (kindOf(value) === 'list') return sorted(textsOf(value, runtime), runtime);
    return [formatValue(value, runtime)];
  }),
  join: fixed(['string', 'any'], join),
  toStrings: fixed(['any'], (value, runtime) => textsOf(value, runtime)),
  ...withMust({
    append: variadic(['list'], 'any', (list, elements, runtime) => bounded([...(list ?? []), ...elements], runtime)),
    push: fixed(['any', 'any'], (value, element, runtime) => bounded([...listOf(value, 'push'), element], runtime)),
    prepend: fixed(['any', 'any'], (value, element, runtime) =>
      bounded([element, ...listOf(value, 'prepend')], runtime),
    ),
    compact: fixed(['any'], (value) => listOf(value, 'compact').filter(isTrue)),
    chunk: fixed(['int', 'any'], (size, value, runtime) => chunk(size, listOf(value, 'chunk'), runtime)),
    first: fixed(['any'], (value) => listOf(value, 'first').at(0) ?? null),
    last: fixed(['any'], (value) => listOf(value, 'last').at(-1) ?? null),
    rest: fixed(['any'], (value) => {
      const list = listOf(value, 'rest');
      return list.length === 0 ? nilList : list.slice(1);
    }),
    initial: fixed(['any'], (value) => {
      const list = listOf(value, 'initial');
      return list.length === 0 ? nilList : list.slice(0, -1);
    }),
    reverse: fixed(['any'], (value) => [...listOf(value, 'reverse')].reverse()),
    uniq: fixed(['any'], (value, runtime) => unique(listOf(value, 'uniq'), runtime)),
    has: fixed(['any', 'any'], (wanted, value, runtime) =>
      value === undefined || value === null ? false : contains(listOf(value, 'has'), wanted, runtime),
    ),
    without: variadic(['any'], 'any', (value, omitted, runtime) =>
      listOf(value, 'without').filter((element) => !contains(omitted, element, runtime)),
    ),
  }),
};
