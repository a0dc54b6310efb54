import { describe, expect, it, test } from 'vitest';
import { alertOf } from '../../test/support/alert-snapshot.ts';
import { memoryCluster, podObject } from '../../test/support/memory-cluster.ts';
import { memoryMetrics } from '../../test/support/memory-metrics.ts';
import type { MemorySeries } from '../../test/support/memory-metrics.ts';
import { oomShop, podAlert, runIn, textOf } from '../../test/support/shop.ts';
import { containerLimit, containerThrottling, containerUsage } from './metrics/usage.ts';

const mebi = 1024 ** 2;
const at = (time: string): number => Date.parse(`2026-01-01T${time}:00Z`);
const own = { namespace: 'shop', pod: 'web-h2-abcde', container: 'app' };
const memory = containerUsage('memory', own);
const series = (value: MemorySeries['value'], labels: object = own): readonly MemorySeries[] => [
  { labels: { ...labels }, value },
];
const ramp = (now: number): number =>
  (60 + 192 * Math.min(1, Math.max(0, (now - at('11:45')) / (at('11:57') - at('11:45'))))) * mebi;

test('a timeline has the alert, the rollout, the findings of the chain and the moments of metrics, in their order', async () => {
  const { result } = await runIn(oomShop(), { metrics: memoryMetrics({ [memory]: series(ramp) }) });
  expect(result.timeline.map(({ at: when, source, text }) => `${when.slice(11, 19)} ${source} ${text}`)).toEqual([
    '11:35:00 change revision 2 of deployment/shop/web was rolled out',
    '11:40:00 alert KubePodCrashLooping began to fire',
    '11:46:00 metric memory of web-h2-abcde/app began to rise, from 76Mi',
    '11:57:00 metric memory of web-h2-abcde/app reached 98% of its limit of 256Mi',
    '11:58:34 finding container app of pod web-h2-abcde was killed for its memory (OOMKilled), the last of 7 times',
  ]);
  const known = new Set(result.evidence.map(({ id }) => id));
  for (const { source, evidence_ids: ids } of result.timeline) {
    if (source !== 'alert') expect(ids.length).toBeGreaterThan(0);
    for (const id of ids) expect(known).toContain(id);
  }
  const text = textOf(result);
  expect(text).toContain('Timeline (2026-01-01, UTC)\n  11:35:00  revision 2 of deployment/shop/web was rolled out (');
  expect(text).toContain('  11:46:00  memory of web-h2-abcde/app began to rise, from 76Mi (e');
  expect(result.report).toContain('## Timeline (2026-01-01, UTC)\n\n- 11:35:00 revision 2');
});

test('people are shown it where metrics say more than the sentences', async () => {
  const { result } = await runIn(oomShop());
  expect(result.timeline.map(({ source }) => source)).toEqual(['change', 'alert', 'finding']);
  expect(textOf(result)).not.toContain('Timeline');
  expect(result.report).not.toContain('Timeline');
});

describe('what the alert measures', () => {
  const alert = (startsAt: string) => ({ ...podAlert, generatorUrl: 'http://p/graph?g0.expr=errors+%3E+5', startsAt });
  const errors = (value: MemorySeries['value']) => memoryMetrics({ errors: series(value, { pod: own.pod }) });
  const measured = async (value: MemorySeries['value'], startsAt = '2026-01-01T11:40:00.000Z') => {
    const { result } = await runIn(oomShop(), { metrics: errors(value), alert: alert(startsAt) });
    return { ...result.measurements[0], timeline: result.timeline };
  };

  it('still holds, holds no more, or is not known', async () => {
    expect(await measured((now) => (now < at('11:30') ? 1 : 9))).toMatchObject({
      holds_now: true,
      sentence: expect.stringMatching(/; it is > 5 since 2026-01-01 11:30/) as string,
    });
    const over = await measured((now) => (now > at('11:30') && now < at('11:50') ? 9 : 1));
    expect(over).toMatchObject({
      holds_now: false,
      sentence: expect.stringMatching(/; it is not > 5 any more \(1 at 2026-01-01 12:00:00 UTC\)/) as string,
    });
    expect(over.timeline.map(({ text }) => text)).toContain('what the alert measures is not > 5 any more: 1');
    // A series that is gone does not say that anything is well.
    expect(await measured((now) => (now < at('11:50') ? 9 : null))).toMatchObject({
      holds_now: null,
      sentence: expect.stringMatching(/; it was > 5 all the time/) as string,
    });
  });

  it('is asked for the moment of the evidence where the alert is older', async () => {
    const old = '2026-01-01T07:40:00.000Z';
    const value = (later: number | null) => (now: number) => (now < at('09:00') ? 9 : later);
    expect(await measured(value(2), old)).toMatchObject({ holds_now: false });
    expect(await measured(value(7), old)).toMatchObject({ holds_now: true });
    expect(await measured(value(null), old)).toMatchObject({ holds_now: null });
  });
});

describe('what is asked for', () => {
  const asked = (metrics: ReturnType<typeof memoryMetrics>): readonly string[] =>
    metrics.asked.map((one) => (typeof one === 'string' ? one : one.expression));

  it('is memory, processor time and, where there is a CPU limit, throttling, up to now', async () => {
    const metrics = memoryMetrics({});
    const limits = { memory: '1Gi', cpu: '1' };
    const pod = podObject('web-1', { spec: { containers: [{ name: 'app', resources: { limits } }] } });
    const of = { namespace: 'shop', pod: 'web-1', container: 'app' };
    const alert = alertOf({ namespace: 'shop', pod: 'web-1' }, { startsAt: '2026-01-01T07:40:00.000Z' });
    const { result } = await runIn(memoryCluster({ pods: [pod] }), { metrics, alert });
    expect(asked(metrics)).toEqual([containerUsage('memory', of), containerUsage('cpu', of), containerThrottling(of)]);
    for (const range of metrics.asked)
      expect(range).toMatchObject({ from: '2026-01-01T06:40:00.000Z', to: '2026-01-01T12:00:00.000Z' });
    expect(result.gaps.map(({ what }) => what)).toEqual([
      'CPU throttling of container app of pod/shop/web-1',
      'memory of container app of pod/shop/web-1',
      'processor time of container app of pod/shop/web-1',
    ]);
  });

  it('is nothing of what cannot be a name: it would be part of an expression', async () => {
    const metrics = memoryMetrics({});
    const name = 'a"} or vector(1) #';
    const pod = podObject('web-1', {
      spec: { containers: [{ name }] },
      status: { containerStatuses: [{ name, ready: true, state: { running: {} } }] },
    });
    await runIn(memoryCluster({ pods: [pod] }), { metrics, alert: alertOf({ namespace: 'shop', pod: 'web-1' }) });
    expect(asked(metrics)).toEqual([]);
  });

  it('is nothing of a container that never ran', async () => {
    const metrics = memoryMetrics({});
    const waiting = { state: { waiting: { reason: 'ImagePullBackOff' } } };
    const pod = podObject('web-1', { state: waiting });
    await runIn(memoryCluster({ pods: [pod] }), { metrics, alert: alertOf({ namespace: 'shop', pod: 'web-1' }) });
    expect(asked(metrics)).toEqual([]);
  });

  it('of a pod that is gone has the limits of kube-state-metrics', async () => {
    const alert = alertOf({ namespace: 'shop', pod: 'gone-1', container: 'app' });
    const of = { namespace: 'shop', pod: 'gone-1', container: 'app' };
    const metrics = memoryMetrics({
      [containerUsage('memory', of)]: series(() => 250 * mebi, of),
      [containerLimit('memory', of)]: series(() => 256 * mebi, of),
    });
    const { result } = await runIn(memoryCluster({ pods: [] }), { metrics, alert });
    expect(result.measurements).toMatchObject([{ kind: 'memory', threshold: 256 * mebi, is_saturated: true }]);
    expect(result.root_cause).toBeNull();
    expect(result.gaps.map(({ what }) => what)).toEqual([
      'processor time of container app of pod/shop/gone-1',
      'the cpu limit of container app of pod/shop/gone-1',
    ]);
  });

  it('is a gap where it ends before the alert began, though the container runs', async () => {
    const metrics = memoryMetrics({ [memory]: series((now) => (now > at('11:20') ? null : 50 * mebi)) });
    const pod = podObject(own.pod);
    const { result } = await runIn(memoryCluster({ pods: [pod] }), { metrics, alert: alertOf(own) });
    expect(result.gaps[0]).toMatchObject({
      what: `processor time of container app of pod/shop/${own.pod}`,
    });
    expect(result.gaps[1]).toMatchObject({
      what: `the end of memory of container app of pod/shop/${own.pod}`,
      kind: 'not_captured',
      reason: 'its last value in memory is of 2026-01-01 11:20 UTC, before the alert began',
    });
  });
});
