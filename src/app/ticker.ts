import type { Metrics } from '../core/metrics.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';

const minuteMs = 60_000;

export interface TickerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Of the job, in the table `ticks`. */
  readonly name: string;
  /**
   * What one replica does for all. Its errors are logged; the next minute does it again. `stop` aborts the signal and waits
   * for the work: it is to end soon then, because the drain of the program waits behind it.
   */
  work(signal: AbortSignal): Promise<void>;
}

export interface Ticker {
  /** Begins nothing new and resolves when the work has ended. */
  stop(): Promise<void>;
}

/**
 * Does the work once in each minute of the store's clock, on one of all replicas that share the store. A replica that dies
 * in mid-work leaves the rest to the next minute.
 */
export function startTicker(options: TickerOptions): Ticker {
  const { store, clock, log, metrics, name } = options;
  const stopping = new AbortController();

  async function tick(at: Timestamp): Promise<void> {
    if (!(await store.transaction('tick', (tx) => tx.duties.claim(name, at)))) return;
    metrics.increment('fist_ticks_total', { name });
    log.debug({ tick: name, at }, 'tick');
    await options.work(stopping.signal);
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const minute = Math.floor(clock.now() / minuteMs);
      await tick(toTimestamp(minute * minuteMs)).catch((error: unknown) =>
        log.error({ tick: name, error }, 'the work of this minute failed; the next minute does it again'),
      );
      // From the minute that was looked at, not from now: a timer that rang a moment early must not skip the next one.
      const waitMs = (minute + 1) * minuteMs - clock.now();
      if (waitMs > 0) await clock.sleep(waitMs, stopping.signal).catch(() => undefined);
    }
  }
  const running = loop();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}
