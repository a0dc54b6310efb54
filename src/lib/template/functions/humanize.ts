import { AppError } from '../../../core/errors.ts';
import { parseDuration } from '../../duration.ts';
import { FunctionError } from '../error.ts';
import { formatFloat } from '../floats.ts';
import { fitsInt64, outOfRange, parseGoFloat } from '../number.ts';
import { spend } from '../runtime.ts';
import { timeText } from '../times.ts';
import { float64, floatNumber, goDuration, goTime, kindOf, typeName, utc, wholeNumber } from '../values.ts';
import type { GoDuration, GoTime } from '../values.ts';
import { fixed } from './define.ts';
import type { FunctionTable } from './define.ts';

/** Prometheus takes numbers, durations (their seconds) and text that is a number. Throws FunctionError. */
function numberOf(value: unknown): number {
  const kind = kindOf(value);
  if (kind === 'duration') return Number((value as GoDuration).nanoseconds) / 1e9;
  const number = floatNumber(value) ?? wholeNumber(value);
  if (number !== undefined) return Number(number);
  if (typeof value !== 'string') throw new FunctionError(`can't convert ${typeName(value)} to float`);
  const parsed = parseGoFloat(value);
  if (parsed !== undefined) return parsed;
  const problem = Math.abs(Number(value)) === Infinity ? 'value out of range' : 'invalid syntax';
  throw new FunctionError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: ${problem}`);
}

const largeUnits = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const binaryUnits = ['', 'ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];
const smallUnits = ['', 'm', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];

function short(value: number): string {
  return formatFloat(value, 'g', 4);
}

/** Divides by `base` as often as the value stays at least that large. */
function shrunk(value: number, base: number, units: readonly string[]): string {
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= base && unit < units.length - 1) {
    scaled /= base;
    unit += 1;
  }
  return short(scaled) + (units[unit] ?? '');
}

function grown(value: number): string {
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) < 1 && unit < smallUnits.length - 1) {
    scaled *= 1000;
    unit += 1;
  }
  return short(scaled) + (smallUnits[unit] ?? '');
}

function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return short(value);
  return Math.abs(value) >= 1 ? shrunk(value, 1000, largeUnits) : grown(value);
}

function humanize1024(value: number): string {
  return Math.abs(value) <= 1 || !Number.isFinite(value) ? short(value) : shrunk(value, 1024, binaryUnits);
}

/** Seconds as Prometheus shows them to people: `1d 2h 3m 4s`, `12.35s`, `1.5ms`. */
function humanizeDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return short(seconds);
  if (seconds === 0) return '0s';
  if (Math.abs(seconds) < 1) return `${grown(seconds)}s`;
  const sign = seconds < 0 ? '-' : '';
  const total = Math.trunc(Math.abs(seconds));
  const [days, hours, minutes] = [
    Math.floor(total / 86_400),
    Math.floor(total / 3600) % 24,
    Math.floor(total / 60) % 60,
  ];
  const rest = `${total % 60}s`;
  if (days !== 0) return `${sign}${days}d ${hours}h ${minutes}m ${rest}`;
  if (hours !== 0) return `${sign}${hours}h ${minutes}m ${rest}`;
  if (minutes !== 0) return `${sign}${minutes}m ${rest}`;
  return `${sign}${short(Math.abs(seconds))}s`;
}

/** Unix seconds as a time in UTC, to the millisecond, as Prometheus keeps times. */
function toTime(seconds: number): GoTime {
  if (!Number.isFinite(seconds)) throw new FunctionError('value is NaN or Inf');
  const nanoseconds = seconds * 1e9;
  if (Math.abs(nanoseconds) > 2 ** 63) {
    const shown = formatFloat(seconds, 'g', -1);
    throw new FunctionError(`${shown} cannot be represented as a nanoseconds timestamp since it overflows int64`);
  }
  const milliseconds = Number(BigInt(Math.trunc(nanoseconds)) / 1_000_000n);
  const whole = Math.floor(milliseconds / 1000);
  return goTime(whole, (milliseconds - whole * 1000) * 1e6, utc);
}

function toDuration(seconds: number): GoDuration {
  const nanoseconds = Math.trunc(seconds * 1e9);
  if (!Number.isFinite(nanoseconds)) return goDuration(outOfRange);
  return goDuration(fitsInt64(BigInt(nanoseconds)) ? BigInt(nanoseconds) : outOfRange);
}

/** Milliseconds of a duration as Prometheus writes it, which may be negative. */
function durationMs(text: string): number {
  try {
    return text.startsWith('-') ? -parseDuration(text.slice(1)) : parseDuration(text);
  } catch (thrown) {
    if (thrown instanceof AppError) throw new FunctionError(thrown.message);
    throw thrown;
  }
}

/** A look into the calendar, and more digits than a number of steps says. */
const work = 100;

function humanized(show: (value: number) => unknown): FunctionTable[string] {
  return fixed(['any'], (value, runtime) => {
    spend(runtime, work);
    return show(numberOf(value));
  });
}

/** Numbers, times and durations for people, as Prometheus has them. */
export const humanizeFunctions: FunctionTable = {
  humanize: humanized(humanize),
  humanize1024: humanized(humanize1024),
  humanizePercentage: humanized((value) => `${short(value * 100)}%`),
  humanizeDuration: humanized(humanizeDuration),
  humanizeTimestamp: humanized((value) => (Number.isFinite(value) ? timeText(toTime(value)) : short(value))),
  toTime: humanized(toTime),
  toDuration: humanized(toDuration),
  parseDuration: fixed(['string'], (text) => float64(durationMs(text) / 1000)),
  parseDurationTime: fixed(['string'], (text) => goDuration(BigInt(durationMs(text)) * 1_000_000n)),
};
