import { FunctionError } from '../error.ts';
import { sortedKeys } from '../print.ts';
import { checkMembers, spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { isTrue, kindOf, member, typeName } from '../values.ts';
import type { GoMap } from '../values.ts';
import { fixed, variadic, withMust } from './define.ts';
import type { FunctionTable } from './define.ts';
import { changeable, deepCopy, ownMap, put } from './own.ts';
import type { OwnMap } from './own.ts';

/** A map from alternating names and values. */
function dict(members: readonly unknown[]): GoMap {
  if (members.length % 2 !== 0) throw new FunctionError('dict needs an even number of arguments');
  const map = ownMap();
  for (let index = 0; index < members.length; index += 2) {
    const key = members[index];
    if (typeof key !== 'string') throw new FunctionError('keys of a dict must be text');
    map[key] = members[index + 1];
  }
  return map;
}

/** The members of a map whose names are wanted. */
function filtered(map: GoMap | undefined, isWanted: (key: string) => boolean, runtime: Runtime): GoMap {
  const result = ownMap();
  const keys = Object.keys(map ?? {});
  spend(runtime, keys.length);
  for (const key of keys) if (isWanted(key)) result[key] = member(map ?? {}, key);
  return result;
}

/** What stands at the end of a path through maps, or the default where a name is missing. */
function dig(values: readonly unknown[]): unknown {
  if (values.length < 3) throw new FunctionError('dig needs at least three arguments');
  const path = values.slice(0, -2);
  let value = values.at(-1);
  for (const [index, name] of path.entries()) {
    if (typeof name !== 'string') throw new FunctionError(`dig needs names, not a value of type ${typeName(name)}`);
    if (kindOf(value) !== 'map') {
      const place = index === 0 ? 'its last argument' : path.slice(0, index).join('.');
      throw new FunctionError(`dig needs a map, and ${place} is a value of type ${typeName(value)}`);
    }
    if (!Object.hasOwn(value as GoMap, name)) return values.at(-2);
    value = member(value as GoMap, name);
  }
  return value;
}

/** Sprig's merge (mergo): fills what is missing or empty, or takes all that is not nil; maps in maps are merged too. */
function mergeInto(destination: GoMap | undefined, source: GoMap, overwrites: boolean, runtime: Runtime): OwnMap {
  const map = changeable(destination, runtime);
  for (const key of Object.keys(source)) {
    spend(runtime);
    const value = member(source, key) ?? null;
    const present = member(map, key);
    if (value === null) {
      if (overwrites) map[key] = null;
    } else if (kindOf(value) === 'map' && kindOf(present) === 'map') {
      const merged = mergeInto(present as GoMap, value as GoMap, overwrites, runtime);
      put(map, key, isTrue(merged) ? merged : value, runtime);
    } else if (overwrites || !isTrue(present)) put(map, key, value, runtime);
  }
  return map;
}

function merger(overwrites: boolean): FunctionTable[string] {
  return variadic(['map'], 'map', (first, sources, runtime) =>
    sources.reduce<GoMap>(
      (merged, source) => mergeInto(merged, source ?? {}, overwrites, runtime),
      changeable(first, runtime),
    ),
  );
}

function set(map: GoMap | undefined, key: string, value: unknown, runtime: Runtime): GoMap {
  const changed = changeable(map, runtime);
  put(changed, key, value, runtime);
  return changed;
}

function unset(map: GoMap | undefined, key: string, runtime: Runtime): GoMap {
  const changed = changeable(map, runtime);
  Reflect.deleteProperty(changed, key);
  return changed;
}

/** Maps, as Sprig has them; what the data holds is copied before it is changed. */
export const mapFunctions: FunctionTable = {
  dict: variadic([], 'any', dict),
  get: fixed(['map', 'string'], (map, key) => (map !== undefined && Object.hasOwn(map, key) ? map[key] : '')),
  hasKey: fixed(['map', 'string'], (map, key) => map !== undefined && member(map, key) !== undefined),
  keys: variadic([], 'map', (maps, runtime) => {
    const keys = maps.flatMap((map) => (map === undefined ? [] : Object.keys(map)));
    checkMembers(runtime, keys.length);
    spend(runtime, keys.length * 4);
    return keys.sort();
  }),
  values: fixed(['map'], (map = {}, runtime) => {
    const keys = sortedKeys(map, runtime);
    checkMembers(runtime, keys.length);
    return keys.map((key) => member(map, key));
  }),
  pluck: variadic(['string'], 'map', (key, maps) =>
    maps.flatMap((map) => (map !== undefined && Object.hasOwn(map, key) ? [member(map, key)] : [])),
  ),
  pick: variadic(['map'], 'string', (map, names, runtime) => {
    const wanted = new Set(names);
    return filtered(map, (key) => wanted.has(key), runtime);
  }),
  omit: variadic(['map'], 'string', (map, names, runtime) => {
    const unwanted = new Set(names);
    return filtered(map, (key) => !unwanted.has(key), runtime);
  }),
  dig: variadic([], 'any', dig),
  set: fixed(['map', 'string', 'any'], set),
  unset: fixed(['map', 'string'], unset),
  ...withMust({ merge: merger(false), mergeOverwrite: merger(true), deepCopy: fixed(['any'], deepCopy) }),
};
