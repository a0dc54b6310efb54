import { expect, test } from 'vitest';
import type { MetricPoint } from '../../core/readers.ts';
import { climbTo, expectedAt, highestWithin, reachedAt, spellAbove } from './climb.ts';

/** One point a minute from 12:00 on. */
const from = Date.parse('2026-01-01T12:00:00Z');
const each = (...values: readonly number[]): readonly MetricPoint[] =>
  values.map((value, index) => [from + index * 60_000, value]);
const minute = (index: number): string => new Date(from + index * 60_000).toISOString();

test('a climb goes from the last time that it was low to the first that it was highest', () => {
  const ramp = each(10, 10, 11, 10, 30, 50, 70, 90, 100, 100);
  expect(climbTo(ramp, null)).toEqual({
    from: [from + 3 * 60_000, 10],
    top: [from + 8 * 60_000, 100],
    isFromStart: false,
    isSteady: true,
  });
  expect(climbTo(each(10, 30, 50, 70, 90), null)).toMatchObject({ isFromStart: true });
  expect(climbTo(ramp, minute(5))?.top).toEqual([from + 5 * 60_000, 50]);
  expect(climbTo(each(10, 10, 10, 100, 100, 100), null)).toMatchObject({ isSteady: false });
});

test('what fell began anew, with the run after it', () => {
  const twice = each(10, 50, 90, 10, 12, 40, 60, 80, 95);
  expect(climbTo(twice, null)).toMatchObject({ from: [from + 4 * 60_000, 12], isFromStart: false });
  expect(climbTo(twice, minute(2))).toMatchObject({ top: [from + 2 * 60_000, 90] });
});

test('what is flat, empty or no number did not climb', () => {
  for (const points of [each(), each(5), each(100, 101, 103, 102), each(100, 50), each(NaN, Infinity)])
    expect(climbTo(points, null)).toBeNull();
  expect(climbTo(each(NaN, 10, 40, NaN, 80, 100), null)?.top[1]).toBe(100);
});

test('levels: when they were reached, are expected, how high, how long', () => {
  const ramp = each(10, 10, 30, 50, 70, 90);
  const climb = climbTo(ramp, null);
  if (climb === null) throw new Error('it climbs');
  expect(reachedAt(ramp, climb, 50)).toBe(minute(3));
  expect(reachedAt(ramp, climb, 91)).toBeNull();
  expect(expectedAt(ramp, climb, 100)).toBe('2026-01-01T12:05:30.000Z');
  expect(expectedAt(ramp, climb, 80)).toBeNull();
  expect(highestWithin(ramp, from, from + 120_000)).toEqual([from + 120_000, 30]);
  expect(highestWithin(ramp, 0, 1)).toBeNull();
  const spells = each(9, 1, 9, 8, 1, 7, 9);
  expect(spellAbove(spells, 7, null)).toEqual({
    from: minute(5),
    to: minute(6),
    highest: 9,
    isFromStart: false,
    isToEnd: true,
  });
  expect(spellAbove(spells, 7, minute(4))).toMatchObject({ from: minute(2), to: minute(3), isToEnd: false });
  expect(spellAbove(spells, 7, minute(1))).toMatchObject({ isFromStart: true });
  expect(spellAbove(spells, 10, null)).toBeNull();
});
