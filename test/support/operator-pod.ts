import type { ApiServer } from './api-server.ts';
import type { Cleanup } from './cleanup.ts';
import { readVersion } from '../../src/lib/version.ts';
import { cleanEnvironment, freePort, runProcess, startProcess, waitForHttp } from './processes.ts';
import type { RunningProcess } from './processes.ts';
import { waitFor } from './wait.ts';

// The part of a kubelet that runs the operator's pod: no more is made of its template than a process can be.

/** Where pods are of, and what their images hold. */
export interface OperatorPlace {
  readonly server: ApiServer;
  readonly namespace: string;
  /** `statefulset/punching-fist`. */
  readonly workload: string;
  /** `src/main.ts` by the tag of an image. */
  readonly programs: ReadonlyMap<string, string>;
  /** What is mounted at /data. */
  readonly volume: string;
  /** Where all of its pods answer, one after the other; absent: each has a port of its own. */
  readonly port?: number;
}

/** A pod that is ready. */
export interface OperatorPod {
  readonly name: string;
  /** The tag of its image. */
  readonly version: string;
  readonly process: RunningProcess;
  /** Where it answers; null once it is told to end. */
  url(): string | null;
  /**
   * As a pod is deleted: SIGTERM, SIGKILL after its grace. Rejects where it does not end within that, with 0, or with 4 where the machine was
   * too slow for its drain: what it had in work then goes on as after a 0.
   */
  stop(): Promise<void>;
  /** As a node dies. */
  kill(): Promise<void>;
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}

interface PodSpec {
  readonly serviceAccountName: string;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly [
    {
      readonly image: string;
      readonly args: readonly string[];
      readonly env: readonly Variable[];
      readonly readinessProbe: { readonly httpGet: { readonly path: string } };
    },
  ];
}

let started = 0;

/**
 * Starts what the template of the workload says now, with its arguments, its environment, a token of its account, and the program of its
 * image; other than in a pod its address is of this machine, and the API server's is in a kubeconfig. Resolves when its probe says ready.
 */
export async function startOperatorPod(cleanup: Cleanup, place: OperatorPlace): Promise<OperatorPod> {
  const { server, namespace, volume } = place;
  const read = (...words: readonly string[]): unknown =>
    JSON.parse(server.kubectl(['get', ...words, '-n', namespace, '-o', 'json']));
  const { spec } = (read(place.workload) as { spec: { template: { spec: PodSpec } } }).spec.template;
  const [{ image, args, env, readinessProbe }] = spec.containers;
  const name = `pod-${(started += 1)}`;
  const version = image.split(':').at(-1) ?? '';
  const program = place.programs.get(version);
  if (program === undefined) throw new Error(`no program is known for ${image}`);
  const environment = environmentOf(place, env);
  const address = `127.0.0.1:${place.port ?? (await freePort())}`;
  const kubeconfig = server.kubeconfig(name, { token: server.token(namespace, spec.serviceAccountName) });
  const words = args.map((word) => (word.startsWith('--listen=') ? `--listen=${address}` : word));
  const process_ = startProcess(process.execPath, [program, ...words, `--kubeconfig=${kubeconfig}`], {
    cwd: volume,
    environment: cleanEnvironment({ HOME: volume, ...environment }),
  });
  cleanup.defer(() => process_.kill());
  await waitForHttp(process_, `http://${address}${readinessProbe.httpGet.path}`, 60_000);
  let isEnding = false;
  return {
    name,
    version,
    process: process_,
    url: () => (isEnding ? null : `http://${address}`),
    async stop() {
      isEnding = true;
      const { code, signal } = await process_.stop(spec.terminationGracePeriodSeconds * 1000);
      if (code !== 0 && code !== 4)
        throw new Error(`${name} ended with ${code ?? signal}\n${process_.stderr().slice(-4000)}`);
    },
    async kill() {
      isEnding = true;
      await process_.kill();
    },
  };
}

/** As a container has it, but for what is mounted at /data. */
function environmentOf(
  { server, namespace, volume }: Pick<OperatorPlace, 'server' | 'namespace' | 'volume'>,
  variables: readonly Variable[],
): Readonly<Record<string, string>> {
  const valueOf = ({ value = '', valueFrom }: Variable): string => {
    if (valueFrom === undefined) return value.replace(/^\/data\//, `${volume}/`);
    const { name, key } = valueFrom.secretKeyRef;
    const secret = JSON.parse(server.kubectl(['get', 'secret', name, '-n', namespace, '-o', 'json'])) as {
      readonly data: Readonly<Record<string, string>>;
    };
    return Buffer.from(secret.data[key] ?? '', 'base64').toString();
  };
  return Object.fromEntries(variables.map((variable) => [variable.name, valueOf(variable)]));
}

interface TestContainer {
  readonly args: readonly string[];
  readonly env: readonly Variable[];
}

/**
 * The part of a kubelet that runs the pod of `helm test`: its containers one after the other, against the server at `url`. Returns what
 * they printed. Rejects with what the one printed that failed.
 */
export async function runTestPod(place: OperatorPlace, name: string, url: string): Promise<string> {
  const { server, namespace, volume } = place;
  const words = ['pod', name, '-n', namespace];
  const shown = await waitFor(
    'the pod of helm test',
    () => server.kubectl(['get', ...words, '--ignore-not-found', '-o', 'json']) || null,
    { timeoutMs: 60_000, everyMs: 500 },
  );
  const { spec } = JSON.parse(shown) as {
    readonly spec: {
      readonly initContainers?: readonly TestContainer[];
      readonly containers: readonly TestContainer[];
    };
  };
  const program = place.programs.get(readVersion()) ?? '';
  let printed = '';
  let phase = 'Succeeded';
  for (const { args, env } of [...(spec.initContainers ?? []), ...spec.containers]) {
    const own = args.map((word, index) => (args[index - 1] === '--server' ? url : word));
    const { code, stdout, stderr } = await runProcess(process.execPath, [program, ...own], {
      environment: cleanEnvironment({ HOME: volume, ...environmentOf(place, env) }),
      timeoutMs: 150_000,
    });
    printed += stdout;
    if (code === 0) continue;
    phase = 'Failed';
    printed += stderr;
    break;
  }
  server.kubectl(['patch', ...words, '--subresource=status', '-p', JSON.stringify({ status: { phase } })]);
  if (phase === 'Failed') throw new Error(printed);
  return printed;
}

/** Says of a StatefulSet that its pod is ready, as its controller does, so that `helm install --wait` comes to its end. Waits until it is made. */
export async function tellReady(server: ApiServer, namespace: string, name: string): Promise<void> {
  const counts = { replicas: 1, readyReplicas: 1, currentReplicas: 1, updatedReplicas: 1, availableReplicas: 1 };
  const status = { ...counts, observedGeneration: 1, currentRevision: '1', updateRevision: '1' };
  const place = ['statefulset', name, '-n', namespace];
  await waitFor('the StatefulSet', () => server.kubectl(['get', ...place, '--ignore-not-found', '-o', 'name']) !== '', {
    timeoutMs: 60_000,
    everyMs: 500,
  });
  server.kubectl(['patch', ...place, '--subresource=status', '-p', JSON.stringify({ status })]);
}
