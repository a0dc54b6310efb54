import { expect, test } from 'vitest';
import { quantityOf } from './quantity.ts';

test.each([
  ['250m', 0.25],
  ['4', 4],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['512Mi', 512 * 2 ** 20],
  ['2e3', 2000],
  ['1E', 1e18],
  ['100k', 100_000],
  ['1500000n', 0.0015],
  ['', null],
  ['many', null],
  ['1Xi', null],
])('%s is %s', (text, value) => {
  expect(quantityOf(text)).toBe(value);
});
