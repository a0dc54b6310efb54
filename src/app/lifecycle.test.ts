import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { createLifecycle, workBudget } from './lifecycle.ts';
import { silentLog } from '../lib/silent-log.ts';

const begin = () => {
  const clock = createFakeClock();
  return { clock, lifecycle: createLifecycle({ log: silentLog, clock, budgetMs: 25_000 }) };
};

test('stops in the reverse order, once, each part with the time that is left', async () => {
  const { clock, lifecycle } = begin();
  const told: string[] = [];
  lifecycle.onStop('first built', (leftMs) => told.push(`first ${leftMs}`));
  lifecycle.onStop('last built', async (leftMs) => {
    told.push(`last ${leftMs}`);
    await clock.sleep(10_000);
  });
  const stopped = lifecycle.stop();
  await clock.advance(10_000);
  expect(await stopped).toBe(true);
  expect(await lifecycle.stop()).toBe(true);
  expect(told).toEqual(['last 25000', 'first 15000']);
});

test('a part that fails, or does not end, does not keep the others from stopping', async () => {
  const { clock, lifecycle } = begin();
  const told: string[] = [];
  lifecycle.onStop('store', (leftMs) => told.push(`store ${leftMs}`));
  lifecycle.onStop('broken', () => {
    throw new Error('broken');
  });
  lifecycle.onStop('stuck', () => new Promise(() => undefined));
  const stopped = lifecycle.stop();
  await clock.advance(25_000);
  expect(await stopped).toBe(false);
  expect(told).toEqual(['store 0']);
});

test('work may end by itself until 5 s before the end, and has 4 s to be checkpointed', () => {
  expect(workBudget(25_000)).toEqual({ finishMs: 20_000, timeoutMs: 24_000 });
  expect(workBudget(2000)).toEqual({ finishMs: 750, timeoutMs: 1500 });
  expect(workBudget(0)).toEqual({ finishMs: 0, timeoutMs: 0 });
});
