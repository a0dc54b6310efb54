import { FunctionError } from '../error.ts';
import { spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { kindOf, member } from '../values.ts';
import type { GoList, GoMap } from '../values.ts';

/** A map that a template made. */
export type OwnMap = Record<string, unknown>;

/** The prototype by which a map of a template's own is known; empty, so that `__proto__` is a name like any other. */
const own: object = Object.freeze(Object.create(null) as object);

/** An empty map of the template's own: `set`, `unset` and `merge` change it in place, as Sprig's do. */
export function ownMap(): OwnMap {
  return Object.create(own) as OwnMap;
}

/**
 * The map to change: itself where a template made it, else a copy of its first level. Data is shared with other
 * templates and is never changed.
 */
export function changeable(map: GoMap | undefined, runtime: Runtime): OwnMap {
  if (map !== undefined && Object.getPrototypeOf(map) === own) return map;
  const copy = ownMap();
  for (const key of Object.keys(map ?? {})) copy[key] = member(map ?? {}, key);
  spend(runtime, Object.keys(copy).length);
  return copy;
}

/** Puts a value into a map of the template's own. Throws FunctionError where the map would hold itself. */
export function put(map: OwnMap, key: string, value: unknown, runtime: Runtime): void {
  refuseCycle(value, map, runtime);
  map[key] = value ?? null;
}

function refuseCycle(value: unknown, map: OwnMap, runtime: Runtime): void {
  spend(runtime);
  if (value === map) throw new FunctionError('a map cannot be put into itself');
  const kind = kindOf(value);
  if (kind === 'list') for (const element of value as GoList) refuseCycle(element, map, runtime);
  if (kind === 'map') for (const key of Object.keys(value as GoMap)) refuseCycle((value as GoMap)[key], map, runtime);
}

/** A value with all its maps and lists copied, so that the template may change each of its maps. */
export function deepCopy(value: unknown, runtime: Runtime): unknown {
  spend(runtime);
  const kind = kindOf(value);
  if (kind === 'list') return (value as GoList).map((element) => deepCopy(element, runtime));
  if (kind !== 'map') return value;
  const copy = ownMap();
  for (const key of Object.keys(value as GoMap)) copy[key] = deepCopy(member(value as GoMap, key), runtime);
  return copy;
}
