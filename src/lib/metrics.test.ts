import { describe, expect, it } from 'vitest';
import { metricTable } from '../core/metrics.ts';
import { createMetrics } from './metrics.ts';

async function lines(metrics: Awaited<ReturnType<typeof createMetrics>>, prefix: string): Promise<string[]> {
  const { body } = await metrics.render();
  return body.split('\n').filter((line) => line.startsWith(prefix));
}

describe('metrics', () => {
  it('count, observe and set', async () => {
    const metrics = await createMetrics({ version: '1.2.3' });
    metrics.increment('fist_runs_total', { workflow: 'triage', phase: 'succeeded' });
    metrics.increment('fist_runs_total', { workflow: 'triage', phase: 'succeeded' }, 2);
    metrics.observe('fist_run_duration_seconds', { workflow: 'triage', phase: 'succeeded' }, 0.2);
    metrics.set('fist_queue_depth', { queue: 'runs' }, 7);
    expect(await lines(metrics, 'fist_runs_total')).toEqual(['fist_runs_total{workflow="triage",phase="succeeded"} 3']);
    expect(await lines(metrics, 'fist_queue_depth')).toEqual(['fist_queue_depth{queue="runs"} 7']);
    expect(await lines(metrics, 'fist_run_duration_seconds_sum')).toEqual([
      'fist_run_duration_seconds_sum{workflow="triage",phase="succeeded"} 0.2',
    ]);
    expect(await lines(metrics, 'fist_build_info')).toEqual([
      `fist_build_info{version="1.2.3",node="${process.versions.node}"} 1`,
    ]);
  });

  it('escape what would break the format', async () => {
    const metrics = await createMetrics({ version: 'v' });
    metrics.increment('fist_alerts_deduplicated_total', { source: 'a"b\n\\c' });
    expect(await lines(metrics, 'fist_alerts_deduplicated_total')).toEqual([
      'fist_alerts_deduplicated_total{source="a\\"b\\n\\\\c"} 1',
    ]);
  });

  it('bound the number of series', async () => {
    const metrics = await createMetrics({ version: 'v' });
    for (let n = 0; n < 5000; n++) metrics.increment('fist_alerts_deduplicated_total', { source: `s${n}` });
    metrics.increment('fist_alerts_deduplicated_total', { source: 's1' });
    const found = await lines(metrics, 'fist_alerts_deduplicated_total');
    expect(found).toHaveLength(1001);
    expect(found).toContain('fist_alerts_deduplicated_total{source="other"} 4000');
    expect(found).toContain('fist_alerts_deduplicated_total{source="s1"} 2');
  });

  it('keep what is few apart where names are too many', async () => {
    const metrics = await createMetrics({ version: 'v' });
    for (let n = 0; n < 1000; n++) metrics.increment('fist_runs_total', { workflow: `w${n}`, phase: 'running' });
    metrics.increment('fist_runs_total', { workflow: 'late', phase: 'running' });
    metrics.increment('fist_runs_total', { workflow: 'late', phase: 'failed' });
    expect(await lines(metrics, 'fist_runs_total{workflow="other"')).toEqual([
      'fist_runs_total{workflow="other",phase="running"} 1',
      'fist_runs_total{workflow="other",phase="failed"} 1',
    ]);
  });

  it('say which label users name, of each that has one', () => {
    const names = ['source', 'sink', 'workflow', 'model', 'tool', 'category'];
    for (const [name, description] of Object.entries(metricTable)) {
      const labels: readonly string[] = description.labels;
      const named = 'named' in description ? [description.named] : [];
      expect(
        labels.filter((label) => names.includes(label)),
        name,
      ).toEqual(named);
    }
  });

  it('do not compile with a name, type or label that is not in the table', async () => {
    const metrics = await createMetrics({ version: 'v' });
    // Compiled and never called.
    const wrong = (): void => {
      // @ts-expect-error there is no such metric
      metrics.increment('fist_nothing_total', {});
      // @ts-expect-error it has no such label
      metrics.increment('fist_runs_stuck_total', { reason: 'NoWake', pod: 'x' });
      // @ts-expect-error it has one more label
      metrics.increment('fist_runs_stuck_total', {});
      // @ts-expect-error a gauge is set
      metrics.increment('fist_queue_depth', { queue: 'runs' });
    };
    expect(wrong).toBeTypeOf('function');
  });

  it('ask for gauges before each exposition, and add the figures of the process', async () => {
    const metrics = await createMetrics({ version: 'v' });
    let asked = 0;
    metrics.beforeScrape(async () => metrics.set('fist_queue_depth', { queue: 'runs' }, ++asked));
    await metrics.render();
    expect(await lines(metrics, 'fist_queue_depth')).toEqual(['fist_queue_depth{queue="runs"} 2']);
    expect(await lines(metrics, 'process_resident_memory_bytes')).toHaveLength(1);
  });

  it('have names by the conventions of Prometheus', () => {
    for (const [name, { type }] of Object.entries(metricTable)) {
      expect(name).toMatch(/^fist_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
    }
  });
});
