import { FunctionError } from './error.ts';
import { fitsInt64 } from './number.ts';

const unitNanoseconds: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** No duration is written longer. */
const longestDuration = 200;

/** Nanoseconds of a duration as Go writes it (time.ParseDuration: `1h30m`, `-1.5s`, `0`). Throws FunctionError with Go's text. */
export function parseGoDuration(text: string): bigint {
  const shown = JSON.stringify(text);
  const [, sign, rest = ''] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return 0n;
  if (rest === '' || text.length > longestDuration) throw new FunctionError(`time: invalid duration ${shown}`);
  let total = 0n;
  for (let left = rest; left !== '';) {
    const [whole, digits = '', fraction = '', unit = ''] = /^(\d*)(?:\.(\d*))?([^.\d]*)/.exec(left) ?? [''];
    if (digits === '' && fraction === '') throw new FunctionError(`time: invalid duration ${shown}`);
    if (unit === '') throw new FunctionError(`time: missing unit in duration ${shown}`);
    const nanoseconds = Object.hasOwn(unitNanoseconds, unit) ? unitNanoseconds[unit] : undefined;
    if (nanoseconds === undefined)
      throw new FunctionError(`time: unknown unit ${JSON.stringify(unit)} in duration ${shown}`);
    total +=
      BigInt(`0${digits}`) * nanoseconds + (BigInt(`0${fraction}`) * nanoseconds) / 10n ** BigInt(fraction.length);
    left = left.slice(whole.length);
  }
  if (!fitsInt64(total)) throw new FunctionError(`time: invalid duration ${shown}`);
  return sign === '-' ? -total : total;
}

/** Rounded to a multiple, half away from zero, as time.Duration.Round; a `multiple` of 0 or less changes nothing. */
export function roundDuration(nanoseconds: bigint, multiple: bigint): bigint {
  if (multiple <= 0n) return nanoseconds;
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const rest = size % multiple;
  const rounded = rest * 2n < multiple ? size - rest : size - rest + multiple;
  return nanoseconds < 0n ? -rounded : rounded;
}
