import { FunctionError } from '../error.ts';
import { parseGoFloat, parseGoInteger, fitsInt64 } from '../number.ts';
import { float64, floatNumber, int64, isTrue, kindOf, wholeNumber } from '../values.ts';
import { fixed, variadic } from './define.ts';
import type { FunctionTable } from './define.ts';

/** What Go's conversion gives for a float64 outside int64 on amd64. */
const outOfRange = -(2n ** 63n);

/** Sprig's toInt64: text by strconv.ParseInt with base 0, floats cut, true 1; what is no number is 0. */
function toInteger(value: unknown): bigint {
  const whole = wholeNumber(value);
  if (whole !== undefined) return whole;
  if (value === true) return 1n;
  if (typeof value === 'string') {
    const parsed = parseGoInteger(value.replace(/(?<=.)\.0*$/, ''));
    return parsed !== undefined && fitsInt64(parsed) ? parsed : 0n;
  }
  const float = floatNumber(value);
  if (float === undefined) return 0n;
  if (!Number.isFinite(float)) return outOfRange;
  const cut = BigInt(Math.trunc(float));
  return fitsInt64(cut) ? cut : outOfRange;
}

function toFloat(value: unknown): number {
  const whole = wholeNumber(value);
  if (whole !== undefined) return Number(whole);
  if (typeof value === 'string') return parseGoFloat(value) ?? 0;
  return floatNumber(value) ?? (value === true ? 1 : 0);
}

function divide(left: unknown, right: unknown, operation: (dividend: bigint, divisor: bigint) => bigint): unknown {
  const divisor = toInteger(right);
  if (divisor === 0n) throw new FunctionError('division by zero');
  return int64(operation(toInteger(left), divisor));
}

function extreme(
  first: unknown,
  rest: readonly unknown[],
  isBetter: (left: bigint, right: bigint) => boolean,
): unknown {
  return int64(rest.map(toInteger).reduce((best, next) => (isBetter(next, best) ? next : best), toInteger(first)));
}

function kindName(value: unknown): string {
  const kind = kindOf(value);
  if (kind === 'missing' || kind === 'nil') return 'invalid';
  if (kind === 'list') return 'slice';
  if (kind === 'time') return 'struct';
  return kind === 'duration' ? 'int64' : kind;
}

/** A time is a struct, which Sprig never takes for empty. */
function isEmpty(value: unknown): boolean {
  return !isTrue(value);
}

/** Sprig's whole-number arithmetic (int64, wrapping), conversions and defaults. */
export const mathFunctions: FunctionTable = {
  add: variadic([], 'any', (values) => int64(values.reduce<bigint>((sum, value) => sum + toInteger(value), 0n))),
  sub: fixed(['any', 'any'], (left, right) => int64(toInteger(left) - toInteger(right))),
  mul: variadic(['any'], 'any', (first, rest) =>
    int64(rest.reduce<bigint>((product, value) => BigInt.asIntN(64, product * toInteger(value)), toInteger(first))),
  ),
  div: fixed(['any', 'any'], (left, right) => divide(left, right, (dividend, divisor) => dividend / divisor)),
  mod: fixed(['any', 'any'], (left, right) => divide(left, right, (dividend, divisor) => dividend % divisor)),
  max: variadic(['any'], 'any', (first, rest) => extreme(first, rest, (left, right) => left > right)),
  min: variadic(['any'], 'any', (first, rest) => extreme(first, rest, (left, right) => left < right)),
  int: fixed(['any'], (value) => toInteger(value)),
  float64: fixed(['any'], (value) => float64(toFloat(value))),
  default: variadic(['any'], 'any', (fallback, given) => (isEmpty(given[0]) ? fallback : given[0])),
  coalesce: variadic([], 'any', (values) => values.find((value) => !isEmpty(value)) ?? null),
  ternary: fixed(['any', 'any', 'bool'], (yes, no, condition) => (condition ? yes : no)),
  empty: fixed(['any'], (value) => isEmpty(value)),
  kindOf: fixed(['any'], (value) => kindName(value)),
};
