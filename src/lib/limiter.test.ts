import { expect, test } from 'vitest';
import { limiter } from './limiter.ts';

test('so many at a time and no more, in their order, whether they succeed or not', async () => {
  const limited = limiter(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const work = (number: number) => async () => {
    begun.push(number);
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => ends.push(resolve));
    running -= 1;
    if (number === 1) throw new Error('failed');
    return number;
  };
  const all = Promise.allSettled([0, 1, 2, 3, 4].map((number) => limited(work(number))));
  while (ends.length < 5) {
    await new Promise((resolve) => setImmediate(resolve));
    ends.at(-1)?.();
    ends.forEach((end) => end());
  }
  ends.forEach((end) => end());
  expect((await all).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
});
