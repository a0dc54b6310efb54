import { describe, expect, it } from 'vitest';
import type { MetricPoint } from '../../core/readers.ts';
import { toTimestamp } from '../../core/time.ts';
import { sparkline, summarize } from './summary.ts';

const start = Date.parse('2026-01-01T11:00:00.000Z');
const pointsOf = (values: readonly number[]): readonly MetricPoint[] =>
  values.map((value, index) => [start + index * 60_000, value]);
const minute = (count: number): string => toTimestamp(start + count * 60_000);
const trendOf = (values: readonly number[]) => {
  const summary = summarize(pointsOf(values), null);
  return [summary?.trend, summary?.changedAt];
};
const times = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => of(index));

describe('how a series went', () => {
  it('is told by its trend and when it changed', () => {
    expect(trendOf(times(20, () => 5))).toEqual(['flat', null]);
    expect(trendOf(times(20, (index) => 100 + (index % 2)))).toEqual(['flat', null]);
    expect(trendOf(times(20, (index) => index * 3))).toEqual(['rising', null]);
    expect(trendOf(times(20, (index) => 100 - index * 3 + (index % 3)))).toEqual(['falling', null]);
    expect(trendOf([...times(12, () => 10), ...times(8, () => 100)])).toEqual(['stepped up', minute(12)]);
    expect(trendOf([...times(6, (index) => 100 + index), ...times(14, (index) => 8 + (index % 3))])).toEqual([
      'stepped down',
      minute(6),
    ]);
    expect(trendOf([...times(9, () => 1), 90, 80, ...times(9, () => 1)])).toEqual(['spiked', minute(9)]);
    expect(trendOf(times(20, (index) => Math.sin(index) * 10))).toEqual(['varying', null]);
    expect(trendOf([1, 9])).toEqual(['flat', null]);
    // Memory that leaks and is freed by each restart.
    expect(trendOf(times(30, (index) => (index % 10) * 10))[0]).toBe('sawtooth');
    expect(trendOf(times(18, (index) => (index % 10) * 10))[0]).toBe('varying');
  });

  it('has its lowest and highest value with their times, without what is no number', () => {
    expect(summarize(pointsOf([Number.NaN, 5, 2, 9, Infinity, 7]), null)).toMatchObject({
      first: 5,
      last: 7,
      min: 2,
      minAt: minute(2),
      max: 9,
      maxAt: minute(3),
    });
    expect(summarize(pointsOf([Number.NaN]), null)).toBeNull();
    expect(summarize([], null)).toBeNull();
  });

  it('says since when it is beyond what the alert compares it with', () => {
    const above = { measured: 'x', operator: '>', threshold: 10 } as const;
    const beyond = (values: readonly number[]) => {
      const { beyondSince, isBeyondFromStart } = summarize(pointsOf(values), above) ?? {};
      return [beyondSince, isBeyondFromStart];
    };
    expect(beyond([1, 20, 5, 11, 12])).toEqual([minute(3), false]);
    expect(beyond([11, 12])).toEqual([minute(0), true]);
    expect(beyond([20, 1])).toEqual([null, false]);
    expect(summarize(pointsOf([3, 0, 0]), { measured: 'up', operator: '==', threshold: 0 })?.beyondSince).toBe(
      minute(1),
    );
  });
});

it('is drawn as a line of blocks', () => {
  expect(sparkline(pointsOf([0, 1, 2, 3, 4, 5, 6, 7]))).toBe('▁▂▃▄▅▆▇█');
  expect(sparkline(pointsOf([5, 5, 5]))).toBe('▁▁▁');
  expect(sparkline(pointsOf([0, Number.NaN, 8]))).toBe('▁ █');
  // A short peak is seen whatever the length.
  const long = sparkline(pointsOf(times(1000, (index) => (index === 500 ? 9 : 1))));
  expect(long).toHaveLength(40);
  expect(long.replaceAll('▁', '')).toBe('█');
  expect(sparkline([])).toBe('');
});
