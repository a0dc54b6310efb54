import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { rolesOfInstallation } from '../../src/app/roles.ts';
import { AppError } from '../../src/core/errors.ts';
import { isFinal } from '../../src/core/run.ts';
import type { RunRecord, StepRecord } from '../../src/core/run.ts';
import { createInformers } from '../../src/kube/watch/informer.ts';
import { createJobs } from '../../src/kube/jobs/jobs.ts';
import type { Jobs } from '../../src/kube/jobs/jobs.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import { kubeClient } from '../../src/kube/connection/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { createJobRunner } from '../../src/runners/job.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { firing } from '../support/app.ts';
import { applyCrds, findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { jobSettings } from '../support/container.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createFakeClock } from '../support/clock.ts';
import { createEngineWorld, planOf, step } from '../support/engine.ts';
import { startNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { operatorRules, startOperator } from '../support/operator.ts';
import { accountWithEverywhere, listOf, namespaceObject } from '../support/rights.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

// `cli` steps as Jobs, from the alert to what the command said: the operator with the rights of the chart, an API server with the
// controllers of Jobs, and a node that runs their commands.

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const lasting = createCleanup();
const cleanup = createCleanup();
afterEach(() => cleanup.run());
afterAll(() => lasting.run());

const setUp = listOf(
  namespaceObject('shop'),
  namespaceObject('fist'),
  ...accountWithEverywhere({ name: 'operator', namespace: 'fist' }, [
    ...operatorRules(),
    ...(rolesOfInstallation()['jobs'] ?? []),
  ]),
);

const token = 'token-of-the-api-of-this-test';

type Run = RunRecord & { readonly steps: readonly StepRecord[] };

describe.skipIf(assets === null)('commands as Jobs on a real API server', () => {
  let server: ApiServer;
  let node: TestNode;

  beforeAll(async () => {
    server = await startApiServer(lasting, assets ?? '');
    await applyCrds(server);
    server.kubectl(['apply', '-f', '-'], JSON.stringify(setUp));
    await server.startControllers(['job-controller', 'garbage-collector-controller']);
    node = await startNode(lasting, server, 'n1');
  });

  /** A Source and its Workflow, whose first step runs this command. */
  function declare(name: string, command: string, spec: object = {}): void {
    const head = (kind: string) => ({
      apiVersion: 'punchingfist.io/v1alpha1',
      kind,
      metadata: { name, namespace: 'shop' },
    });
    const config = { path: name, authentication: { type: 'none' } };
    const workflow = {
      runtime: { image: 'busybox', environment: { TEAM: 'shop' } },
      steps: [{ name: 'say', type: 'cli', command }],
      outputs: [{ name: 'said', value: '{{ .steps.say.result.stdout }}' }],
      sinks: [],
      ...spec,
    };
    const objects = [
      { ...head('Source'), spec: { type: 'webhook', config, triggerWorkflow: name } },
      { ...head('Workflow'), spec: workflow },
    ];
    for (const object of objects) server.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  }

  const connected = () => server.kubeconfig('operator', { token: server.token('fist', 'operator') });
  const start = (database: string): Promise<TestServer> =>
    startOperator(cleanup, {
      kubeconfig: connected(),
      token,
      database,
      flags: `--allow-jobs --job-limits memory=100Mi --job-pull-secret registry --lease-namespace fist`.split(' '),
    });
  const newDatabase = (): string => join(cleanup.temporaryFolder('database'), 'fist.db');

  async function alert(fist: TestServer, path: string): Promise<void> {
    const alerts = [firing({ alertname: path, namespace: 'shop', pod: 'web-1' })];
    await waitFor('the alert to be taken', async () => {
      const { status } = await fist.post(`/webhook/${path}`, { version: '4', alerts });
      return status === 200;
    });
  }

  async function runOf(fist: TestServer): Promise<Run | undefined> {
    const [newest] = await fist.list<RunRecord>('/api/v1/runs');
    if (newest === undefined) return undefined;
    return (await fist.api('GET', `/api/v1/runs/${newest.id}`)).body as Run;
  }
  async function endOf(fist: TestServer, timeoutMs = 60_000): Promise<Run> {
    let seen: Run | undefined;
    return waitFor(
      'the run to end',
      async () => {
        seen = await runOf(fist);
        return seen !== undefined && isFinal(seen.status) ? seen : null;
      },
      { timeoutMs, everyMs: 250, explain: () => `${JSON.stringify(seen, null, 1)}\n${fist.process.stderr()}` },
    );
  }

  const jobNames = (): readonly string[] =>
    server.kubectl(['get', 'jobs', '-n', 'shop', '-o', 'name']).split('\n').filter(Boolean);
  const untilNoJobs = (timeoutMs = 30_000) =>
    waitFor('the Job to go', () => jobNames().length === 0 && node.running().length === 0, {
      timeoutMs,
      everyMs: 500,
      explain: () => jobNames().join(' '),
    });
  /** Jobs that were made so far. */
  const jobsMade = (): number =>
    server
      .audit()
      .filter(
        ({ verb, objectRef, responseStatus }) =>
          verb === 'create' && objectRef?.resource === 'jobs' && responseStatus?.code === 201,
      ).length;
  const untilStarted = (count: number) =>
    waitFor('the command to run', () => node.started.length === count && node.running().length === 1, {
      timeoutMs: 60_000,
    });
  /** A command that ends once its file is there. */
  function gate() {
    const file = join(cleanup.temporaryFolder('gate'), 'open');
    return {
      command: `echo begun; until [ -e ${file} ]; do sleep 0.1; done; echo "team $TEAM"`,
      open: () => writeFileSync(file, ''),
    };
  }

  test('a run ends with what its Job said; a cancel takes the Job away while its command runs', async () => {
    declare('greets', 'echo "hello $TEAM, attempt $FIST_ATTEMPT"');
    const waiting = gate();
    declare('waits', waiting.command);
    const fist = await start(newDatabase());
    await alert(fist, 'greets');
    const greeted = await endOf(fist);
    expect(greeted).toMatchObject({ status: 'succeeded', outputs: { said: 'hello shop, attempt 1\n' } });
    await untilNoJobs();

    const before = node.started.length;
    await alert(fist, 'waits');
    await untilStarted(before + 1);
    expect(JSON.parse(server.kubectl(['get', 'jobs', '-n', 'shop', '-o', 'json']))).toMatchObject({
      items: [
        {
          spec: {
            template: {
              spec: {
                imagePullSecrets: [{ name: 'registry' }],
                containers: [{ resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '100Mi' } } }],
              },
            },
          },
        },
      ],
    });
    const { id = '' } = (await runOf(fist)) ?? {};
    expect((await fist.api('POST', `/api/v1/runs/${id}/cancel`, {})).status).toBeLessThan(300);
    expect(await endOf(fist)).toMatchObject({ id, status: 'cancelled' });
    await untilNoJobs();
  });

  test('whoever takes over from an operator that was killed waits for the same Job', async () => {
    const waiting = gate();
    declare('adopted', waiting.command);
    const database = newDatabase();
    const [made, before] = [jobsMade(), node.started.length];
    const first = await start(database);
    await alert(first, 'adopted');
    await untilStarted(before + 1);
    await first.process.kill();
    const second = await start(database);
    await waitFor('the second attempt', async () => (await runOf(second))?.steps.length === 2);
    waiting.open();
    expect(await endOf(second)).toMatchObject({
      status: 'succeeded',
      outputs: { said: 'begun\nteam shop\n' },
      steps: [
        { path: '1', attempt: 1, status: 'failed', errorCode: 'Interrupted' },
        { path: '1', attempt: 2, status: 'succeeded' },
      ],
    });
    expect(node.started.length).toBe(before + 1);
    expect(jobsMade()).toBe(made + 1);
    await untilNoJobs();
  });

  test('a run that passes its deadline while nobody works on it leaves no Job behind', async () => {
    const waiting = gate();
    declare('late', waiting.command, { deadline: '12s' });
    const database = newDatabase();
    const before = node.started.length;
    const first = await start(database);
    await alert(first, 'late');
    await untilStarted(before + 1);
    await first.process.kill();
    await sleep(12_000);
    expect(node.running()).toHaveLength(1);
    const second = await start(database);
    expect(await endOf(second)).toMatchObject({ status: 'failed', errorCode: 'RunTimeout' });
    // The Lease of the one that was killed has to run out first.
    await untilNoJobs(60_000);
  });

  /** The engine with the runner of Jobs; its clock stands still, so that pauses last as long as the test wants. */
  async function engineWith(change: (jobs: Jobs) => Jobs) {
    const transport = await connectTransport({ kubeconfig: connected() });
    cleanup.defer(() => transport.close());
    const io = { clock: systemClock(), random: Math.random };
    const informers = createInformers(kubeClient(transport), { ...io, log: silentLog });
    cleanup.defer(() => informers.stop());
    const informer = informers.of({ kind: kinds.job, namespaces: ['shop'], labelSelector: 'app=punching-fist' });
    const commands = createJobRunner({
      jobs: change(createJobs(transport, informer, io)),
      settings: jobSettings,
      ...io,
    });
    const clock = createFakeClock(new Date().toISOString());
    const store = openSqliteStore({ path: ':memory:' });
    cleanup.defer(() => store.close());
    return { clock, world: createEngineWorld({ store, clock, commands }) };
  }

  const plan = planOf([step('say', { type: 'cli', config: { command: 'echo "team $TEAM"' } })], { namespace: 'shop' });

  test('a retry runs anew where the Job of the attempt before may not be deleted', async () => {
    const { world } = await engineWith((jobs) => ({
      ...jobs,
      delete: () => Promise.reject(new AppError('Forbidden', 'jobs.batch is forbidden')),
    }));
    const [made, before] = [jobsMade(), node.started.length];
    const retry = { limit: 1, backoffMs: 0, maxBackoffMs: 0 };
    const config = { command: 'test "$FIST_ATTEMPT" = 2' };
    const id = await world.addRun(planOf([step('say', { type: 'cli', config, retry })], { namespace: 'shop' }));
    await world.runAll();
    expect(await world.journal(id)).toEqual(['1#1 failed CommandFailed', '1#2 succeeded']);
    expect([jobsMade() - made, node.started.length - before]).toEqual([2, 2]);
    server.kubectl(['delete', 'jobs', '-n', 'shop', '-l', `punchingfist.io/run=${id}`]);
    await untilNoJobs();
  });

  test('an API server that is away before the Job is made is a pause, and the command runs once', async () => {
    const { clock, world } = await engineWith((jobs) => jobs);
    const [made, before] = [jobsMade(), node.started.length];
    const id = await world.addRun(plan);
    await server.stop();
    await world.runAll();
    expect(await world.journal(id)).toEqual(['1#1 failed ClusterUnavailable']);
    expect(await world.run(id)).toMatchObject({ status: 'running', waitingFor: 'retry' });
    await server.start();
    await clock.advance(15_000);
    await world.runAll();
    expect(await world.journal(id)).toEqual(['1#1 failed ClusterUnavailable', '1#2 succeeded']);
    expect([jobsMade() - made, node.started.length - before]).toEqual([1, 1]);
    await untilNoJobs();
  });

  test('an API server that goes away once the Job has ended keeps its outcome, and the command runs once', async () => {
    const { promise: stopped, resolve: isStopped } = Promise.withResolvers<void>();
    let outages = 0;
    const { clock, world } = await engineWith((jobs) => ({
      ...jobs,
      async untilEnd(job, signal) {
        const end = await jobs.untilEnd(job, signal);
        outages += 1;
        if (outages === 1) await server.stop().then(isStopped);
        return end;
      },
    }));
    const [made, before] = [jobsMade(), node.started.length];
    const id = await world.addRun(plan);
    const first = world.runAll();
    await stopped;
    await server.start();
    await first;
    await clock.advance(15_000);
    await world.runAll();
    const last = (await world.store.read.runs.steps(id)).at(-1);
    expect((await world.journal(id)).at(-1)).toContain('succeeded');
    expect(last).toMatchObject({ status: 'succeeded', result: { stdout: 'team shop\n', exit_code: 0 } });
    expect([jobsMade() - made, node.started.length - before]).toEqual([1, 1]);
    await untilNoJobs();
  });
});
