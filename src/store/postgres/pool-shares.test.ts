import { expect, test } from 'vitest';
import type { TransactionName } from '../../core/store.ts';
import { defaultLimits } from '../commit/hooks.ts';
import { createPoolShares } from './pool-shares.ts';

/** Begins work of these names that never ends by itself; answers what of it was let in. */
async function begin(connections: number, names: readonly TransactionName[]) {
  const shares = createPoolShares(connections, defaultLimits, () => 0);
  const inside: TransactionName[] = [];
  const ends: (() => void)[] = [];
  for (const name of names) {
    void shares.pass(name, () => {
      inside.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  }
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  await settle();
  return {
    inside,
    async end() {
      ends.shift()?.();
      await settle();
    },
  };
}

const many = (name: TransactionName) => Array.from({ length: 20 }, () => name);
const count = (names: readonly string[], name: string) => names.filter((one) => one === name).length;

test('runs and intake leave room for deliveries, and those for runs', async () => {
  const { inside } = await begin(12, [...many('claim'), ...many('intake'), ...many('delivery-claim')]);
  expect(count(inside, 'claim')).toBe(10);
  expect(count(inside, 'delivery-claim')).toBe(3);
  const second = await begin(12, [...many('delivery-end'), 'claim', ...many('intake')]);
  expect(count(second.inside, 'delivery-end')).toBe(3);
  expect(count(second.inside, 'intake')).toBe(7);
  expect(count(second.inside, 'claim')).toBe(1);
});

test('who waits comes in when one ends, in order', async () => {
  const work = await begin(12, [...many('delivery-claim'), 'delivery-end']);
  for (let ended = 0; ended < 18; ended += 1) await work.end();
  expect(work.inside.length).toBe(21);
  expect(work.inside.at(-1)).toBe('delivery-end');
});

test('a pool of one connection lets one of each in', async () => {
  const { inside } = await begin(1, [...many('claim'), ...many('delivery-claim'), ...many('intake')]);
  expect(inside).toEqual(['claim', 'delivery-claim']);
});
