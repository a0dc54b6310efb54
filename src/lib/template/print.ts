import { compareUtf8 } from '../hash.ts';
import { formatFloat } from './floats.ts';
import { checkCharacters, spend } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import { timeText } from './times.ts';
import { floatNumber, kindOf, timeValue, utc, goTime, wholeNumber } from './values.ts';
import type { GoDuration, GoList, GoMap, GoNamed } from './values.ts';

/** A value as Go's `%v` prints it; nil and missing are `<nil>`. */
export function formatValue(value: unknown, runtime: Runtime): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return Number.isSafeInteger(value) ? String(value) : formatFloat(value, 'g', -1);
    case 'boolean':
    case 'bigint':
      return String(value);
    default:
      return formatObject(value, runtime);
  }
}

function formatObject(value: unknown, runtime: Runtime): string {
  switch (kindOf(value)) {
    case 'list':
      return joined('[', value as GoList, (element) => formatValue(element, runtime), runtime);
    case 'map': {
      const map = value as GoMap;
      return joined('map[', sortedKeys(map, runtime), (key) => `${key}:${formatValue(map[key], runtime)}`, runtime);
    }
    case 'time':
      return timeText(timeValue(value) ?? goTime(0, 0, utc));
    case 'duration':
      return formatDuration((value as GoDuration).nanoseconds);
    case 'named':
      return (value as GoNamed).text;
    case 'int64':
      return String(wholeNumber(value));
    case 'float64':
      return formatFloat(floatNumber(value) ?? 0, 'g', -1);
    default:
      return '<nil>';
  }
}

/** Go's form of a list or map, bounded while it grows: a list that holds another twice doubles with every level. */
export function joined<Element>(
  opening: string,
  elements: readonly Element[],
  format: (element: Element) => string,
  runtime: Runtime,
): string {
  let text = opening;
  elements.forEach((element, index) => {
    spend(runtime);
    text += (index === 0 ? '' : ' ') + format(element);
    checkCharacters(runtime, text.length);
  });
  return `${text}]`;
}

/** A map's own keys in the order in which Go prints and ranges over them: their UTF-8 bytes. */
export function sortedKeys(map: GoMap, runtime: Runtime): string[] {
  const keys = Object.keys(map);
  spend(runtime, keys.length * 4);
  return keys.sort(compareUtf8);
}

/** Operands as Go's fmt.Sprint joins them: a space between two of which neither is text. */
export function sprint(operands: readonly unknown[], runtime: Runtime): string {
  let text = '';
  operands.forEach((operand, index) => {
    if (index > 0 && typeof operand !== 'string' && typeof operands[index - 1] !== 'string') text += ' ';
    text += formatValue(operand, runtime);
    checkCharacters(runtime, text.length);
  });
  return text;
}

const durationUnits: readonly (readonly [string, bigint])[] = [
  ['ns', 1n],
  ['µs', 1000n],
  ['ms', 1_000_000n],
];

/** Nanoseconds as Go's time.Duration prints them: `1h30m0s`, `1.5s`, `20ms`. */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const second = 1_000_000_000n;
  const small = durationUnits.findLast(([, unit]) => size >= unit);
  if (size < second && small !== undefined) return `${sign}${decimalFraction(size, small[1])}${small[0]}`;
  const minutes = size / (60n * second);
  const seconds = `${decimalFraction(size % (60n * second), second)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return `${sign}${hours === 0n ? '' : `${hours}h`}${minutes % 60n}m${seconds}`;
}

function decimalFraction(value: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  const fraction = String(value % unit)
    .padStart(digits, '0')
    .replace(/0+$/, '');
  return digits === 0 || fraction === '' ? String(value / unit) : `${value / unit}.${fraction}`;
}
