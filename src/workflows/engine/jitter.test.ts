import { expect, test } from 'vitest';
import { spread } from './jitter.ts';

test('3.1.12 full jitter is the same for the same attempt, and between 0 and 1 for each', () => {
  const attempts = Array.from({ length: 1000 }, (_, attempt) => spread('run-1', '2.then', attempt));
  expect(attempts).toEqual(attempts.map((_, attempt) => spread('run-1', '2.then', attempt)));
  expect(attempts.every((part) => part >= 0 && part < 1)).toBe(true);
  const mean = attempts.reduce((sum, part) => sum + part, 0) / attempts.length;
  expect(mean).toBeCloseTo(0.5, 1);
});
