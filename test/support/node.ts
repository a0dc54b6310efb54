import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '../../src/core/cluster.ts';
import { kinds, objectPath } from '../../src/kube/kinds/kinds.ts';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import type { KubeRequest } from '../../src/kube/connection/transport.ts';
import { kubeWriter } from '../../src/kube/connection/writer.ts';
import type { ApiServer } from './api-server.ts';
import type { Cleanup } from './cleanup.ts';
import { commandOf } from './container.ts';
import type { PodSpec } from './container.ts';
import { startKubelet } from './kubelet.ts';
import type { LogHandler } from './kubelet.ts';
import { startProcess } from './processes.ts';
import type { RunningProcess } from './processes.ts';

// A node of a test cluster, with the scheduler that binds pods to it: the command of each pod runs as a process of this machine, with
// the pod's environment and nothing of its image.

/** A pod whose command was started here. */
interface Container {
  /** `shop/fist-1-x`. */
  readonly key: string;
  readonly uid: string;
  readonly name: string;
  readonly process: RunningProcess;
  /** Lines of its log with their times. */
  readonly lines: string[];
  taken: number;
  told: 'nothing' | 'Running' | 'Succeeded' | 'Failed';
}

export interface TestNode {
  /** `namespace/pod` of all whose commands were started so far, in their order. */
  readonly started: readonly string[];
  /** Those whose commands run now. */
  running(): readonly string[];
}

const everyMs = 100;

/** Runs what is in any namespace of a server. An outage of it ends nothing here. */
export async function startNode(cleanup: Cleanup, server: ApiServer, name: string): Promise<TestNode> {
  server.kubectl(['create', 'serviceaccount', name, '-n', 'default']);
  server.kubectl([
    'create',
    'clusterrolebinding',
    name,
    '--clusterrole=cluster-admin',
    `--serviceaccount=default:${name}`,
  ]);
  const transport = await connectTransport({
    kubeconfig: server.kubeconfig(name, { token: server.token('default', name) }),
  });
  const writer = kubeWriter(transport);
  const folder = cleanup.temporaryFolder('node');
  const containers = new Map<string, Container>();
  const started: string[] = [];
  await startKubelet(cleanup, server, name, logsOf(containers));

  async function send(method: KubeRequest['method'], path: string, body: object, contentType?: string): Promise<void> {
    await transport.once({ method, path, body, maxBytes: 1e6, ...(contentType === undefined ? {} : { contentType }) });
  }

  function start(key: string, uid: string, spec: PodSpec): void {
    const { file, args, environment } = commandOf(spec);
    const process = startProcess(file, args, { cwd: folder, environment });
    containers.set(uid, {
      key,
      uid,
      name: spec.containers[0]?.name ?? '',
      process,
      lines: [],
      taken: 0,
      told: 'nothing',
    });
    started.push(key);
  }

  /** One step further with a pod. */
  async function look(pod: KubernetesObject): Promise<void> {
    const { namespace = '', name: podName, uid = '', deletionTimestamp } = pod.metadata;
    const spec = pod.spec as unknown as PodSpec;
    const path = objectPath(kinds.pod, namespace, podName);
    const container = containers.get(uid);
    if (spec.nodeName === undefined) {
      const target = { apiVersion: 'v1', kind: 'Node', name };
      return send('POST', `${path}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: podName },
        target,
      });
    }
    if (deletionTimestamp !== undefined) {
      await container?.process.kill();
      return send('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 });
    }
    if (container === undefined) return start(`${namespace}/${podName}`, uid, spec);
    const phase = phaseOf(container);
    if (container.told === phase) return;
    const status = { phase, containerStatuses: [statusOf(container)] };
    await send('PATCH', `${path}/status`, { status }, 'application/merge-patch+json');
    container.told = phase;
  }

  const stopping = new AbortController();
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      const pods = await writer.list(kinds.pod, null, {}).catch(() => []);
      for (const pod of pods) await look(pod).catch(() => undefined);
      await sleep(everyMs);
    }
  })();
  cleanup.defer(async () => {
    stopping.abort();
    await looking;
    await Promise.all([...containers.values()].map(({ process }) => process.kill()));
    await transport.close();
  });
  return {
    started,
    running: () => [...containers.values()].flatMap((one) => (one.process.exitStatus() === null ? [one.key] : [])),
  };
}

function phaseOf({ process }: Container): 'Running' | 'Succeeded' | 'Failed' {
  const status = process.exitStatus();
  if (status === null) return 'Running';
  return status.code === 0 ? 'Succeeded' : 'Failed';
}

function statusOf({ name, process }: Container): object {
  const status = process.exitStatus();
  const state = status === null ? { running: {} } : { terminated: { exitCode: status.code ?? 137 } };
  return { name, image: '', imageID: '', ready: status === null, restartCount: 0, state };
}

/** Takes over the lines that the process has written since, with the time of now. */
function takeLines(container: Container): void {
  const text = container.process.stdout();
  const end = text.lastIndexOf('\n') + 1;
  const time = new Date().toISOString().replace('Z', '000000Z');
  for (const line of text.slice(container.taken, end).split('\n').slice(0, -1))
    container.lines.push(`${time} ${line}\n`);
  container.taken = end;
}

/** As kubelets give logs with `timestamps=true`: from `sinceTime` on, to the end of the container where they are followed. */
function logsOf(containers: ReadonlyMap<string, Container>): LogHandler {
  async function write(container: Container, query: URLSearchParams, response: ServerResponse): Promise<void> {
    const since = query.get('sinceTime')?.replace('Z', '') ?? '';
    let next = 0;
    for (;;) {
      const isOver = container.process.exitStatus() !== null;
      takeLines(container);
      for (const line of container.lines.slice(next)) if (line >= since) response.write(line);
      next = container.lines.length;
      if (isOver || query.get('follow') !== 'true' || response.destroyed) break;
      await sleep(50);
    }
    response.end();
  }
  return ({ pod, query }, response) => {
    const container = [...containers.values()].findLast(({ key }) => key === pod);
    if (container === undefined) response.writeHead(400).end();
    else void write(container, query, response);
  };
}
