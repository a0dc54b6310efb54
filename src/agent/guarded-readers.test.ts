import { expect, it } from 'vitest';
import { memoryMetrics } from '../../test/support/memory-metrics.ts';
import { AppError } from '../core/errors.ts';
import type { Gap } from '../core/finding.ts';
import type { LogReader, MetricsReader } from '../core/readers.ts';
import { guardLogs, guardMetrics } from './guarded-readers.ts';

const scope = { namespaces: new Set(['shop']), isClusterWide: false };
const at = '2026-01-01T12:00:00.000Z';
const { signal } = new AbortController();
const range = { expression: '{job="x"}', from: at, to: at, limit: 1 };

function world(thrown: AppError | null) {
  const gaps: Gap[] = [];
  const asked: string[] = [];
  const fail = async (expression: string): Promise<never> => {
    asked.push(expression);
    throw thrown ?? new AppError('InvalidInput', 'no');
  };
  const metrics: MetricsReader = {
    ...memoryMetrics({}),
    query: fail,
    queryRange: ({ expression }) => fail(expression),
    series: fail,
  };
  const logs: LogReader = { description: 'memory', url: 'http://loki', query: ({ expression }) => fail(expression) };
  const note = (gap: Gap): void => void gaps.push(gap);
  return { gaps, asked, metrics: guardMetrics(metrics, scope, note), logs: guardLogs(logs, scope, note) };
}

it('binds whatever is asked, whoever asks it, and asks nothing that it cannot bind', async () => {
  const { metrics, logs, asked, gaps } = world(null);
  await expect(metrics.query('up', at, signal)).rejects.toThrow('no');
  await expect(metrics.queryRange({ expression: 'up', from: at, to: at, stepMs: 1000 }, signal)).rejects.toThrow('no');
  await expect(metrics.series('up', at, at, signal)).rejects.toThrow('no');
  expect(asked).toEqual(['up{namespace="shop"}', 'up{namespace="shop"}', 'up{namespace="shop"}']);
  const refused = { code: 'Forbidden', reason: 'NamespaceNotAllowed' };
  await expect(metrics.series('up{namespace="web"}', at, at, signal)).rejects.toMatchObject(refused);
  await expect(logs.query(range, signal)).rejects.toMatchObject(refused);
  expect(() => metrics.bound('up # all')).toThrow(expect.objectContaining({ reason: 'QueryNotUnderstood' }) as Error);
  expect(asked).toHaveLength(3);
  // What the policy refuses, or the server for the expression's sake, is nothing that the report lacks.
  expect(gaps).toEqual([]);
});

it.each(['Unreachable', 'Unauthenticated', 'SecretMissing', 'Forbidden'] as const)(
  'notes for the report that a server does not answer: %s',
  async (code) => {
    const { metrics, logs, gaps } = world(new AppError(code, 'it said password=hunter2'));
    await expect(metrics.query('up', at, signal)).rejects.toMatchObject({ code });
    await expect(logs.query({ ...range, expression: '{namespace="shop"}' }, signal)).rejects.toMatchObject({ code });
    expect(gaps.map(({ what, resource }) => [what, resource])).toEqual([
      ['the metrics of memory', 'metrics'],
      ['the logs of memory', 'logs'],
    ]);
    expect(JSON.stringify(gaps)).not.toContain('hunter2');
  },
);
