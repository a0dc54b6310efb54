import { expect, test } from 'vitest';
import { quantityOf, quantityText } from './quantity.ts';

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

test('amounts for people', () => {
  expect(quantityText('cpu', 1.5)).toBe('1500m');
  expect(quantityText('requests.cpu', 4)).toBe('4');
  expect(quantityText('memory', 64 * 2 ** 30)).toBe('64Gi');
  expect(quantityText('requests.storage', 1.55 * 2 ** 30)).toBe('1.6Gi');
  expect(quantityText('memory', 100)).toBe('100');
  expect(quantityText('pods', 20)).toBe('20');
});
