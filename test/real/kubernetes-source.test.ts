import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AlertRecord } from '../../src/core/alert.ts';
import type { WatchSignal } from '../../src/core/watch.ts';
import { checkCluster } from '../../src/app/preflight.ts';
import { connectKube } from '../../src/kube/connection/client.ts';
import { watchObjects } from '../../src/kube/watch/watch.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { startTestApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { accountObject, accountWith, listOf, namespaceObject } from '../support/rights.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const lasting = createCleanup();
const cleanup = createCleanup();
afterEach(() => cleanup.run());
afterAll(() => lasting.run());

const rights = listOf(
  namespaceObject('shop'),
  accountObject({ namespace: 'shop', name: 'nobody' }),
  ...accountWith({ namespace: 'shop', name: 'watcher' }, [
    { apiGroups: ['', 'apps'], resources: ['events', 'configmaps'], verbs: ['list', 'watch'] },
  ]),
);

function warning(name: string, reason: string): object {
  const now = new Date().toISOString().replace(/\.\d+/, '');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${reason.toLowerCase()}`, namespace: 'shop' },
    involvedObject: { kind: 'Pod', namespace: 'shop', name },
    type: 'Warning',
    reason,
    message: `${reason} of ${name}`,
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
  };
}

const resources = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: shop }
spec: { type: kubernetes, config: { resource: events, event: Warning, namespace: shop }, triggerWorkflow: look }
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: look }
spec:
  steps: [{ name: say, type: conditional, condition: 'true', agent: { type: agent, goal: x } }]
  sinks: []
`;

describe.skipIf(assets === null)('kubernetes Sources on a real API server', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer(lasting, assets ?? '');
    server.kubectl(['apply', '-f', '-'], JSON.stringify(rights));
  });

  const as = (account: string): string => server.kubeconfig(account, { token: server.token('shop', account) });
  const create = (object: object) => server.kubectl(['create', '-f', '-'], JSON.stringify(object));

  test('the watch: pages, and changes in their order', async () => {
    const names = Array.from({ length: 600 }, (_, place) => `page-${String(place).padStart(3, '0')}`);
    const maps = names.map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' } }));
    create({ apiVersion: 'v1', kind: 'List', items: maps });
    const client = await connectKube({ kubeconfig: as('watcher') });
    cleanup.defer(() => client.close());
    const stopping = new AbortController();
    const told: WatchSignal[] = [];
    const trouble: Error[] = [];
    const io = {
      clock: systemClock(),
      random: () => 0,
      signal: stopping.signal,
      onTrouble: async (error: Error) => void trouble.push(error),
    };
    const running = (async () => {
      for await (const signal of watchObjects(client, { resource: 'configmaps', namespace: 'shop' }, io))
        told.push(signal);
    })();
    cleanup.defer(() => {
      stopping.abort();
      return running;
    });
    await waitFor('the watch', () => told.some(({ kind }) => kind === 'watching'));
    const pages = told.filter((signal) => signal.kind === 'page');
    expect(pages.map(({ objects }) => objects.length)).toEqual([250, 250, 100]);
    expect(pages[0]?.objects[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'page-000' } });
    server.kubectl(['create', 'configmap', 'one', '--namespace', 'shop']);
    server.kubectl(['patch', 'configmap', 'one', '--namespace', 'shop', '-p', '{"data":{"a":"b"}}']);
    server.kubectl(['delete', 'configmap', 'one', '--namespace', 'shop']);
    const changes = await waitFor('the changes', () => {
      const seen = told.filter((signal) => signal.kind === 'changed');
      return seen.length >= 3 && seen;
    });
    expect(changes.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
      'added one',
      'modified one',
      'deleted one',
    ]);
    expect(trouble).toEqual([]);
    server.kubectl(['delete', 'configmaps', '--all', '--namespace', 'shop', '--wait=false']);
  });

  test('Events become alerts; over a restart nothing is told twice and nothing is lost', async () => {
    const options = { files: { 'all.yaml': resources }, kubeconfig: as('watcher') };
    const names = async (app: TestApp) => {
      const alerts = await app.list<AlertRecord>('/api/v1/alerts');
      return alerts.map(({ name, labels }) => `${name} ${labels['pod']}`).sort();
    };
    create(warning('before', 'BackOff'));
    const first = await startTestApp(cleanup, options);
    await waitFor('the alert of what was there', async () => (await names(first)).length === 1);
    create(warning('web', 'Unhealthy'));
    await waitFor('the second alert', async () => (await names(first)).length === 2);
    await first.stop();
    create(warning('meanwhile', 'Failed'));
    const second = await startTestApp(cleanup, { ...options, folder: first.folder });
    await waitFor('the third alert', async () => (await names(second)).length === 3);
    expect(await names(second)).toEqual(['BackOff before', 'Failed meanwhile', 'Unhealthy web']);
    expect(await second.list('/api/v1/runs')).toHaveLength(3);
    expect(await second.get('/api/v1/sources/shop')).toMatchObject({
      status: { ready: true, conditions: [{ type: 'Ready' }] },
    });
  });

  test('without the right it says which rule is missing, and check says so before', async () => {
    const kubeconfig = as('nobody');
    const rule =
      'allow it: a Role in namespace shop with the rule {apiGroups: [""], resources: ["events"], verbs: ["list", "watch"]}';
    const app = await startTestApp(cleanup, { files: { 'all.yaml': resources }, kubeconfig });
    const condition = await waitFor('the condition', async () => {
      const { status } = await app.get<{ status: { conditions: readonly { type: string; message: string }[] } }>(
        '/api/v1/sources/shop',
      );
      return status.conditions.find(({ type }) => type === 'Degraded');
    });
    expect(condition).toMatchObject({ reason: 'Failing', message: expect.stringContaining(rule) });
    const watched = [{ source: 'Source default/shop', resource: 'events', namespace: 'shop' }];
    const cluster = { dump: null, context: null, clusterName: null };
    const find = async (user: string) =>
      (await checkCluster({ ...cluster, kubeconfig: as(user) }, 'shop', Date.now, watched)).find(({ text }) =>
        text.includes('Source default/shop'),
      );
    expect(await find('nobody')).toMatchObject({
      result: 'failed',
      text: 'events: may not list, watch; Source default/shop watches them',
      next: rule,
    });
    expect(await find('watcher')).toMatchObject({ result: 'ok', text: 'events: watched by Source default/shop' });
  });
});
