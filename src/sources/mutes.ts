import { z } from 'zod';
import type { Labels, Matcher } from '../core/alert.ts';
import type { CatalogSource, LabelMute } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import { parseRfc3339 } from '../core/rfc3339.ts';
import { toEpochMs } from '../core/time.ts';
import { matchesAll } from '../lib/matchers.ts';
import { beyond, rule } from '../lib/rule.ts';
import type { BeyondKind } from '../lib/rule.ts';
import { allMatchers, matcherText, matchers } from './filters.ts';

// What keeps an alert from a run by its labels and the time: it is stored, and decided anew while it fires.

const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
type Day = (typeof days)[number];

/** RFC 3339, as CEL's `timestamp` and Date read it alike: no second 60, no year 1. */
const instant = z
  .string()
  .max(64)
  .regex(
    /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$/,
    'must be an RFC 3339 time',
  )
  .check(
    rule(
      "!self.startsWith('0001') && timestamp(self) > timestamp('0001-01-01T00:00:00Z')",
      'must be a day that there is',
      (text) => parseRfc3339(text) != null,
    ),
  );
const timeOfDay = z
  .string()
  .max(5)
  .regex(/^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/, 'must be a time of day, 02:00 to 24:00');
export const timezone = z
  .string()
  .max(64)
  .check(beyond('TimeZone', 'is not an IANA time zone, such as Europe/Berlin', isTimezone))
  .meta({ description: 'IANA time zone of weekdays and times of day.' });

/** Windows in which alerts start no runs. */
export const maintenance = z
  .array(
    z
      .strictObject({
        comment: z.string().max(1024).optional().meta({ description: 'For people: what is going on.' }),
        matchers: matchers.optional(),
        from: instant.optional().meta({ description: 'Not before (RFC 3339).' }),
        until: instant.optional().meta({ description: 'Not from then on (RFC 3339).' }),
        weekdays: z
          .array(z.enum(days))
          .min(1)
          .max(7)
          .optional()
          .meta({ description: 'Only on these days. Absent = each day.' }),
        startTime: timeOfDay.optional().meta({ description: 'From this time of the day on. Absent = 00:00.' }),
        endTime: timeOfDay
          .optional()
          .meta({ description: 'Until this time of the day, later than startTime. Absent = 24:00.' }),
        timezone: timezone.default('UTC'),
      })
      .check(
        rule(
          'has(self.from) || has(self.until) || has(self.weekdays) || has(self.startTime) || has(self.endTime)',
          'must say when: from, until, weekdays, startTime or endTime; what is always muted stands in muteMatchers',
          ({ from, until, weekdays, startTime, endTime }) =>
            (from ?? until ?? weekdays ?? startTime ?? endTime) !== undefined,
        ),
        rule(
          '!has(self.from) || !has(self.until) || timestamp(self.from) < timestamp(self.until)',
          'must be later than from',
          ({ from, until }) => from === undefined || until === undefined || toMs(from) < toMs(until),
          ['until'],
        ),
        rule(
          "(has(self.startTime) ? self.startTime : '00:00') < (has(self.endTime) ? self.endTime : '24:00')",
          'must be later than startTime; a window over midnight is two windows',
          ({ startTime = '00:00', endTime = '24:00' }) => startTime < endTime,
          ['endTime'],
        ),
      ),
  )
  .max(100);

type Maintenance = z.output<typeof maintenance>;

/** Alerts that start no runs. */
export const muteMatchers = z.array(matcherText).max(100);

/**
 * The mutes of a Source: alerts about this program itself, those that one text of `muteMatchers` matches whole, and those of a
 * window that is open. Throws InvalidResource, with the field, for matchers that do not parse.
 */
export function compileMutes(texts: readonly string[], windows: Maintenance): CatalogSource['mutes'] {
  const muted = texts.map((text, place) => ({ text, parsed: someMatchers(text, `muteMatchers[${place}]`) }));
  const compiled = windows.map((window, place) => compileWindow(window, `maintenance[${place}].matchers`));
  return (labels, nowMs) => {
    if (isOwn(labels)) return { reason: 'OwnAlert', message: 'the alert is about this program itself', untilMs: null };
    const found = muted.find(({ parsed }) => matchesAll(parsed, labels));
    if (found !== undefined) return { reason: 'Muted', message: `muteMatchers has ${found.text}`, untilMs: null };
    for (const window of compiled) {
      const mute = window(labels, nowMs);
      if (mute !== null) return mute;
    }
    return null;
  };
}

/** None would match every alert. */
function someMatchers(text: string, field: string): readonly Matcher[] {
  const parsed = allMatchers(text, field);
  if (parsed.length > 0) return parsed;
  throw new AppError('InvalidResource', 'has no matcher, so it would mute every alert; for that there is suspend', {
    field,
    reason: 'Matchers' satisfies BeyondKind,
  });
}

/** Names of rules about this program begin with `Fist`; its own scrape job, service or workload has its name. */
function isOwn(labels: Labels): boolean {
  if (/^(?:Fist[A-Z]|PunchingFist)/.test(labels['alertname'] ?? '')) return true;
  return ['job', 'service', 'deployment', 'app_kubernetes_io_name'].some((name) => labels[name] === 'punching-fist');
}

function compileWindow(
  window: Maintenance[number],
  field: string,
): (labels: Labels, nowMs: number) => LabelMute | null {
  const parsed: readonly Matcher[] = allMatchers(window.matchers ?? [], field);
  const message = window.comment ?? 'a maintenance window is open';
  return (labels, nowMs) => {
    const untilMs = openUntil(window, nowMs);
    return untilMs !== null && matchesAll(parsed, labels) ? { reason: 'Maintenance', message, untilMs } : null;
  };
}

const minuteMs = 60_000;

/** When a window that is open now closes, at the latest; null where it is not open. Within an hour of a change of the clocks it is decided anew. */
function openUntil(
  { from, until, weekdays, startTime, endTime, timezone: zone }: Maintenance[number],
  nowMs: number,
): number | null {
  if (from !== undefined && nowMs < toMs(from)) return null;
  const endMs = until === undefined ? Number.POSITIVE_INFINITY : toMs(until);
  if (nowMs >= endMs) return null;
  if (weekdays === undefined && startTime === undefined && endTime === undefined) return endMs;
  const { day, minutes } = localTime(zone, nowMs);
  const closesAt = minutesOf(endTime ?? '24:00');
  const isOpen = (weekdays?.includes(day) ?? true) && minutes >= minutesOf(startTime ?? '00:00') && minutes < closesAt;
  const thisMinuteMs = Math.floor(nowMs / minuteMs) * minuteMs;
  return isOpen ? Math.min(endMs, thisMinuteMs + (closesAt - minutes) * minuteMs) : null;
}

interface LocalTime {
  readonly day: Day;
  readonly minutes: number;
}

const zones = new Map<string, { readonly format: Intl.DateTimeFormat; minute: number; time: LocalTime }>();

/** The same for all alerts of a notification: to ask the system takes as long as a hundred matchers. */
function localTime(zone: string, nowMs: number): LocalTime {
  const minute = Math.floor(nowMs / minuteMs);
  const known = zones.get(zone);
  if (known?.minute === minute) return known.time;
  const format = known?.format ?? formatOf(zone);
  const time = readTime(format, nowMs);
  zones.set(zone, { format, minute, time });
  return time;
}

function readTime(format: Intl.DateTimeFormat, nowMs: number): LocalTime {
  const parts = Object.fromEntries(format.formatToParts(nowMs).map(({ type, value }) => [type, value]));
  const day = days.find((name) => name === parts['weekday']?.toLowerCase()) ?? 'sunday';
  return { day, minutes: Number(parts['hour']) * 60 + Number(parts['minute']) };
}

function formatOf(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
}

function isTimezone(zone: string): boolean {
  try {
    return formatOf(zone) !== undefined;
  } catch {
    return false;
  }
}

function minutesOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

function toMs(text: string): number {
  const time = parseRfc3339(text);
  return time == null ? Number.NaN : toEpochMs(time);
}
