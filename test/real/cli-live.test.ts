import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentResult } from '../../src/core/finding.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { cleanEnvironment, runProcess } from '../support/processes.ts';
import { namespaceObject } from '../support/rights.ts';
import { startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString().replace(/\.\d+/, '');

/** What must never leave the cluster, by the place where it stands. */
const canaries = {
  secret: 'canary-of-the-secret',
  variable: 'canary-of-the-variable',
  annotation: 'canary-of-the-annotation',
  argument: 'canary-of-the-argument',
  configMap: 'canary-of-the-config-map',
  event: 'canary-of-the-event',
};

const containers = (memory: string): object[] => [
  {
    name: 'app',
    image: 'registry.example.com/shop/checkout:3.1.4',
    args: ['--listen=:8080', `--api-token=${canaries.argument}`],
    resources: { limits: { memory }, requests: { memory } },
    env: [
      { name: 'DB_HOST', value: 'db.shop.svc' },
      { name: 'DB_PASSWORD', value: canaries.variable },
      { name: 'DB_USER', valueFrom: { secretKeyRef: { name: 'checkout-db', key: 'user' } } },
    ],
  },
];

const labels = { app: 'checkout' };

function template(memory: string, hash?: string): object {
  const all = hash === undefined ? labels : { ...labels, 'pod-template-hash': hash };
  return { metadata: { labels: all }, spec: { containers: containers(memory) } };
}

const owned = (kind: string, name: string, uid: string): object => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid, controller: true }],
});

const alert = {
  status: 'firing',
  labels: { alertname: 'KubePodCrashLooping', namespace: 'shop', pod: 'checkout-bbbbbbbbbb-aaaaa', container: 'app' },
  annotations: { summary: 'Pod is crash looping.' },
  startsAt: ago(5),
};

describe.skipIf(assets === null)('the command line over a live cluster', () => {
  const cleanup = createCleanup();
  let server: ApiServer;
  let kubeconfig: string;
  let alertFile: string;
  let captured: string;

  const apply = (...items: object[]): void =>
    void server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const uidOf = (kind: string, name: string): string =>
    server.kubectl(['get', kind, name, '-n', 'shop', '-o', 'jsonpath={.metadata.uid}']);
  const patchStatus = (kind: string, name: string, status: object): void =>
    void server.kubectl([
      'patch',
      kind,
      name,
      '-n',
      'shop',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    ]);

  /** A Deployment whose newer revision halved the memory, as its controllers would have made it. */
  function makeIncident(): void {
    apply(
      namespaceObject('shop'),
      namespaceObject('quiet'),
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'checkout-db', namespace: 'shop' },
        stringData: { user: canaries.secret },
      },
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'checkout', namespace: 'shop' },
        data: { 'application.properties': `db.url=${canaries.configMap}` },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: {
          name: 'checkout',
          namespace: 'shop',
          annotations: { 'deployment.kubernetes.io/revision': '2', 'vault.example.com/token': canaries.annotation },
        },
        spec: { replicas: 1, selector: { matchLabels: labels }, template: template('256Mi') },
      },
    );
    // A node that is well, with a kubelet that does not answer.
    const nodeStatus = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: 1 } },
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastTransitionTime: ago(600) }],
    };
    patchStatus('node', 'n1', nodeStatus);
    const deployment = uidOf('deployment', 'checkout');
    for (const [revision, hash, memory] of [
      ['1', 'aaaaaaaaaa', '512Mi'],
      ['2', 'bbbbbbbbbb', '256Mi'],
    ] as const) {
      const all = { ...labels, 'pod-template-hash': hash };
      apply({
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: {
          name: `checkout-${hash}`,
          namespace: 'shop',
          labels: all,
          annotations: { 'deployment.kubernetes.io/revision': revision },
          ...owned('Deployment', 'checkout', deployment),
        },
        spec: { replicas: revision === '2' ? 1 : 0, selector: { matchLabels: all }, template: template(memory, hash) },
      });
    }
    apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: alert.labels.pod,
        namespace: 'shop',
        labels: { ...labels, 'pod-template-hash': 'bbbbbbbbbb' },
        ...owned('ReplicaSet', 'checkout-bbbbbbbbbb', uidOf('replicaset', 'checkout-bbbbbbbbbb')),
      },
      spec: { nodeName: 'n1', containers: containers('256Mi') },
    });
    patchStatus('pod', alert.labels.pod, {
      phase: 'Running',
      startTime: ago(20),
      conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: ago(1) }],
      containerStatuses: [
        {
          name: 'app',
          image: 'x',
          imageID: 'x',
          ready: false,
          restartCount: 6,
          state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container' } },
          lastState: { terminated: { exitCode: 137, reason: 'OOMKilled', startedAt: ago(2), finishedAt: ago(1) } },
        },
      ],
    });
    patchStatus('deployment', 'checkout', {
      observedGeneration: 1,
      replicas: 1,
      updatedReplicas: 1,
      unavailableReplicas: 1,
    });
    server.kubectl(
      ['create', '-f', '-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'checkout.1', namespace: 'shop' },
        involvedObject: {
          apiVersion: 'v1',
          kind: 'Pod',
          namespace: 'shop',
          name: alert.labels.pod,
          uid: uidOf('pod', alert.labels.pod),
        },
        type: 'Warning',
        reason: 'BackOff',
        message: `Back-off restarting failed container app, password=${canaries.event}`,
        count: 9,
        firstTimestamp: ago(15),
        lastTimestamp: ago(3),
        source: { component: 'kubelet' },
      }),
    );
  }

  beforeAll(async () => {
    server = await startApiServer(cleanup, assets ?? '');
    makeIncident();
    // Reads only, and everything but what is secret: as the documents recommend it.
    server.kubectl(['create', 'serviceaccount', 'fist', '-n', 'shop']);
    server.kubectl([
      'create',
      'clusterrole',
      'fist',
      '--verb=get,list',
      '--resource=pods,pods/log,events,services,configmaps,nodes,namespaces,deployments.apps,replicasets.apps',
    ]);
    server.kubectl(['create', 'clusterrolebinding', 'fist', '--clusterrole=fist', '--serviceaccount=shop:fist']);
    kubeconfig = server.kubeconfig('fist', { token: server.token('shop', 'fist') });
    alertFile = join(cleanup.temporaryFolder('alert'), 'alert.json');
    captured = join(cleanup.temporaryFolder('captured'), 'dump');
    writeFileSync(alertFile, JSON.stringify(alert));
  });
  afterAll(() => cleanup.run());

  /** Nothing of the person who runs the tests: no kubeconfig but the named one. */
  const fist = (...args: string[]) =>
    runProcess(process.execPath, ['src/main.ts', ...args], {
      environment: cleanEnvironment({ HOME: server.folder }),
      timeoutMs: 60_000,
    });
  const cluster = () => ['--context', 'test', '--kubeconfig', kubeconfig];
  const investigate = async (...where: string[]): Promise<AgentResult> => {
    const { code, stdout, stderr } = await fist('investigate', '--alert', alertFile, '-o', 'json', ...where);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as AgentResult;
  };

  function expectError(
    { code, stdout, stderr }: Awaited<ReturnType<typeof fist>>,
    exitCode: number,
    ...parts: readonly string[]
  ): void {
    expect(stderr).toMatch(/^error: \S.*\n(?: {2}field: .+\n)?(?: {2}next: .+\n)?$/);
    for (const part of parts) expect(stderr).toContain(part);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
  }

  test('fist investigate finds the cause and the change behind it', async () => {
    const result = await investigate(...cluster());
    expect(result.root_cause).toContain('OOMKilled: it needs more than its memory limit of 256Mi');
    expect(result.root_cause).toContain('memory limit of container app from 512Mi to 256Mi');
    expect(result.findings[0]).toMatchObject({ category: 'oom-killed', object: `pod/shop/${alert.labels.pod}` });
    expect(result.confidence).toBeGreaterThan(0.6);
    const ids = new Set(result.evidence.map(({ id }) => id));
    for (const finding of result.findings) for (const id of finding.evidence_ids) expect(ids).toContain(id);
    // There is no kubelet: the log is a question that stays open, not an empty log.
    expect(result.open_questions.join('\n')).toContain('It was not captured');
    for (const canary of Object.values(canaries)) expect(JSON.stringify(result)).not.toContain(canary);
  });

  test('fist capture writes a folder for its owner alone, with no secret in it', async () => {
    const { code, stdout, stderr } = await fist('capture', '--output-directory', captured, ...cluster());
    expect(code).toBe(0);
    expect(stdout).toMatch(/: \d+ objects and \d+ logs of \d+ namespaces\n$/);
    expect(stderr).toContain(`next: node src/main.ts investigate --alert FILE --dump ${captured}\n`);
    // What the account may not read is said, and left out.
    expect(stderr.match(/left out: statefulsets/g)).toHaveLength(1);
    expect(stderr).toMatch(/left out: statefulsets in \d+ namespaces \(.*\): forbidden \(/);
    const entries = readdirSync(captured, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(10);
    const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    for (const path of files) expect(modeOf(path), path).toBe('600');
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
    for (const path of [captured, ...folders]) expect(modeOf(path), path).toBe('700');
    const texts = files.map((file) => readFileSync(file, 'utf8'));
    for (const [place, canary] of Object.entries(canaries))
      expect(
        texts.filter((text) => text.includes(canary)),
        place,
      ).toEqual([]);
    // What is no secret is there, and so are the names of what was taken out.
    const all = texts.join('\n');
    for (const text of [
      'db.shop.svc',
      'DB_PASSWORD',
      'checkout-db',
      'application.properties',
      'vault.example.com/token',
    ])
      expect(all).toContain(text);
    expect(files.filter((file) => file.includes('secret'))).toEqual([]);
  });

  test('fist capture --case makes a case that fist eval scores', async () => {
    const parent = join(cleanup.temporaryFolder('cases'), 'all');
    const wanted = ['--case', 'live', '--alert', alertFile, '--cause', 'no such cause'];
    const { code, stderr } = await fist('capture', '--output-directory', parent, ...wanted, ...cluster());
    expect({ code, next: stderr.includes(`next: node src/main.ts eval ${parent}`) }).toEqual({ code: 0, next: true });
    const scored = await fist('eval', parent, '-o', 'json');
    expect(JSON.parse(scored.stdout)).toMatchObject({ cases: 1, right: 0, outcomes: [{ name: 'live' }] });
  });

  test('the captured folder gives the same findings as the cluster', async () => {
    const [live, replayed] = [await investigate(...cluster()), await investigate('--dump', captured)];
    // A folder is as old as its newest object, so the distance to a time may differ, and nothing else.
    const told = ({ findings, root_cause, confidence, recommendations }: AgentResult) => ({
      root_cause,
      confidence,
      recommendations,
      findings: findings.map(({ description, ...finding }) => ({
        ...finding,
        description: description.replaceAll(/\b\d+[dhms]\d*[hms]*\b/g, 'some time'),
      })),
    });
    expect(told(replayed)).toEqual(told(live));
  });

  test('one namespace alone', async () => {
    const directory = join(cleanup.temporaryFolder('one'), 'dump');
    const { code, stdout } = await fist('capture', '--output-directory', directory, '-n', 'quiet', ...cluster());
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/of 1 namespaces/) as string });
    const folders = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name)).toEqual(['quiet']);
  });

  test('a folder with something in it is refused, and stays as it is', async () => {
    const directory = cleanup.temporaryFolder('taken');
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    expectError(
      await fist('capture', '--output-directory', directory, ...cluster()),
      2,
      'is not empty; nothing was written',
      'next: ',
    );
    expectError(await fist('capture', '--output-directory', captured, ...cluster()), 2, 'is not empty');
    expect(readdirSync(directory)).toEqual(['notes.txt']);
  });

  test('an API server that cannot be reached, or refuses: exit 3, the reason and the next command', async () => {
    const away = server.kubeconfig('away', { token: 'x' }, 'https://127.0.0.1:1');
    const stranger = server.kubeconfig('stranger', { token: 'x' });
    const ask = (file: string, ...more: string[]) =>
      fist('investigate', '--alert', alertFile, '--kubeconfig', file, ...more);
    const target = join(cleanup.temporaryFolder('away'), 'dump');
    expectError(
      await fist('capture', '--output-directory', target, '--kubeconfig', away),
      3,
      'ECONNREFUSED',
      'next: kubectl',
    );
    expectError(await ask(kubeconfig, '--context', 'absent'), 3, 'it has: test', 'next: ');
    expectError(await ask(join(server.folder, 'absent')), 3);
    for (const [file, reason] of [
      [away, 'ECONNREFUSED'],
      [stranger, '401'],
    ] as const) {
      // The report says what could not be read; the exit code and the error say that nothing could.
      const { code, stdout, stderr } = await ask(file);
      expect(code).toBe(3);
      expect(stderr).toMatch(/^error: .+\n(?: {2}next: .+\n)?$/);
      expect(stderr).toContain(reason);
      expect(stdout).toContain('No cause was found');
      const json = await ask(file, '-o', 'json');
      expect(JSON.parse(json.stderr)).toMatchObject({ code: 'ClusterUnavailable' });
      expect(JSON.parse(json.stdout)).toMatchObject({ root_cause: null, confidence: 0, findings: [] });
    }
  });

  test('fist serve investigates the same cluster', async () => {
    const folder = cleanup.temporaryFolder('serve');
    writeFileSync(
      join(folder, 'resources.yaml'),
      [
        'kind: Source\napiVersion: punchingfist.io/v1alpha1\nmetadata: {name: alerts}\nspec: {type: webhook, config: {path: alerts}, triggerWorkflow: explain}',
        'kind: Workflow\napiVersion: punchingfist.io/v1alpha1\nmetadata: {name: explain}\nspec: {steps: [{name: investigate, type: agent, goal: Why?}]}',
      ].join('\n---\n'),
    );
    const served = await startServer({
      resources: join(folder, 'resources.yaml'),
      database: join(folder, 'fist.db'),
      flags: cluster(),
    });
    cleanup.defer(() => served.process.stop());
    expect(await served.post('/webhook/alerts', { version: '4', alerts: [alert] })).toMatchObject({ status: 200 });
    const run = await waitFor('the run', async () => {
      const [found] = await served.list<{ id: string; status: string }>('/api/v1/runs');
      return found !== undefined && ['succeeded', 'failed'].includes(found.status) && found;
    });
    const { body } = await served.api('GET', `/api/v1/runs/${run.id}`);
    expect(body).toMatchObject({
      status: 'succeeded',
      steps: [{ result: { root_cause: expect.stringContaining('256Mi') as string } }],
    });
  });

  test('no command has ever asked for a Secret, nor changed anything', () => {
    const own = server.audit().filter((line) => line.user.username === 'system:serviceaccount:shop:fist');
    expect(own.length).toBeGreaterThan(50);
    expect([...new Set(own.map((line) => line.verb))].sort()).toEqual(['get', 'list']);
    expect(own.filter((line) => line.requestURI.includes('secrets'))).toEqual([]);
  });
});
