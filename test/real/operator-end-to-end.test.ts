import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { examplesForCluster, secretsOf } from '../support/cluster-examples.ts';
import type { DeclaredExample } from '../support/cluster-examples.ts';
import { startKubelet } from '../support/kubelet.ts';
import { findProgram, startAlertmanager } from '../support/monitoring.ts';
import { startOperator } from '../support/operator.ts';
import { cleanEnvironment, repositoryRoot } from '../support/processes.ts';
import { accountObject, clusterRoleFor, namespaceObject } from '../support/rights.ts';
import type { ApiAnswer, TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

// The whole way as somebody goes it: the chart, its rights and no others, the examples, an Alertmanager that sends a token of its
// account, a pod that crashes, the report, what the cluster tells of it, and who may look at it.

const assets = findApiServer();
const helm = assets === null ? null : join(assets, 'helm');
const missing =
  helm === null || spawnSync(helm, ['version']).status !== 0
    ? 'no API server with helm (KUBEBUILDER_ASSETS)'
    : findProgram('Alertmanager') === null
      ? 'Alertmanager not found'
      : null;
if (missing !== null) console.warn(`skipped: ${missing}`);

const cleanup = createCleanup();
afterAll(() => cleanup.run());

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

interface Seen extends DeclaredExample {
  readonly metadata: DeclaredExample['metadata'] & { readonly generation: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly ready?: boolean;
    readonly conditions?: readonly Condition[];
    readonly [field: string]: unknown;
  };
}

interface PodOfChart {
  readonly serviceAccountName: string;
  readonly containers: readonly { readonly args: readonly string[] }[];
}

interface EventOfObject {
  readonly reason: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

const ofOurs = 'sources.punchingfist.io,workflows.punchingfist.io,sinks.punchingfist.io';
const complaint = 'Error: Missing required environment variable LEDGER_URL';
const agoMs = (milliseconds: number): string => new Date(Date.now() - milliseconds).toISOString().replace(/\.\d+/, '');

describe.skipIf(missing !== null)('from the chart to the report', () => {
  const objects = examplesForCluster();
  const namespaces = [...new Set(objects.map(({ metadata }) => metadata.namespace ?? ''))];
  let server: ApiServer;
  let operator: TestServer;

  const create = (...items: readonly object[]) =>
    void server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const read = (...args: readonly string[]): unknown => JSON.parse(server.kubectl(['get', ...args, '-o', 'json']));
  const statusOf = (kind: string, name: string) => (read(kind, name, '-n', 'fist') as Seen).status ?? {};
  const tokenFor = (namespace: string, account: string): string =>
    server.kubectl(['create', 'token', account, '-n', namespace, '--audience', 'punching-fist']).trim();

  /** Helm's own command, as the administrator who installs. */
  function runHelm(home: string, kubeconfig: string, ...args: readonly string[]): void {
    const { status, stderr } = spawnSync(helm ?? '', [...args, '-n', 'fist', '--kubeconfig', kubeconfig], {
      encoding: 'utf8',
      env: cleanEnvironment({ HOME: home }),
    });
    if (status !== 0) throw new Error(stderr);
  }

  function install(): void {
    const home = cleanup.temporaryFolder('helm');
    const values = join(home, 'values.yaml');
    const alertmanager = { enabled: true };
    writeFileSync(
      values,
      JSON.stringify({
        prometheus: { alertmanager },
        secrets: { namespaces },
        commands: { enabled: true },
        // Each example is in a namespace of its own here; that of `kubernetes` watches another one.
        read: { fromNamespaces: ['fist', 'example-kubernetes'] },
      }),
    );
    const installer = { namespace: 'fist', name: 'installer' };
    create(
      ...['fist', 'monitoring', 'shop', ...namespaces].map((name) => namespaceObject(name)),
      accountObject(installer),
      clusterRoleFor(installer, 'cluster-admin'),
    );
    const kubeconfig = server.kubeconfig('installer', { token: server.token('fist', 'installer') });
    runHelm(home, kubeconfig, 'install', 'punching-fist', `${repositoryRoot}charts/punching-fist`, '-f', values);
  }

  /** What the pod of the chart runs, but for what only a pod has: its address, its volume and its log's place. */
  function argumentsOfChart(): readonly string[] {
    const { spec } = read('statefulset', 'punching-fist', '-n', 'fist') as { spec: { template: { spec: PodOfChart } } };
    const [command, ...flags] = spec.template.spec.containers[0]?.args ?? [];
    expect(command).toBe('operator');
    expect(spec.template.spec.serviceAccountName).toBe('punching-fist');
    return flags.filter((flag) => !flag.startsWith('--listen='));
  }

  beforeAll(async () => {
    server = await startApiServer(cleanup, assets ?? '');
    await server.startControllers(['clusterrole-aggregation-controller']);
    install();
    create(...secretsOf(objects), ...objects);
    const secret = read('secret', 'punching-fist-token', '-n', 'fist') as { data: { token: string } };
    operator = await startOperator(cleanup, {
      kubeconfig: server.kubeconfig('operator', { token: server.token('fist', 'punching-fist') }),
      token: Buffer.from(secret.data.token, 'base64').toString(),
      flags: argumentsOfChart(),
    });
  });

  test('every example is in use, with the rights of the chart and no others', async () => {
    const isTold = ({ metadata, status }: Seen) => status?.observedGeneration === metadata.generation;
    let all: readonly Seen[] = [];
    await waitFor(
      'every status',
      () => (all = (read(ofOurs, '-A') as { items: readonly Seen[] }).items).every(isTold),
      {
        timeoutMs: 60_000,
        everyMs: 500,
        explain: () => JSON.stringify(all.filter((one) => !isTold(one)).map(({ metadata }) => metadata.name)),
      },
    );
    expect(all).toHaveLength(objects.length + 3);
    const troubles = all.flatMap(({ kind, metadata, status }) =>
      (status?.conditions ?? [])
        .filter(({ type, status: is }) => is === (['Insecure', 'Stalled'].includes(type) ? 'True' : 'False'))
        .map(
          ({ type, reason, message }) =>
            `${kind} ${metadata.namespace}/${metadata.name}: ${type} ${reason}: ${message}`,
        ),
    );
    expect(troubles).toEqual([]);
    expect(all.filter(({ status }) => status?.ready !== true)).toEqual([]);
    expect(operator.process.stderr()).not.toContain('forbidden');
  });

  /** A pod as a kubelet tells of one that ends at once, whenever it is started. */
  async function crashingPod(): Promise<void> {
    const [created, began, gone] = [agoMs(600_000), agoMs(61_000), agoMs(60_000)];
    // As a kubelet writes times.
    const [first, last] = [began, gone].map((time) => time.replace('Z', '.000000000Z'));
    const previous = `${first} starting payments 4.2.0\n${last} ${complaint}\n`;
    await startKubelet(cleanup, server, 'n1', ({ pod, container, query }, response) => {
      const isOurs = pod === 'shop/payments-1' && container === 'payments';
      response.end(isOurs && query.get('previous') === 'true' ? previous : '');
    });
    const containers = [{ name: 'payments', image: 'registry.example.com/payments:4.2.0' }];
    const metadata = { name: 'payments-1', namespace: 'shop', labels: { app: 'payments' } };
    create({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'n1', containers } });
    const ended = { exitCode: 1, reason: 'Error', startedAt: began, finishedAt: gone };
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container=payments' };
    const status = {
      phase: 'Running',
      startTime: created,
      conditions: [
        { type: 'PodScheduled', status: 'True' },
        {
          type: 'Ready',
          status: 'False',
          reason: 'ContainersNotReady',
          message: 'containers with unready status: [payments]',
        },
      ],
      containerStatuses: [
        {
          name: 'payments',
          image: 'registry.example.com/payments:4.2.0',
          imageID: '',
          ready: false,
          started: false,
          restartCount: 7,
          state: { waiting },
          lastState: { terminated: ended },
        },
      ],
    };
    const patch = JSON.stringify({ status });
    create({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'payments-1.backoff', namespace: 'shop' },
      eventTime: new Date().toISOString().replace('Z', '000Z'),
      reportingController: 'kubelet',
      reportingInstance: 'n1',
      type: 'Warning',
      reason: 'BackOff',
      action: 'Restart',
      note: 'Back-off restarting failed container payments in pod payments-1',
      regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'payments-1' },
    });
    server.kubectl(['patch', 'pod', 'payments-1', '-n', 'shop', '--subresource=status', '-p', patch]);
  }

  /** The Alertmanager of namespace monitoring, with what `kubectl create token` gave for its account. */
  async function raise(labels: Readonly<Record<string, string>>): Promise<void> {
    create(accountObject({ namespace: 'monitoring', name: 'alertmanager' }));
    const folder = cleanup.temporaryFolder('alertmanager');
    writeFileSync(join(folder, 'token'), tokenFor('monitoring', 'alertmanager'), { mode: 0o600 });
    const address = await startAlertmanager(
      cleanup,
      folder,
      `
route: { receiver: fist, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }
receivers:
  - name: fist
    webhook_configs:
      - url: ${operator.url}/webhook/@fist/alertmanager
        http_config: { authorization: { type: Bearer, credentials_file: ${join(folder, 'token')} } }
`,
    );
    const response = await fetch(`http://${address}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ labels, annotations: { summary: 'Pod is crash looping.' } }]),
    });
    expect(response.status).toBe(200);
  }

  const reasonsOfEvents = (kind: string, name: string): readonly string[] =>
    (read('events.events.k8s.io', '-n', 'fist') as { items: readonly EventOfObject[] }).items
      .filter(({ regarding }) => regarding.kind === kind && regarding.name === name)
      .map(({ reason }) => reason);

  test('an Alertmanager tells of a pod that crashes; the report says why, and the objects tell of it', async () => {
    await crashingPod();
    await raise({
      alertname: 'KubePodCrashLooping',
      namespace: 'shop',
      pod: 'payments-1',
      container: 'payments',
      severity: 'warning',
    });
    const printed = await waitFor(
      'the report',
      () =>
        /^\[stdout\] FIRING warning KubePodCrashLooping pod\/shop\/payments-1[^]*^Silence:/m.exec(
          operator.process.stdout(),
        ),
      { timeoutMs: 40_000, explain: () => operator.process.stderr().slice(-4000) },
    ).then(([text]) => text.replaceAll(/\s+/g, ' '));
    expect(printed).toMatch(
      /The cause is (?:probably )?\(\d+%\): Container payments of pod payments-1 ends with Error, exit code 1/,
    );
    expect(printed).toContain(`Its log says: "${complaint}"`);

    await waitFor(
      'the run in the status',
      () => statusOf('workflow', 'default-investigation')['phase'] === 'Succeeded',
      {
        timeoutMs: 30_000,
        everyMs: 500,
      },
    );
    expect(statusOf('workflow', 'default-investigation')).toMatchObject({
      lastRun: { phase: 'Succeeded', alert: 'KubePodCrashLooping', summary: expect.stringContaining('LEDGER_URL') },
      outputs: { summary: expect.stringContaining('LEDGER_URL') },
    });
    await waitFor('the alert in the status', () => statusOf('source', 'alertmanager')['eventsProcessed'] === 1, {
      timeoutMs: 30_000,
      everyMs: 500,
    });
    await waitFor('the delivery in the status', () => statusOf('sink', 'stdout')['messagesSent'] === 1, {
      timeoutMs: 30_000,
      everyMs: 500,
    });
    await waitFor(
      'the Event of the run',
      () => reasonsOfEvents('Workflow', 'default-investigation').includes('RunSucceeded'),
      {
        timeoutMs: 30_000,
        everyMs: 500,
      },
    );
    expect(reasonsOfEvents('Source', 'alertmanager')).toContain('Ready');
    // The example that follows Events has seen it, too.
    const followed = () => operator.list<{ readonly status: string }>('/api/v1/runs?namespace=example-kubernetes');
    await waitFor(
      'the run about the Event',
      async () => (await followed()).some(({ status }) => status === 'succeeded'),
      {
        timeoutMs: 30_000,
        everyMs: 500,
      },
    );

    // Whose rights: what is investigated is read by the account that only reads, and by nobody else.
    const readers = new Set(
      server
        .audit()
        .filter(({ objectRef }) => objectRef?.subresource === 'log' && objectRef.namespace === 'shop')
        .map(({ user }) => user.username),
    );
    expect([...readers]).toEqual(['system:serviceaccount:fist:punching-fist-read']);
  });

  test('who may look and who may not is what the roles of the chart say', async () => {
    for (const name of ['nobody', 'viewer', 'operators'])
      server.kubectl(['create', 'serviceaccount', name, '-n', 'fist']);
    for (const [name, role] of [
      ['viewer', 'fist-viewer'],
      ['operators', 'fist-operator'],
    ] as const)
      server.kubectl([
        'create',
        'rolebinding',
        name,
        '-n',
        'fist',
        `--clusterrole=${role}`,
        `--serviceaccount=fist:${name}`,
      ]);
    const tokens = {
      nobody: tokenFor('fist', 'nobody'),
      viewer: tokenFor('fist', 'viewer'),
      operators: tokenFor('fist', 'operators'),
    };
    const call = async (who: keyof typeof tokens, method: string, path: string): Promise<ApiAnswer> => {
      const response = await fetch(`${operator.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${tokens[who]}` },
      });
      return { status: response.status, body: await response.json() };
    };
    const [run] = await operator.list<{ readonly id: string }>('/api/v1/runs?namespace=fist');
    const place = `/api/v1/runs/${run?.id}`;

    const refused = await call('nobody', 'GET', place);
    expect(refused.status).toBe(403);
    expect(JSON.stringify(refused.body)).toContain(
      'system:serviceaccount:fist:nobody may not get on runs.punchingfist.io in namespace fist',
    );
    expect(await call('viewer', 'GET', place)).toMatchObject({
      status: 200,
      body: { id: run?.id, status: 'succeeded' },
    });
    expect((await call('viewer', 'GET', '/api/v1/runs')).status).toBe(403);
    const notTheirs = await call('viewer', 'POST', `${place}/cancel`);
    expect(notTheirs.status).toBe(403);
    expect(JSON.stringify(notTheirs.body)).toContain(
      'system:serviceaccount:fist:viewer may not update on runs.punchingfist.io in namespace fist',
    );
    // They may; it has ended.
    expect((await call('operators', 'POST', `${place}/cancel`)).status).toBe(409);
    // Who may look may not send alerts.
    const alerts = await operator.post('/webhook/alertmanager', { version: '4', alerts: [] }, tokens.viewer);
    expect(alerts.status).toBe(403);
  });
});
