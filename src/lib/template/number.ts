/** Text that is longer is no number: reading that many digits takes long, and no value has them. */
const longestNumber = 1000;

const underscorePattern = /_/g;

/** Go allows `_` only between digits and after a base prefix. */
function underscoresFit(text: string): boolean {
  if (!text.includes('_')) return true;
  const digits = text.replace(/^[+-]/, '').replace(/^0[xXoObB]/, '0');
  return !/^_|_$|__|_[^0-9a-fA-F]|[^0-9a-fA-F]_/.test(digits);
}

const maximumInt64 = 2n ** 63n - 1n;
const minimumInt64 = -(2n ** 63n);

/**
 * A whole number as Go writes one (strconv.ParseInt with base 0: `42`, `-7`, `0x1f`, `017`, `0b11`, `1_000`), of up to 1000 characters;
 * `undefined` where it is not one.
 */
export function parseGoInteger(text: string): bigint | undefined {
  if (text.length > longestNumber) return undefined;
  if (!underscoresFit(text)) return undefined;
  const match = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]([0-7]+)|0[bB]([01]+)|0([0-7]+)|(0|[1-9][0-9]*))$/.exec(
    text.replace(underscorePattern, ''),
  );
  if (match === null) return undefined;
  const [, sign, hex, octal, binary, oldOctal, decimal] = match;
  let magnitude: bigint;
  if (hex !== undefined) magnitude = BigInt(`0x${hex}`);
  else if (binary !== undefined) magnitude = BigInt(`0b${binary}`);
  else if (decimal !== undefined) magnitude = BigInt(decimal);
  else magnitude = BigInt(`0o${octal ?? oldOctal ?? '0'}`);
  return sign === '-' ? -magnitude : magnitude;
}

/** What Go's conversion gives for a float64 outside int64 on amd64. */
export const outOfRange: bigint = minimumInt64;

/** Whether a whole number fits Go's int64. */
export function fitsInt64(value: bigint): boolean {
  return value >= minimumInt64 && value <= maximumInt64;
}

const decimalPattern = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const hexPattern = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/;
const namedPattern = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;

/** A number as Go's strconv.ParseFloat reads it (decimal, hexadecimal with exponent, NaN, Inf); `undefined` where it fails. */
export function parseGoFloat(text: string): number | undefined {
  if (text.length > longestNumber) return undefined;
  if (!underscoresFit(text)) return undefined;
  const digits = text.replace(underscorePattern, '');
  if (decimalPattern.test(digits)) {
    const value = Number(digits);
    return Number.isFinite(value) ? value : undefined;
  }
  const named = namedPattern.exec(digits);
  if (named !== null) {
    if (named[2] !== undefined) return named[1] === '' ? Number.NaN : undefined;
    return named[1] === '-' ? -Infinity : Infinity;
  }
  const hex = hexPattern.exec(digits);
  if (hex === null || (hex[2] === '' && hex[3] === '')) return undefined;
  const [, sign, whole = '', fraction = '', exponent] = hex;
  const value = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
  return Number.isFinite(value) ? (sign === '-' ? -value : value) : undefined;
}
