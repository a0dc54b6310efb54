import { toAppError } from '../core/errors.ts';
import type { Clock, Log, RunQueue } from '../core/ports.ts';
import type { DuePosition } from '../core/run-store.ts';
import type { Store } from '../core/store.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import { createComplaints } from '../lib/complaints.ts';
import { startPump } from '../lib/pump.ts';
import type { Pump, PumpOptions } from '../lib/pump.ts';
import type { Engine } from './engine/advance.ts';

/** Design 3.1.18: embedded, a commit's hint or the next `wake_at`, at most so much later. */
const embeddedPollMs = 1_000;
/** Design 3.1.18: each replica looks so often for jobs, and for due runs that have none. */
const distributedPollMs = 500;
/** ... and so often while it finds jobs: what is due has one then, and only timers may be behind. */
const busySweepMs = 5_000;
/** Due runs for which one look sends jobs. */
const duePage = 500;

export interface RunDriverOptions {
  readonly store: Store;
  readonly engine: Engine;
  /** The queue that several replicas share; null = this process is the only one. */
  readonly queue: RunQueue | null;
  /** Runs that execute at the same time in this process. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Calls `advance` for runs that are due, until it is stopped. Waking up is a hint, `wake_at` is the truth: whichever driver
 * runs, a due run is found, and its lease keeps a second worker off.
 */
export function startRunDriver(options: RunDriverOptions): Pump {
  const { store, queue } = options;
  const driver = queue === null ? startPump(embedded(options)) : startDistributed(options, queue);
  const unsubscribe = store.onCommit(({ runs }) => {
    if (runs) driver.hint();
  });
  return {
    ...driver,
    stop(timeoutMs, finishMs) {
      unsubscribe();
      return driver.stop(timeoutMs, finishMs);
    },
  };
}

/** The only process: due runs are read from the store. */
function embedded({ store, engine, concurrency, clock, log }: RunDriverOptions): PumpOptions {
  return {
    name: 'engine',
    due: (limit) => store.read.runs.due(toTimestamp(clock.now()), limit),
    async nextDueAt() {
      const wakeAt = await store.read.runs.nextWakeAt();
      return wakeAt === null ? null : toEpochMs(wakeAt);
    },
    handle: (runId, signal, pausing) => engine.advance(runId, signal, pausing),
    concurrency,
    pollMs: embeddedPollMs,
    clock,
    log,
  };
}

/**
 * One of several replicas: jobs are taken from the queue, as many as there is room, so that none waits here while another
 * replica is idle. Beside it, jobs are sent for due runs: timers, expired leases, and those whose job was lost.
 */
function startDistributed({ store, engine, concurrency, clock, log }: RunDriverOptions, queue: RunQueue): Pump {
  let isDry = true;
  const pump = startPump({
    name: 'engine',
    async due(_, room) {
      const runIds = await queue.take(room);
      isDry = runIds.length < room;
      return runIds;
    },
    nextDueAt: async () => null,
    handle: (runId, signal, pausing) => engine.advance(runId, signal, pausing),
    concurrency,
    pollMs: distributedPollMs,
    clock,
    log,
  });
  const unsubscribe = queue.onSent(() => pump.hint());
  const sweep = startDueSweep(store, queue, () => isDry, clock, log);
  return {
    ...pump,
    async stop(timeoutMs, finishMs) {
      unsubscribe();
      const [ended] = await Promise.all([pump.stop(timeoutMs, finishMs), sweep.stop()]);
      return ended;
    },
  };
}

/**
 * Each half second, a page of the due runs gets jobs; a run that has one keeps it. While the queue is long that is done less
 * often, and the pages walk through all of it, so that a timer in it is found as well; with a short one each page is all
 * there is.
 */
function startDueSweep(
  store: Store,
  queue: RunQueue,
  isDry: () => boolean,
  clock: Clock,
  log: Log,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let after: DuePosition | null = null;
  let sweptAtMs = Number.NEGATIVE_INFINITY;
  const complain = createComplaints(log, clock);

  async function sweep(): Promise<void> {
    const nowMs = clock.monotonic();
    if (!isDry() && nowMs - sweptAtMs < busySweepMs) return;
    sweptAtMs = nowMs;
    const page: readonly DuePosition[] = await store.read.runs.duePage(toTimestamp(clock.now()), after, duePage);
    await queue.send(page.map(({ id }) => id));
    after = page.length < duePage ? null : (page.at(-1) ?? null);
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await sweep();
      } catch (error) {
        complain('warn', toAppError(error).code, { error }, 'could not look for due runs; it goes on looking');
      }
      await clock.sleep(distributedPollMs, stopping.signal).catch(() => undefined);
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
