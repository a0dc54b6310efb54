import { expect, test } from 'vitest';
import { withinTime } from './time-limit.ts';

test('work that ends in time has its result, also when it throws', () => {
  expect(withinTime(10_000, () => 7)).toBe(7);
  expect(() =>
    withinTime(10_000, () => {
      throw new RangeError('mine');
    }),
  ).toThrow(new RangeError('mine'));
});

test('work without an end is broken off, and what comes after it is not', () => {
  let rounds = 0;
  const endless = () => {
    for (;;) rounds += 1;
  };
  expect(withinTime(20, endless)).toBeUndefined();
  const broken = rounds;
  expect(withinTime(10_000, () => rounds)).toBe(broken);
});
