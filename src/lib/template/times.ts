import { FunctionError } from './error.ts';
import { goTime, utc } from './values.ts';
import type { GoTime, Zone } from './values.ts';

/** Go's zero time, year 1. */
export const zeroTime: GoTime = goTime(-62_135_596_800, 0, utc);

/** Nanoseconds since 1970. */
export function nanosecondsOf(time: GoTime): bigint {
  return BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds);
}

/** How much later `left` is, in nanoseconds; as in Go at most what a duration holds, some 292 years. */
export function between(left: GoTime, right: GoTime): bigint {
  const difference = nanosecondsOf(left) - nanosecondsOf(right);
  const most = 2n ** 63n - 1n;
  if (difference > most) return most;
  return difference < -most - 1n ? -most - 1n : difference;
}

/** A time so much later, in the same zone. */
export function addNanoseconds(time: GoTime, nanoseconds: bigint): GoTime {
  const total = nanosecondsOf(time) + nanoseconds;
  const rest = ((total % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return goTime(Number((total - rest) / 1_000_000_000n), Number(rest), time.zone);
}

export const months: readonly string[] = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
export const weekdays: readonly string[] = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
];

/** The elements of a Go layout (`2006-01-02T15:04:05Z07:00`); everything between them is literal. */
export const layoutPattern =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|_?2006|__2|_2|002|0[1-6]|15|[1-5]|PM|pm|[-Z]07(?::?00){2}|[-Z]07:?00|[-Z]07|[.,]0+(?![0-9])|[.,]9+(?![0-9])/g;

/** A time by a Go layout (time.Time.Format). */
export function formatTime(time: GoTime, layout: string): string {
  const clock = wallClock(time);
  return layout.replaceAll(layoutPattern, (element) => formatElement(element, clock, time));
}

/** A longer layout is refused: each of its elements takes a look into the calendar. */
export const longestLayout = 1000;

/** A time as Go prints one: `2026-03-01 10:15:07.123456 +0000 UTC`. */
export function timeText(time: GoTime): string {
  return formatTime(time, '2006-01-02 15:04:05.999999999 -0700 MST');
}

/** A time as Go writes it in JSON. */
export function timeJson(time: GoTime): string {
  return formatTime(time, '2006-01-02T15:04:05.999999999Z07:00');
}

interface WallClock {
  readonly date: Date;
  readonly offsetSeconds: number;
}

/** A time as the clock of its zone shows it: the UTC fields of `date`. */
export function wallClock(time: GoTime): WallClock {
  const offsetSeconds = offsetAt(time);
  return { date: new Date((time.seconds + offsetSeconds) * 1000), offsetSeconds };
}

function two(value: number, fill = '0'): string {
  return String(value).padStart(2, fill);
}

function formatElement(element: string, clock: WallClock, time: GoTime): string {
  const { date } = clock;
  const first = element.charAt(0);
  if (first === '.' || first === ',') return fraction(element, time.nanoseconds);
  if (first === '-' || (first === 'Z' && element.length > 1)) return offsetText(element, clock.offsetSeconds);
  const hour = date.getUTCHours();
  switch (element) {
    case 'January':
      return months[date.getUTCMonth()] ?? '';
    case 'Jan':
      return (months[date.getUTCMonth()] ?? '').slice(0, 3);
    case 'Monday':
      return weekdays[date.getUTCDay()] ?? '';
    case 'Mon':
      return (weekdays[date.getUTCDay()] ?? '').slice(0, 3);
    case 'MST':
      return zoneName(time, clock.offsetSeconds);
    case '2006':
      return String(date.getUTCFullYear()).padStart(4, '0');
    case '_2006':
      return `_${String(date.getUTCFullYear()).padStart(4, '0')}`;
    case '06':
      return two(date.getUTCFullYear() % 100);
    case '01':
      return two(date.getUTCMonth() + 1);
    case '1':
      return String(date.getUTCMonth() + 1);
    case '02':
      return two(date.getUTCDate());
    case '_2':
      return two(date.getUTCDate(), ' ');
    case '2':
      return String(date.getUTCDate());
    case '002':
      return String(dayOfYear(date)).padStart(3, '0');
    case '__2':
      return String(dayOfYear(date)).padStart(3, ' ');
    case '15':
      return two(hour);
    case '03':
      return two(hour % 12 || 12);
    case '3':
      return String(hour % 12 || 12);
    case '04':
      return two(date.getUTCMinutes());
    case '4':
      return String(date.getUTCMinutes());
    case '05':
      return two(date.getUTCSeconds());
    case '5':
      return String(date.getUTCSeconds());
    case 'PM':
      return hour < 12 ? 'AM' : 'PM';
    case 'pm':
      return hour < 12 ? 'am' : 'pm';
    default:
      return element;
  }
}

export function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - startOfYear(date)) / 86_400_000) + 1;
}

function startOfYear(date: Date): number {
  return new Date(0).setUTCFullYear(date.getUTCFullYear(), 0, 1);
}

/** `.000` has that many digits; `.999` leaves trailing zeros out, and with them the point. */
function fraction(element: string, nanoseconds: number): string {
  const digits = String(nanoseconds)
    .padStart(9, '0')
    .slice(0, element.length - 1)
    .padEnd(element.length - 1, '0');
  const shown = element.includes('9') ? digits.replace(/0+$/, '') : digits;
  return shown === '' ? '' : element.charAt(0) + shown;
}

function offsetText(element: string, offsetSeconds: number): string {
  if (element.startsWith('Z') && offsetSeconds === 0) return 'Z';
  const size = Math.abs(offsetSeconds);
  const separator = element.includes(':') ? ':' : '';
  let text = (offsetSeconds < 0 ? '-' : '+') + two(Math.floor(size / 3600));
  if (element.length > 3) text += separator + two(Math.floor(size / 60) % 60);
  if (element.length > 6) text += separator + two(size % 60);
  return text;
}

/** The zone's short name; where the tz database of JavaScript gives none, its offset (`+04`, `+0530`). */
function zoneName(time: GoTime, offsetSeconds: number): string {
  if (!('name' in time.zone)) return offsetSeconds === 0 ? 'UTC' : offsetText('-0700', offsetSeconds);
  const name = zonePart(time, time.zone.name, 'short');
  if (/^[A-Z]{3,5}$/.test(name)) return name;
  return offsetText(offsetSeconds % 3600 === 0 ? '-07' : '-0700', offsetSeconds);
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function zonePart(time: GoTime, zone: string, style: 'short' | 'longOffset'): string {
  const key = `${style} ${zone}`;
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: style });
    formatters.set(key, formatter);
  }
  const parts = formatter.formatToParts(time.seconds * 1000);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}

function offsetAt(time: GoTime): number {
  if (!('name' in time.zone)) return time.zone.offsetSeconds;
  const match = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(zonePart(time, time.zone.name, 'longOffset'));
  if (match === null || match[1] === undefined) return 0;
  const size = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return match[1] === '-' ? -size : size;
}

/** A zone by its tz database name (`Europe/Berlin`); empty and `Local` are UTC, so that output never depends on the host. */
export function zoneByName(name: string): Zone {
  if (name === '' || name === 'UTC' || name === 'Local') return utc;
  try {
    zonePart(zeroTime, name, 'longOffset');
    return { name };
  } catch {
    throw new FunctionError(`unknown time zone ${name}`);
  }
}
