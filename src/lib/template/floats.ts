/** Digits of a finite, non-negative number: `digits` is d.ddd without the point, times ten to the `exponent`. */
interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

/**
 * A float64 as Go's strconv.FormatFloat writes it. `precision` -1: as few digits as name the number. NaN and infinities are
 * `NaN`, `+Inf`, `-Inf`.
 */
export function formatFloat(value: number, verb: 'e' | 'f' | 'g', precision: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + formatMagnitude(Math.abs(value), verb, precision);
}

function formatMagnitude(value: number, verb: 'e' | 'f' | 'g', precision: number): string {
  if (verb === 'f') return precision < 0 ? placed(shortest(value)) : fixed(value, precision);
  if (verb === 'e') return exponential(precision < 0 ? shortest(value) : rounded(value, precision + 1), precision);
  const decimal = precision < 0 ? shortest(value) : trimmed(rounded(value, Math.max(precision, 1)));
  const count = decimal.digits.length;
  let threshold = precision < 0 ? 6 : Math.max(precision, 1);
  if (precision >= 0 && threshold > count && count >= decimal.exponent + 1) threshold = count;
  if (decimal.exponent < -4 || decimal.exponent >= threshold) return exponential(decimal, -1);
  return placed(decimal);
}

function shortest(value: number): Decimal {
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  return { digits: mantissa.replace('.', ''), exponent: Number(exponent) };
}

/** Rounded half to even on the exact binary value; JavaScript's toFixed rounds half up and stops at 100 digits. */
function rounded(value: number, count: number): Decimal {
  if (value === 0) return { digits: '0'.repeat(count), exponent: 0 };
  const { exponent } = shortest(value);
  const digits = scaled(value, count - 1 - exponent).toString();
  return digits.length > count ? { digits: digits.slice(0, count), exponent: exponent + 1 } : { digits, exponent };
}

function trimmed(decimal: Decimal): Decimal {
  return { ...decimal, digits: decimal.digits.replace(/(?!^)0+$/, '') };
}

function exponential({ digits, exponent }: Decimal, precision: number): string {
  const fraction = digits.slice(1).padEnd(precision, '0');
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits[0]}${fraction === '' ? '' : `.${fraction}`}e${exponent < 0 ? '-' : '+'}${size}`;
}

/** With a point and no trailing zeros. */
function placed({ digits, exponent }: Decimal): string {
  const point = exponent + 1;
  const whole = point <= 0 ? '0' : digits.slice(0, point).padEnd(point, '0');
  const fraction = point <= 0 ? '0'.repeat(-point) + digits : digits.slice(point);
  return /^0*$/.test(fraction) ? whole : `${whole}.${fraction}`;
}

function fixed(value: number, precision: number): string {
  const digits = scaled(value, precision)
    .toString()
    .padStart(precision + 1, '0');
  const point = digits.length - precision;
  return precision === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** value * 10^shift as a whole number, rounded half to even. */
function scaled(value: number, shift: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  const power = (biased === 0 ? 1 : biased) - 1075;
  const numerator = mantissa * 2n ** BigInt(Math.max(power, 0)) * 10n ** BigInt(Math.max(shift, 0));
  const denominator = 2n ** BigInt(Math.max(-power, 0)) * 10n ** BigInt(Math.max(-shift, 0));
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  const isUp = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return isUp ? quotient + 1n : quotient;
}
