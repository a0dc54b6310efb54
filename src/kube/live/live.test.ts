import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Cluster, ReadResult } from '../../core/cluster.ts';
import { captureCluster } from '../dump/capture.ts';
import type { KubeClient, KubeResponse } from '../connection/client.ts';
import { openDump } from '../dump/dump.ts';
import { liveCluster } from './live.ts';
import { resourceNames } from '../kinds/resources.ts';

/** A client that answers from a function and keeps what was asked. */
function fakeClient(
  answer: (
    path: string,
    query: Readonly<Record<string, string>>,
  ) => { status: number; body: object | string; truncated?: boolean },
) {
  const asked: string[] = [];
  const client: KubeClient = {
    description: 'context test',
    kubectl: 'kubectl --context test',
    server: 'https://127.0.0.1:6443',
    async get(path, query): Promise<KubeResponse> {
      asked.push(`${path}?${new URLSearchParams(query).toString()}`);
      const { status, body, truncated } = answer(path, query);
      return { status, body: typeof body === 'string' ? body : JSON.stringify(body), truncated: truncated ?? false };
    },
    open: () => Promise.reject(new Error('not asked')),
    review: () => Promise.reject(new Error('an investigation asks for no review')),
    createEvent: () => Promise.reject(new Error('an investigation writes nothing')),
    close: async () => {},
  };
  return { cluster: liveCluster(client), asked };
}

const status = (code: number, message: string, details: object = {}, metadata: object = {}) => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', metadata, status: 'Failure', message, details, code },
});

describe('liveCluster', () => {
  test('builds the paths of core and grouped resources', async () => {
    const { cluster, asked } = fakeClient(() => ({ status: 200, body: { items: [], metadata: {} } }));
    await cluster.get('pods', 'shop', 'web-1');
    await cluster.get('nodes', null, 'n1');
    await cluster.list({ resource: 'deployments', namespace: 'shop', labels: { app: 'web' } });
    await cluster.list({ resource: 'events' });
    await cluster.logs({ namespace: 'shop', pod: 'web-1', container: 'app', previous: true, tailLines: 50 });
    expect(asked).toEqual([
      '/api/v1/namespaces/shop/pods/web-1?',
      '/api/v1/nodes/n1?',
      '/apis/apps/v1/namespaces/shop/deployments?limit=500&labelSelector=app%3Dweb',
      '/api/v1/events?limit=500',
      '/api/v1/namespaces/shop/pods/web-1/log?container=app&tailLines=50&previous=true',
    ]);
  });

  test('asks metrics.k8s.io what is used; who does not serve it, or is away, has not measured', async () => {
    const used = [{ metadata: { name: 'web-1', namespace: 'shop' } }];
    const { cluster, asked } = fakeClient(() => ({ status: 200, body: { items: used } }));
    expect(await cluster.usage?.({ of: 'pods', namespace: 'shop' })).toEqual({ kind: 'ok', value: used });
    await cluster.usage?.({ of: 'pods', namespace: null });
    await cluster.usage?.({ of: 'nodes', namespace: 'shop' });
    expect(await cluster.usage?.({ of: 'pods', namespace: '../x' })).toEqual({ kind: 'ok', value: [] });
    expect(asked).toEqual([
      '/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods?',
      '/apis/metrics.k8s.io/v1beta1/pods?',
      '/apis/metrics.k8s.io/v1beta1/nodes?',
    ]);
    for (const [code, kind] of [
      [404, 'not_captured'],
      [503, 'not_captured'],
      [403, 'forbidden'],
    ] as const) {
      const refused = fakeClient(() => status(code, 'the server says no'));
      expect(await refused.cluster.usage?.({ of: 'pods', namespace: 'shop' })).toMatchObject({
        kind,
        reason: expect.stringContaining('the server says no') as string,
      });
    }
  });

  test('tells absent objects, absent APIs and forbidden reads apart', async () => {
    const absent = fakeClient(() => status(404, 'pods "web-1" not found', { name: 'web-1', kind: 'pods' }));
    expect(await absent.cluster.get('pods', 'shop', 'web-1')).toEqual({ kind: 'ok', value: null });
    const noApi = fakeClient(() => ({ status: 404, body: '404 page not found\n' }));
    expect(await noApi.cluster.get('horizontalpodautoscalers', 'shop', 'web')).toMatchObject({ kind: 'not_captured' });
    expect(await noApi.cluster.list({ resource: 'horizontalpodautoscalers', namespace: 'shop' })).toMatchObject({
      kind: 'not_captured',
    });
    const denied = fakeClient(() => status(403, 'pods is forbidden: User "x" cannot list'));
    expect(await denied.cluster.list({ resource: 'pods', namespace: 'shop' })).toEqual({
      kind: 'forbidden',
      reason: 'pods is forbidden: User "x" cannot list',
    });
    expect(
      await denied.cluster.logs({ namespace: 'a', pod: 'b', container: 'c', previous: false, tailLines: 1 }),
    ).toMatchObject({ kind: 'forbidden' });
    const waiting = fakeClient(() => status(400, 'previous terminated container "c" in pod "b" not found'));
    expect(
      await waiting.cluster.logs({ namespace: 'a', pod: 'b', container: 'c', previous: true, tailLines: 1 }),
    ).toEqual({
      kind: 'not_captured',
      reason: 'previous terminated container "c" in pod "b" not found',
    });
    await expect(
      fakeClient(() => ({ status: 200, body: 'oops' })).cluster.list({ resource: 'pods' }),
    ).rejects.toMatchObject({ code: 'ClusterUnavailable' });
    await expect(fakeClient(() => status(418, 'no')).cluster.list({ resource: 'pods' })).rejects.toMatchObject({
      code: 'ClusterUnavailable',
    });
  });

  test('goes through all pages, also when the snapshot expires on the way', async () => {
    const { cluster, asked } = fakeClient((_, query) => {
      if (query['continue'] === undefined)
        return { status: 200, body: { items: [{ metadata: { name: 'a' } }], metadata: { continue: 'two' } } };
      if (query['continue'] === 'two') return status(410, 'expired', {}, { continue: 'fresh' });
      return { status: 200, body: { items: [{ metadata: { name: 'b' } }], metadata: {} } };
    });
    const result = await cluster.list({ resource: 'pods', namespace: 'shop' });
    expect(result).toMatchObject({
      kind: 'ok',
      value: [{ kind: 'Pod', metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
    });
    expect(asked).toHaveLength(3);
  });

  test('a name, namespace or label that cannot exist is never sent', async () => {
    const { cluster, asked } = fakeClient(() => ({ status: 200, body: {} }));
    for (const name of ['../../secrets/x', 'a/b', 'a?x=y', '..', '', 'a%2f', 'A B']) {
      expect(await cluster.get('pods', 'shop', name)).toEqual({ kind: 'ok', value: null });
      expect(await cluster.get('pods', name, 'web')).toEqual({ kind: 'ok', value: null });
      expect(await cluster.list({ resource: 'pods', namespace: name })).toEqual({ kind: 'ok', value: [] });
      expect(
        await cluster.logs({ namespace: 'a', pod: 'b', container: name, previous: false, tailLines: 1 }),
      ).toMatchObject({ kind: 'not_captured' });
    }
    expect(await cluster.list({ resource: 'pods', labels: { app: 'x,tier=db' } })).toEqual({ kind: 'ok', value: [] });
    expect(asked).toEqual([]);
  });

  test('a cut answer is not taken for a whole one', async () => {
    const { cluster } = fakeClient(() => ({ status: 200, body: '{"items":[', truncated: true }));
    expect(await cluster.list({ resource: 'pods' })).toMatchObject({ kind: 'not_captured' });
  });

  test('secrets are not among the resources', () => {
    expect(resourceNames.filter((name) => name.includes('secret'))).toEqual([]);
  });
});

describe('captureCluster', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'capture-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  const webPod = {
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      managedFields: [{ manager: 'kubelet' }],
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"password":"canary"}', note: 'kept' },
    },
    spec: {
      containers: [
        {
          name: 'app',
          env: [
            { name: 'DB_PASSWORD', value: 'canary' },
            { name: 'MODE', value: 'fast' },
          ],
          args: ['--api-key', 'canary'],
        },
      ],
    },
    status: {
      containerStatuses: [
        { name: 'app', restartCount: 2 },
        { name: 'side', restartCount: 0 },
      ],
    },
  };
  const ok = <T>(value: T): ReadResult<T> => ({ kind: 'ok', value });
  const source: Cluster = {
    description: 'test',
    get: async () => ok(null),
    list: async ({ resource, namespace }) => {
      if (resource === 'ingresses') return { kind: 'forbidden', reason: 'no' };
      if (resource === 'namespaces') return ok([{ metadata: { name: 'shop' } }]);
      if (resource === 'pods' && namespace === 'shop') return ok([webPod as never]);
      if (resource === 'configmaps') return ok([{ metadata: { name: 'settings' }, data: { URL: 'canary' } }]);
      return ok([]);
    },
    logs: async ({ container, previous }) =>
      container === 'side'
        ? { kind: 'not_captured', reason: 'waiting' }
        : ok(previous ? 'previous token=canary\n' : '==== END logs for container app of pod shop/web-1 ====\nnow'),
    observedAt: async () => ({ at: '2026-01-01T00:00:00.000Z', ahead: [] }),
  };

  const allFiles = (): string[] =>
    readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
    );

  test('what is left out is a line for each kind, however many the namespaces are', async () => {
    const list: Cluster['list'] = async ({ resource, namespace }) => {
      if (resource === 'namespaces') return ok(['a', 'b', 'c', 'd'].map((name) => ({ metadata: { name } })));
      if (resource === 'nodes') return { kind: 'forbidden', reason: 'no nodes' };
      if (resource === 'ingresses') return { kind: 'forbidden', reason: `not in ${namespace}` };
      if (resource === 'jobs' && namespace === 'd') return { kind: 'forbidden', reason: 'no jobs' };
      if (resource === 'jobs' && namespace !== 'a') return { kind: 'not_captured', reason: 'gone' };
      return ok([]);
    };
    const target = join(directory, 'folded');
    const { leftOut } = await captureCluster(
      { ...source, list },
      { directory: target, signal: new AbortController().signal },
    );
    expect(leftOut).toEqual([
      'ingresses in 4 namespaces (a, b, ...): forbidden (not in a)',
      'jobs in 2 namespaces (b, c): not_captured (gone)',
      'jobs in d: forbidden (no jobs)',
      'nodes: forbidden (no nodes)',
    ]);
  });

  test('what pods and nodes used is kept where the cluster says it, and read again', async () => {
    const target = join(directory, 'used');
    const used = {
      metadata: { name: 'web-1', namespace: 'shop' },
      containers: [{ name: 'app', usage: { cpu: '1m' } }],
    };
    const usage: Cluster['usage'] = async ({ of }) =>
      of === 'pods' ? ok([used]) : { kind: 'forbidden', reason: 'no nodes' };
    const { leftOut } = await captureCluster(
      { ...source, usage },
      { directory: target, signal: new AbortController().signal },
    );
    expect(leftOut).toContain('nodes.metrics.k8s.io: forbidden (no nodes)');
    const dump = await openDump(target);
    expect(await dump.usage?.({ of: 'pods', namespace: 'shop' })).toMatchObject(
      ok([{ ...used, kind: 'PodMetrics', apiVersion: 'metrics.k8s.io/v1beta1' }]),
    );
    expect(await dump.usage?.({ of: 'nodes', namespace: null })).toMatchObject({ kind: 'not_captured' });
  });

  test('writes a folder that openDump reads, without secrets, for its owner only', async () => {
    const target = join(directory, 'dump');
    const summary = await captureCluster(source, { directory: target, signal: new AbortController().signal });
    expect(summary).toMatchObject({ namespaces: 1, logs: 2, leftOut: ['ingresses in shop: forbidden (no)'] });
    for (const file of allFiles()) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file, 'utf8')).not.toContain('canary');
    }
    const dump = await openDump(target);
    const pod = await dump.get('pods', 'shop', 'web-1');
    expect(pod).toMatchObject({
      kind: 'ok',
      value: {
        metadata: { annotations: { note: 'kept' } },
        spec: { containers: [{ env: [{ name: 'DB_PASSWORD' }, { value: 'fast' }] }] },
      },
    });
    expect(JSON.stringify(pod)).not.toContain('managedFields');
    expect(await dump.get('configmaps', 'shop', 'settings')).toMatchObject({
      kind: 'ok',
      value: { data: { URL: '[not captured]' } },
    });
    const read = (container: string, previous: boolean) =>
      dump.logs({ namespace: 'shop', pod: 'web-1', container, previous, tailLines: 10 });
    expect(await read('app', false)).toEqual(ok('=== END logs for container app of pod shop/web-1 ====\nnow\n'));
    expect(await read('app', true)).toEqual(ok('previous token=[REDACTED]\n'));
    expect(await read('side', false)).toMatchObject({
      kind: 'not_captured',
      reason: 'kubectl could not get this log: waiting',
    });
    expect(await dump.list({ resource: 'ingresses', namespace: 'shop' })).toMatchObject({ kind: 'not_captured' });
  });

  test('touches nothing in a folder that is not empty, and stops when told to', async () => {
    mkdirSync(join(directory, 'used'));
    writeFileSync(join(directory, 'used', 'mine.txt'), 'x');
    await expect(
      captureCluster(source, { directory: join(directory, 'used'), signal: new AbortController().signal }),
    ).rejects.toMatchObject({ code: 'InvalidInput' });
    expect(readdirSync(join(directory, 'used'))).toEqual(['mine.txt']);
    await expect(
      captureCluster(source, { directory: join(directory, 'new'), signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop');
    await expect(
      captureCluster(source, {
        directory: join(directory, 'bad'),
        namespaces: ['../x'],
        signal: new AbortController().signal,
      }),
    ).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});
