import { FunctionError } from '../error.ts';
import { formatFloat } from '../floats.ts';
import { parseGoFloat } from '../number.ts';
import { spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { parseTime } from '../time-parse.ts';
import { formatTime, longestLayout, zeroTime, zoneByName } from '../times.ts';
import { floatNumber, goDuration, goTime, kindOf, timeValue, typeName, utc, wholeNumber } from '../values.ts';
import type { GoDuration, GoTime } from '../values.ts';
import { fixed } from './define.ts';
import type { FunctionTable } from './define.ts';

const nanosecondsPerSecond = 1_000_000_000n;

function nanosecondsOf(time: GoTime): bigint {
  return BigInt(time.seconds) * nanosecondsPerSecond + BigInt(time.nanoseconds);
}

function secondsOf(value: unknown): number {
  const kind = kindOf(value);
  if (kind === 'duration') return Number((value as GoDuration).nanoseconds) / 1e9;
  const number =
    floatNumber(value) ?? wholeNumber(value) ?? (typeof value === 'string' ? parseGoFloat(value) : undefined);
  if (number !== undefined) return Number(number);
  throw new FunctionError(
    kind === 'string' ? `${JSON.stringify(value)} is not a number` : `${typeName(value)} is not a duration`,
  );
}

const smallUnits = ['', 'm', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];

/** Seconds as Prometheus shows them to people: `1d 2h 3m 4s`, `12.35s`, `1.5ms`. */
function humanizeDuration(value: unknown): string {
  const seconds = secondsOf(value);
  if (!Number.isFinite(seconds)) return formatFloat(seconds, 'g', 4);
  if (seconds === 0) return '0s';
  if (Math.abs(seconds) < 1) {
    let scaled = seconds;
    let unit = 0;
    while (Math.abs(scaled) < 1 && unit < smallUnits.length - 1) {
      scaled *= 1000;
      unit += 1;
    }
    return `${formatFloat(scaled, 'g', 4)}${smallUnits[unit]}s`;
  }
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
  return `${sign}${formatFloat(Math.abs(seconds), 'g', 4)}s`;
}

/** What a look into the calendar takes, in steps. */
const calendarSteps = 100;

/** Charges what a layout takes: each of its elements is a look into the calendar. */
function checkLayout(layout: string, runtime: Runtime): string {
  if (layout.length > longestLayout) throw new FunctionError(`the layout is longer than ${longestLayout} characters`);
  spend(runtime, calendarSteps + layout.length * 4);
  return layout;
}

function inZone(zone: string, time: GoTime, runtime: Runtime): GoTime {
  spend(runtime, calendarSteps);
  return goTime(time.seconds, time.nanoseconds, zoneByName(zone));
}

function mustToDate(layout: string, text: string, runtime: Runtime): GoTime {
  const time = parseTime(checkLayout(layout, runtime), text);
  if (time === undefined)
    throw new FunctionError(`${JSON.stringify(text)} does not fit the layout ${JSON.stringify(layout)}`);
  return time;
}

/** Times and durations, as Alertmanager has them; the clock is the caller's. */
export const dateFunctions: FunctionTable = {
  date: fixed(['string', 'time'], (layout, time, runtime) => formatTime(time, checkLayout(layout, runtime))),
  tz: fixed(['string', 'time'], inZone),
  now: fixed([], (runtime) => timeValue(runtime.now()) ?? zeroTime),
  since: fixed(['time'], (time, runtime) =>
    goDuration(nanosecondsOf(timeValue(runtime.now()) ?? zeroTime) - nanosecondsOf(time)),
  ),
  toDate: fixed(
    ['string', 'string'],
    (layout, text, runtime) => parseTime(checkLayout(layout, runtime), text) ?? zeroTime,
  ),
  mustToDate: fixed(['string', 'string'], mustToDate),
  humanizeDuration: fixed(['any'], (value, runtime) => {
    spend(runtime, calendarSteps);
    return humanizeDuration(value);
  }),
};

/**
 * A time where a function takes one: Go accepts only its own type, but data has RFC 3339 text and Unix seconds.
 * `undefined` where it is none of these.
 */
export function asTime(value: unknown): GoTime | undefined {
  const time = timeValue(value);
  if (time !== undefined) return time;
  if (typeof value === 'string') return parseTime('2006-01-02T15:04:05Z07:00', value);
  const seconds = floatNumber(value) ?? wholeNumber(value);
  if (seconds === undefined || !(Math.abs(Number(seconds)) <= 8.64e12)) return undefined;
  const whole = Math.floor(Number(seconds));
  return goTime(whole, Math.round((Number(seconds) - whole) * 1e9), utc);
}
