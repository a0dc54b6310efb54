import { parseGoDuration, roundDuration } from '../durations.ts';
import { FunctionError } from '../error.ts';
import { formatDuration } from '../print.ts';
import { spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { parseTime } from '../time-parse.ts';
import { addNanoseconds, between, formatTime, longestLayout, zeroTime, zoneByName } from '../times.ts';
import { floatNumber, goDuration, goTime, timeValue, utc, wholeNumber } from '../values.ts';
import type { GoTime, Zone } from '../values.ts';
import { fixed } from './define.ts';
import type { FunctionTable } from './define.ts';

/** What a look into the calendar takes, in steps. */
export const calendarSteps = 100;

/** Charges what a layout takes: each of its elements is a look into the calendar. */
function checkLayout(layout: string, runtime: Runtime): string {
  if (layout.length > longestLayout) throw new FunctionError(`the layout is longer than ${longestLayout} characters`);
  spend(runtime, calendarSteps + layout.length * 4);
  return layout;
}

/** A time by a Go layout, with what that costs. */
export function formatted(time: GoTime, layout: string, runtime: Runtime): string {
  return formatTime(time, checkLayout(layout, runtime));
}

function inZone(zone: string, time: GoTime, runtime: Runtime): GoTime {
  spend(runtime, calendarSteps);
  return goTime(time.seconds, time.nanoseconds, zoneByName(zone));
}

/** Sprig takes UTC where it does not know the zone. */
function formattedIn(layout: string, time: GoTime, name: string, runtime: Runtime): string {
  spend(runtime, calendarSteps);
  let zone: Zone = utc;
  try {
    zone = zoneByName(name);
  } catch (thrown) {
    if (!(thrown instanceof FunctionError)) throw thrown;
  }
  return formatted(goTime(time.seconds, time.nanoseconds, zone), layout, runtime);
}

function mustToDate(layout: string, text: string, runtime: Runtime): GoTime {
  const time = parseTime(checkLayout(layout, runtime), text);
  if (time === undefined)
    throw new FunctionError(`${JSON.stringify(text)} does not fit the layout ${JSON.stringify(layout)}`);
  return time;
}

/** The caller's clock. */
function nowOf(runtime: Runtime): GoTime {
  return timeValue(runtime.now()) ?? zeroTime;
}

function since(time: GoTime, runtime: Runtime): bigint {
  spend(runtime, 8);
  return between(nowOf(runtime), time);
}

const second = 1_000_000_000n;

/** Whole seconds, or text that is a whole number of them, as Go prints a duration; anything else is `0s`. */
function duration(value: unknown): string {
  const seconds = typeof value === 'string' && /^[+-]?\d{1,18}$/.test(value) ? BigInt(value) : wholeNumber(value);
  return formatDuration(BigInt.asIntN(64, (seconds ?? 0n) * second));
}

const day = 86_400n * second;
const roundUnits: readonly (readonly [string, bigint])[] = [
  ['y', 365n * day],
  ['mo', 30n * day],
  ['d', day],
  ['h', 3600n * second],
  ['m', 60n * second],
  ['s', second],
];

/** The largest unit that is shorter than a duration, and how many of them: `2h`, `3mo`. */
function durationRound(value: unknown, runtime: Runtime): string {
  spend(runtime, 8);
  const time = timeValue(value);
  const nanoseconds = time === undefined ? nanosecondsIn(value) : since(time, runtime);
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const found = roundUnits.find(([, unit]) => size > unit);
  return found === undefined ? '0s' : `${size / found[1]}${found[0]}`;
}

function nanosecondsIn(value: unknown): bigint {
  return typeof value === 'string' ? (goDurationOrNothing(value) ?? 0n) : (wholeNumber(value) ?? 0n);
}

function goDurationOrNothing(text: string): bigint | undefined {
  try {
    return parseGoDuration(text);
  } catch (thrown) {
    if (thrown instanceof FunctionError) return undefined;
    throw thrown;
  }
}

const dateInZone = fixed(['string', 'time', 'string'], formattedIn);
const dateModify = fixed(['string', 'time'], (text, time) => addNanoseconds(time, goDurationOrNothing(text) ?? 0n));
const mustDateModify = fixed(['string', 'time'], (text, time) => addNanoseconds(time, parseGoDuration(text)));

/** Times and durations, as Alertmanager and Sprig have them; the clock is the caller's. */
export const dateFunctions: FunctionTable = {
  date: fixed(['string', 'time'], (layout, time, runtime) => formatted(time, layout, runtime)),
  tz: fixed(['string', 'time'], inZone),
  now: fixed([], nowOf),
  since: fixed(['time'], (time, runtime) => goDuration(since(time, runtime))),
  ago: fixed(['time'], (time, runtime) => formatDuration(roundDuration(since(time, runtime), second))),
  toDate: fixed(
    ['string', 'string'],
    (layout, text, runtime) => parseTime(checkLayout(layout, runtime), text) ?? zeroTime,
  ),
  mustToDate: fixed(['string', 'string'], mustToDate),
  dateInZone,
  date_in_zone: dateInZone,
  htmlDate: fixed(['time'], (time, runtime) => formattedIn('2006-01-02', time, 'UTC', runtime)),
  htmlDateInZone: fixed(['time', 'string'], (time, zone, runtime) => formattedIn('2006-01-02', time, zone, runtime)),
  dateModify,
  date_modify: dateModify,
  mustDateModify,
  must_date_modify: mustDateModify,
  unixEpoch: fixed(['time'], (time) => String(time.seconds)),
  duration: fixed(['any'], duration),
  durationRound: fixed(['any'], durationRound),
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
