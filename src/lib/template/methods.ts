import { roundDuration } from './durations.ts';
import { FunctionError } from './error.ts';
import { calendarSteps, formatted } from './functions/dates.ts';
import { fixed } from './functions/define.ts';
import type { FunctionTable, TemplateFunction } from './functions/define.ts';
import { formatDuration } from './print.ts';
import { spend } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import {
  addNanoseconds,
  between,
  dayOfYear,
  months,
  nanosecondsOf,
  timeText,
  wallClock,
  weekdays,
  zeroTime,
} from './times.ts';
import { float64, goDuration, goTime, int64, kindOf, named, typeName, utc, wholeNumber } from './values.ts';
import type { GoDuration, GoNamed, GoTime } from './values.ts';

/** A method that reads one number off the calendar. */
function calendar(read: (date: Date, time: GoTime) => unknown): TemplateFunction {
  return fixed(['time'], (time, runtime) => {
    spend(runtime, calendarSteps);
    return read(wallClock(time).date, time);
  });
}

/** A duration, or a number of nanoseconds, as Go takes a constant. */
function durationOf(value: unknown): bigint {
  const whole = wholeNumber(value);
  if (whole !== undefined) return whole;
  const hint = typeof value === 'string' ? `; write (parseDurationTime ${JSON.stringify(value)})` : '';
  throw new FunctionError(`expected a duration, got a value of type ${typeName(value)}${hint}`);
}

/** Years, months and days on the clock of the time's own zone; what is too large for a month goes into the next. */
function addDate(time: GoTime, years: number, monthCount: number, days: number, runtime: Runtime): GoTime {
  spend(runtime, calendarSteps);
  const { date, offsetSeconds } = wallClock(time);
  date.setUTCFullYear(date.getUTCFullYear() + years, date.getUTCMonth() + monthCount, date.getUTCDate() + days);
  if (Number.isNaN(date.getTime())) throw new FunctionError('AddDate leaves the years that a time can have');
  const moved = goTime(Math.floor(date.getTime() / 1000) - offsetSeconds, time.nanoseconds, time.zone);
  // Where summer time begins or ends between the two, the clock shows the same hour.
  return addNanoseconds(moved, BigInt(offsetSeconds - wallClock(moved).offsetSeconds) * 1_000_000_000n);
}

/** How far a time is beyond a multiple of a duration, counted from the year 1. */
function beyond(time: GoTime, multiple: bigint): bigint {
  const rest = (nanosecondsOf(time) - nanosecondsOf(zeroTime)) % multiple;
  return rest < 0n ? rest + multiple : rest;
}

function truncate(time: GoTime, multiple: bigint): GoTime {
  return multiple <= 0n ? time : addNanoseconds(time, -beyond(time, multiple));
}

function round(time: GoTime, multiple: bigint): GoTime {
  if (multiple <= 0n) return time;
  const rest = beyond(time, multiple);
  return addNanoseconds(time, rest * 2n < multiple ? -rest : multiple - rest);
}

function order(left: GoTime, right: GoTime): bigint {
  const difference = nanosecondsOf(left) - nanosecondsOf(right);
  return difference === 0n ? 0n : difference < 0n ? -1n : 1n;
}

function epoch(unit: bigint): TemplateFunction {
  return fixed(['time'], (time) => {
    const nanoseconds = nanosecondsOf(time);
    const rest = ((nanoseconds % unit) + unit) % unit;
    return int64((nanoseconds - rest) / unit);
  });
}

const toUtc = fixed(['time'], (time) => goTime(time.seconds, time.nanoseconds, utc));

/** Methods of Go's time.Time; those with two results, and In with its Location, are not for templates. */
const timeMethods: FunctionTable = {
  Format: fixed(['time', 'string'], (time, layout, runtime) => formatted(time, layout, runtime)),
  String: fixed(['time'], (time, runtime) => {
    spend(runtime, calendarSteps);
    return timeText(time);
  }),
  UTC: toUtc,
  // As everywhere here, the local zone is UTC, so that output never depends on the host.
  Local: toUtc,
  Unix: epoch(1_000_000_000n),
  UnixMilli: epoch(1_000_000n),
  UnixMicro: epoch(1000n),
  UnixNano: epoch(1n),
  Year: calendar((date) => BigInt(date.getUTCFullYear())),
  Month: calendar((date) => named('time.Month', BigInt(date.getUTCMonth() + 1), months[date.getUTCMonth()] ?? '')),
  Day: calendar((date) => BigInt(date.getUTCDate())),
  Weekday: calendar((date) => named('time.Weekday', BigInt(date.getUTCDay()), weekdays[date.getUTCDay()] ?? '')),
  YearDay: calendar((date) => BigInt(dayOfYear(date))),
  Hour: calendar((date) => BigInt(date.getUTCHours())),
  Minute: calendar((date) => BigInt(date.getUTCMinutes())),
  Second: calendar((date) => BigInt(date.getUTCSeconds())),
  Nanosecond: fixed(['time'], (time) => BigInt(time.nanoseconds)),
  IsZero: fixed(['time'], (time) => order(time, zeroTime) === 0n),
  Add: fixed(['time', 'any'], (time, duration) => addNanoseconds(time, durationOf(duration))),
  AddDate: fixed(['time', 'int', 'int', 'int'], addDate),
  Sub: fixed(['time', 'time'], (time, other) => goDuration(between(time, other))),
  Before: fixed(['time', 'time'], (time, other) => order(time, other) < 0n),
  After: fixed(['time', 'time'], (time, other) => order(time, other) > 0n),
  Equal: fixed(['time', 'time'], (time, other) => order(time, other) === 0n),
  Compare: fixed(['time', 'time'], order),
  Truncate: fixed(['time', 'any'], (time, duration) => truncate(time, durationOf(duration))),
  Round: fixed(['time', 'any'], (time, duration) => round(time, durationOf(duration))),
};

function onDuration(read: (nanoseconds: bigint) => unknown): TemplateFunction {
  return fixed(['any'], (duration) => read((duration as GoDuration).nanoseconds));
}

/** Whole units and the rest apart, as Go divides, so that the last digit is the same. */
function inUnits(unit: bigint): TemplateFunction {
  return onDuration((nanoseconds) => float64(Number(nanoseconds / unit) + Number(nanoseconds % unit) / Number(unit)));
}

const durationMethods: FunctionTable = {
  Hours: inUnits(3_600_000_000_000n),
  Minutes: inUnits(60_000_000_000n),
  Seconds: inUnits(1_000_000_000n),
  Milliseconds: onDuration((nanoseconds) => int64(nanoseconds / 1_000_000n)),
  Microseconds: onDuration((nanoseconds) => int64(nanoseconds / 1000n)),
  Nanoseconds: onDuration(int64),
  Abs: onDuration((nanoseconds) => goDuration(nanoseconds < 0n ? -nanoseconds : nanoseconds)),
  String: onDuration(formatDuration),
  Round: fixed(['any', 'any'], (duration, multiple) =>
    goDuration(roundDuration((duration as GoDuration).nanoseconds, durationOf(multiple))),
  ),
  Truncate: fixed(['any', 'any'], (duration, multiple) => {
    const { nanoseconds } = duration as GoDuration;
    const unit = durationOf(multiple);
    return goDuration(unit <= 0n ? nanoseconds : nanoseconds - (nanoseconds % unit));
  }),
};

const namedMethods: FunctionTable = {
  String: fixed(['any'], (value) => (value as GoNamed).text),
};

/**
 * The method of a value, whose first parameter is the value itself. Text has those of a time: data has times as RFC 3339
 * text, so that `.alert.startsAt.Format` does what it does in Alertmanager.
 */
export function methodOf(value: unknown, name: string): TemplateFunction | undefined {
  const table = methodsOf(value);
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}

function methodsOf(value: unknown): FunctionTable | undefined {
  switch (kindOf(value)) {
    case 'time':
    case 'string':
      return timeMethods;
    case 'duration':
      return durationMethods;
    case 'named':
      return namedMethods;
    default:
      return undefined;
  }
}
