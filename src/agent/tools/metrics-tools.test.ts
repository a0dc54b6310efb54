import { describe, expect, it } from 'vitest';
import { alertOf } from '../../../test/support/alert-snapshot.ts';
import { memoryCluster, podObject } from '../../../test/support/memory-cluster.ts';
import type { MemoryOptions } from '../../../test/support/memory-cluster.ts';
import { memoryMetrics, tooLargeError } from '../../../test/support/memory-metrics.ts';
import type { MemorySeries } from '../../../test/support/memory-metrics.ts';
import { callTools, dataOf } from '../../../test/support/toolbox.ts';
import { containerUsage } from '../../investigation/metrics/usage.ts';
import { AppError } from '../../core/errors.ts';
import type { AllowedByStep, Readers } from '../open-toolbox.ts';
import { toolDefinitions } from './index.ts';

const now = '2026-01-01T12:00:00.000Z';
const constant = (labels: Readonly<Record<string, string>>, value: number): MemorySeries => ({
  labels,
  value: () => value,
});

async function ask(
  name: string,
  input: object,
  expressions: Parameters<typeof memoryMetrics>[0],
  alert = alertOf({}),
  allowed: Partial<AllowedByStep> = { isClusterWide: true },
) {
  const metrics = memoryMetrics(expressions, []);
  const cluster = memoryCluster({ pods: [podObject('web-1')] }, { now });
  const { call } = await callTools(toolDefinitions, cluster, { alert, allowed, readers: { metrics } });
  return { executed: await call(name, input), metrics };
}

describe('prometheus_query', () => {
  it('gives values at a moment, the largest first, and labels that all have once', async () => {
    const series = [
      constant({ __name__: 'up', job: 'a', pod: 'x' }, 1),
      constant({ __name__: 'up', job: 'a', pod: 'y' }, 2.71234),
    ];
    const { executed } = await ask('prometheus_query', { query: 'up', time: '30m' }, { up: series });
    expect(dataOf(executed)).toBe(`$ promtool query instant --time=2026-01-01T11:30:00.000Z http://prometheus:9090 up
2 series at 2026-01-01T11:30:00.000Z; all have {job="a"}
2.712  {pod="y"}
1  {pod="x"}`);
    expect(executed.evidence).toMatchObject({ kind: 'metrics', object: 'metrics' });
    const { executed: one } = await ask(
      'prometheus_query',
      { query: 'm' },
      { m: [constant({ namespace: 'shop', pod: 'web-1' }, 1024 ** 2)] },
    );
    expect(one.evidence?.object).toBe('pod/shop/web-1');
  });

  it('shows thirty, and how to ask for less', async () => {
    const many = Array.from({ length: 90 }, (_, index) => constant({ pod: `web-${index}` }, index));
    const { executed } = await ask('prometheus_query', { query: 'many' }, { many });
    expect(dataOf(executed)).toMatch(
      /90 series at [^]*\n60 {2}\{pod="web-60"\}\n\[60 more values: use topk\(10, \.\.\.\), sum by/,
    );
    const large = await ask('prometheus_query', { query: 'huge' }, { huge: tooLargeError });
    expect(large.executed).toMatchObject({ status: 'error', reason: 'TooLarge' });
    expect(large.executed.text).toContain('use topk(10');
  });

  it('says what there is where there is nothing', async () => {
    const { executed } = await ask(
      'prometheus_query',
      { query: 'up{job="b"} / missing[5m]' },
      { up: [constant({ job: 'a' }, 1), constant({ job: 'c' }, 1)] },
    );
    expect(executed.status).toBe('no_data');
    expect(dataOf(executed)).toContain(`no series at that moment.
up has series, with labels job (a, c); none fits what was asked
there was no series of missing in the hour before`);
  });

  it('takes expressions and nothing else', async () => {
    for (const input of [{}, { query: '' }, { query: 'up', url: 'http://evil' }, { query: 'x'.repeat(4001) }])
      expect((await ask('prometheus_query', input, {})).executed.reason, JSON.stringify(input).slice(0, 40)).toBe(
        'InvalidInput',
      );
  });
});

describe('metrics of other namespaces (R10)', () => {
  const shop: Partial<AllowedByStep> = {};

  it('are left out of what is asked, and the answer and the command say so', async () => {
    const series = [constant({ namespace: 'shop', pod: 'x' }, 1)];
    const { executed, metrics } = await ask(
      'prometheus_query',
      { query: 'up' },
      { 'up{namespace="shop"}': series },
      alertOf({}),
      shop,
    );
    expect(metrics.asked).toEqual(['up{namespace="shop"}']);
    expect(executed.command).toContain(`'up{namespace="shop"}'`);
    expect(dataOf(executed)).toContain('[only series of the namespaces that may be read here were asked for');
    const range = await ask('prometheus_query_range', { query: 'up' }, {}, alertOf({}), shop);
    expect(range.metrics.asked).toMatchObject([{ expression: 'up{namespace="shop"}' }]);
    expect(range.executed.status).toBe('no_data');
    expect(dataOf(range.executed)).toContain('[only series of the namespaces that may be read here were asked for');
  });

  it('are denied where they are named, and nothing is asked', async () => {
    for (const name of ['prometheus_query', 'prometheus_query_range'])
      for (const query of ['up{namespace="kube-system"}', 'up # {', 'info(up)']) {
        const { executed, metrics } = await ask(name, { query }, {}, alertOf({}), shop);
        expect([query, executed.status], query).toEqual([query, 'denied']);
        expect(metrics.asked).toEqual([]);
      }
  });

  it("are not kept from the alert's own expression, which the report has anyway", async () => {
    const generatorUrl = `http://p/graph?g0.expr=${encodeURIComponent('up{job="apiserver"} == 0')}`;
    const { executed, metrics } = await ask('prometheus_query_range', {}, {}, alertOf({}, { generatorUrl }), shop);
    expect(metrics.asked).toMatchObject([
      { expression: 'up{job="apiserver"}' },
      { expression: 'up{job="apiserver"} == 0' },
    ]);
    expect(executed.status).toBe('no_data');
  });
});

describe('prometheus_query_range', () => {
  const alert = alertOf(
    { alertname: 'Memory', namespace: 'shop', pod: 'web-1' },
    { generatorUrl: `http://p/graph?g0.expr=${encodeURIComponent('ratio > 0.9')}` },
  );
  const ratio: MemorySeries = {
    labels: { namespace: 'shop', pod: 'web-1' },
    value: (at) => (at < Date.parse('2026-01-01T11:30:00Z') ? 0.5 : 0.95),
  };

  it("runs the alert's own expression where none is given", async () => {
    const { executed, metrics } = await ask(
      'prometheus_query_range',
      {},
      { ratio: [ratio, constant({ pod: 'web-2' }, 0.1)] },
      alert,
    );
    expect(metrics.asked).toEqual([{ expression: 'ratio', from: '2026-01-01T10:40:00.000Z', to: now, stepMs: 60_000 }]);
    expect(dataOf(executed)).toMatch(
      /^\$ promtool query range --start=2026-01-01T10:40:00\.000Z --end=2026-01-01T12:00:00\.000Z --step=60s http:\/\/prometheus:9090 ratio\n/,
    );
    expect(dataOf(executed)).toContain(`{namespace="shop", pod="web-1"}
  0.5 at 2026-01-01T10:40:00.000Z, 0.95 at 2026-01-01T12:00:00.000Z; lowest 0.5 at 2026-01-01T10:40:00.000Z, highest 0.95 at 2026-01-01T11:30:00.000Z; stepped up at 2026-01-01T11:30:00.000Z; > 0.9 since 2026-01-01T11:30:00.000Z
  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█`);
    expect(executed.evidence?.object).toBe('pod/shop/web-1');
    const { executed: without } = await ask('prometheus_query_range', {}, {});
    expect(without).toMatchObject({ reason: 'InvalidInput' });
    expect(without.text).toContain('so query is needed');
  });

  it('makes a step longer that would give more than 100 points', async () => {
    const { metrics } = await ask('prometheus_query_range', { query: 'a', from: '24h', to: '0m', step: '1s' }, {});
    expect(metrics.asked[0]).toEqual({ expression: 'a', from: '2025-12-31T12:00:00.000Z', to: now, stepMs: 900_000 });
    const { metrics: longer } = await ask(
      'prometheus_query_range',
      { query: 'a', from: '1h', to: '0m', step: '10m' },
      {},
    );
    expect(longer.asked[0]).toMatchObject({ stepMs: 600_000 });
  });

  it('shows the series that moved most', async () => {
    const series = Array.from({ length: 30 }, (_, index) => ({
      labels: { pod: `web-${index}` },
      value: (at: number) => (at % 7_200_000) * index,
    }));
    const { executed } = await ask('prometheus_query_range', { query: 'a' }, { a: series });
    const text = dataOf(executed);
    expect(text).toContain('{pod="web-29"}');
    expect(text).not.toContain('{pod="web-3"}');
    expect(text).toContain('[18 others not shown: use topk(10');
  });
});

describe('kubernetes_top', () => {
  it('tells what is used beside what may be used, the fullest first', async () => {
    const expression = containerUsage('memory', { namespace: 'shop', pod: null, container: null });
    const series = [
      constant({ namespace: 'shop', pod: 'gone', container: 'app' }, 900 * 1024 ** 2),
      constant({ namespace: 'shop', pod: 'web-1', container: 'app' }, 250 * 1024 ** 2),
    ];
    const { executed } = await ask('kubernetes_top', { namespace: 'shop' }, { [expression]: series });
    expect(dataOf(executed)).toContain(`NAMESPACE  POD    CONTAINER  MEMORY  LIMIT  OF LIMIT
shop       web-1  app        250Mi   256Mi  98%
shop       gone   app        900Mi   none   -`);
    expect((await ask('kubernetes_top', { namespace: 'shop', resource: 'cpu' }, {})).executed.status).toBe('no_data');
    expect((await ask('kubernetes_top', {}, {}, alertOf({}), {})).executed.reason).toBe('NamespaceNotAllowed');
  });

  const podUse = (name: string, memory: string, parts: object = {}): object => ({
    metadata: { name, namespace: 'shop' },
    timestamp: '2026-01-01T11:59:45Z',
    window: '15s',
    containers: [{ name: 'app', usage: { cpu: '123456789n', memory } }],
    ...parts,
  });

  async function top(input: object, options: MemoryOptions, metrics: Readers['metrics'] = null) {
    const node = { kind: 'Node', metadata: { name: 'n1' }, status: { allocatable: { memory: '4Gi', cpu: '2' } } };
    const cluster = memoryCluster({ pods: [podObject('web-1')], nodes: [node] }, { now, ...options });
    const { call } = await callTools(toolDefinitions, cluster, { readers: { metrics } });
    return { executed: await call('kubernetes_top', input), cluster };
  }

  it('asks metrics.k8s.io first, and nobody else where that knows', async () => {
    const metrics = memoryMetrics({});
    const usage = { pods: [podUse('gone', '921600Ki'), podUse('web-1', '250Mi')] };
    const { executed } = await top({ namespace: 'shop' }, { usage }, metrics);
    expect(dataOf(executed)).toBe(`$ kubectl top pods -n shop --containers
NAMESPACE  POD    CONTAINER  MEMORY  LIMIT  OF LIMIT
shop       web-1  app        250Mi   256Mi  98%
shop       gone   app        900Mi   none   -`);
    expect(executed.evidence).toMatchObject({ kind: 'metrics', object: 'namespace/shop' });
    expect(metrics.asked).toEqual([]);
    const one = await top({ namespace: 'shop', pod: 'web-1', resource: 'cpu' }, { usage });
    expect(dataOf(one.executed)).toContain('shop       web-1  app        123m  none   -');
    expect(one.executed.command).toBe('kubectl top pod web-1 -n shop --containers');
  });

  it('tells of nodes what of their room is used', async () => {
    const usage = { nodes: [{ metadata: { name: 'n1' }, usage: { cpu: '1500m', memory: '3Gi' } }] };
    const { executed } = await top({ of: 'nodes' }, { usage });
    expect(dataOf(executed)).toBe(`$ kubectl top nodes
NODE  MEMORY  ALLOCATABLE  OF IT
n1    3Gi     4Gi          75%`);
  });

  it('asks Prometheus where metrics.k8s.io does not answer, or does not know the pod', async () => {
    const expression = containerUsage('memory', { namespace: 'shop', pod: 'web-1', container: null });
    const series = [constant({ namespace: 'shop', pod: 'web-1', container: 'app' }, 1024 ** 2)];
    const away = { 'usage of pods': { kind: 'not_captured', reason: 'the server is away' } } as const;
    for (const options of [{ usage: {}, instead: away }, { usage: { pods: [podUse('other', '1Mi')] } }]) {
      const { executed } = await top(
        { namespace: 'shop', pod: 'web-1' },
        options,
        memoryMetrics({ [expression]: series }),
      );
      expect(executed.command).toContain('promtool query instant');
      expect(dataOf(executed)).toContain('1Mi');
    }
  });

  it('has no data where nothing measures, and says which right is missing', async () => {
    const instead = (kind: 'not_captured' | 'forbidden') => ({
      usage: {},
      instead: { 'usage of pods': { kind, reason: 'no' } },
    });
    const { executed } = await top({ namespace: 'shop' }, instead('not_captured'));
    expect(executed).toMatchObject({ status: 'no_data', evidence: null });
    const forbidden = await top({ namespace: 'shop' }, instead('forbidden'));
    expect(forbidden.executed).toMatchObject({ status: 'error', reason: 'Forbidden' });
    expect(forbidden.executed.text).toContain('apiGroups: ["metrics.k8s.io"]');
    expect((await top({ namespace: 'shop' }, { usage: {} })).executed.status).toBe('no_data');
    const refused = { ...memoryMetrics({}), refusal: new AppError('Forbidden', 'not asked') };
    expect((await top({ namespace: 'shop' }, instead('forbidden'), refused)).executed.text).toContain('metrics.k8s.io');
    expect(refused.asked).toEqual([]);
    expect(
      (await top({ namespace: 'shop' }, { usage: { pods: [podUse('x', 'much', { containers: 7 })] } })).executed.status,
    ).toBe('no_data');
  });

  it('looks into no other namespace (R10)', async () => {
    for (const input of [{ namespace: 'kube-system' }, {}, { namespace: '*' }]) {
      const { executed, cluster } = await top(input, { usage: { pods: [podUse('web-1', '1Mi')] } });
      expect(executed.reason).toBe('NamespaceNotAllowed');
      expect(cluster.asked).toEqual([]);
    }
  });

  it('is not offered where it cannot be answered', async () => {
    const { toolbox } = await callTools(toolDefinitions, memoryCluster({}));
    expect(toolbox.missing).toEqual([
      'prometheus_query_range: no Prometheus is configured',
      'prometheus_query: no Prometheus is configured',
      'loki_query: no Loki is configured',
      'runbook_search: no runbooks are configured',
      'runbook_read: no runbooks are configured',
      'http_get: the Workflow allows no hosts (scope.hosts of the step, or endpoint of the tool)',
      'past_incidents: no store of earlier investigations is at hand',
      'kubernetes_top: neither metrics.k8s.io nor Prometheus can be asked',
    ]);
    expect(toolbox.declarations.map(({ name }) => name)).toEqual([
      'kubernetes_describe',
      'kubernetes_logs',
      'kubernetes_changes',
      'kubernetes_list',
      'kubernetes_events',
      'kubernetes_graph',
      'analyze',
      'kubernetes_get',
    ]);
  });
});
