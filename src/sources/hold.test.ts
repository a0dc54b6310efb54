import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import type { FakeClock } from '../../test/support/clock.ts';
import { holdJob, windowMs } from './hold.ts';

let clock: FakeClock;
let last: string;
let isAway: boolean;
let holders: string[];
let most: number;
const ends: (() => Promise<void>)[] = [];

beforeEach(() => {
  clock = createFakeClock();
  last = '';
  isAway = false;
  holders = [];
  most = 0;
});
afterEach(() => Promise.all(ends.splice(0).map((end) => end())));

/** A replica; `dies` ends it without a word, as a crash does. */
function replica(name: string) {
  const stopping = new AbortController();
  let isDead = false;
  const running = holdJob(
    {
      clock,
      random: () => 0.5,
      signal: stopping.signal,
      async claim(at) {
        if (isAway) throw new Error('the store is away');
        if (isDead || at <= last) return false;
        last = at;
        return true;
      },
    },
    async (signal) => {
      holders.push(name);
      most = Math.max(most, holders.length);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      holders.splice(holders.indexOf(name), 1);
    },
  );
  const stop = (): Promise<void> => {
    stopping.abort();
    return running;
  };
  ends.push(stop);
  return {
    stop,
    die() {
      isDead = true;
      holders.splice(holders.indexOf(name), 1);
    },
  };
}

test('one of three holds it, for as long as it lives', async () => {
  for (const name of ['a', 'b', 'c']) replica(name);
  await clock.advance(10 * 60_000);
  expect(holders).toEqual(['a']);
  expect(most).toBe(1);
});

test('after one that dies another begins within two windows', async () => {
  const first = replica('a');
  replica('b');
  await clock.advance(100_000);
  first.die();
  await clock.advance(2 * windowMs + 1000);
  expect(holders).toEqual(['b']);
});

test('who cannot ask ends its work before its window does, and somebody begins again when it can', async () => {
  replica('a');
  replica('b');
  await clock.advance(20_000);
  isAway = true;
  await clock.advance(2 * windowMs);
  expect(holders).toEqual([]);
  isAway = false;
  await clock.advance(2 * windowMs);
  expect(holders).toHaveLength(1);
  expect(most).toBe(1);
});

test('a stop ends the work and hands over', async () => {
  const first = replica('a');
  replica('b');
  await clock.advance(1000);
  await first.stop();
  await clock.advance(2 * windowMs + 1000);
  expect(holders).toEqual(['b']);
  expect(most).toBe(1);
});
