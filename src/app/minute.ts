import type { Metrics } from '../core/metrics.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { auditDeliveries } from '../sinks/audit.ts';
import { auditRuns } from '../workflows/engine/audit.ts';
import type { AlertSweep } from '../intake/sweep.ts';
import { createRetention } from '../workflows/retention.ts';
import type { RetentionOptions } from '../workflows/retention.ts';
import { startTicker } from './ticker.ts';
import type { Ticker } from './ticker.ts';

export interface MinuteOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly sweep: AlertSweep;
}

/**
 * What one replica does each minute for all. A job that fails is logged by its name and keeps no other from its turn; the
 * next minute does it again. A stop lets a transaction end and begins no other.
 */
export function startMinuteWork(options: MinuteOptions): Ticker {
  const { store, clock, log, metrics, sweep } = options;
  const name = 'minute';
  const jobs: readonly (readonly [job: string, work: (signal: AbortSignal) => Promise<unknown>])[] = [
    ['expire', (signal) => sweep.expire(signal)],
    ['resume', (signal) => sweep.resume(signal)],
    ['audit-runs', () => auditRuns({ store, clock, log, metrics })],
    ['audit-deliveries', () => auditDeliveries({ store, clock, log, metrics })],
  ];
  return startTicker({
    store,
    clock,
    log,
    metrics,
    name,
    async work(signal) {
      for (const [job, work] of jobs) {
        if (signal.aborted) return;
        try {
          await work(signal);
        } catch (error) {
          log.error({ tick: name, job, error }, 'a job of this minute failed; the next minute does it again');
        }
      }
    },
  });
}

/** Deletes what is too old or too much; apart from the minute's other work, because it may take a good part of the minute. */
export function startRetention(options: RetentionOptions): Ticker {
  const { store, clock, log, metrics } = options;
  const retention = createRetention(options);
  return startTicker({
    store,
    clock,
    log,
    metrics,
    name: 'retention',
    work: async (signal) => void (await retention.apply(signal)),
  });
}
