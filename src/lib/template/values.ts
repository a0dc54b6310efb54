/**
 * What templates compute with. Data stays as JSON.parse made it: nothing is copied or converted before it is used.
 *
 * - `undefined` is Go's invalid value (a missing key), `null` a nil (a key whose value is null);
 * - a JavaScript number is an int64 where it is a safe whole number, else a float64;
 * - a bigint is a Go `int` (constants, `len`, range indexes);
 * - what does not fit these (an int64 beyond 2^53, a float64 that is whole, a time) is boxed with a symbol key, which data
 *   from JSON cannot hold;
 * - lists are arrays, maps are objects of which only own properties exist.
 */
const boxed: unique symbol = Symbol('boxed');

export interface BoxedInteger {
  readonly [boxed]: 'int64';
  readonly value: bigint;
}

export interface BoxedFloat {
  readonly [boxed]: 'float64';
  readonly value: number;
}

/** A Go time.Duration. */
export interface GoDuration {
  readonly [boxed]: 'duration';
  readonly nanoseconds: bigint;
}

/** Where a time is shown: UTC, a fixed offset, or a zone of the tz database. */
export type Zone = { readonly offsetSeconds: number } | { readonly name: string };

/** A Go time.Time. */
export interface GoTime {
  readonly [boxed]: 'time';
  /** Since 1970-01-01 UTC; negative before. */
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
  readonly zone: Zone;
}

/** A whole number that prints as a name: a time.Month or time.Weekday. */
export interface GoNamed {
  readonly [boxed]: 'named';
  readonly type: string;
  readonly value: bigint;
  readonly text: string;
}

type Boxed = BoxedInteger | BoxedFloat | GoDuration | GoTime | GoNamed;

export type Kind =
  | 'missing'
  | 'nil'
  | 'bool'
  | 'string'
  | 'int'
  | 'int64'
  | 'float64'
  | 'duration'
  | 'named'
  | 'time'
  | 'list'
  | 'map';

export type GoMap = Readonly<Record<string, unknown>>;
export type GoList = readonly unknown[];

/** Go's nil slice: prints as an empty list, but is `null` in JSON. */
export const nilList: GoList = Object.freeze([]);

export const utc: Zone = Object.freeze({ offsetSeconds: 0 });

export function goTime(seconds: number, nanoseconds: number, zone: Zone): GoTime {
  return { [boxed]: 'time', seconds, nanoseconds, zone };
}

export function goDuration(nanoseconds: bigint): GoDuration {
  return { [boxed]: 'duration', nanoseconds };
}

export function named(type: string, value: bigint, text: string): GoNamed {
  return { [boxed]: 'named', type, value, text };
}

/** An int64; wraps around as Go's arithmetic does. */
export function int64(value: bigint): number | BoxedInteger {
  const wrapped = BigInt.asIntN(64, value);
  const number = Number(wrapped);
  return Number.isSafeInteger(number) ? number : { [boxed]: 'int64', value: wrapped };
}

/** A float64. */
export function float64(value: number): number | BoxedFloat {
  return Number.isSafeInteger(value) ? { [boxed]: 'float64', value } : value;
}

export function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return Number.isSafeInteger(value) ? 'int64' : 'float64';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'object':
      break;
    default:
      return 'missing';
  }
  if (value === null) return 'nil';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Date) return 'time';
  return (value as Partial<Boxed>)[boxed] ?? 'map';
}

/** Go's name of a value's type, for messages and `%T`. */
export function typeName(value: unknown): string {
  const kind = kindOf(value);
  if (kind === 'list') return '[]interface {}';
  if (kind === 'map') return 'map[string]interface {}';
  if (kind === 'time') return 'time.Time';
  if (kind === 'duration') return 'time.Duration';
  if (kind === 'named') return (value as GoNamed).type;
  return kind === 'missing' || kind === 'nil' ? '<nil>' : kind;
}

/** The whole number in an int, int64, duration or month; `undefined` for anything else. */
export function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  const kind = kindOf(value);
  if (kind === 'int64' || kind === 'named') return (value as BoxedInteger | GoNamed).value;
  return kind === 'duration' ? (value as GoDuration).nanoseconds : undefined;
}

/** The number in a float64; `undefined` for anything else. */
export function floatNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? undefined : value;
  return kindOf(value) === 'float64' ? (value as BoxedFloat).value : undefined;
}

/** A time as a GoTime; a Date in the data is one too. */
export function timeValue(value: unknown): GoTime | undefined {
  if (value instanceof Date) {
    const milliseconds = value.getTime();
    if (Number.isNaN(milliseconds)) return undefined;
    const seconds = Math.floor(milliseconds / 1000);
    return goTime(seconds, (milliseconds - seconds * 1000) * 1e6, utc);
  }
  return kindOf(value) === 'time' ? (value as GoTime) : undefined;
}

/** Truth as `if` sees it: false, 0, nil, missing and everything empty are false; a time is always true. */
export function isTrue(value: unknown): boolean {
  switch (kindOf(value)) {
    case 'missing':
    case 'nil':
      return false;
    case 'bool':
      return value === true;
    case 'string':
      return value !== '';
    case 'list':
      return (value as GoList).length > 0;
    case 'map':
      return !isEmptyMap(value as GoMap);
    case 'time':
      return true;
    case 'float64':
      return floatNumber(value) !== 0;
    default:
      return wholeNumber(value) !== 0n;
  }
}

function isEmptyMap(map: GoMap): boolean {
  for (const key in map) if (Object.hasOwn(map, key)) return false;
  return true;
}

/** A map's own member; `undefined` where there is none, so that nothing inherited, and no function, can be seen. */
export function member(map: GoMap, name: string): unknown {
  const value = Object.hasOwn(map, name) ? map[name] : undefined;
  return typeof value === 'function' || typeof value === 'symbol' ? undefined : value;
}
