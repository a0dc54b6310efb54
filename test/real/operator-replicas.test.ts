import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rolesOfInstallation } from '../../src/app/roles.ts';
import { firing } from '../support/app.ts';
import { applyCrds, findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { operatorRules } from '../support/operator.ts';
import { startPostgres } from '../support/postgres.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { cleanEnvironment, freePort, repositoryRoot, startProcess, waitForHttp } from '../support/processes.ts';
import type { RunningProcess } from '../support/processes.ts';
import { accountWithEverywhere, listOf, namespaceObject } from '../support/rights.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const token = 'token-of-the-api-0123456789';
const senderToken = 'token-of-the-sender-0123456789';
const api = { apiVersion: 'punchingfist.io/v1alpha1' };

const world = listOf(
  namespaceObject('fist'),
  ...accountWithEverywhere({ namespace: 'fist', name: 'operator' }, [
    ...operatorRules(),
    ...(rolesOfInstallation()['read'] ?? []),
    { apiGroups: [''], resources: ['secrets'], verbs: ['list', 'watch'] },
  ]),
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'am', namespace: 'fist' },
    stringData: { token: senderToken },
  },
  {
    ...api,
    kind: 'Source',
    metadata: { name: 'am', namespace: 'fist' },
    spec: {
      type: 'webhook',
      config: { path: 'am', authentication: { type: 'bearer', secretRef: 'am' } },
      triggerWorkflow: 'triage',
      // A take-over that takes long brings more alerts than begin runs within a minute.
      stormCapPerMinute: 0,
    },
  },
  {
    ...api,
    kind: 'Workflow',
    metadata: { name: 'triage', namespace: 'fist' },
    spec: {
      runtime: { image: 'busybox', llmConfig: { provider: 'none', model: 'none' } },
      steps: [{ name: 'look', type: 'agent', goal: 'look' }],
      sinks: ['out'],
    },
  },
  { ...api, kind: 'Sink', metadata: { name: 'out', namespace: 'fist' }, spec: { type: 'stdout', config: {} } },
);

/** One replica; it comes back on the same port. */
interface Replica {
  readonly url: string;
  start(): Promise<void>;
  running(): RunningProcess;
  /** Between it and the API server everything is reset, until it is mended. */
  cut(isCut: boolean): void;
  /** null = it does not answer. */
  isLeading(): Promise<boolean | null>;
}

async function askFor(url: string, timeoutMs: number, init: RequestInit): Promise<Response | null> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) }).catch(() => null);
}

describe.skipIf(assets === null)('two replicas of the operator on one PostgreSQL', () => {
  let server: ApiServer;
  let postgres: PostgresServer;
  let replicas: readonly [Replica, Replica];
  let sent = 0;
  const accepted = new Set<string>();

  async function replica(database: string, accountToken: string): Promise<Replica> {
    const proxy = await startFaultProxy(cleanup, server, accountToken);
    const { kubeconfig } = proxy;
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const folder = cleanup.temporaryFolder('replica');
    let process_: RunningProcess | null = null;
    const running = (): RunningProcess => {
      if (process_ === null) throw new Error('it was not started');
      return process_;
    };
    return {
      url,
      running,
      cut(isCut) {
        proxy.fault = () => (isCut ? { kind: 'reset', done: false } : null);
        proxy.reset();
      },
      async start() {
        const flags = ['--db', database, '--listen', `127.0.0.1:${port}`, '--kubeconfig', kubeconfig];
        const lease = ['--lease-namespace', 'fist', '--drain-timeout', '5s', '--log-level', 'warn'];
        process_ = startProcess(process.execPath, [`${repositoryRoot}src/main.ts`, 'operator', ...flags, ...lease], {
          cwd: folder,
          environment: cleanEnvironment({ FIST_TOKEN: token, HOME: folder }),
        });
        const started = process_;
        cleanup.defer(async () => void (await started.kill()));
        await waitForHttp(started, `${url}/readyz`, 60_000);
      },
      async isLeading() {
        const answer = await askFor(`${url}/metrics`, 2000, { headers: { authorization: `Bearer ${token}` } });
        return answer === null ? null : /^fist_leader 1$/m.test(await answer.text());
      },
    };
  }

  /** Sends an alert to a replica; what it takes is kept in mind. Answers whether it was taken. */
  async function send({ url }: Replica): Promise<boolean> {
    sent += 1;
    const alertname = `Alert${sent}`;
    const answer = await askFor(`${url}/webhook/am`, 10_000, {
      method: 'POST',
      headers: { authorization: `Bearer ${senderToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ version: '4', alerts: [firing({ alertname })] }),
    });
    if (answer?.status === 200) accepted.add(alertname);
    return answer?.status === 200;
  }

  /** Whom it finds leading. Two at once is what must never be. */
  async function leader(): Promise<Replica | null> {
    const leading = await Promise.all(replicas.map((one) => one.isLeading()));
    expect(leading.filter((isLeading) => isLeading === true).length).toBeLessThanOrEqual(1);
    const index = leading.indexOf(true);
    return index === -1 ? null : (replicas[index] ?? null);
  }

  async function nextLeader(after: Replica): Promise<Replica> {
    const other = replicas.find((one) => one !== after);
    let refused = 0;
    await waitFor(
      'the other one to lead',
      async () => {
        if (other !== undefined && !(await send(other))) refused += 1;
        return (await leader()) === other;
      },
      { withinMs: 25_000, everyMs: 200 },
    );
    expect(refused).toBe(0);
    return other ?? after;
  }

  beforeAll(async () => {
    server = await startApiServer(cleanup, assets ?? '');
    await applyCrds(server);
    server.kubectl(['apply', '-f', '-'], JSON.stringify(world));
    const accountToken = server.token('fist', 'operator');
    postgres = await startPostgres();
    cleanup.defer(() => postgres.remove());
    const database = await postgres.createDatabase();
    replicas = [await replica(database, accountToken), await replica(database, accountToken)];
    await replicas[0].start();
    await replicas[1].start();
  });

  /** What `kubectl get events` says became ready, an Event each. */
  const toldReady = (): readonly string[] =>
    server
      .kubectl([
        'get',
        'events',
        '-n',
        'fist',
        '-o',
        'jsonpath={range .items[?(@.reason=="Ready")]}{.involvedObject.kind}{"\\n"}{end}',
      ])
      .split('\n')
      .filter((kind) => kind !== '')
      .toSorted();

  test('one leads; it is killed, stopped, stands still and is cut off, and the other takes over while both take alerts', async () => {
    const first = await waitFor('a leader', leader, { timeoutMs: 20_000 });
    for (const one of replicas) expect(await send(one)).toBe(true);
    // Killed before that, it leaves a status of which no Event tells.
    await waitFor('its Events', () => toldReady().length >= 3);

    await first.running().kill();
    const second = await nextLeader(first);
    await first.start();
    for (const one of replicas) expect(await send(one)).toBe(true);

    // Stopped in order, it gives the Lease up.
    await second.running().stop();
    expect(await nextLeader(second)).toBe(first);
    await second.start();

    // It stands still: it has to find out by itself that it leads no more.
    const { pid } = first.running();
    process.kill(pid, 'SIGSTOP');
    expect(await nextLeader(first)).toBe(second);
    process.kill(pid, 'SIGCONT');
    await waitFor('the one that stood still to answer', async () => (await first.isLeading()) === false, {
      timeoutMs: 10_000,
    });
    expect(await leader()).toBe(second);
    for (const one of replicas) expect(await send(one)).toBe(true);

    // Cut off from the API server it gives up before the other one begins, and goes on taking alerts.
    second.cut(true);
    expect(await nextLeader(second)).toBe(first);
    expect(await second.isLeading()).toBe(false);
    for (const one of replicas) expect(await send(one)).toBe(true);
    second.cut(false);
    expect(await leader()).toBe(first);

    const list = async () => {
      const answer = await askFor(`${second.url}/api/v1/runs?limit=500`, 10_000, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (answer === null) throw new Error('the replica that leads does not answer');
      const { items } = (await answer.json()) as {
        items: readonly { status: string; input: { alert: { name: string } } }[];
      };
      return items;
    };
    let [without, unfinished] = [0, 0];
    const runs = await waitFor(
      'all runs to end',
      async () => {
        const all = await list();
        unfinished = all.filter(({ status }) => status === 'pending' || status === 'running').length;
        without = accepted.size - all.length;
        return without <= 0 && unfinished === 0 ? all : null;
      },
      { timeoutMs: 60_000, explain: () => `${without} of ${accepted.size} have none, ${unfinished} go on` },
    );
    const names = runs.map(({ input }) => input.alert.name);
    expect(new Set(names).size).toBe(names.length);
    expect([...accepted].filter((name) => !names.includes(name))).toEqual([]);

    // Whoever leads next finds the status as it is: nothing is said twice.
    expect(toldReady()).toEqual(['Sink', 'Source', 'Workflow']);
  });
});
