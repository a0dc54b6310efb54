import { expect, test } from 'vitest';
import { sharedBreachOf } from './budget.ts';

const next = { tokens: 100, costMicros: 20_000 };
const budget = (tokens: number | null, costMicros: number | null, spent = { tokens: 0, costMicros: 0 }) => ({
  of: 'one run',
  limits: { tokens, costMicros },
  spent,
});

test('a request fits exactly, and not by one more', () => {
  expect(sharedBreachOf([budget(100, 20_000)], next)).toBeNull();
  expect(sharedBreachOf([budget(99, null)], next)).toBe('99 tokens of one run, of which 0 are used');
  expect(sharedBreachOf([budget(null, 25_000, { tokens: 1, costMicros: 5001 })], next)).toBe(
    '$0.0250 of one run, of which $0.0050 are used',
  );
});

test('all of them must have room; none is no limit', () => {
  expect(sharedBreachOf([], next)).toBeNull();
  expect(sharedBreachOf([budget(null, null), budget(1000, null), budget(50, null)], next)).toContain('50 tokens');
});
