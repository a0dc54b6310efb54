import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { investigate } from '../../src/investigation/investigate.ts';
import type { Cluster } from '../../src/core/cluster.ts';
import type { AlertSnapshot } from '../../src/core/run.ts';
import { captureCluster } from '../../src/kube/dump/capture.ts';
import { openDump } from '../../src/kube/dump/dump.ts';
import { connectKube } from '../../src/kube/connection/client.ts';
import { liveCluster } from '../../src/kube/live/live.ts';
import { resourceNames, resourceTypes } from '../../src/kube/kinds/resources.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { accountObject, accountWith, namespaceObject } from '../support/rights.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const signal = new AbortController().signal;

const objects = [
  namespaceObject('shop'),
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'unscheduled', namespace: 'shop' },
    spec: { schedulerName: 'none', containers: [{ name: 'app', image: 'x' }] },
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'web-db', namespace: 'shop' },
    stringData: { password: 'canary' },
  },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'shop' }, data: { URL: 'canary' } },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', namespace: 'shop', labels: { app: 'web' } },
    spec: {
      nodeName: 'n1',
      containers: [
        {
          name: 'app',
          image: 'registry.example.com/web:1',
          resources: { limits: { memory: '64Mi' } },
          env: [
            { name: 'DB_PASSWORD', value: 'canary' },
            { name: 'DB', valueFrom: { secretKeyRef: { name: 'web-db', key: 'password' } } },
          ],
        },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'web-1.1', namespace: 'shop' },
    involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web-1' },
    type: 'Warning',
    reason: 'BackOff',
    message: 'Back-off restarting failed container app',
    count: 3,
    lastTimestamp: new Date().toISOString(),
    source: { component: 'kubelet' },
  },
  accountObject({ namespace: 'shop', name: 'nobody' }),
  ...accountWith({ namespace: 'shop', name: 'reader' }, [
    { apiGroups: [''], resources: ['pods', 'pods/log', 'events'], verbs: ['get', 'list'] },
  ]),
];

const ended = {
  exitCode: 137,
  reason: 'OOMKilled',
  startedAt: new Date(Date.now() - 90_000).toISOString(),
  finishedAt: new Date(Date.now() - 60_000).toISOString(),
};
const podStatus = {
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
    containerStatuses: [
      {
        name: 'app',
        image: 'x',
        imageID: 'x',
        ready: false,
        restartCount: 4,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: ended },
      },
    ],
  },
};

const alert: AlertSnapshot = {
  id: 'a',
  name: 'KubePodCrashLooping',
  fingerprint: 'f',
  severity: 'warning',
  status: 'firing',
  episode: 1,
  labels: { namespace: 'shop', pod: 'web-1', container: 'app' },
  annotations: {},
  summary: null,
  description: null,
  generatorUrl: null,
  startsAt: null,
  endsAt: null,
};

const run = (cluster: Cluster) =>
  investigate({
    cluster,
    alert,
    asked: '',
    firstEvidenceNumber: 1,
    refusal: null,
    now: () => new Date().toISOString(),
    signal,
  });

describe.skipIf(assets === null)('a live cluster', () => {
  const cleanup = createCleanup();
  let server: ApiServer;
  let admin: string;

  beforeAll(async () => {
    server = await startApiServer(cleanup, assets ?? '');
    server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    server.kubectl([
      'patch',
      'pod',
      'web-1',
      '-n',
      'shop',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify(podStatus),
    ]);
    // A node whose kubelet does not answer.
    const nodeStatus = {
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: 1 } },
      },
    };
    server.kubectl(['patch', 'node', 'n1', '--subresource=status', '--type=merge', '-p', JSON.stringify(nodeStatus)]);
    // More than one page.
    const many = Array.from({ length: 620 }, (_, index) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `many-${index}`, namespace: 'default', labels: { set: 'many' } },
    }));
    server.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: many }));
    admin = server.kubeconfig('root', {
      token: /"token":"([^"]+)"/.exec(readFileSync(join(server.folder, 'admin.kubeconfig'), 'utf8'))?.[1],
    });
  });
  afterAll(() => cleanup.run());

  const open = async (kubeconfig: string) => {
    const client = await connectKube({ kubeconfig });
    cleanup.defer(() => client.close());
    return liveCluster(client);
  };
  const asAccount = (account: string) => open(server.kubeconfig(account, { token: server.token('shop', account) }));

  test('every resource can be listed, and one read of each kind answers', async () => {
    const cluster = await open(admin);
    for (const resource of resourceNames) {
      const namespace = resourceTypes[resource].namespaced ? 'shop' : null;
      expect(await cluster.list({ resource, ...(namespace === null ? {} : { namespace }) })).toMatchObject({
        kind: 'ok',
      });
      expect(await cluster.get(resource, namespace, 'absent')).toEqual({ kind: 'ok', value: null });
    }
    expect(await cluster.get('pods', 'shop', 'web-1')).toMatchObject({
      kind: 'ok',
      value: { kind: 'Pod', metadata: { name: 'web-1' } },
    });
    expect(await cluster.get('pods', 'no-such-namespace', 'web-1')).toEqual({ kind: 'ok', value: null });
    expect(await cluster.list({ resource: 'pods', namespace: 'shop', labels: { app: 'web' } })).toMatchObject({
      kind: 'ok',
      value: [{ kind: 'Pod' }],
    });
    expect(await cluster.list({ resource: 'pods', namespace: 'shop', labels: { app: 'other' } })).toEqual({
      kind: 'ok',
      value: [],
    });
    expect(cluster.description).toBe('context test');
  });

  test('a list longer than a page is whole', async () => {
    const result = await (
      await open(admin)
    ).list({ resource: 'configmaps', namespace: 'default', labels: { set: 'many' } });
    expect(result.kind === 'ok' && new Set(result.value.map((object) => object.metadata.name)).size).toBe(620);
  });

  test('a log that cannot be had is not captured, with the reason of the server', async () => {
    const cluster = await open(admin);
    const read = (pod: string, previous: boolean) =>
      cluster.logs({ namespace: 'shop', pod, container: 'app', previous, tailLines: 10 });
    // The kubelet of its node does not answer: the server says 500, and is well itself.
    expect(await read('web-1', false)).toMatchObject({
      kind: 'not_captured',
      reason: expect.stringMatching(/refused|dial tcp/) as string,
    });
    expect(await read('absent', true)).toMatchObject({ kind: 'not_captured', reason: 'pods "absent" not found' });
    expect(await read('unscheduled', false)).toEqual({ kind: 'ok', value: '' });
  });

  test('an account without rights is forbidden everything, and the investigation says so', async () => {
    const cluster = await asAccount('nobody');
    expect(await cluster.list({ resource: 'pods', namespace: 'shop' })).toMatchObject({
      kind: 'forbidden',
      reason: expect.stringContaining('cannot list resource "pods"') as string,
    });
    expect(await cluster.get('pods', 'shop', 'web-1')).toMatchObject({ kind: 'forbidden' });
    expect(
      await cluster.logs({ namespace: 'shop', pod: 'web-1', container: 'app', previous: false, tailLines: 1 }),
    ).toMatchObject({ kind: 'forbidden' });
    const { result, failure } = await run(cluster);
    expect(failure).toBeNull();
    expect(result).toMatchObject({ root_cause: null, findings: [], confidence: 0 });
    expect(result.open_questions.join('\n')).toContain('Reading it is forbidden');
  });

  test('an account with few rights finds the cause, and no account ever asks for a Secret', async () => {
    const { result, failure } = await run(await asAccount('reader'));
    expect(failure).toBeNull();
    expect(result.root_cause).toContain('OOMKilled: it needs more than its memory limit of 64Mi');
    expect(result.findings[0]).toMatchObject({ category: 'oom-killed', object: 'pod/shop/web-1' });
    expect(JSON.stringify(result)).not.toContain('canary');
    const own = server.audit().filter((line) => line.userAgent === 'fist');
    expect(own.length).toBeGreaterThan(20);
    expect(
      own.filter((line) => line.objectRef?.resource === 'secrets' || line.requestURI.includes('/secrets')),
    ).toEqual([]);
    expect([...new Set(own.map((line) => line.verb))].sort()).toEqual(['get', 'list']);
  });

  test('client certificates and credential plug-ins', async () => {
    const plugin = {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: process.execPath,
        args: ['-e', 'console.log(process.env.ANSWER)'],
        env: [
          {
            name: 'ANSWER',
            value: JSON.stringify({
              apiVersion: 'client.authentication.k8s.io/v1',
              kind: 'ExecCredential',
              status: { token: server.token('shop', 'reader') },
            }),
          },
        ],
        interactiveMode: 'Never',
      },
    };
    expect(
      await (await open(server.kubeconfig('plugin', plugin))).list({ resource: 'pods', namespace: 'shop' }),
    ).toMatchObject({ kind: 'ok' });
    if (server.certificate === null) return console.warn('skipped: openssl not found');
    const user = { 'client-certificate-data': server.certificate.cert, 'client-key-data': server.certificate.key };
    expect(await (await open(server.kubeconfig('certified', user))).list({ resource: 'nodes' })).toMatchObject({
      kind: 'ok',
    });
    return undefined;
  });

  test('wrong credentials, a wrong authority, nobody there, no such context: unavailable, with the next command', async () => {
    const wrong = await open(server.kubeconfig('wrong', { token: 'x' }));
    await expect(wrong.list({ resource: 'pods' })).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      message: expect.stringContaining('401') as string,
      next: 'kubectl --context test get --raw /readyz',
    });
    const elsewhere = await open(server.kubeconfig('elsewhere', { token: 'x' }, 'https://127.0.0.1:1'));
    await expect(elsewhere.list({ resource: 'pods' })).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    const otherName = await open(
      server.kubeconfig('other-name', { token: 'x' }, server.url.replace('127.0.0.1', '127.0.0.2')),
    );
    await expect(otherName.list({ resource: 'pods' })).rejects.toMatchObject({ code: 'ClusterUnavailable' });
    await expect(connectKube({ kubeconfig: admin, context: 'absent' })).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      message: expect.stringContaining('it has: test') as string,
    });
    await expect(connectKube({ kubeconfig: '/no/such/file' })).rejects.toMatchObject({ code: 'ClusterUnavailable' });
  });

  test('a captured folder gives the same findings, and holds no secret', async () => {
    const cluster = await open(admin);
    const directory = join(cleanup.temporaryFolder('capture'), 'dump');
    const summary = await captureCluster(cluster, { directory, namespaces: ['shop'], signal });
    expect(summary.leftOut).toEqual([]);
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toContain('canary');
    const [live, replayed] = [await run(cluster), await run(await openDump(directory))];
    const findings = (outcome: typeof live) =>
      outcome.result.findings.map(({ category, object, severity }) => ({ category, object, severity }));
    expect(findings(replayed)).toEqual(findings(live));
    expect(replayed.result.root_cause).toBe(live.result.root_cause);
  });

  test("kubectl's own dump can be read", async () => {
    const directory = join(cleanup.temporaryFolder('kubectl-dump'), 'dump');
    server.kubectl(['cluster-info', 'dump', '--namespaces', 'shop', '--output-directory', directory]);
    const dump = await openDump(directory);
    expect(await dump.get('pods', 'shop', 'web-1')).toMatchObject({
      kind: 'ok',
      value: { metadata: { name: 'web-1' } },
    });
    expect(
      await dump.logs({ namespace: 'shop', pod: 'web-1', container: 'app', previous: false, tailLines: 10 }),
    ).toMatchObject({
      kind: 'not_captured',
      reason: expect.stringContaining('kubectl could not get this log') as string,
    });
    expect(await dump.list({ resource: 'jobs', namespace: 'shop' })).toMatchObject({ kind: 'not_captured' });
  });
});
