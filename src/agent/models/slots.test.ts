import { expect, test } from 'vitest';
import { createModelSlots } from './slots.ts';

const place = { name: 'http://a m', slots: 2 };
const { signal } = new AbortController();

test('as many at a time as the place has slots, then first come, first served', async () => {
  const slots = createModelSlots();
  const [first, second] = [await slots.take(place, signal), await slots.take(place, signal)];
  const order: string[] = [];
  const third = slots.take(place, signal).then((giveBack) => (order.push('third'), giveBack));
  const fourth = slots.take(place, signal).then((giveBack) => (order.push('fourth'), giveBack));
  await slots.take({ name: 'http://b m', slots: 1 }, signal);
  expect(order).toEqual([]);
  first();
  // Twice is once.
  first();
  (await third)();
  await fourth;
  expect(order).toEqual(['third', 'fourth']);
  second();
});

test('who is aborted while it waits leaves the queue, and the next one comes', async () => {
  const slots = createModelSlots();
  const one = { ...place, slots: 1 };
  const giveBack = await slots.take(one, signal);
  const aborter = new AbortController();
  const left = slots.take(one, aborter.signal);
  const next = slots.take(one, signal);
  aborter.abort(new Error('stopped'));
  await expect(left).rejects.toThrow('stopped');
  giveBack();
  (await next)();
  await expect(slots.take(one, aborter.signal)).rejects.toThrow('stopped');
  (await slots.take(one, signal))();
});
