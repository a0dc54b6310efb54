import { Cron } from 'croner';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { RunRequest } from '../core/event.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import type { BeyondKind } from '../lib/rule.ts';
import { defineSource } from './define.ts';
import type { SourceIo } from './define.ts';
import { timezone } from './mutes.ts';

/** Missed ticks are counted and made up for up to so many, the newest. */
const mostMissed = 50;
/** A tick that is later than this was missed. */
const onTimeMs = 60_000;
/** The clock is looked at again after so long, in case that it was put forward. */
const longestSleepMs = 30_000;

interface Schedule {
  readonly cron: string;
  readonly timezone: string;
  readonly catchUp: 'skip' | 'last' | 'all';
  readonly ticks: Ticks;
}

/** The moments when a schedule is due. */
interface Ticks {
  /** The first one after a time; null = there is none. */
  readonly after: (time: Timestamp) => Timestamp | null;
  /** The last `count` ones up to a time, the oldest first. */
  readonly upTo: (time: Timestamp, count: number) => readonly Timestamp[];
}

/** Starts workflows by the clock. */
export const schedule = defineSource({
  type: 'schedule',
  description: 'Starts a Workflow by the clock.',
  config: z.strictObject({
    cron: z
      .string()
      .max(256)
      .regex(
        /^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[^\p{Z}\p{Cc}]+( +[^\p{Z}\p{Cc}]+){4,5})$/u,
        'must be a cron expression of five or six fields, or @hourly, @daily, @weekly, @monthly, @yearly',
      )
      .meta({
        description:
          'Cron expression, five fields, or six with seconds; or @hourly, @daily, @weekly, @monthly, @yearly.',
      }),
    timezone: timezone.default('UTC').meta({ description: 'IANA time zone of the expression.' }),
    catchUp: z
      .enum(['skip', 'last', 'all'])
      .default('last')
      .meta({
        description: `What becomes of ticks that were due while no server ran: none is made up for, the last one, or all (the newest ${mostMissed}).`,
      }),
  }),
  compile: (config) => ({ settings: { ...config, ticks: ticksOf(config.cron, config.timezone) } }),
  hasAlerts: false,
  run,
});

/** Throws InvalidResource for an expression that is none or never due. */
function ticksOf(expression: string, zone: string): Ticks {
  const wrong = (message: string, cause?: unknown): AppError =>
    new AppError('InvalidResource', message, { field: 'cron', cause, reason: 'Cron' satisfies BeyondKind });
  let cron: Cron;
  try {
    // A time of day that is named comes once a day, also where clocks are put forward or back.
    cron = new Cron(expression, { timezone: zone, paused: true, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.replace(/^\w+: /, '') : String(cause);
    throw wrong(`is no cron expression: ${message}`, cause);
  }
  const after: Ticks['after'] = (time) => {
    const next = cron.nextRun(new Date(time));
    return next === null ? null : toTimestamp(next.getTime());
  };
  if (after('2026-01-01T00:00:00.000Z') === null) throw wrong(`${expression} names a day that never comes`);
  return {
    after,
    upTo: (time, count) =>
      cron
        .previousRuns(count, new Date(toEpochMs(time) + 1))
        .map((tick) => toTimestamp(tick.getTime()))
        .toReversed(),
  };
}

/**
 * Asks for a run at each tick. All replicas do; the store takes the first. Begins with the first tick after the Source was first
 * seen, or changed.
 */
async function run(settings: Schedule, io: SourceIo): Promise<void> {
  const { clock, signal } = io;
  let last = await begin(io);
  await io.works();
  while (!signal.aborted) {
    const next = settings.ticks.after(last);
    if (next === null) throw new Error(`${settings.cron} is never due after ${last}`);
    const waitMs = toEpochMs(next) - clock.now();
    if (waitMs > 0) await clock.sleep(Math.min(waitMs, longestSleepMs), signal).catch(() => undefined);
    else last = await takeDue(settings, io, last);
  }
}

/** Where to go on from: where the Source has got, or now. */
async function begin({ lastTick, passTick, isNew, clock }: SourceIo): Promise<Timestamp> {
  const last = await lastTick();
  const now = toTimestamp(clock.now());
  // What lies ahead was written before the clock was put back.
  if (last !== null && last <= now && !isNew()) return last;
  await passTick(now);
  return now;
}

/** Asks for the runs of the ticks after `last` that are due; answers how far it got. */
async function takeDue(schedule: Schedule, io: SourceIo, last: Timestamp): Promise<Timestamp> {
  const { cron, timezone: zone } = schedule;
  const due = dueTicks(schedule.ticks, last, toTimestamp(io.clock.now()));
  const { wanted, missed } = chooseTicks(schedule.catchUp, due, io.clock.now());
  const newest = due.at(-1) as Timestamp;
  if (wanted.length === 0 && (await io.passTick(newest))) tellMissed(io, missed);
  for (const [place, tick] of wanted.entries()) {
    const before = place === 0 ? missed : [];
    const isNews = await requestRun(io, {
      key: `tick/${tick}`,
      tick,
      data: { scheduledAt: tick, cron, timezone: zone, missed: before.length },
      problem: before.length === 0 ? null : `TicksMissed: ${missedText(before)}`,
    });
    if (isNews) tellMissed(io, before);
    if (io.signal.aborted) return tick;
  }
  return newest;
}

/** The newest {@link mostMissed} ticks after `last` up to `now`. */
function dueTicks({ after, upTo }: Ticks, last: Timestamp, now: Timestamp): readonly Timestamp[] {
  const due: Timestamp[] = [];
  for (let tick = after(last); tick !== null && tick <= now; tick = after(tick)) {
    if (due.length === mostMissed) return upTo(now, mostMissed);
    due.push(tick);
  }
  return due;
}

/** Those that start a run, and those that do not. What is on time always does. */
function chooseTicks(catchUp: Schedule['catchUp'], due: readonly Timestamp[], nowMs: number) {
  const late = due.filter((tick) => nowMs - toEpochMs(tick) > onTimeMs);
  const onTime = due.slice(late.length);
  const madeUp = { skip: 0, last: onTime.length === 0 ? 1 : 0, all: late.length }[catchUp];
  const missed = late.slice(0, late.length - madeUp);
  return { missed, wanted: [...late.slice(missed.length), ...onTime] };
}

function tellMissed({ metrics, log, source }: SourceIo, missed: readonly Timestamp[]): void {
  if (missed.length === 0) return;
  metrics.increment('fist_ticks_missed_total', { source: source().name }, missed.length);
  log.warn({ missed: missed.length, from: missed[0], to: missed.at(-1) }, `ticks were missed: ${missedText(missed)}`);
}

function missedText(missed: readonly Timestamp[]): string {
  const count = `${missed.length}${missed.length >= mostMissed - 1 ? ' or more' : ''}`;
  return `${count} from ${missed[0]} to ${missed.at(-1)} were due while no server ran (catchUp)`;
}

/** Waits where the storm cap leaves no room. True where nobody had asked for it. */
async function requestRun({ intake, source, clock, signal }: SourceIo, request: RunRequest): Promise<boolean> {
  while (!signal.aborted) {
    const answer = await intake.request(source(), request);
    if (answer.kind !== 'later') return answer.kind !== 'known';
    await clock.sleep(Math.max(1000, toEpochMs(answer.until) - clock.now()), signal).catch(() => undefined);
  }
  return false;
}
