import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { resourceKinds } from '../../src/controllers/kinds.ts';
import type { KubernetesObject } from '../../src/core/cluster.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import { kubeWriter } from '../../src/kube/connection/writer.ts';
import type { KubeWriter } from '../../src/kube/connection/writer.ts';
import { canonicalJson } from '../../src/lib/hash.ts';
import type { ResourceKind } from '../../src/resources/object.ts';
import { applyCrds, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { Fault, FaultProxy, Proxied } from '../support/fault-proxy.ts';
import { startOperator } from '../support/operator.ts';
import { createRandom } from '../support/random.ts';
import type { Random } from '../support/random.ts';
import type { TestServer } from '../support/server.ts';

// An operator, a real API server, and whatever can go wrong between them, while objects come, change and go.

export interface OperatorChaos {
  readonly seed: number;
  /** How long things go wrong. */
  readonly seconds: number;
  /** How often the API server is stopped and started again in this time. */
  readonly restarts: number;
  /** How long streams that were silenced stay so before their connections are reset; the operator itself leaves them after 150 s. */
  readonly silentMs: number;
  /** How long the operator has, once nothing goes wrong any more. */
  readonly mostConvergeMs: number;
}

export interface OperatorChaosReport {
  readonly changes: number;
  readonly faults: number;
  readonly requests: number;
  /** From the end of all faults until the operator had caught up; null = it did not. */
  readonly convergedMs: number | null;
  /** What is not as it is declared, at the end. */
  readonly differences: readonly string[];
  /** Of the operator's process, in each quarter of the time: the most open files, and the median of its resident bytes. */
  readonly quarters: readonly { readonly files: number; readonly residentBytes: number }[];
}

const namespace = 'chaos';
const token = 'token-of-the-api-0123456789';
const plurals: Readonly<Record<ResourceKind, string>> = { Source: 'sources', Workflow: 'workflows', Sink: 'sinks' };
const ofOurs = Object.keys(plurals) as readonly ResourceKind[];

/** What is wrong in a template is seen by us alone: the API server takes it. */
const broken = '{{ .alert.name';

function specOf(kind: ResourceKind, random: Random, step: number): object {
  const words = random.next() < 0.2 ? broken : `step ${step}`;
  if (kind === 'Sink') return { type: 'stdout', config: { template: words } };
  if (kind === 'Workflow')
    return {
      runtime: { image: 'busybox', llmConfig: { provider: 'none', model: 'none' } },
      steps: [{ name: 'look', type: 'agent', goal: words }],
      sinks: [`sink-${random.between(1, 6)}`],
    };
  // Fewer paths than Sources: the oldest has it, whichever that is now.
  const path = `path-${random.between(1, 4)}`;
  const authentication = { type: 'bearer', secretRef: 'sender' };
  return {
    type: 'webhook',
    config: { path, authentication },
    context: { step: String(step) },
    triggerWorkflow: `workflow-${random.between(1, 6)}`,
  };
}

async function changeSomething(direct: KubeWriter, random: Random, step: number): Promise<void> {
  const kind = random.pick(ofOurs);
  const metadata = { namespace, name: `${kind.toLowerCase()}-${random.between(1, 6)}` };
  if (random.next() < 0.25) await direct.delete(resourceKinds[kind], metadata);
  else await direct.apply(resourceKinds[kind], { metadata, spec: specOf(kind, random, step) }, { force: true });
}

function faultFor({ isWatch }: Proxied, random: Random): Fault {
  const expired = '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n';
  return random.pick<Fault>([
    { kind: 'answer', status: 500, body: 'etcd is away' },
    { kind: 'answer', status: 503 },
    { kind: 'answer', status: 429, headers: { 'retry-after': '1' } },
    { kind: 'answer', status: 410, body: '{"kind":"Status","code":410,"reason":"Expired"}' },
    { kind: 'answer', status: 200, body: isWatch ? expired : '<html>a proxy that says hello</html>' },
    { kind: 'reset', done: false },
    { kind: 'reset', done: true },
    { kind: 'cut', afterBytes: random.between(0, 5000) },
  ]);
}

interface World {
  readonly server: ApiServer;
  readonly proxy: FaultProxy;
  readonly direct: KubeWriter;
  readonly operator: TestServer;
}

async function startWorld(cleanup: Cleanup, assets: string): Promise<World> {
  const server = await startApiServer(cleanup, assets);
  await applyCrds(server);
  server.kubectl(['create', 'namespace', namespace]);
  server.kubectl(['create', 'serviceaccount', 'operator', '-n', namespace]);
  const account = `--serviceaccount=${namespace}:operator`;
  server.kubectl(['create', 'clusterrolebinding', 'operator', '--clusterrole=cluster-admin', account]);
  const accountToken = server.token(namespace, 'operator');
  const transport = await connectTransport({ kubeconfig: server.kubeconfig('direct', { token: accountToken }) });
  cleanup.defer(() => transport.close());
  const direct = kubeWriter(transport);
  await writeSecret(direct, 'first');
  const proxy = await startFaultProxy(cleanup, server, accountToken);
  const flags = ['--lease-namespace', namespace];
  const operator = await startOperator(cleanup, { kubeconfig: proxy.kubeconfig, token, flags });
  return { server, proxy, direct, operator };
}

function senderToken(step: string): string {
  return `token-of-the-sender-${step}`;
}

async function writeSecret(direct: KubeWriter, step: string): Promise<void> {
  const data = { token: Buffer.from(senderToken(step)).toString('base64') };
  await direct.apply(kinds.secret, { metadata: { namespace, name: 'sender' }, data }, { force: true });
}

interface Sample {
  readonly files: number;
  readonly residentBytes: number;
}

function sampleOf(pid: number): Sample {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { files: readdirSync(`/proc/${pid}/fd`).length, residentBytes: Number(kilobytes) * 1024 };
}

function quartersOf(samples: readonly Sample[]): OperatorChaosReport['quarters'] {
  const length = Math.floor(samples.length / 4);
  return [0, 1, 2, 3].map((quarter) => {
    const part = samples.slice(quarter * length, (quarter + 1) * length);
    const sizes = part.map(({ residentBytes }) => residentBytes).sort((one, other) => one - other);
    return {
      files: Math.max(...part.map(({ files }) => files)),
      residentBytes: sizes[Math.floor(sizes.length / 2)] ?? 0,
    };
  });
}

/** Starts everything, lets things go wrong, heals them, and tells whether the operator came to what is declared. */
export async function operatorChaos(
  cleanup: Cleanup,
  assets: string,
  plan: OperatorChaos,
): Promise<OperatorChaosReport> {
  const world = await startWorld(cleanup, assets);
  const { proxy, operator } = world;
  const random = createRandom(plan.seed);
  const samples: Sample[] = [];
  const sampler = setInterval(() => samples.push(sampleOf(operator.process.pid)), 500);
  cleanup.defer(() => clearInterval(sampler));

  let faults = 0;
  proxy.fault = (request) => {
    if (random.next() > 0.3) return null;
    faults += 1;
    return faultFor(request, random);
  };
  const { changes, secretStep } = await misbehave(world, plan, random);
  clearInterval(sampler);
  proxy.fault = () => null;
  const healedMs = performance.now();
  let differences = await differencesOf(world, secretStep);
  while (differences.length > 0 && performance.now() - healedMs < plan.mostConvergeMs) {
    await sleep(500);
    differences = await differencesOf(world, secretStep);
  }
  const convergedMs = differences.length === 0 ? performance.now() - healedMs : null;
  return { changes, faults, requests: proxy.requests.length, convergedMs, differences, quarters: quartersOf(samples) };
}

/** Changes objects until the time is over, while connections break, fall silent, and the server goes away. */
async function misbehave(
  { server, proxy, direct }: World,
  plan: OperatorChaos,
  random: Random,
): Promise<{ readonly changes: number; readonly secretStep: string }> {
  const beganMs = performance.now();
  const elapsedMs = (): number => performance.now() - beganMs;
  const eachMs = (plan.seconds * 1000) / (plan.restarts + 1);
  let changes = 0;
  let restarts = 0;
  let secretStep = 'first';
  let resetAtMs: number | null = null;
  while (elapsedMs() < plan.seconds * 1000) {
    await changeSomething(direct, random, changes);
    changes += 1;
    if (random.next() < 0.02) {
      secretStep = String(changes);
      await writeSecret(direct, secretStep);
    }
    if (resetAtMs === null && random.next() < 0.03) proxy.reset();
    if (resetAtMs === null && random.next() < 0.02) {
      proxy.silence();
      resetAtMs = elapsedMs() + plan.silentMs;
    }
    if (resetAtMs !== null && elapsedMs() > resetAtMs) {
      proxy.reset();
      resetAtMs = null;
    }
    if (restarts < plan.restarts && elapsedMs() > eachMs * (restarts + 1)) {
      restarts += 1;
      await server.stop();
      await sleep(random.between(0, 3000));
      await server.start();
    }
    await sleep(random.between(20, 200));
  }
  // What fell silent and was not noticed yet: such a stream is left after two and a half minutes.
  if (resetAtMs !== null) proxy.reset();
  return { changes, secretStep };
}

interface Shown {
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: { readonly ready: boolean };
}

/** What the operator serves, says of itself and has written, against what the API server has. Empty = all the same. */
async function differencesOf({ direct, operator }: World, secretStep: string): Promise<readonly string[]> {
  const problems: string[] = [];
  const metrics = String((await operator.api('GET', '/metrics')).body);
  for (const kind of ofOurs) {
    const declared = await direct.list(resourceKinds[kind], namespace, {});
    const shown = await operator.list<Shown>(`/api/v1/${plurals[kind]}?namespace=${namespace}&limit=100`);
    const byName = new Map(shown.map((one) => [one.metadata.name, one]));
    for (const object of declared) {
      const one = byName.get(object.metadata.name);
      byName.delete(object.metadata.name);
      problems.push(...differencesOfObject(kind, object, one));
    }
    problems.push(...[...byName.keys()].map((name) => `${kind} ${name} is gone, and still served`));
    for (const ready of [true, false]) {
      const expected = declared.filter(({ status }) => status?.['ready'] === ready).length;
      const line = `fist_resources{kind="${kind}",ready="${ready}"} ${expected}`;
      if (!metrics.split('\n').includes(line)) problems.push(`metrics do not have ${line}`);
    }
  }
  return [...problems, ...(await secretProblems(operator, secretStep))];
}

function differencesOfObject(kind: ResourceKind, object: KubernetesObject, one: Shown | undefined): readonly string[] {
  const { name, generation } = object.metadata;
  const status = object.status ?? {};
  if (one === undefined) return [`${kind} ${name} is declared, and not served`];
  const isBroken = JSON.stringify(object.spec).includes(broken);
  const conditions = (status['conditions'] ?? []) as unknown as readonly { readonly type: string }[];
  const problems = [
    // Of one that cannot be used, the last one that could be is served.
    !isBroken && canonicalJson(one.spec) !== canonicalJson(object.spec) && 'an old version is served',
    status['observedGeneration'] !== generation &&
      `generation ${generation} was not seen, but ${JSON.stringify(status['observedGeneration'])}`,
    status['ready'] !== one.status.ready && 'its status and the catalog do not agree on whether it is ready',
    !isBroken && kind === 'Sink' && !one.status.ready && 'it can be used, and is not ready',
    isBroken &&
      !conditions.some(({ type }) => type === 'Stalled') &&
      'it cannot be used, and its status does not say so',
  ];
  return problems.filter((problem) => problem !== false).map((problem) => `${kind} ${name}: ${problem}`);
}

/** A Source that is in use takes the newest token and no other. */
async function secretProblems(operator: TestServer, secretStep: string): Promise<readonly string[]> {
  const sources = await operator.list<Shown>(`/api/v1/sources?namespace=${namespace}&limit=100`);
  const source = sources.find(({ status }) => status.ready);
  if (source === undefined) return [];
  const { path } = source.spec['config'] as { readonly path: string };
  const post = async (step: string): Promise<number> =>
    (await operator.post(`/webhook/${path}`, { version: '4', alerts: [] }, senderToken(step))).status;
  const [newest, other] = [await post(secretStep), await post('nobody')];
  return newest === 200 && other === 401 ? [] : [`with the newest token ${newest}, with another one ${other}`];
}
