import { describe, expect, it } from 'vitest';
import { memoryMetrics, tooLargeError } from '../../../test/support/memory-metrics.ts';
import { AppError } from '../../core/errors.ts';
import { readAlertSeries, stepOf, windowOf } from './alert-series.ts';

const now = '2026-01-01T12:00:00.000Z';
const { signal } = new AbortController();
const alert = {
  generatorUrl: `http://p/graph?g0.expr=${encodeURIComponent('memory_ratio > 0.9')}`,
  labels: { alertname: 'Memory', pod: 'web-1', severity: 'warning' },
  startsAt: '2026-01-01T11:40:00.000Z',
};
const mine = { labels: { __name__: 'memory_ratio', pod: 'web-1' }, value: () => 0.95 };
const others = { labels: { pod: 'web-2' }, value: () => 0.2 };

describe('the expression of an alert, asked again', () => {
  it('is asked for what it measures, and keeps the series that its labels fit', async () => {
    const metrics = memoryMetrics({ memory_ratio: [mine, others] });
    const found = await readAlertSeries(metrics, alert, now, signal);
    expect(found).toMatchObject({
      range: { expression: 'memory_ratio', from: '2026-01-01T10:40:00.000Z', to: now, stepMs: 60_000 },
      comparison: { operator: '>', threshold: 0.9 },
      series: [{ labels: { pod: 'web-1' } }],
      total: 2,
    });
    expect(metrics.asked).toHaveLength(1);
  });

  it('is asked whole where what it measures is too much, or fits nothing', async () => {
    for (const measured of [tooLargeError, [others]]) {
      const metrics = memoryMetrics({ memory_ratio: measured, 'memory_ratio > 0.9': [mine] });
      expect(await readAlertSeries(metrics, alert, now, signal)).toMatchObject({
        range: { expression: 'memory_ratio > 0.9' },
        comparison: null,
        series: [{}],
      });
    }
  });

  it('is asked as it may be, and told as it was asked', async () => {
    const bound = 'memory_ratio{namespace="shop"}';
    const metrics = {
      ...memoryMetrics({ [bound]: [mine] }),
      bind: (expression: string) => expression.replace('memory_ratio', bound),
    };
    expect(await readAlertSeries(metrics, alert, now, signal)).toMatchObject({
      range: { expression: bound },
      series: [{}],
    });
  });

  it('is null where the alert names none, and other failures are thrown', async () => {
    expect(await readAlertSeries(memoryMetrics({}), { ...alert, generatorUrl: null }, now, signal)).toBeNull();
    const away = memoryMetrics({ memory_ratio: new AppError('Unreachable', 'away') });
    await expect(readAlertSeries(away, alert, now, signal)).rejects.toThrow('away');
  });
});

it('looks an hour back and an hour on, never into the future', () => {
  expect(windowOf('2026-01-01T06:00:00.000Z', now)).toEqual({
    from: '2026-01-01T05:00:00.000Z',
    to: '2026-01-01T07:00:00.000Z',
  });
  expect(windowOf(null, now)).toEqual({ from: '2026-01-01T11:00:00.000Z', to: now });
  expect(windowOf('2026-01-01T13:00:00.000Z', now)).toEqual({ from: '2026-01-01T11:00:00.000Z', to: now });
});

it('has at most 100 points', () => {
  const to = '2026-01-08T12:00:00.000Z';
  for (const from of [
    '2026-01-08T11:59:59.000Z',
    '2026-01-08T11:00:00.000Z',
    '2026-01-08T10:00:00.000Z',
    '2026-01-07T12:00:00.000Z',
    '2026-01-01T12:00:00.000Z',
    to,
  ])
    expect(Math.floor((Date.parse(to) - Date.parse(from)) / stepOf(from, to)) + 1).toBeLessThanOrEqual(100);
  expect(stepOf('2026-01-08T11:00:00.000Z', to, 300_000)).toBe(300_000);
  expect(stepOf('2026-01-08T11:00:00.000Z', to, 1000)).toBe(45_000);
});
