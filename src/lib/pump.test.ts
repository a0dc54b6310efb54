import { describe, expect, it } from 'vitest';
import type { Clock, Log } from '../core/ports.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { systemClock } from './clock.ts';
import { startPump } from './pump.ts';
import { silentLog } from './silent-log.ts';

const clock: Clock = systemClock();
const errors: unknown[] = [];
const log: Log = {
  ...silentLog,
  error: (fields) => void errors.push(fields),
  child: () => log,
};

/** Work by key, done when `finish` is called. */
function createWork(concurrency: number, pollMs = 5) {
  const waiting: string[] = [];
  const started: string[] = [];
  const finishers = new Map<string, (error?: Error) => void>();
  let most = 0;
  const pump = startPump({
    name: 'test',
    due: async (limit) => waiting.slice(0, limit),
    nextDueAt: async () => null,
    handle: (key, signal) =>
      new Promise<void>((resolve, reject) => {
        started.push(key);
        most = Math.max(most, finishers.size + 1);
        finishers.set(key, (error) => {
          finishers.delete(key);
          waiting.splice(waiting.indexOf(key), 1);
          if (error === undefined) resolve();
          else reject(error);
        });
        signal.addEventListener('abort', () => finishers.get(key)?.());
      }),
    concurrency,
    pollMs,
    clock,
    log,
  });
  const until = async (holds: () => boolean) => {
    for (let turn = 0; turn < 1000 && !holds(); turn++) await clock.sleep(1);
    expect(holds()).toBe(true);
  };
  return { pump, waiting, started, finishers, until, most: () => most };
}

describe('pump', () => {
  it('does what is due, at most so many at a time, and never one key twice at a time', async () => {
    const { pump, waiting, started, finishers, until, most } = createWork(2);
    waiting.push('a', 'b', 'c', 'd', 'e');
    pump.hint();
    for (let count = 0; count < 5; count++) {
      await until(() => finishers.size > 0);
      finishers.values().next().value?.();
    }
    await until(() => finishers.size === 0 && waiting.length === 0);
    expect(started.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(most()).toBe(2);
    await pump.stop(100);
  });

  it('leaves the event loop free when it is full and hinted', async () => {
    const { pump, waiting, finishers, until } = createWork(1);
    waiting.push('a', 'b');
    pump.hint();
    await until(() => finishers.has('a'));
    pump.hint();
    await clock.sleep(2);
    finishers.get('a')?.();
    await until(() => finishers.has('b'));
    await pump.stop(100);
  });

  it('finds work without a hint, and goes on after work that failed', async () => {
    const { pump, waiting, finishers, until } = createWork(1);
    waiting.push('a');
    await until(() => finishers.has('a'));
    finishers.get('a')?.(new Error('broken'));
    waiting.push('b');
    await until(() => finishers.has('b'));
    expect(errors).toContainEqual(expect.objectContaining({ key: 'a' }));
    await pump.stop(100);
  });

  it('stops: aborts what runs, takes nothing new, and says whether all ended', async () => {
    const { pump, waiting, started, finishers, until } = createWork(1);
    waiting.push('a', 'b');
    pump.hint();
    await until(() => finishers.has('a'));
    expect(await pump.stop(1000)).toBe(true);
    expect(started).toEqual(['a']);
  });

  it('lets what runs end by itself first, and begins nothing new', async () => {
    const { pump, waiting, started, finishers, until } = createWork(1);
    waiting.push('a', 'b');
    pump.hint();
    await until(() => finishers.has('a'));
    const stopped = pump.stop(60_000, 50_000);
    await clock.sleep(20);
    expect(finishers.has('a')).toBe(true);
    finishers.get('a')?.();
    expect(await stopped).toBe(true);
    expect(started).toEqual(['a']);
  });

  it('aborts what has not ended by itself in time', async () => {
    const { pump, waiting, finishers, until } = createWork(1);
    waiting.push('a');
    pump.hint();
    await until(() => finishers.has('a'));
    expect(await pump.stop(60_000, 20)).toBe(true);
    expect(finishers.has('a')).toBe(false);
  });

  it('looks seldom while what is due is in work already, and at once when hinted', async () => {
    const still = createFakeClock();
    let looks = 0;
    const pump = startPump({
      name: 'held',
      due: async () => {
        looks += 1;
        return ['a'];
      },
      nextDueAt: async () => still.now() - 1000,
      handle: (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      concurrency: 2,
      pollMs: 1000,
      clock: still,
      log,
    });
    await still.advance(500);
    expect(looks).toBeGreaterThan(5);
    expect(looks).toBeLessThan(15);
    const before = looks;
    pump.hint();
    await still.advance(0);
    expect(looks).toBe(before + 1);
    expect(await pump.stop(1000)).toBe(true);
  });

  it('gives up on work that ignores the stop', async () => {
    const begun = Promise.withResolvers<void>();
    const pump = startPump({
      name: 'deaf',
      due: async () => ['a'],
      nextDueAt: async () => null,
      handle() {
        begun.resolve();
        return new Promise(() => undefined);
      },
      concurrency: 1,
      pollMs: 5,
      clock,
      log,
    });
    pump.hint();
    await begun.promise;
    expect(await pump.stop(5)).toBe(false);
    expect(await pump.stop(10, 5)).toBe(false);
  });
});
