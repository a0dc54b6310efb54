import { expect, test } from 'vitest';
import { memoryMetrics } from '../../test/support/memory-metrics.ts';
import type { Cluster, ClusterEvents, NewEvent } from '../core/cluster.ts';
import type { WatchQuery } from '../core/watch.ts';
import { readAlertSeries } from '../investigation/metrics/alert-series.ts';
import { walledCluster, walledEvents, walledLogs, walledMetrics, walledWatch } from './walls.ts';

const at = '2026-01-01T12:00:00.000Z';
const asked: string[] = [];
const ok = (what: string) => async () => {
  asked.push(what);
  return { kind: 'ok', value: [] } as never;
};
const cluster: Cluster = {
  description: 'a cluster',
  get: ok('get'),
  list: ok('list'),
  logs: ok('logs'),
  usage: ok('usage'),
  observedAt: async () => ({ at: '2026-01-01T00:00:00Z', ahead: [] }),
};
const walled = walledCluster(cluster, 'shop');
const log = { pod: 'a', container: 'b', previous: false, tailLines: 1 };

test.each<[string, () => Promise<{ readonly kind: string }>, boolean]>([
  ['an object of its own', () => walled.get('pods', 'shop', 'a'), true],
  ['one of others', () => walled.get('pods', 'bank', 'a'), false],
  ['a node', () => walled.get('nodes', null, 'a'), true],
  ['a list of its own', () => walled.list({ resource: 'pods', namespace: 'shop' }), true],
  ['one of others', () => walled.list({ resource: 'configmaps', namespace: 'bank' }), false],
  ['one of all', () => walled.list({ resource: 'events' }), false],
  ['nodes', () => walled.list({ resource: 'nodes' }), true],
  ['a log of its own', () => walled.logs({ namespace: 'shop', ...log }), true],
  ['one of others', () => walled.logs({ namespace: 'bank', ...log }), false],
  ['usage of its pods', () => walled.usage?.({ of: 'pods', namespace: 'shop' }) ?? Promise.reject(new Error()), true],
  ['of those of others', () => walled.usage?.({ of: 'pods', namespace: 'bank' }) ?? Promise.reject(new Error()), false],
  ['of all', () => walled.usage?.({ of: 'pods', namespace: null }) ?? Promise.reject(new Error()), false],
  ['of nodes', () => walled.usage?.({ of: 'nodes', namespace: null }) ?? Promise.reject(new Error()), true],
])('%s', async (_name, read, isAllowed) => {
  asked.length = 0;
  expect((await read()).kind).toBe(isAllowed ? 'ok' : 'forbidden');
  expect(asked).toHaveLength(isAllowed ? 1 : 0);
});

test('who is refused is told what to do', async () => {
  const read = { kind: 'forbidden', resource: 'pods', namespace: 'bank', reason: 'x' } as const;
  expect(walled.remedyFor?.(read)).toContain('--investigate-from shop');
  expect(walled.remedyFor?.({ ...read, resource: 'pods/log' })).toContain('--investigate-from shop');
  // What is in no namespace is not refused by the wall: the API server has said so.
  expect(walled.remedyFor?.({ ...read, resource: 'nodes', namespace: null })).toBe('ask whoever runs this operator');
});

test('Events of a walled Sink stay in its namespace', async () => {
  const made: string[] = [];
  const all: ClusterEvents = {
    clusterName: null,
    onlyNamespace: null,
    refer: async (kind, namespace, name) => ({
      apiVersion: 'v1',
      kind,
      name,
      ...(namespace === null ? {} : { namespace }),
    }),
    async create({ regarding }) {
      made.push(regarding.name);
      return { kind: 'made', namespace: 'shop' };
    },
  };
  const own = walledEvents(all, 'shop');
  const places: readonly [string, string | null, string][] = [
    ['pod', 'shop', 'mine'],
    ['namespace', null, 'shop'],
    ['pod', 'bank', 'theirs'],
    ['namespace', null, 'bank'],
    ['node', null, 'shop'],
  ];
  const found = await Promise.all(places.map(([kind, namespace, name]) => own.refer(kind, namespace, name)));
  expect(found.map((one) => one?.name)).toEqual(['mine', 'shop', undefined, undefined, undefined]);
  const limits = { timeoutMs: 1, signal: AbortSignal.timeout(1000) };
  const about = (namespace: string) =>
    own.create({ regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name: namespace } } as NewEvent, limits);
  expect([(await about('shop')).kind, (await about('bank')).kind, made]).toEqual(['made', 'refused', ['shop']]);
});

test.each<[string, string | null, string | null]>([
  ['events', null, 'shop'],
  ['events', 'shop', 'shop'],
  ['nodes', null, null],
  ['certificates.v1.cert-manager.io', null, 'shop'],
  // Of another group: what it holds is not known.
  ['nodes.v1.example.com', null, 'shop'],
  ['constructor', null, 'shop'],
])('a walled Source that watches %s of %s watches those of %s', (resource, namespace, expected) => {
  const queries: WatchQuery[] = [];
  const own = walledWatch(watchInto(queries), 'shop');
  own.watch({ resource, namespace, labelSelector: 'app=web' }, {} as never);
  expect(queries).toEqual([{ resource, namespace: expected, labelSelector: 'app=web' }]);
});

test.each(['events', 'certificates.v1.cert-manager.io'])('a walled Source watches no %s of others', (resource) => {
  const queries: WatchQuery[] = [];
  const own = walledWatch(watchInto(queries), 'shop');
  expect(() => own.watch({ resource, namespace: 'bank' }, {} as never)).toThrow(
    expect.objectContaining({
      code: 'Forbidden',
      message: 'a Source in namespace shop may not watch namespace bank',
      next: 'leave namespace out, or start the operator with --investigate-from shop',
    }),
  );
  expect(queries).toEqual([]);
});
test('metrics are bound to the namespace, also by what the alert says', async () => {
  const all = memoryMetrics({});
  const metrics = walledMetrics(all, 'shop');
  const ask = (expression: string) =>
    readAlertSeries(
      metrics,
      { generatorUrl: `http://p/graph?g0.expr=${encodeURIComponent(expression)}`, labels: {}, startsAt: at },
      at,
      AbortSignal.timeout(1000),
    );
  await ask('rate(errors_total[5m])');
  await expect(ask('balance{namespace="bank"} > 5')).rejects.toMatchObject({
    code: 'Forbidden',
    next: expect.stringContaining('--investigate-from shop') as string,
  });
  await ask('node_load1');
  const asked = all.asked.map((one) => (typeof one === 'string' ? one : one.expression));
  expect(asked).toEqual(['rate(errors_total{namespace="shop"}[5m])', 'node_load1']);
});

test('logs are asked for where the namespace is named, and no others', async () => {
  const expressions: string[] = [];
  const logs = walledLogs(
    {
      description: 'memory',
      url: 'http://loki',
      async query({ expression }) {
        expressions.push(expression);
        return { streams: [] };
      },
    },
    'shop',
  );
  const ask = (expression: string) => logs.query({ expression, from: at, to: at, limit: 1 }, AbortSignal.timeout(1000));
  const refused = { code: 'Forbidden', next: expect.stringContaining('--investigate-from shop') as string };
  await ask('{namespace="shop"} |= "error"');
  await expect(ask('{namespace="bank"}')).rejects.toMatchObject(refused);
  await expect(ask('{job="web"}')).rejects.toMatchObject(refused);
  expect(expressions).toEqual(['{namespace="shop"} |= "error"']);
});

function watchInto(queries: WatchQuery[]) {
  return {
    watch(query: WatchQuery) {
      queries.push(query);
      return (async function* () {})();
    },
  };
}
