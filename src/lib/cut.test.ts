import { expect, test } from 'vitest';
import { cutBytes, isLonger } from './cut.ts';

test('bytes are cut at a whole character, and the mark says how many came', () => {
  expect(cutBytes(Buffer.from('short'), 100)).toBe('short');
  const cut = cutBytes(Buffer.from('é'.repeat(100)), 51);
  expect(cut).toBe(`${'é'.repeat(14)}\n[cut: 200 bytes came]`);
  expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(51);
});

test('length is counted in bytes', () => {
  expect(isLonger('a'.repeat(9), 9)).toBe(false);
  expect(isLonger('a'.repeat(10), 9)).toBe(true);
  expect(isLonger('é'.repeat(4), 8)).toBe(false);
  expect(isLonger('é'.repeat(5), 9)).toBe(true);
});
