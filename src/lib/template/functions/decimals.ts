import { FunctionError } from '../error.ts';
import { spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { float64, floatNumber, wholeNumber } from '../values.ts';
import { fixed, variadic } from './define.ts';
import type { FunctionTable } from './define.ts';
import { toFloat } from './math.ts';

/** `digits` times ten to the `exponent`: what is written is computed exactly, so that 0.1 and 0.2 make 0.3. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** Digits behind the point that a division gives. */
const divisionDigits = 16;

function decimalOf(value: unknown, runtime: Runtime): Decimal {
  spend(runtime, 32);
  const number = toFloat(value);
  if (!Number.isFinite(number)) throw new FunctionError(`cannot compute with ${number}`);
  const [mantissa = '0', exponent = '0'] = number.toExponential().split('e');
  const point = mantissa.indexOf('.');
  const behind = point === -1 ? 0 : mantissa.length - point - 1;
  return { digits: BigInt(mantissa.replace('.', '')), exponent: Number(exponent) - behind };
}

function floatOf({ digits, exponent }: Decimal): unknown {
  return float64(Number(`${digits}e${exponent}`));
}

/** Both with the smaller exponent. */
function aligned(left: Decimal, right: Decimal): readonly [bigint, bigint, number] {
  const exponent = Math.min(left.exponent, right.exponent);
  const scale = ({ digits, exponent: own }: Decimal): bigint => digits * 10n ** BigInt(own - exponent);
  return [scale(left), scale(right), exponent];
}

function add(left: Decimal, right: Decimal): Decimal {
  const [first, second, exponent] = aligned(left, right);
  return { digits: first + second, exponent };
}

function negated({ digits, exponent }: Decimal): Decimal {
  return { digits: -digits, exponent };
}

function multiply(left: Decimal, right: Decimal): Decimal {
  return { digits: left.digits * right.digits, exponent: left.exponent + right.exponent };
}

/** To 16 digits behind the point, half away from zero. */
function divide(left: Decimal, right: Decimal): Decimal {
  if (right.digits === 0n) throw new FunctionError('division by zero');
  const shift = left.exponent - right.exponent + divisionDigits;
  const numerator = left.digits * 10n ** BigInt(Math.max(shift, 0));
  const denominator = right.digits * 10n ** BigInt(Math.max(-shift, 0));
  const [size, by] = [absolute(numerator), absolute(denominator)];
  const quotient = size / by + ((size % by) * 2n >= by ? 1n : 0n);
  const isNegative = numerator < 0n !== denominator < 0n;
  return { digits: isNegative ? -quotient : quotient, exponent: -divisionDigits };
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** Large numbers make long ones: a number of a few thousand digits is no measurement. */
const longestDigits = 2000;

function folded(operation: (left: Decimal, right: Decimal) => Decimal): FunctionTable[string] {
  return variadic(['any'], 'any', (first, rest, runtime) =>
    floatOf(
      rest.reduce<Decimal>(
        (result, value) => {
          const next = operation(result, decimalOf(value, runtime));
          if (Math.abs(next.exponent) > longestDigits) throw new FunctionError('the number has too many digits');
          return next;
        },
        decimalOf(first, runtime),
      ),
    ),
  );
}

/** Sprig's round: half up, also below zero; `on` is the fraction from which it goes up. */
function round(value: unknown, places: number, on: number): unknown {
  const power = 10 ** places;
  const moved = power * toFloat(value);
  return float64((moved - Math.trunc(moved) >= on ? Math.ceil(moved) : Math.floor(moved)) / power);
}

function extreme(pick: (left: number, right: number) => number): FunctionTable[string] {
  return variadic(['any'], 'any', (first, rest) => float64(rest.map(toFloat).reduce(pick, toFloat(first))));
}

function threshold(value: unknown): number {
  const number = floatNumber(value) ?? wholeNumber(value);
  if (value !== undefined && number === undefined) throw new FunctionError('round takes a number as third argument');
  return number === undefined ? 0.5 : Number(number);
}

const sum = folded(add);

/** Sprig's arithmetic on numbers with a fraction. */
export const decimalFunctions: FunctionTable = {
  addf: variadic([], 'any', (values, runtime) => sum.call([0, ...values], runtime)),
  add1f: fixed(['any'], (value, runtime) => sum.call([value, 1], runtime)),
  subf: folded((left, right) => add(left, negated(right))),
  mulf: folded(multiply),
  divf: folded(divide),
  maxf: extreme((left, right) => Math.max(left, right)),
  minf: extreme((left, right) => Math.min(left, right)),
  ceil: fixed(['any'], (value) => float64(Math.ceil(toFloat(value)))),
  floor: fixed(['any'], (value) => float64(Math.floor(toFloat(value)))),
  round: variadic(['any', 'int'], 'any', (value, places, [on]) => round(value, places, threshold(on))),
};
