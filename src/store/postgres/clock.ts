import type { Clock } from '../../core/ports.ts';

/** The time of the server, for all replicas the same, however their own clocks are set (design 3.1.19). */
export interface ServerClock extends Clock {
  /** Compares with the server anew. */
  synchronize(): Promise<void>;
}

/** An answer that took longer than this says too little about when it was given. */
const mostDelayMs = 500;
/** After so long without a quick answer a slow one is better than none: clocks of machines drift apart. */
const staleAfterMs = 600_000;

/**
 * Runs on the monotonic clock of this process from the last comparison on; so it neither jumps with the machine's wall
 * clock nor needs a query each time. Off by at most half the time that the best comparison took.
 */
export function createServerClock(base: Clock, readServerTimeMs: () => Promise<number>): ServerClock {
  /** Server time minus monotonic time. */
  let offsetMs: number | undefined;
  let comparedMs = 0;
  return {
    monotonic: () => base.monotonic(),
    sleep: (milliseconds, signal) => base.sleep(milliseconds, signal),
    now: () => Math.floor(base.monotonic() + (offsetMs ?? base.now() - base.monotonic())),
    async synchronize() {
      const askedMs = base.monotonic();
      const serverMs = await readServerTimeMs();
      const answeredMs = base.monotonic();
      const isSlow = answeredMs - askedMs > mostDelayMs;
      if (isSlow && offsetMs !== undefined && answeredMs - comparedMs < staleAfterMs) return;
      offsetMs = serverMs - (askedMs + answeredMs) / 2;
      comparedMs = answeredMs;
    },
  };
}
