import { describe, expect, it } from 'vitest';
import { alertOf } from '../../test/support/alert-snapshot.ts';
import { ended, looping } from '../../test/support/ended-container.ts';
import { memoryCluster, podObject } from '../../test/support/memory-cluster.ts';
import { memoryMetrics } from '../../test/support/memory-metrics.ts';
import type { MemorySeries } from '../../test/support/memory-metrics.ts';
import { expectSound, oomShop, podAlert, runIn, shop, shopLogs } from '../../test/support/shop.ts';
import type { Category, FindingDraft, Target } from '../analyzers/define.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { bearingsOf } from './bearing.ts';
import { beganBy } from './metrics/alert-series.ts';
import type { Measured } from './metrics/measured.ts';
import { summarize } from './metrics/summary.ts';
import { nothingAsked, rank } from './rank.ts';
import { claimFill, containerThrottling, containerUsage } from './metrics/usage.ts';

const mebi = 1024 ** 2;
const at = (time: string): number => Date.parse(`2026-01-01T${time}:00Z`);
const own = { namespace: 'shop', pod: 'web-h2-abcde', container: 'app' };
const memory = containerUsage('memory', own);
const series = (value: MemorySeries['value'], labels = own): readonly MemorySeries[] => [
  { labels: { ...labels }, value },
];

/** From one value to another between two times, and level around them. */
const ramp =
  (from: number, to: number, since: string, until: string): MemorySeries['value'] =>
  (now) =>
    from + (to - from) * Math.min(1, Math.max(0, (now - at(since)) / (at(until) - at(since))));
const step =
  (before: number, after: number, since: string): MemorySeries['value'] =>
  (now) =>
    now < at(since) ? before : after;

const measuring = (expression: string, changes: Partial<AlertSnapshot> = {}): AlertSnapshot => ({
  ...podAlert,
  generatorUrl: `http://p/graph?g0.expr=${encodeURIComponent(expression)}`,
  ...changes,
});

const reasonsOf = async (metrics: ReturnType<typeof memoryMetrics> | null, alert = podAlert) =>
  (await runIn(oomShop(), { metrics, alert })).result;

describe('a kill for memory', () => {
  it('is more certain where memory rose to the limit before it', async () => {
    const without = await reasonsOf(null);
    const result = await reasonsOf(memoryMetrics({ [memory]: series(ramp(60 * mebi, 252 * mebi, '11:40', '11:57')) }));
    expect(result.confidence_reasons).toContain(
      '+10%: memory of web-h2-abcde/app rose from 71.3Mi (2026-01-01 11:41:00 UTC) to 98% of its limit of 256Mi before the kill at 2026-01-01 11:58:34 UTC',
    );
    expect(without.confidence_reasons.filter((reason) => reason.includes('memory of'))).toEqual([]);
    expect(result.root_cause).toBe(without.root_cause);
    const [measurement] = result.measurements;
    expect(result.findings[0]?.evidence_ids).toContain(measurement?.evidence_id);
    expect(result.causal_chain[0]?.evidence_ids).toContain(measurement?.evidence_id);
    expectSound(result);
  });

  it('comes before another one whose memory was not', async () => {
    const containers = ['app', 'proxy'];
    const pod = podObject(own.pod, {
      spec: { containers: containers.map((name) => ({ name, resources: { limits: { memory: '256Mi' } } })) },
      status: {
        containerStatuses: containers.map((name) => ({ name, ...looping(ended('OOMKilled', 137)) })),
        conditions: [{ type: 'Ready', status: 'False' }],
      },
    });
    const alert = alertOf({ namespace: own.namespace, pod: own.pod });
    const killed = async (metrics: ReturnType<typeof memoryMetrics> | null) =>
      (await runIn(memoryCluster({ pods: [pod] }), { alert, metrics })).result.root_cause;
    expect(await killed(null)).toContain('Container app was OOMKilled');
    const ofProxy = containerUsage('memory', { ...own, container: 'proxy' });
    const both = { [memory]: series(() => 180 * mebi), [ofProxy]: series(() => 250 * mebi) };
    expect(await killed(memoryMetrics(both))).toContain('Container proxy was OOMKilled');
  });

  const longRun = () =>
    memoryCluster(shop(looping(ended('OOMKilled', 137, { startedAt: '2026-01-01T11:40:00Z' }))), { logs: shopLogs });

  it('is less certain where memory was far from the limit, and stays the cause', async () => {
    const metrics = memoryMetrics({ [memory]: series(() => 60 * mebi) });
    const { result } = await runIn(longRun(), { metrics });
    expect(result.cause?.category).toBe('oom-killed');
    expect(result.confidence).toBe(0.8);
    expect(result.confidence_reasons).toContain(
      '-10%: memory of web-h2-abcde/app was at 23% of its limit of 256Mi at most in the samples before the kill at 2026-01-01 11:58:34 UTC: it was asked for at once, or something else ran out',
    );
    expect(result.confidence_reasons).toContain('at most 80%: metrics do not show it coming');
  });

  it('is as certain as without metrics where these lie between, or end before the kill', async () => {
    const { confidence } = await reasonsOf(null);
    // It ran for 94 seconds: no sample has to have seen it.
    expect((await reasonsOf(memoryMetrics({ [memory]: series(() => 60 * mebi) }))).confidence).toBe(confidence);
    for (const value of [
      () => 180 * mebi,
      (now: number) => (now > at('11:50') ? null : 60 * mebi),
      (now: number) => (now > at('11:50') ? null : 255 * mebi),
    ])
      expect((await runIn(longRun(), { metrics: memoryMetrics({ [memory]: series(value) }) })).result.confidence).toBe(
        confidence,
      );
  });
});

describe('what began after the metric of the alert had changed', () => {
  const expression = 'errors{namespace="shop"} > 5';
  const measured = (value: MemorySeries['value']) =>
    memoryMetrics({ 'errors{namespace="shop"}': series(value, { namespace: 'shop' } as never) });
  const node = {
    kind: 'Node',
    metadata: { name: 'n1' },
    status: { conditions: [{ type: 'Ready', status: 'Unknown', lastTransitionTime: '2026-01-01T11:30:00Z' }] },
  };
  const alert = alertOf(
    { node: 'n1' },
    { name: 'KubeNodeNotReady', generatorUrl: `http://p/graph?g0.expr=${encodeURIComponent(expression)}` },
  );
  const nodes = () => memoryCluster({ nodes: [node] });

  it('is hardly the cause', async () => {
    const { result } = await runIn(nodes(), { alert, metrics: measured(step(1, 60, '11:20')) });
    expect(result.cause).not.toBeNull();
    expect(result.confidence).toBeLessThanOrEqual(0.5);
    expect(result.confidence_reasons).toContain(
      '-20%: it began at 2026-01-01 11:30:00 UTC, and what the alert measures was so from 2026-01-01 11:20:00 UTC on',
    );
    const { result: before } = await runIn(nodes(), { alert, metrics: measured(step(1, 60, '11:32')) });
    const { result: without } = await runIn(nodes(), { alert });
    expect(before.confidence).toBe(without.confidence);
  });

  it('loses against what began before', () => {
    const finding = (object: string, from: string): FindingDraft => ({
      category: 'broken',
      severity: 'high',
      object,
      description: 'd',
      cause: `${object} is broken`,
      decisive: true,
      when: { from, until: null, source: 'condition' },
      facts: {},
      evidence: [{ read: { kind: 'object', of: 'node', namespace: null, name: 'n1' }, excerpt: 'x' }],
    });
    const late = finding('node/late', '2026-01-01T11:30:00.000Z');
    const early = { ...finding('node/early', '2026-01-01T11:10:00.000Z'), severity: 'medium' as const };
    const category: Category = {
      meaning: '',
      happened: '',
      nearness: 50,
      answers: [],
      changes: null,
      advice: () => [],
    };
    const analyzer = { name: 'a', explains: [], categories: { broken: category } };
    const object = { metadata: { name: 'n1' } };
    const target: Target = { kind: 'node', namespace: null, name: 'n1', object, relation: 'alert', via: null };
    const analyses = [{ analyzer, target, findings: [late, early], problem: null }];
    expect(rank(analyses, nothingAsked).cause?.draft.object).toBe('node/late');
    const points = [0, 1, 2, 3].map((minute) => [at('11:10') + minute * 60_000, minute < 2 ? 1 : 60] as const);
    const comparison = { measured: 'errors', operator: '>', threshold: 5 } as const;
    const range = {
      expression: 'errors',
      from: '2026-01-01T11:10:00.000Z',
      to: '2026-01-01T11:13:00.000Z',
      stepMs: 60_000,
    };
    const summary = summarize(points, comparison);
    if (summary === null) throw new Error('it has numbers');
    const about = { title: 't', label: 't', object: null, target: null, container: null, kind: 'alert' } as const;
    const more = { total: 1, limit: null, now: null, command: 'c', series: { labels: {}, points }, summary };
    const errors: Measured = { ...about, ...more, range, comparison };
    const ranking = rank(analyses, nothingAsked, bearingsOf({ measured: [errors], measuredSince: beganBy(errors) }));
    expect(ranking.cause?.draft.object).toBe('node/early');
    expect(ranking.bearings).toEqual([]);
  });

  it('is no rollout that explains it', async () => {
    const expressionOfPod = 'errors{pod="web-h2-abcde"} > 5';
    const metrics = (since: string) =>
      memoryMetrics({ 'errors{pod="web-h2-abcde"}': series(step(1, 60, since), { pod: own.pod } as never) });
    // The rollout was at 11:35.
    const after = await reasonsOf(metrics('11:36'), measuring(expressionOfPod));
    expect(after.cause?.change).toContain('memory limit of container app from 512Mi to 256Mi');
    const before = await reasonsOf(metrics('11:10'), measuring(expressionOfPod));
    expect(before.cause).toMatchObject({ category: 'oom-killed', change: null });
    expect(before.recommendations[0]?.action).not.toContain('rollout undo');
  });

  it('is not known of several series, of a container that ended before, or without a value', async () => {
    const all = [
      ...series(step(1, 60, '11:10'), { pod: own.pod, code: '1' } as never),
      ...series(() => 9, { pod: own.pod, code: '2' } as never),
    ];
    const metrics = memoryMetrics({ 'errors{pod="web-h2-abcde"}': all });
    const result = await reasonsOf(metrics, measuring('errors{pod="web-h2-abcde"} > 5'));
    expect(result.cause?.change).not.toBeNull();
    expect(result.confidence_reasons.filter((reason) => reason.includes('it began at'))).toEqual([]);
  });
});

const wellPod = (limits: object) =>
  memoryCluster({
    ...shop({}),
    pods: [
      podObject(own.pod, {
        spec: { containers: [{ name: 'app', image: 'app:1', resources: { limits } }] },
      }),
    ],
  });

describe('what metrics alone show', () => {
  const throttling = containerThrottling(own);
  const cpu = containerUsage('cpu', own);
  const alert = (name: string) => alertOf({ ...own }, { name });
  const busy = { [cpu]: series(() => 0.49) };

  it('throttling answers an alert about it', async () => {
    const metrics = memoryMetrics({ ...busy, [throttling]: series(step(0.02, 0.6, '11:20')) });
    const { result } = await runIn(wellPod({ cpu: '500m' }), { alert: alert('CPUThrottlingHigh'), metrics });
    expect(result.cause).toMatchObject({ category: 'cpu-throttled', object: `pod/shop/${own.pod}` });
    expect(result.root_cause).toMatch(
      /its CPU limit of 500m is less than it wants to use; it was held back in up to 60%/,
    );
    expect(result.confidence).toBe(0.75);
    expect(result.checked).not.toContain(`pod/shop/${own.pod}`);
    expectSound(result);
  });

  it.each([
    ['it was short', { ...busy, [throttling]: series((now) => (now >= at('11:38') && now < at('11:45') ? 0.6 : 0)) }],
    ['it was over before', { ...busy, [throttling]: series((now) => (now < at('11:30') ? 0.6 : 0)) }],
    ['it is little', { ...busy, [throttling]: series(() => 0.2) }],
    ['there is none', busy],
  ])('throttling is no answer where %s', async (_, expressions) => {
    const { result } = await runIn(wellPod({ cpu: '500m' }), {
      alert: alert('CPUThrottlingHigh'),
      metrics: memoryMetrics(expressions),
    });
    expect(result.root_cause).toBeNull();
  });

  it('throttling answers another question only where it changed, is much and the limit is used up', async () => {
    const latency = async (expressions: Parameters<typeof memoryMetrics>[0]) =>
      (await runIn(wellPod({ cpu: '500m' }), { alert: alert('HighLatency'), metrics: memoryMetrics(expressions) }))
        .result;
    const strong = await latency({ ...busy, [throttling]: series(step(0.02, 0.6, '11:20')) });
    expect(strong.cause).toMatchObject({ category: 'cpu-throttled', certainty: 'may be' });
    for (const weak of [
      { ...busy, [throttling]: series(() => 0.6) },
      { ...busy, [throttling]: series(step(0.02, 0.4, '11:20')) },
      { [cpu]: series(() => 0.2), [throttling]: series(step(0.02, 0.6, '11:20')) },
    ])
      expect((await latency(weak)).root_cause).toBeNull();
  });

  it('throttling is no answer to an alert of which nothing is known', async () => {
    const metrics = memoryMetrics({ ...busy, [throttling]: series(step(0.02, 0.6, '11:20')) });
    const { result } = await runIn(wellPod({ cpu: '500m' }), { alert: alert('BackupIncomplete'), metrics });
    expect(result.root_cause).toBeNull();
  });

  it('pods on a node do not answer for its memory, and are not asked about', async () => {
    const metrics = memoryMetrics({ [memory]: series(ramp(60 * mebi, 250 * mebi, '11:05', '12:00')) });
    const pod = podObject(own.pod, {
      spec: { nodeName: 'n1', containers: [{ name: 'app', resources: { limits: { memory: '256Mi' } } }] },
    });
    const node = {
      kind: 'Node',
      metadata: { name: 'n1' },
      status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T08:00:00Z' }] },
    };
    const cluster = memoryCluster({ nodes: [node], pods: [pod] });
    const { result } = await runIn(cluster, { alert: alertOf({ node: 'n1' }, { name: 'HostMemoryHigh' }), metrics });
    expect(result.root_cause).toBeNull();
    expect(metrics.asked).toEqual([]);
  });

  it('takes no place from a cause that the cluster names', async () => {
    const metrics = memoryMetrics({ ...busy, [throttling]: series(step(0.02, 0.6, '11:20')) });
    const cluster = oomShop();
    const { result } = await runIn(cluster, { alert: podAlert, metrics });
    expect(result.cause?.category).toBe('oom-killed');
  });

  it('memory that grows to its limit answers an alert about memory, and no other', async () => {
    const metrics = () => memoryMetrics({ [memory]: series(ramp(60 * mebi, 245 * mebi, '11:05', '12:00')) });
    const cluster = () => wellPod({ memory: '256Mi' });
    const { result } = await runIn(cluster(), { alert: alert('ContainerMemoryHigh'), metrics: metrics() });
    expect(result.root_cause).toMatch(
      /uses 245Mi, 96% of its limit of 256Mi\. It rose steadily from [\d.]+Mi \(2026-01-01 11:10[\d:]+ UTC\) to 245Mi .* a leak, or a cache without a bound/,
    );
    const { result: other } = await runIn(cluster(), { alert: alert('SomethingElse'), metrics: metrics() });
    expect(other.root_cause).toBeNull();
    const low = memoryMetrics({ [memory]: series(ramp(60 * mebi, 180 * mebi, '11:05', '12:00')) });
    expect(
      (await runIn(cluster(), { alert: alert('ContainerMemoryHigh'), metrics: low })).result.root_cause,
    ).toBeNull();
  });

  it('a SIGKILL that nobody explains, with memory at its limit, may be for memory', async () => {
    const cluster = () =>
      memoryCluster({
        ...shop({}),
        events: [],
        replicasets: [],
        pods: [podObject(own.pod, { state: looping(ended('Error', 137)) })],
      });
    const metrics = (top: number) => memoryMetrics({ [memory]: series(ramp(60 * mebi, top * mebi, '11:40', '11:57')) });
    const { result } = await runIn(cluster(), { metrics: metrics(252) });
    expect(result.cause).toMatchObject({ category: 'killed-at-memory-limit', certainty: 'may be' });
    expect(result.root_cause).toContain('The kubelet does not say that it was OOMKilled');
    // Of several times only the end of the last one is known.
    expect(result.timeline.at(-1)?.text).toContain('was killed with its memory at its limit, the last of 7 times');
    for (const less of [metrics(235), memoryMetrics({}), null])
      expect((await runIn(cluster(), { metrics: less })).result.root_cause).toBeNull();
  });

  it('a volume that fills up answers the alert about it, with when it is full', async () => {
    const claim = {
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'shop' },
      spec: {},
      status: { phase: 'Bound' },
    };
    const about = alertOf(
      { namespace: 'shop', persistentvolumeclaim: 'data' },
      { name: 'KubePersistentVolumeFillingUp' },
    );
    const of = (value: MemorySeries['value']) =>
      memoryMetrics({
        [claimFill('bytes', 'shop', 'data')]: series(value, {
          namespace: 'shop',
          persistentvolumeclaim: 'data',
        } as never),
      });
    const cluster = () => memoryCluster({ persistentvolumeclaims: [claim] });
    const { result } = await runIn(cluster(), { alert: about, metrics: of(ramp(0.6, 0.9, '11:00', '12:00')) });
    expect(result.cause).toMatchObject({ category: 'volume-filling', object: 'persistentvolumeclaim/shop/data' });
    expect(result.root_cause).toMatch(
      /90% of claim data is used\. It rose steadily from .* it is full at 2026-01-01 12:2/,
    );
    for (const less of [of(() => 0.9), of(ramp(0.2, 0.5, '11:00', '12:00')), null])
      expect((await runIn(cluster(), { alert: about, metrics: less })).result.root_cause).toBeNull();
  });

  it('is nothing where what was read is not what the alert is about', async () => {
    const metrics = memoryMetrics({ ...busy, [throttling]: series(step(0.02, 0.6, '11:20')) });
    const other = { ...alert('CPUThrottlingHigh'), labels: { ...own, uid: 'another' } };
    const { result } = await runIn(wellPod({ cpu: '500m' }), { alert: other, metrics });
    expect(result.root_cause).toBeNull();
  });
});
