import { expect, test } from 'vitest';
import { planOf } from '../../test/support/engine.ts';
import { memoryCluster } from '../../test/support/memory-cluster.ts';
import { memoryMetrics } from '../../test/support/memory-metrics.ts';
import { emptyReaders } from '../../test/support/toolbox.ts';
import type { Cluster, ClusterEvents, NewEvent } from '../core/cluster.ts';
import { toAppError } from '../core/errors.ts';
import type { ClusterAccess } from '../core/plan.ts';
import type { LogReader, MetricsReader } from '../core/readers.ts';
import type { ClusterWatch } from '../core/watch.ts';
import type { WatchedCluster } from './cluster-health.ts';
import { noReaders } from './readers.ts';
import { servedAccounts } from './resources.ts';
import { createTenancy, openTenancy } from './tenancy.ts';
import type { Tenancy } from './tenancy.ts';

const at = '2026-01-01T12:00:00.000Z';
const signal = AbortSignal.timeout(60_000);
const pod = (namespace: string) => ({ kind: 'Pod', metadata: { namespace, name: 'web-1' } });
const all = {
  ...memoryCluster(
    { pods: [pod('shop'), pod('bank')] },
    { usage: { pods: [pod('shop'), pod('bank')] }, logs: { 'bank/web-1/app': 'x' } },
  ),
  description: 'all',
};
const asked: string[] = [];
const followed: AsyncIterable<never> = (async function* () {})();
const watch: ClusterWatch = { watch: () => followed };
const metrics = { ...memoryMetrics({}), series: async (selector: string) => [{ selector }] };
const logs: LogReader = { description: 'logs', url: 'http://loki', query: async () => ({ streams: [] }) };
const ofPod = { apiVersion: 'v1', kind: 'Pod', namespace: 'bank', name: 'web-1' };
const events: ClusterEvents = {
  clusterName: null,
  onlyNamespace: null,
  refer: async () => ofPod,
  create: async () => ({ kind: 'made', namespace: 'bank' }),
};

/** Namespace `fist` may look at all. */
const ofOperator: WatchedCluster = {
  cluster: all,
  watch,
  events,
  isClosed: false,
  onlyNamespaceOf: (namespace) => (namespace === 'fist' ? null : namespace),
  asAccount({ namespace, name }) {
    asked.push(`${namespace}/${name}`);
    return name === 'investigator' && namespace !== 'bank' ? { ...all, description: 'as the account' } : null;
  },
  health: { description: 'all', problem: async () => null, lastFailure: () => null },
  close: async () => undefined,
};
const tenancyOf = (shared: WatchedCluster | null) => createTenancy(shared, () => ({ ...emptyReaders, metrics, logs }));
const tenancy = tenancyOf(ofOperator);

function view(namespace: string, clusterAccess: ClusterAccess | null, { viewOf } = tenancy) {
  return viewOf(planOf([], { namespace, ...(clusterAccess === null ? {} : { clusterAccess }) }));
}
const custom = (serviceAccount: string): ClusterAccess => ({ level: 'custom', serviceAccount });
const readersOf = (namespace: string) =>
  tenancy.readersOf(
    { namespace, runId: 'r1', runtime: planOf([], { namespace }).runtime },
    { metrics: null, logs: null },
  );

const tail = { container: 'app', previous: false, tailLines: 1 };
const ofBank = '{namespace="bank"}';
const range = { expression: ofBank, from: at, to: at };
const mayNotLook = 'a Workflow in namespace shop may not look at namespace bank';
const mayNotAsk = (expression: string) =>
  `Forbidden: a Workflow in namespace shop may not ask for ${expression}: namespace bank may not be read here; name one of: shop`;

/** What becomes of it for a namespace that may look at all, and for one behind its wall. */
type Use = readonly [use: (namespace: string) => unknown, open: unknown, walled: unknown];
/** Each way to use something. */
type Ways<Used> = {
  readonly [Way in keyof Used as NonNullable<Used[Way]> extends (...given: never) => unknown ? Way : never]-?: Use;
};

/** All that can be done for a namespace, done on another one (`bank`). Who adds a way adds what the wall makes of it. */
const uses: {
  readonly [Part in keyof Omit<Tenancy, 'health'>]: {
    readonly viewOf: Omit<Ways<Cluster>, 'observedAt' | 'beside' | 'remedyFor'>;
    readonly readersOf: Ways<MetricsReader> & { readonly [Way in keyof Ways<LogReader> as `${Way} of logs`]: Use };
    readonly watchOf: Ways<ClusterWatch>;
    readonly eventsOf: Ways<ClusterEvents>;
  }[Part];
} = {
  viewOf: {
    get: [
      (namespace) => view(namespace, null).cluster?.get('pods', 'bank', 'web-1'),
      { kind: 'ok', value: pod('bank') },
      { kind: 'forbidden', reason: mayNotLook },
    ],
    list: [
      (namespace) => view(namespace, null).cluster?.list({ resource: 'pods', namespace: 'bank' }),
      { kind: 'ok', value: [pod('bank')] },
      { kind: 'forbidden', reason: mayNotLook },
    ],
    logs: [
      (namespace) => view(namespace, null).cluster?.logs({ namespace: 'bank', pod: 'web-1', ...tail }),
      { kind: 'ok', value: 'x' },
      { kind: 'forbidden', reason: mayNotLook },
    ],
    usage: [
      (namespace) => view(namespace, null).cluster?.usage?.({ of: 'pods', namespace: 'bank' }),
      { kind: 'ok', value: [pod('bank')] },
      { kind: 'forbidden', reason: mayNotLook },
    ],
  },
  readersOf: {
    bind: [(namespace) => readersOf(namespace).metrics?.bind?.('up') ?? 'up', 'up', 'up{namespace="shop"}'],
    query: [
      (namespace) => readersOf(namespace).metrics?.query(ofBank, at, signal),
      { series: [], total: 0, warnings: [] },
      mayNotAsk(ofBank),
    ],
    queryRange: [
      (namespace) => readersOf(namespace).metrics?.queryRange({ ...range, stepMs: 1000 }, signal),
      { series: [], total: 0, warnings: [] },
      mayNotAsk(ofBank),
    ],
    series: [
      (namespace) => readersOf(namespace).metrics?.series('up', at, at, signal),
      [{ selector: 'up' }],
      [{ selector: 'up{namespace="shop"}' }],
    ],
    'query of logs': [
      (namespace) => readersOf(namespace).logs?.query({ ...range, limit: 1 }, signal),
      { streams: [] },
      mayNotAsk(ofBank),
    ],
  },
  watchOf: {
    watch: [
      (namespace) => tenancy.watchOf(namespace)?.watch({ resource: 'events', namespace: 'bank' }, {} as never),
      followed,
      'Forbidden: a Source in namespace shop may not watch namespace bank',
    ],
  },
  eventsOf: {
    refer: [(namespace) => tenancy.eventsOf(namespace)?.refer('pod', 'bank', 'web-1'), ofPod, null],
    create: [
      (namespace) => tenancy.eventsOf(namespace)?.create({ regarding: ofPod } as NewEvent, { timeoutMs: 1000, signal }),
      { kind: 'made', namespace: 'bank' },
      { kind: 'refused', reason: 'a Sink in namespace shop makes Events there alone' },
    ],
  },
};

const table = Object.entries(uses).flatMap(([part, ways]) =>
  Object.entries<Use>(ways).map(([way, [use, open, walled]]) => ({ part, way, use, open, walled })),
);

test.each(table)('$part: $way is refused to, or bound to, a walled namespace alone', async ({ use, open, walled }) => {
  const outcomeFor = async (namespace: string): Promise<unknown> => {
    try {
      return await use(namespace);
    } catch (thrown) {
      const { code, message } = toAppError(thrown);
      return `${code}: ${message}`;
    }
  };
  expect(await outcomeFor('fist')).toEqual(open);
  expect(await outcomeFor('shop')).toEqual(walled);
});

test('level read: the one account, behind the wall of the namespace', () => {
  expect(view('shop', null)).toMatchObject({ closed: null, onlyNamespace: 'shop', cluster: { description: 'all' } });
  expect(view('fist', null)).toMatchObject({ closed: null, onlyNamespace: null });
  expect(tenancy.eventsOf('shop')?.onlyNamespace).toBe('shop');
});

test('an installation that reads nothing: accounts of Workflows alone look', () => {
  const closed = tenancyOf({ ...ofOperator, isClosed: true });
  expect(view('fist', null, closed)).toMatchObject({
    cluster: null,
    closed: { reason: expect.stringContaining('no investigation') },
  });
  expect(view('shop', custom('investigator'), closed).cluster?.description).toBe('as the account');
  for (const namespace of ['shop', 'fist'])
    expect(() => closed.watchOf(namespace)?.watch({ resource: 'events', namespace: 'bank' }, {} as never)).toThrow(
      'this installation lets no Source watch the cluster',
    );
});

test('without a live cluster nothing is watched and no Event made, unless nothing may be', () => {
  const captured = { ...ofOperator, watch: null, events: null };
  expect([tenancyOf(captured).watchOf('shop'), tenancyOf(captured).eventsOf('shop')]).toEqual([null, null]);
  expect(tenancyOf({ ...captured, isClosed: true }).watchOf('shop')).not.toBeNull();
  expect(view('shop', null, tenancyOf(null))).toEqual({ cluster: null, closed: null, onlyNamespace: null });
});

test('level none: no cluster, and metrics and logs stay those of the namespace', () => {
  expect(view('shop', { level: 'none' })).toMatchObject({
    cluster: null,
    closed: { reason: 'clusterAccess.level of the Workflow is none' },
    onlyNamespace: 'shop',
  });
});

test('level custom: an account of the own namespace that is listed, and the wall beside its rights', async () => {
  const { cluster, onlyNamespace } = view('shop', custom('investigator'));
  expect(cluster?.description).toBe('as the account');
  expect(onlyNamespace).toBe('shop');
  // Whoever owns it may have bound the account; who raises alerts must not choose it.
  expect(await cluster?.get('pods', 'bank', 'web-1')).toMatchObject({ kind: 'forbidden' });
  asked.length = 0;
  for (const [namespace, name] of [
    ['shop', 'other'],
    ['bank', 'investigator'],
    ['bank', 'shop/investigator'],
  ] as const)
    expect(view(namespace, custom(name))).toMatchObject({
      cluster: null,
      closed: { reason: `ServiceAccount ${namespace}/${name} may not be used here` },
    });
  expect(asked).toEqual(['shop/other', 'bank/investigator', 'bank/shop/investigator']);
});

test('a server of a folder looks at all, at none, and never as an account', async () => {
  const options = { dump: null, kubeconfig: null, context: null, clusterName: null, readers: noReaders };
  const served = await openTenancy(options, null, {} as never);
  expect(served.health).toBeNull();
  expect(view('shop', null, served)).toMatchObject({ closed: null, onlyNamespace: null });
  expect(view('shop', { level: 'none' }, served)).toMatchObject({ cluster: null, closed: {} });
  expect(view('shop', custom('investigator'), served).cluster).toBeNull();
  expect(servedAccounts.verdict({ namespace: 'shop', name: 'investigator' })).toMatchObject({ status: 'False' });
});
