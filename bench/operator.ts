import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolesOfInstallation } from '../src/app/roles.ts';
import { connectTransport } from '../src/kube/connection/transport.ts';
import type { KubeTransport } from '../src/kube/connection/transport.ts';
import { limiter } from '../src/lib/limiter.ts';
import { applyCrds, findApiServer, startApiServer } from '../test/support/api-server.ts';
import type { ApiServer } from '../test/support/api-server.ts';
import { createCleanup } from '../test/support/cleanup.ts';
import type { Cleanup } from '../test/support/cleanup.ts';
import { operatorRules } from '../test/support/operator.ts';
import { cleanEnvironment, freePort, repositoryRoot, startProcess, waitForHttp } from '../test/support/processes.ts';
import type { RunningProcess } from '../test/support/processes.ts';
import {
  accountObject,
  accountWithEverywhere,
  clusterRoleFor,
  listOf,
  namespaceObject,
} from '../test/support/rights.ts';
import { pause, quantile } from './world.ts';

// What an operator costs: npm run bench -- --only operator, with KUBEBUILDER_ASSETS. Objects are real, on a real API server.

const objects = 1000;
const pods = 10_000;
const root = '/apis/punchingfist.io/v1alpha1/namespaces/fist';
const idleMs = 60_000;

/** Prints figures of a server with 1,000 objects, and of one that watches 10,000 pods. */
export async function measureOperator(): Promise<readonly Readonly<Record<string, number | string>>[]> {
  const assets = findApiServer();
  if (assets === null) throw new Error('there is no API server: KUBEBUILDER_ASSETS');
  const cleanup = createCleanup();
  try {
    const server = await startApiServer(cleanup, assets);
    const admin = await prepare(cleanup, server);
    const empty = await startOperator(cleanup, server);
    const emptyBytes = memoryOf(empty.program);
    await empty.program.stop();

    await makeSinks(admin);
    const operator = await startOperator(cleanup, server);
    await untilTold(admin, 1);
    const latencies = await measureLatency(admin);
    await untilQuiet(server);
    const before = requestsOf(server);
    await pause(idleMs);
    const idle = requestsOf(server) - before;
    const fullBytes = memoryOf(operator.program);
    await makePods(admin);
    await pause(15_000);
    const podBytes = memoryOf(operator.program);
    return [
      { figure: 'start to ready, nothing declared, ms', value: Math.round(empty.readyMs) },
      { figure: `start to ready, ${objects} Sinks, ms`, value: Math.round(operator.readyMs) },
      { figure: 'from a change to its status, p50, ms', value: Math.round(quantile(latencies, 0.5)) },
      { figure: 'from a change to its status, p99, ms', value: Math.round(quantile(latencies, 0.99)) },
      { figure: 'requests to the API server in an idle minute', value: idle },
      { figure: 'memory, nothing declared, MB', value: Math.round(emptyBytes / 1e6) },
      { figure: `memory, ${objects} Sinks, MB`, value: Math.round(fullBytes / 1e6) },
      { figure: `memory, and ${pods} pods watched by a Source, MB`, value: Math.round(podBytes / 1e6) },
    ];
  } finally {
    await cleanup.run();
  }
}

const api = { apiVersion: 'punchingfist.io/v1alpha1' };

async function prepare(cleanup: Cleanup, server: ApiServer): Promise<KubeTransport> {
  await applyCrds(server);
  const watched = { apiGroups: [''], resources: ['secrets', 'pods'], verbs: ['get', 'list', 'watch'] };
  const admin = { namespace: 'fist', name: 'admin' };
  const rights = listOf(
    namespaceObject('fist'),
    ...accountWithEverywhere({ namespace: 'fist', name: 'operator' }, [
      ...operatorRules(),
      ...(rolesOfInstallation()['read'] ?? []),
      watched,
    ]),
    accountObject(admin),
    clusterRoleFor(admin, 'cluster-admin'),
  );
  server.kubectl(['apply', '-f', '-'], JSON.stringify(rights));
  const transport = await connectTransport({
    kubeconfig: server.kubeconfig('bench', { token: server.token('fist', 'admin') }),
  });
  cleanup.defer(() => transport.close());
  return transport;
}

async function startOperator(
  cleanup: Cleanup,
  server: ApiServer,
): Promise<{ program: RunningProcess; readyMs: number }> {
  const port = await freePort();
  const folder = cleanup.temporaryFolder('bench-operator');
  const kubeconfig = server.kubeconfig('operator', { token: server.token('fist', 'operator') });
  const startedMs = performance.now();
  const flags = ['--db', join(folder, 'fist.db'), '--listen', `127.0.0.1:${port}`, '--kubeconfig', kubeconfig];
  const program = startProcess(
    process.execPath,
    [`${repositoryRoot}src/main.ts`, 'operator', ...flags, '--lease-namespace', 'fist', '--log-level', 'error'],
    { cwd: folder, environment: cleanEnvironment({ HOME: folder, FIST_TOKEN: 'token-of-the-bench-0123456789' }) },
  );
  cleanup.defer(async () => void (await program.kill()));
  await waitForHttp(program, `http://127.0.0.1:${port}/readyz`, 60_000);
  return { program, readyMs: performance.now() - startedMs };
}

function memoryOf({ pid }: RunningProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

function requestsOf(server: ApiServer): number {
  return server.audit().filter(({ user }) => user.username === 'system:serviceaccount:fist:operator').length;
}

/** Events are told slowly on purpose. */
async function untilQuiet(server: ApiServer): Promise<void> {
  for (;;) {
    const before = requestsOf(server);
    await pause(10_000);
    if (requestsOf(server) - before <= 10) return;
  }
}

async function create(admin: KubeTransport, path: string, body: object): Promise<void> {
  const { status } = await admin.ask({ method: 'POST', path, body, maxBytes: 1 << 20 });
  if (status !== 201) throw new Error(`POST ${path} answered ${status}`);
}

async function makeSinks(admin: KubeTransport): Promise<void> {
  const limited = limiter(8);
  const names = Array.from({ length: objects }, (_, index) => `sink-${index}`);
  const spec = { type: 'stdout', config: {} };
  await Promise.all(
    names.map((name) =>
      limited(() =>
        create(admin, `${root}/sinks`, { ...api, kind: 'Sink', metadata: { name, namespace: 'fist' }, spec }),
      ),
    ),
  );
}

interface Item {
  readonly metadata: { readonly generation: number };
  readonly status?: { readonly observedGeneration?: number };
}

async function untilTold(admin: KubeTransport, generation: number): Promise<void> {
  for (;;) {
    const { body } = await admin.ask({ method: 'GET', path: `${root}/sinks`, maxBytes: 256 << 20 });
    const { items } = JSON.parse(body) as { readonly items: readonly Item[] };
    if (items.every(({ status }) => (status?.observedGeneration ?? -1) >= generation)) return;
    await pause(250);
  }
}

/** Changes each object, twenty a second, and looks when its status has seen it. Milliseconds. */
async function measureLatency(admin: KubeTransport): Promise<readonly number[]> {
  const latencies: number[] = [];
  const looking: Promise<void>[] = [];
  for (let index = 0; index < objects; index += 1) {
    const path = `${root}/sinks/sink-${index}`;
    const patch = { method: 'PATCH', path, contentType: 'application/merge-patch+json', maxBytes: 1 << 20 } as const;
    await admin.once({ ...patch, body: { spec: { config: { pretty: true } } } });
    const sinceMs = performance.now();
    looking.push(
      (async () => {
        for (;;) {
          const { body } = await admin.ask({ method: 'GET', path, maxBytes: 1 << 20 });
          const { metadata, status } = JSON.parse(body) as Item;
          if (status?.observedGeneration === metadata.generation) break;
          await pause(20);
        }
        latencies.push(performance.now() - sinceMs);
      })(),
    );
    await pause(50);
  }
  await Promise.all(looking);
  return latencies.sort((one, other) => one - other);
}

/** Pods that nobody schedules, and a Source that watches them. */
async function makePods(admin: KubeTransport): Promise<void> {
  const limited = limiter(8);
  const container = { name: 'app', image: 'busybox', env: [{ name: 'TEXT', value: 'x'.repeat(200) }] };
  await Promise.all(
    Array.from({ length: pods }, (_, index) =>
      limited(() =>
        create(admin, '/api/v1/namespaces/fist/pods', {
          metadata: { name: `pod-${index}`, namespace: 'fist' },
          spec: { containers: [container] },
        }),
      ),
    ),
  );
  const spec = { type: 'kubernetes', config: { resource: 'pods', event: 'deleted' }, triggerWorkflow: 'none' };
  await create(admin, `${root}/sources`, {
    ...api,
    kind: 'Source',
    metadata: { name: 'pods', namespace: 'fist' },
    spec,
  });
}
