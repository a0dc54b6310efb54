import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWordIndex } from './word-index.ts';
import type { WordIndex, WordStep } from './word-index.ts';

const alertsPerStep = 10;
const tookMs = 5;
let due: number;
/** When each step was. */
let steps: number[];
let othersCommit: boolean;
let failure: Error | undefined;
let errors: unknown[];
let index: WordIndex;

beforeEach(() => {
  vi.useFakeTimers();
  due = 0;
  steps = [];
  othersCommit = false;
  failure = undefined;
  errors = [];
  index = createWordIndex({
    isDue: async () => due > 0,
    write: step,
    alertsPerStep,
    onError: (error) => errors.push(error),
  });
});

afterEach(async () => {
  await index.close();
  vi.useRealTimers();
});

async function step(limit: number): Promise<WordStep> {
  if (failure !== undefined) throw failure;
  const alerts = Math.min(due, limit);
  due -= alerts;
  steps.push(Date.now());
  if (othersCommit) index.wake();
  return { alerts, last: `after ${steps.length}`, tookMs };
}

const gaps = () => steps.slice(1).map((at, place) => at - (steps[place] ?? 0));

test('what is due is written a second after a commit, step by step', async () => {
  due = 25;
  index.wake();
  await vi.advanceTimersByTimeAsync(999);
  expect(steps).toEqual([]);
  await vi.advanceTimersByTimeAsync(10);
  expect(due).toBe(0);
  expect(steps).toHaveLength(3);
});

test('while others commit, they have nine times as long', async () => {
  due = 45;
  othersCommit = true;
  index.wake();
  await vi.advanceTimersByTimeAsync(1000 + 4 * 9 * tookMs);
  expect(due).toBe(0);
  expect(gaps()).toEqual([45, 45, 45, 45]);
});

test('a commit that comes during the work is looked after later', async () => {
  due = 5;
  othersCommit = true;
  index.wake();
  await vi.advanceTimersByTimeAsync(1000);
  expect(due).toBe(0);
  due = 3;
  await vi.advanceTimersByTimeAsync(1000);
  expect(due).toBe(0);
});

test('an error is told, and the next commit tries again', async () => {
  due = 5;
  failure = new Error('disk full');
  index.wake();
  await vi.advanceTimersByTimeAsync(1000);
  expect(errors).toEqual([failure]);
  failure = undefined;
  index.wake();
  await vi.advanceTimersByTimeAsync(1000);
  expect(due).toBe(0);
});

test('nothing more begins after the close', async () => {
  due = 1000;
  othersCommit = true;
  index.wake();
  await vi.advanceTimersByTimeAsync(1000 + 45);
  const before = steps.length;
  await index.close();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(steps).toHaveLength(before);
});
