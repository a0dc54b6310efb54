import type { Clock, Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import type { PumpOptions } from '../lib/pump.ts';
import type { Engine } from './engine/advance.ts';

/** Design 3.1.18: a commit's hint, or the next `wake_at`, at most so much later. */
const pollMs = 1_000;

export interface EnginePumpOptions {
  readonly store: Store;
  readonly engine: Engine;
  /** Runs that execute at the same time. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What `startPump` needs to drive the engine over the store's due runs. */
export function enginePump({ store, engine, concurrency, clock, log }: EnginePumpOptions): PumpOptions {
  return {
    name: 'engine',
    due: (limit) => store.read.runs.due(toTimestamp(clock.now()), limit),
    async nextDueAt() {
      const wakeAt = await store.read.runs.nextWakeAt();
      return wakeAt === null ? null : toEpochMs(wakeAt);
    },
    handle: (runId, signal) => engine.advance(runId, signal),
    concurrency,
    pollMs,
    clock,
    log,
  };
}

/**
 * Before anything starts: the lock on the database proves that no earlier worker is alive, so every lease is dead and
 * its run or delivery is due now. Returns how many runs there were.
 */
export function releaseDeadLeases(store: Store, clock: Clock): Promise<number> {
  return store.transaction('recover', async (tx) => {
    const now = toTimestamp(clock.now());
    await tx.deliveries.releaseLeases(now);
    return tx.runs.releaseLeases(now);
  });
}
