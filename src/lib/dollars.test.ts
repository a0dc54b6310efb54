import { expect, test } from 'vitest';
import { dollarsText, micros } from './dollars.ts';

test.each([
  [0, '$0.00'],
  [12_345, '$0.0123'],
  [100_000, '$0.10'],
  [1_500_000, '$1.50'],
])('%i millionths are %s', (costMicros, text) => {
  expect(dollarsText(costMicros)).toBe(text);
});

test('sums of parts of a dollar are whole', () => {
  expect(micros(0.1) + micros(0.2)).toBe(micros(0.3));
});
