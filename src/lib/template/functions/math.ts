import { FunctionError } from '../error.ts';
import { fitsInt64, outOfRange, parseGoFloat, parseGoInteger } from '../number.ts';
import { checkMembers, spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { float64, floatNumber, int64, wholeNumber } from '../values.ts';
import { fixed, variadic } from './define.ts';
import type { FunctionTable } from './define.ts';

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

/** Sprig's toFloat64: what is no number is 0. */
export function toFloat(value: unknown): number {
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

function untilStep(start: number, stop: number, step: number, runtime: Runtime): readonly bigint[] {
  const isTowards = stop < start ? step < 0 : step > 0;
  const count = isTowards ? Math.ceil((stop - start) / step) : 0;
  checkMembers(runtime, count);
  spend(runtime, count);
  return Array.from({ length: count }, (_, index) => BigInt(start + index * step));
}

/** As the command of that name: `seq 3`, `seq 2 5`, `seq FIRST STEP LAST`; text with spaces between. */
function seq(parameters: readonly number[], runtime: Runtime): string {
  spend(runtime, 8);
  if (parameters.length === 0 || parameters.length > 3) return '';
  const first = parameters.length === 1 ? 1 : (parameters[0] ?? 0);
  const last = parameters.at(-1) ?? 0;
  const direction = last < first ? -1 : 1;
  const step = parameters.length === 3 ? (parameters[1] ?? 0) : direction;
  if (direction < 0 && step > 0) return '';
  return untilStep(first, last + direction, step, runtime).join(' ');
}

/** Decimal text as Go's strconv.Atoi reads it; 0 where it does not. */
function atoi(text: string): bigint {
  if (!/^[+-]?\d{1,1000}$/.test(text)) return 0n;
  const value = BigInt(text.replace(/^\+/, ''));
  if (fitsInt64(value)) return value;
  return value < 0n ? outOfRange : -outOfRange - 1n;
}

const max = variadic(['any'], 'any', (first, rest) => extreme(first, rest, (left, right) => left > right));

/** Sprig's whole-number arithmetic (int64, wrapping) and conversions. */
export const mathFunctions: FunctionTable = {
  add: variadic([], 'any', (values) => int64(values.reduce<bigint>((sum, value) => sum + toInteger(value), 0n))),
  sub: fixed(['any', 'any'], (left, right) => int64(toInteger(left) - toInteger(right))),
  mul: variadic(['any'], 'any', (first, rest) =>
    int64(rest.reduce<bigint>((product, value) => BigInt.asIntN(64, product * toInteger(value)), toInteger(first))),
  ),
  div: fixed(['any', 'any'], (left, right) => divide(left, right, (dividend, divisor) => dividend / divisor)),
  mod: fixed(['any', 'any'], (left, right) => divide(left, right, (dividend, divisor) => dividend % divisor)),
  max,
  biggest: max,
  min: variadic(['any'], 'any', (first, rest) => extreme(first, rest, (left, right) => left < right)),
  int: fixed(['any'], (value) => toInteger(value)),
  int64: fixed(['any'], (value) => int64(toInteger(value))),
  atoi: fixed(['string'], atoi),
  add1: fixed(['any'], (value) => int64(toInteger(value) + 1n)),
  until: fixed(['int'], (count, runtime) => untilStep(0, count, count < 0 ? -1 : 1, runtime)),
  untilStep: fixed(['int', 'int', 'int'], untilStep),
  seq: variadic([], 'int', seq),
  float64: fixed(['any'], (value) => float64(toFloat(value))),
};
