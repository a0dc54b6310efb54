import type { Clock } from '../../src/core/ports.ts';

export interface FakeClock extends Clock {
  /** Moves time on, firing sleepers in their order; lets what they wake run in between. */
  advance(milliseconds: number): Promise<void>;
  /** Sets the wall clock apart from the monotonic one, as a correction of the machine's time does. */
  shiftWallClock(milliseconds: number): void;
  /** Sleepers in wait. */
  sleeping(): number;
}

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is told to move. */
export function createFakeClock(start = '2026-01-01T00:00:00.000Z'): FakeClock {
  let elapsedMs = 0;
  let wallMs = Date.parse(start);
  const sleepers = new Set<Sleeper>();
  return {
    now: () => wallMs,
    monotonic: () => elapsedMs,
    sleeping: () => sleepers.size,
    shiftWallClock: (milliseconds) => {
      wallMs += milliseconds;
    },
    sleep(milliseconds, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason as Error);
          return;
        }
        const abort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason as Error);
        };
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', abort);
          resolve();
        };
        const sleeper = { atMs: elapsedMs + milliseconds, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', abort, { once: true });
      });
    },
    async advance(milliseconds) {
      const endMs = elapsedMs + milliseconds;
      await settle();
      for (;;) {
        const next = [...sleepers].sort((one, other) => one.atMs - other.atMs)[0];
        if (next === undefined || next.atMs > endMs) break;
        const byMs = Math.max(0, next.atMs - elapsedMs);
        elapsedMs += byMs;
        wallMs += byMs;
        next.wake();
        await settle();
      }
      wallMs += endMs - elapsedMs;
      elapsedMs = endMs;
      await settle();
    },
  };
}

/** Work with the world outside that is under way: calls of a database server. */
const underWay = new Set<Promise<unknown>>();

/** Has every fake clock wait for a call before it takes the next moment for the last word. */
export function waitedFor<T>(call: Promise<T>): Promise<T> {
  underWay.add(call);
  const end = (): void => void underWay.delete(call);
  call.then(end, end);
  return call;
}

/** More turns than any work takes; who counts turns for ever is not waited for. */
const mostTurns = 100_000;

/** Lets promises, turns of the event loop, commits, files and calls that are under way come to rest, however long each takes. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < mostTurns; turns += 12) {
    for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (underWay.size > 0) await Promise.allSettled(underWay);
    else if (!process.getActiveResourcesInfo().some((kind) => kind === 'Immediate' || kind.startsWith('FSReq'))) return;
  }
}
