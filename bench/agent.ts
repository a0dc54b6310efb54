import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  agentResources,
  exampleAlert,
  injectionExample,
  reportAnswer,
  webhookToken,
} from '../test/support/agent-world.ts';
import { firing } from '../test/support/app.ts';
import { startModelServer } from '../test/support/model-server.ts';
import type { ModelServer, ScriptedAnswer, SeenRequest } from '../test/support/model-server.ts';
import { measureCeiling } from './agent-ceiling.ts';
import { countTurn } from './agent-statements.ts';
import { startServer } from './server.ts';
import type { MeasuredServer } from './server.ts';
import { median, pause, quantile } from './world.ts';
import type { DatabaseKind, World } from './world.ts';

// What a conversation with a model costs beside the model, which answers at once and stands where its time is measured.

const namespace = 'billing';
const list = (resource: string) => ({ name: 'kubernetes_list', input: { resource, namespace } });

/** Conversations as models lead them: how many calls in each turn, one that asks again, one that asks for nothing, one that knows at once. */
const scripts: readonly (readonly (readonly {
  readonly name: string;
  readonly input: Readonly<Record<string, string>>;
}[])[])[] = [
  [
    [list('pods'), { name: 'kubernetes_events', input: { namespace } }],
    [list('deployments'), list('replicasets')],
  ],
  [[list('pods')], [list('services')], [list('configmaps')], [list('ingresses')], [list('pods')]],
  [
    [list('pods'), list('events'), list('deployments'), list('jobs')],
    [{ name: 'kubernetes_graph', input: { namespace } }],
  ],
  [],
  [
    [{ name: 'kubernetes_get', input: { resource: 'secrets', namespace, name: 'x' } }],
    [list('pods'), list('services')],
  ],
];

/** Says when each of its answers was given and when the next request was there. */
async function startTimedModel() {
  const model = await startModelServer();
  /** From an answer to the next request of its conversation. Milliseconds. */
  const gaps: number[] = [];
  const answeredAt = new Map<string, number>();
  let closed = 0;
  model.always((request) => {
    const nowMs = performance.now();
    const pod = podOf(request);
    const before = answeredAt.get(pod);
    if (before !== undefined) gaps.push(nowMs - before);
    const answer = answerTo(request, pod);
    if (request.schema !== null) closed += 1;
    // Its own work, the form of the answer, is done after this and counts against us.
    answeredAt.set(pod, performance.now());
    return answer;
  });
  return { ...model, requests: model.requests, gaps, closed: () => closed };
}

function podOf(request: SeenRequest): string {
  const text = [request.system, ...request.messages.map((message) => message.text)].join('\n');
  return /\bbench-\d+\b/.exec(text)?.[0] ?? '';
}

function answerTo(request: SeenRequest, pod: string): ScriptedAnswer {
  if (request.schema !== null) return reportAnswer();
  const script = scripts[Number(pod.replace('bench-', '')) % scripts.length] ?? [];
  const made = request.messages.filter(({ calls }) => calls.length > 0).length;
  const calls = script[made];
  return calls === undefined ? { text: 'That is all.' } : { calls };
}

async function startFist(world: World, database: string, model: ModelServer | null): Promise<MeasuredServer> {
  const folder = dirname(world.file('x'));
  const resources = join(folder, `resources-${model === null ? 'without' : 'with'}`);
  mkdirSync(resources, { recursive: true });
  const text = agentResources(model ?? { endpoint: () => 'http://127.0.0.1:1' }, {
    source: '  stormCapPerMinute: 0\n',
  });
  const asked = model === null ? text.replace(/llmConfig: \{[^}]*\}/, 'llmConfig: {provider: none}') : text;
  writeFileSync(join(resources, 'resources.yaml'), asked);
  const secrets = join(folder, 'secrets');
  for (const [name, token] of Object.entries({ 'alertmanager-token': webhookToken, model: model?.key ?? 'none' })) {
    mkdirSync(join(secrets, 'default', name), { recursive: true });
    writeFileSync(join(secrets, 'default', name, 'token'), token, { mode: 0o600 });
  }
  const from = `serve --resources ${resources} --secrets-dir ${secrets} --dump ${injectionExample}/dump --db ${database}`;
  return startServer(`src/main.ts ${from} --listen 127.0.0.1:0 --log-level info`.split(' '));
}

async function raise({ url }: MeasuredServer, index: number): Promise<void> {
  const { labels, annotations } = exampleAlert();
  const alert = firing({ ...labels, alertname: `Bench${index}`, conversation: `bench-${index}` }, 60_000, {
    annotations,
  });
  const body = { version: '4', receiver: 'fist', status: 'firing', groupKey: '{}', alerts: [alert] };
  const response = await fetch(`${url}/webhook/billing-alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${webhookToken}` },
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  if (response.status !== 200) throw new Error(`the webhook answered ${response.status} ${answer}`);
}

/** What a server did with so many alerts, one after the other. */
interface Measured {
  readonly idleBytes: number;
  readonly endBytes: number;
  readonly cpuSeconds: number;
}

async function measureRuns(world: World, server: MeasuredServer, runs: number, database: string): Promise<Measured> {
  await pause(1500);
  const idleBytes = server.residentBytes();
  const warm = scripts.length;
  for (let index = 0; index < warm; index += 1) await runOne(world, server, index, database);
  const before = server.cpuSeconds();
  for (let index = warm; index < warm + runs; index += 1) await runOne(world, server, index, database);
  return { idleBytes, endBytes: server.residentBytes(), cpuSeconds: server.cpuSeconds() - before };
}

const mostRunMs = 20_000;

/** The database is asked for the end, not the server, whose time is measured. */
async function runOne(world: World, server: MeasuredServer, index: number, database: string): Promise<void> {
  await raise(server, index);
  const untilMs = performance.now() + mostRunMs;
  for (;;) {
    const [row] = await world.query(database, "SELECT count(*) AS ended FROM workflows WHERE status = 'succeeded'");
    if (Number(row?.['ended']) === index + 1) return;
    if (performance.now() > untilMs) throw new Error(`run ${index} did not succeed in ${mostRunMs} ms`);
    await pause(25);
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);

/** Rows of one database: of the turns, and of the memory. */
export interface AgentFigures {
  readonly turns: object;
  readonly memory: object;
}

/** The loop without the model's time, beside the bare writing of the same rows; and memory. */
export async function measureAgent(world: World, kind: DatabaseKind): Promise<AgentFigures> {
  const runs = world.quick ? 10 : 50;
  const plainDatabase = await world.database(kind);
  const plain = await startFist(world, plainDatabase, null);
  const without = await measureRuns(world, plain, runs, plainDatabase);
  await plain.stop();

  const model = await startTimedModel();
  const database = await world.database(kind);
  const server = await startFist(world, database, model);
  const gapsBefore = model.gaps.length;
  const requestsBefore = model.requests.length;
  const with_ = await measureRuns(world, server, runs, database);
  await server.stop();
  if (model.refusals.length > 0) throw new Error(model.refusals.join('\n'));
  await model.stop();
  const gaps = model.gaps.slice(gapsBefore);
  const requests = model.requests.length - requestsBefore;
  const ceiling = await measureCeiling(world, kind, database);
  const counted = await countTurn(world, kind);
  return {
    turns: {
      database: kind,
      turns: gaps.length,
      'p50 ms': median(gaps).toFixed(1),
      'p99 ms': quantile(gaps, 0.99).toFixed(1),
      'server CPU ms/turn': (((with_.cpuSeconds - without.cpuSeconds) * 1000) / requests).toFixed(1),
      'statements/turn': Math.round(counted.statements),
      'commits/turn': Math.round(counted.commits),
      'bare journal p50 ms': ceiling.p50Ms.toFixed(1),
      'bare journal p99 ms': ceiling.p99Ms.toFixed(1),
      'p50 / bare': (median(gaps) / ceiling.p50Ms).toFixed(1),
      'rows/conversation': ceiling.rows.toFixed(0),
      'KB/conversation': (ceiling.bytes / 1000).toFixed(0),
    },
    memory: {
      database: kind,
      'idle without MB': megabytes(without.idleBytes),
      'idle with MB': megabytes(with_.idleBytes),
      runs,
      'after without MB': megabytes(without.endBytes),
      'after with MB': megabytes(with_.endBytes),
    },
  };
}
