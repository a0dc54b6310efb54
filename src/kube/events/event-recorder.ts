import type { ObjectReference } from '../../core/cluster.ts';
import type { Clock, Log } from '../../core/ports.ts';
import { toAppError } from '../../core/errors.ts';
import { createComplaints } from '../../lib/complaints.ts';
import { silentLog } from '../../lib/silent-log.ts';
import { seriesKey } from './event-series.ts';
import type { EventText } from './event-series.ts';
import { afterFailure, createObjectLimits, newSeries, writeSeries } from './event-writer.ts';
import type { Series } from './event-writer.ts';
import { createWorkQueue } from '../watch/work-queue.ts';
import type { KubeWriter } from '../connection/writer.ts';

/** Why an Event was not told. `RateLimited`: of one object too many; `Full`: of all; `Refused`: by the API server; `Unreachable`; `Stopped`. */
export type LostReason = 'RateLimited' | 'Full' | 'Refused' | 'Unreachable' | 'Stopped';

export interface EventRecorderOptions {
  readonly writer: Pick<KubeWriter, 'create' | 'patch'>;
  /** Of this process alone, `pod name_random`; its first 128 characters. */
  readonly instance: string;
  readonly onLost: (reason: LostReason, count: number) => void;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Tells people in `kubectl describe` what happened to an object. */
export interface EventRecorder {
  /**
   * Never waits and never throws. What is said again within ten minutes is counted in the Event that is there. What cannot be told is
   * counted and forgotten: nothing may depend on it.
   */
  record(regarding: ObjectReference, event: EventText): void;
  /** Tells what is left for at most so long. */
  stop(timeoutMs: number): Promise<void>;
}

/** After so long without it, the same is something new. */
const quietMs = 10 * 60_000;
/** A series is written at most so often. */
const writeEveryMs = 30_000;
const mostSeries = 1000;
/** For a request that is on its way. */
const graceMs = 10_000;
const overall = { requestsPerMinute: 300, burst: 100 } as const;
const backOff = { firstMs: 500, mostMs: 60_000 } as const;

/** Events of events.k8s.io/v1, written by a queue of their own. Needs the rights to create and patch them. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { writer, clock, log, onLost } = options;
  const instance = options.instance.slice(0, 128);
  const complain = createComplaints(log, clock);
  const known = new Map<string, Series>();
  const mayBegin = createObjectLimits(clock);
  let isStopping = false;

  function lose(reason: LostReason, count: number, message: string): void {
    if (count <= 0) return;
    onLost(reason, count);
    complain('warn', reason, { reason, message, count }, 'an Event could not be told');
  }

  function forget(key: string, series: Series, reason: LostReason): void {
    known.delete(key);
    queue.forget(key);
    lose(reason, series.count - series.told, 'there are too many');
  }

  /** The oldest come first. */
  function makeRoom(): void {
    for (const [key, series] of known) {
      const isOver = clock.monotonic() - series.lastMs > quietMs && series.told === series.count;
      if (!isOver && known.size < mostSeries) return;
      forget(key, series, 'Full');
    }
  }

  function record(regarding: ObjectReference, event: EventText): void {
    if (isStopping) return lose('Stopped', 1, event.reason);
    const key = seriesKey(regarding, event);
    const nowMs = clock.monotonic();
    const found = known.get(key);
    const series = found !== undefined && nowMs - found.lastMs <= quietMs ? found : null;
    if (series?.isRefused === true) return lose('Refused', 1, event.reason);
    if (series === null && !mayBegin(regarding)) return lose('RateLimited', 1, `${regarding.kind} ${regarding.name}`);
    const again = series ?? newSeries(regarding, event, clock);
    again.count += 1;
    again.lastMs = nowMs;
    again.lastWallMs = clock.now();
    if (found !== undefined && series === null) forget(key, found, 'Full');
    known.delete(key);
    makeRoom();
    known.set(key, again);
    queue.addAfter(key, again.writtenMs + writeEveryMs - nowMs);
  }

  async function handle(key: string): Promise<number | null> {
    const series = known.get(key);
    if (series === undefined || series.isRefused || series.told === series.count) return null;
    series.writtenMs = clock.monotonic();
    try {
      await writeSeries(writer, instance, series);
      series.tries = 0;
      return series.count > series.told ? writeEveryMs : null;
    } catch (error) {
      const reason = afterFailure(series, error);
      if (reason === null) throw error;
      lose(reason, series.count - series.told, toAppError(error).message);
      series.told = series.count;
      return null;
    }
  }

  const queue = createWorkQueue({
    ...options,
    name: 'events',
    handle,
    concurrency: 2,
    backOff,
    rate: overall,
    // Its complaints say less than ours.
    log: silentLog,
  });

  return {
    record,
    async stop(timeoutMs) {
      isStopping = true;
      const untilMs = clock.monotonic() + timeoutMs;
      const left = (): readonly [string, Series][] => [...known].filter(([, { count, told }]) => told < count);
      for (const [key] of left()) queue.add(key);
      while (left().length > 0 && clock.monotonic() < untilMs) await clock.sleep(20);
      await queue.stop(Math.max(0, untilMs - clock.monotonic()) + graceMs);
      for (const [, { count, told }] of left()) lose('Stopped', count - told, 'the process has stopped');
    },
  };
}
