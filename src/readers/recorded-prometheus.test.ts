import { describe, expect, it } from 'vitest';
import { memoryMetrics } from '../../test/support/memory-metrics.ts';
import type { MetricRange } from '../core/readers.ts';
import { recordMetrics } from './record-prometheus.ts';
import { recordedPrometheus } from './recorded-prometheus.ts';

const { signal } = new AbortController();
const range: MetricRange = {
  expression: 'max by (pod) (memory_bytes{pod="web-1"})',
  from: '2026-01-01T11:00:00.000Z',
  to: '2026-01-01T12:00:00.000Z',
  stepMs: 60_000,
};
const start = Date.parse(range.from);
const series = [
  { labels: { pod: 'web-1' }, value: (now: number) => (now > start + 1_200_000 ? null : now - start) },
  { labels: { pod: 'web-2' }, value: (now: number) => (now === start ? Infinity : NaN) },
];

async function recorded(labels = {}) {
  const recorder = recordMetrics(memoryMetrics({ [range.expression]: series }), labels);
  const answer = await recorder.reader.queryRange(range, signal);
  return { answer, files: recorder.files() };
}

describe('metrics that were recorded', () => {
  it('answer the same question as then', async () => {
    const { answer, files } = await recorded();
    expect(files.map(({ name }) => name)).toEqual(['prometheus/01-memory-bytes.json']);
    const metrics = recordedPrometheus(files, 'dump x');
    expect(metrics).toMatchObject({ description: 'the recorded metrics of dump x', url: 'http://prometheus:9090' });
    expect(await metrics?.queryRange(range, signal)).toEqual(answer);
    const spaced = { ...range, expression: ' max by (pod)\n (memory_bytes{pod="web-1"})' };
    expect(await metrics?.queryRange(spaced, signal)).toEqual(answer);
  });

  it('answer for other times from what there is, and never make up a value', async () => {
    const metrics = recordedPrometheus((await recorded()).files, 'dump x');
    const wider = { ...range, from: '2026-01-01T10:30:30.000Z', to: '2026-01-01T13:00:00.000Z', stepMs: 90_000 };
    const [web] = (await metrics?.queryRange(wider, signal))?.series ?? [];
    expect(web?.points[0]).toEqual([start + 30_000, 0]);
    expect(web?.points[1]).toEqual([start + 120_000, 120_000]);
    expect(web?.points.at(-1)).toEqual([start + 1_200_000, 1_200_000]);
    const now = await metrics?.query(range.expression, '2026-01-01T11:10:30.000Z', signal);
    expect(now?.series[0]?.points).toEqual([[start + 630_000, 600_000]]);
    expect((await metrics?.query(range.expression, '2026-01-01T11:40:00.000Z', signal))?.series).toMatchObject([
      { labels: { pod: 'web-2' } },
    ]);
  });

  it('do not answer what was not asked then', async () => {
    const metrics = recordedPrometheus((await recorded()).files, 'dump x');
    const problem = { code: 'NotFound', reason: 'NotRecorded' };
    await expect(metrics?.queryRange({ ...range, expression: 'up{token="canary"}' }, signal)).rejects.toMatchObject({
      ...problem,
      message: 'dump x holds no answer to up{token="[REDACTED]"}',
    });
    await expect(metrics?.query(range.expression, '2026-01-01T14:00:00.000Z', signal)).rejects.toMatchObject(problem);
    await expect(metrics?.series('up', range.from, range.to, signal)).rejects.toMatchObject(problem);
  });

  it('are none without a recording, and a broken one is said by its name', async () => {
    const pods = { name: 'prometheus/pods.json', text: '{"kind":"PodList","items":[]}' };
    expect(recordedPrometheus([], 'x')).toBeNull();
    expect(recordedPrometheus([pods], 'x')).toBeNull();
    const file = (text: string) => [pods, { name: 'prometheus/a.json', text }];
    expect(() => recordedPrometheus(file('{'), 'x')).toThrow(
      /^prometheus\/a\.json is no recorded answer of Prometheus: /,
    );
    expect(() => recordedPrometheus(file('{"query":"up"}'), 'x')).toThrow(/: start: /);
    const vector = { query: 'up', start: range.from, end: range.to, step: 60, status: 'success' };
    expect(() =>
      recordedPrometheus(file(JSON.stringify({ ...vector, data: { resultType: 'vector', result: [] } })), 'x'),
    ).toThrow(/: data\.resultType: /);
  });

  it('are redacted and bounded, and what the labels fit is kept first', async () => {
    const expression = 'up{password="canary"}';
    const many = Array.from({ length: 80 }, (_, index) => ({
      labels: { pod: `p${index}`, api_key: 'canary' },
      value: () => 1,
    }));
    const recorder = recordMetrics(memoryMetrics({ [expression]: many }), { pod: 'p70' });
    await recorder.reader.queryRange({ ...range, expression }, signal);
    const [file] = recorder.files();
    expect(file?.text).not.toContain('canary');
    expect(JSON.parse(file?.text ?? '')).toMatchObject({
      query: 'up{password="[REDACTED]"}',
      left_out: 79,
      data: { result: [{ metric: { pod: 'p70' } }] },
    });
    const metrics = recordedPrometheus(recorder.files(), 'x');
    expect((await metrics?.queryRange({ ...range, expression }, signal))?.total).toBe(1);
    for (let index = 0; index < 120; index += 1)
      await recorder.reader.queryRange({ ...range, expression: `a${index}` }, signal);
    expect(recorder.files()).toHaveLength(100);
    expect(recorder.leftOut()).toBe(21);
  });
});
