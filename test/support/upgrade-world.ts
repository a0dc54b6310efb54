import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChaosDatabase } from '../chaos/database.ts';
import { changedFacts, countUnfinished, readSnapshot } from '../chaos/checker.ts';
import type { Snapshot } from '../chaos/checker.ts';
import { sendAlert } from '../chaos/replicas-traffic.ts';
import type { Taker } from '../chaos/replicas-traffic.ts';
import { webhookToken } from '../chaos/sandbox.ts';
import { createLedger } from '../chaos/traffic.ts';
import type { Ledger } from '../chaos/traffic.ts';
import { reportAnswer } from './agent-world.ts';
import { startApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import type { Cleanup } from './cleanup.ts';
import { playCommandPods } from './command-pods.ts';
import { startModelServer } from './model-server.ts';
import type { ModelServer } from './model-server.ts';
import { previousVersion, unpackPreviousProgram } from './previous.ts';
import { cleanEnvironment, repositoryRoot, runProcess } from './processes.ts';
import { startReceiver } from './receiver.ts';
import type { ReceivedRequest } from './receiver.ts';
import { listOf, namespaceObject } from './rights.ts';
import { waitFor } from './wait.ts';
import { readVersion } from '../../src/lib/version.ts';

export const namespace = 'fist';
export const chart = `${repositoryRoot}charts/punching-fist`;

/** A cluster into which a release goes that is upgraded while it works, and all that it works with. */
export interface UpgradeWorld {
  readonly server: ApiServer;
  /** Of an administrator. */
  readonly kubeconfig: string;
  readonly model: ModelServer;
  /** Deliveries that were answered 200. */
  readonly receiver: { readonly requests: readonly ReceivedRequest[] };
  readonly receiverUrl: string;
  /** Runs whose commands were started, one for each pod of a Job. */
  readonly commands: readonly string[];
  /** `src/main.ts` by version: the one before this one, and this one. */
  readonly programs: ReadonlyMap<string, string>;
  readonly ledger: Ledger;
  apply(...items: readonly object[]): void;
  /** Runs helm in the namespace of the release, with the values of a file. Rejects with what it says. */
  helm(...words: readonly string[]): Promise<string>;
  /** From now on commands and models do not end, and the receiver refuses each delivery, twice at most. */
  hold(): void;
  release(): void;
}

/** Starts all but the operator: an API server with the controller of Jobs, the node that runs them, a model, a receiver. */
export async function startUpgradeWorld(cleanup: Cleanup, assets: string): Promise<UpgradeWorld> {
  const server = await startApiServer(cleanup, assets);
  await server.startControllers(['job-controller', 'clusterrole-aggregation-controller']);
  const adminToken = readFileSync(join(server.folder, 'tokens.csv'), 'utf8').split(',')[0] ?? '';
  const kubeconfig = server.kubeconfig('installer', { token: adminToken });
  const apply = (...items: readonly object[]): void =>
    void server.kubectl(['apply', '-f', '-'], JSON.stringify(listOf(...items)));
  apply(namespaceObject(namespace));

  let gate = Promise.withResolvers<void>();
  gate.resolve();
  let isDown = false;
  const commands = await playCommandPods(cleanup, server, { namespace, kubeconfig }, () => gate.promise);
  const model = await startModelServer();
  cleanup.defer(() => model.stop());
  model.always(({ schema }) => ({
    ...(schema === null ? { text: 'That is all.' } : reportAnswer()),
    after: gate.promise,
  }));
  const taken: ReceivedRequest[] = [];
  const refusals = new Map<string, number>();
  const receiver = await startReceiver((request) => {
    const key = String(request.headers['idempotency-key']);
    const count = refusals.get(key) ?? 0;
    // Not more often: what was refused for a minute waits for another one.
    const isRefused = isDown && count < 2;
    if (isRefused) refusals.set(key, count + 1);
    else taken.push(request);
    return isRefused ? 503 : 200;
  });
  cleanup.defer(() => receiver.stop());
  apply(...secretsOf(model));

  const home = cleanup.temporaryFolder('helm');
  return {
    server,
    kubeconfig,
    model,
    receiver: { requests: taken },
    receiverUrl: receiver.url,
    commands,
    programs: new Map([
      [previousVersion, unpackPreviousProgram(cleanup)],
      [readVersion(), `${repositoryRoot}src/main.ts`],
    ]),
    ledger: createLedger(),
    apply,
    async helm(...words) {
      const options = ['-n', namespace, '--kubeconfig', kubeconfig];
      const { code, stdout, stderr } = await runProcess(join(assets, 'helm'), [...words, ...options], {
        environment: cleanEnvironment({ HOME: home }),
        timeoutMs: 120_000,
      });
      if (code !== 0) throw new Error(`helm ${words.join(' ')}: ${stderr}`);
      return stdout;
    },
    hold() {
      if (!isDown) gate = Promise.withResolvers<void>();
      isDown = true;
    },
    release() {
      gate.resolve();
      isDown = false;
    },
  };
}

/** Values of the release: a model, commands, a short drain, and further ones. */
export function writeValues(
  cleanup: Cleanup,
  { model }: UpgradeWorld,
  { replicaCount = 1, ...more }: { readonly replicaCount?: number; readonly [name: string]: unknown },
): string {
  const file = join(cleanup.temporaryFolder('values'), 'values.yaml');
  const agent = {
    provider: 'openai-compatible',
    model: 'm',
    endpoint: model.endpoint('chat'),
    existingSecret: 'model',
  };
  const operator = { replicaCount, namespaces: [namespace], extraArgs: ['--drain-timeout=5s'] };
  writeFileSync(file, JSON.stringify({ agent, operator, commands: { enabled: true }, ...more }));
  return file;
}

const api = { apiVersion: 'punchingfist.io/v1alpha1' };

function secretsOf(model: ModelServer): readonly object[] {
  const secret = (name: string, stringData: object) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    stringData,
  });
  return [secret('crash-token', { token: webhookToken }), secret('model', { 'api-key': model.key })];
}

/** Alerts at `crash` come all the time; those at `command` and `model` have runs that are held. */
export function workingObjects({ receiverUrl }: UpgradeWorld): readonly object[] {
  const source = (name: string) => ({
    ...api,
    kind: 'Source',
    metadata: { name, namespace },
    spec: {
      type: 'webhook',
      config: { path: name, authentication: { type: 'bearer', secretRef: 'crash-token' } },
      triggerWorkflow: name,
      stormCapPerMinute: 0,
    },
  });
  const workflow = (name: string, spec: object) => ({
    ...api,
    kind: 'Workflow',
    metadata: { name, namespace },
    spec: { sinks: ['out'], ...spec },
  });
  const llmConfig = { provider: 'none', model: 'none' };
  return [
    source('crash'),
    source('command'),
    source('model'),
    workflow('crash', {
      runtime: { image: 'busybox', llmConfig },
      steps: [{ name: 'look', type: 'agent', goal: 'look' }],
    }),
    workflow('command', {
      runtime: { image: 'busybox' },
      maxConcurrent: 1,
      steps: [{ name: 'look', type: 'cli', command: 'echo looked' }],
    }),
    workflow('model', { steps: [{ name: 'look', type: 'agent', goal: 'look', ask: 'always' }] }),
    {
      ...api,
      kind: 'Sink',
      metadata: { name: 'out', namespace },
      spec: {
        type: 'webhook',
        config: { endpoint: `${receiverUrl}/out` },
        sendResolved: true,
        delivery: { sameCauseFor: '0s' },
      },
    },
  ];
}

/** What is in the middle of its work, by where it is; a delivery counts once its first attempt has failed. */
const stages = {
  command: "SELECT count(*) AS n FROM workflow_steps WHERE status = 'running' AND step_type = 'cli'",
  model:
    "SELECT count(*) AS n FROM workflow_steps s JOIN workflows w ON w.id = s.workflow_id WHERE s.status = 'running' AND w.name = 'model'",
  slot: "SELECT count(*) AS n FROM workflows WHERE waiting_for = 'slot'",
  delivery: "SELECT count(*) AS n FROM sink_outputs WHERE status = 'pending' AND attempts > 0",
};
type Stage = keyof typeof stages;
const everyStage = Object.keys(stages) as readonly Stage[];

/** What runs are doing while versions change, and that nothing of it is undone. */
export interface Flight {
  /** Sends alerts whose runs are held, and waits until there is something at each of these stages; all unless they are named. */
  begin(takers: readonly Taker[], at?: readonly Stage[]): Promise<void>;
  /** Lets them go on, waits until their runs have ended, and looks. */
  end(): Promise<void>;
  /** Facts that were changed since they were committed. */
  readonly problems: readonly string[];
}

export function createFlight(world: UpgradeWorld, database: ChaosDatabase): Flight {
  const problems: string[] = [];
  let last: Snapshot | null = null;
  let flights = 0;
  async function look(): Promise<void> {
    const now = await readSnapshot(database);
    if (last !== null) problems.push(...changedFacts(last, now));
    last = now;
  }
  const countOf = async (sql: string): Promise<number> => Number((await database.query(sql))[0]?.['n']);
  return {
    problems,
    async begin(takers, at = everyStage) {
      flights += 1;
      world.hold();
      const alerts = { command: 'command', slot: 'command', model: 'model', delivery: 'crash' } as const;
      for (const stage of at) {
        await sendAlert(takers, world.ledger, `flight-${flights}-${stage}`, {}, alerts[stage]);
        await waitFor(`something in flight: ${stage}`, async () => (await countOf(stages[stage])) > 0, {
          timeoutMs: 60_000,
          everyMs: 100,
        });
      }
      await look();
    },
    async end() {
      world.release();
      const held =
        "SELECT count(*) AS n FROM workflows WHERE status IN ('pending', 'running') AND name IN ('command', 'model')";
      await waitFor('the runs that were held to end', async () => (await countOf(held)) === 0, {
        timeoutMs: 60_000,
        everyMs: 100,
      });
      await look();
    },
  };
}

/** Waits for all runs and deliveries. */
export async function untilAllEnded(database: ChaosDatabase): Promise<void> {
  const open = "SELECT sink_name, event, status, attempts, error FROM sink_outputs WHERE status = 'pending'";
  let rows: readonly object[] = [];
  const isDone = async (): Promise<boolean> => {
    rows = await database.query(open);
    return (await countUnfinished(database)) === 0;
  };
  await waitFor('runs and deliveries to end', isDone, {
    timeoutMs: 150_000,
    everyMs: 250,
    explain: () => JSON.stringify(rows),
  });
}
