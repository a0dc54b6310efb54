import type { Clock, Log } from '../../core/ports.ts';
import type { Store } from '../../core/store.ts';
import { toEpochMs, toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import type { Work } from './work.ts';

/** Of the wall clock against the monotonic one. Less is a correction of the time, and nothing to move deadlines for. */
const leastJumpMs = 60_000;
/** Runs whose deadlines are moved in one transaction. */
const runsPerTransaction = 500;

export interface Jumps {
  /**
   * Moves the deadlines of all unfinished runs by what the wall clock has jumped ahead since the last call, once. To be
   * awaited before a run is taken. Rejects where the store fails; the next call goes on.
   */
  settle(): Promise<void>;
}

interface Jump {
  readonly byMs: number;
  /** The last time that was read before it: later runs have deadlines of the new time. */
  readonly before: Timestamp;
  /** The last run that was moved; runs are moved in the order of their ids. */
  after: string;
}

/** Sees the wall clock jump ahead of the monotonic one: the machine stood still, or its time was set (design 3.1.13). */
export function createJumps({ store, clock, log }: { store: Store; clock: Clock; log: Log }): Jumps {
  const jumps: Jump[] = [];
  let lastMs = clock.now();
  let aheadMs = lastMs - clock.monotonic();
  let moving: Promise<void> | null = null;

  function look(): void {
    const nowMs = clock.now();
    const byMs = Math.round(nowMs - clock.monotonic() - aheadMs);
    aheadMs = nowMs - clock.monotonic();
    if (byMs > leastJumpMs) jumps.push({ byMs, before: toTimestamp(lastMs), after: '' });
    lastMs = nowMs;
  }

  async function move(): Promise<void> {
    for (let [jump] = jumps; jump !== undefined; [jump] = jumps) {
      const { byMs, before, after } = jump;
      const last = await store.transaction('recover', (tx) =>
        tx.runs.moveDeadlines(byMs, before, { after, limit: runsPerTransaction }),
      );
      if (last !== null) {
        jump.after = last;
        continue;
      }
      jumps.shift();
      log.warn({ seconds: byMs / 1000 }, 'the wall clock jumped ahead; the deadlines of unfinished runs were moved');
    }
  }

  return {
    async settle() {
      look();
      if (moving === null && jumps.length > 0) {
        moving = move().finally(() => {
          moving = null;
        });
      }
      await moving;
    },
  };
}

/** The deadline of a run in work. What the wall clock jumped ahead since it was taken is no time of the run. */
export function deadlineOf(clock: Clock, { run, deadlineMs }: Pick<Work, 'run' | 'deadlineMs'>): Timestamp {
  const nowMs = clock.now();
  const movedMs = Math.round(nowMs + deadlineMs - clock.monotonic()) - toEpochMs(run.deadlineAt);
  return movedMs > leastJumpMs ? toTimestamp(toEpochMs(run.deadlineAt) + movedMs) : run.deadlineAt;
}
