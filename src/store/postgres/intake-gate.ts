import { tooSlow } from '../commit/hooks.ts';
import type { QueueLimits } from '../commit/hooks.ts';

export interface IntakeGate {
  /** Does the work when there is a place. Rejects with StoreUnavailable where too many wait, or have waited too long. */
  pass<T>(work: () => Promise<T>): Promise<T>;
}

/** So many connections stay free of intake, for engine, outbox and people. */
const reserved = 3;

/**
 * Bounds how many connections of the pool intake may use, and who waits for one of them. `connections` of the pool,
 * `monotonic` in milliseconds.
 */
export function createIntakeGate(connections: number, limits: QueueLimits, monotonic: () => number): IntakeGate {
  const waiting: { readonly sinceMs: number; resolve(): void; reject(error: unknown): void }[] = [];
  let free = Math.max(1, connections - reserved);

  function enter(): Promise<void> {
    if (free > 0) {
      free -= 1;
      return Promise.resolve();
    }
    const [first] = waiting;
    const waitedMs = first === undefined ? 0 : monotonic() - first.sinceMs;
    if (waiting.length >= limits.maxWaiting || waitedMs > limits.maxWaitMs)
      return Promise.reject(tooSlow(waiting.length, waitedMs));
    return new Promise((resolve, reject) => waiting.push({ sinceMs: monotonic(), resolve, reject }));
  }

  /** Hands the place on to the first who is not too late: what its sender no longer waits for is not done. */
  function leave(): void {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const waitedMs = monotonic() - next.sinceMs;
      if (waitedMs <= limits.maxWaitMs) return next.resolve();
      next.reject(tooSlow(waiting.length + 1, waitedMs));
    }
    free += 1;
  }

  return {
    async pass(work) {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
