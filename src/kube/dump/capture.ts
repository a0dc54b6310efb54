import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isKubernetesName } from '../../core/cluster.ts';
import type { Cluster, ClusterResource, KubernetesObject, UsageQuery } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { redactedManifest } from '../../lib/kubernetes-object.ts';
import { redactInTurns } from '../../lib/redact.ts';
import { usageFile } from './forms.ts';
import { sectionMarkers } from '../live/logs.ts';
import { apiVersionOf, resourceNames, resourceTypes } from '../kinds/resources.ts';

export interface CaptureOptions {
  /** Must not exist, or be empty. */
  readonly directory: string;
  /** Absent: all of them. */
  readonly namespaces?: readonly string[];
  /** Keeps the values of config maps (redacted); else only their keys are kept. */
  readonly configMapData?: boolean;
  /** Last lines of each container's log; 1000 where absent. */
  readonly tailLines?: number;
  readonly signal: AbortSignal;
}

export interface CaptureSummary {
  readonly namespaces: number;
  readonly objects: number;
  readonly logs: number;
  /** What was asked for and not given, a line a kind, with the first reason: `ingresses in shop: forbidden (...)`. */
  readonly leftOut: readonly string[];
}

/** Reads at a time: polite to an API server, enough to hide its latency. */
const parallelReads = 6;

/**
 * Writes a folder that `openDump` reads, in the layout of `kubectl cluster-info dump`, from anything that can be read.
 * It holds no Secrets; managed fields and last applied configurations are dropped; values of variables, options and
 * text that look like secrets are masked, in logs too. Folders are 0700, files 0600.
 *
 * Throws InvalidInput for a folder with something in it, ClusterUnavailable, and the signal's reason.
 */
export async function captureCluster(cluster: Cluster, options: CaptureOptions): Promise<CaptureSummary> {
  await makeEmptyDirectory(options.directory);
  const counts = { objects: 0, logs: 0 };
  const namespaces = options.namespaces ?? (await findNamespaces(cluster));
  const invalid = namespaces.find((name) => !isKubernetesName(name));
  if (invalid !== undefined) throw new AppError('InvalidInput', `${JSON.stringify(invalid)} is no namespace's name`);

  const leftOut: LeftOut[] = [];
  const captureList = async (
    resource: ClusterResource,
    namespace: string | null,
  ): Promise<readonly KubernetesObject[]> => {
    options.signal.throwIfAborted();
    const result = await cluster.list({ resource, ...(namespace === null ? {} : { namespace }) });
    if (result.kind !== 'ok') {
      leftOut.push({ resource, namespace, kind: result.kind, reason: result.reason });
      return [];
    }
    await writeList(
      join(options.directory, namespace ?? '', `${resource}.json`),
      resource,
      result.value,
      options.configMapData === true,
    );
    counts.objects += result.value.length;
    return result.value;
  };
  const [ofNamespace, ofCluster] = [
    resourceNames.filter((name) => resourceTypes[name].namespaced),
    resourceNames.filter((name) => !resourceTypes[name].namespaced),
  ];
  const captureUsage = async (query: UsageQuery): Promise<void> => {
    options.signal.throwIfAborted();
    const result = await cluster.usage?.(query);
    // A cluster need not have it.
    if (result?.kind === 'forbidden') leftOut.push({ resource: usageName[query.of], ...query, ...result });
    if (result?.kind !== 'ok') return;
    const list = { kind: 'List', apiVersion: 'v1', metadata: {}, items: result.value.map(withKind(query.of)) };
    await writeJson(join(options.directory, ...usageFile(query)), list);
    counts.objects += result.value.length;
  };
  await inParallel(ofCluster, (resource) => captureList(resource, null));
  await captureUsage({ of: 'nodes', namespace: null });
  for (const namespace of namespaces) {
    await mkdir(join(options.directory, namespace), { mode: 0o700 });
    await captureUsage({ of: 'pods', namespace });
    await inParallel(ofNamespace, async (resource) => {
      const objects = await captureList(resource, namespace);
      if (resource !== 'pods') return;
      await inParallel(objects, async (pod) => {
        options.signal.throwIfAborted();
        counts.logs += await captureLogs(cluster, options, namespace, pod);
      });
    });
  }
  return { namespaces: namespaces.length, ...counts, leftOut: leftOutLines(leftOut) };
}

/** What it is called, as in rules of roles. */
const usageName = { pods: 'pods.metrics.k8s.io', nodes: 'nodes.metrics.k8s.io' } as const;

/** In lists the server leaves out what each item is. */
function withKind(of: UsageQuery['of']): (object: KubernetesObject) => object {
  const kind = of === 'pods' ? 'PodMetrics' : 'NodeMetrics';
  return (object) => redactedManifest({ ...object, apiVersion: 'metrics.k8s.io/v1beta1', kind }, null);
}

interface LeftOut {
  readonly resource: string;
  readonly namespace: string | null;
  readonly kind: string;
  readonly reason: string;
}

/** A line for each kind: what may not be read in one namespace often may not in dozens, and would hide the rest. */
function leftOutLines(all: readonly LeftOut[]): readonly string[] {
  const groups = Map.groupBy(all, ({ resource, kind }) => `${resource} ${kind}`);
  return [...groups.values()]
    .flatMap((group) =>
      group.slice(0, 1).map(({ resource, kind, reason }) => {
        const namespaces = group.flatMap(({ namespace }) => namespace ?? []);
        return `${resource}${placeOf(namespaces)}: ${kind} (${reason})`;
      }),
    )
    .sort();
}

function placeOf(namespaces: readonly string[]): string {
  if (namespaces.length < 2) return namespaces.map((name) => ` in ${name}`).join('');
  const some = [...namespaces.slice(0, 2), ...(namespaces.length > 2 ? ['...'] : [])];
  return ` in ${namespaces.length} namespaces (${some.join(', ')})`;
}

async function makeEmptyDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length === 0) return;
  throw new AppError('InvalidInput', `${directory} is not empty; nothing was written`, {
    next: `choose a new folder, or empty this one`,
  });
}

async function findNamespaces(cluster: Cluster): Promise<readonly string[]> {
  const result = await cluster.list({ resource: 'namespaces' });
  if (result.kind === 'ok') return result.value.map((namespace) => namespace.metadata.name);
  throw new AppError('InvalidInput', `the namespaces cannot be listed (${result.kind}: ${result.reason})`, {
    next: 'name them: --namespace NAME',
  });
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: parallelReads }, worker));
}

async function writeList(
  file: string,
  resource: ClusterResource,
  objects: readonly KubernetesObject[],
  configMapData: boolean,
): Promise<void> {
  const type = resourceTypes[resource];
  const items = objects.map((object) =>
    redactedManifest(object, resource === 'configmaps' && !configMapData ? leftOutValue : null),
  );
  const list = { kind: `${type.kind}List`, apiVersion: apiVersionOf(type), metadata: {}, items };
  await writeJson(file, list);
}

async function writeJson(file: string, value: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
}

/** What stands for the value of a config map's key. */
const leftOutValue = '[not captured]';

interface StatusOfContainers {
  readonly initContainerStatuses?: readonly { readonly name: string; readonly restartCount?: number }[];
  readonly containerStatuses?: readonly { readonly name: string; readonly restartCount?: number }[];
}

/** Returns how many logs there were. Where none could be had, the section says why, as kubectl's own does. */
async function captureLogs(
  cluster: Cluster,
  options: CaptureOptions,
  namespace: string,
  pod: KubernetesObject,
): Promise<number> {
  const { name } = pod.metadata;
  const status = (pod.status ?? {}) as unknown as StatusOfContainers;
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].filter(
    (container) => isKubernetesName(container.name),
  );
  if (containers.length === 0 || !isKubernetesName(name)) return 0;
  await mkdir(join(options.directory, namespace, name), { mode: 0o700 });
  let count = 0;
  const section = async (container: string, previous: boolean): Promise<string> => {
    const result = await cluster.logs({
      namespace,
      pod: name,
      container,
      previous,
      tailLines: options.tailLines ?? 1000,
    });
    const { start, end } = sectionMarkers(namespace, name, container);
    if (result.kind === 'ok') count += 1;
    // A line of the log that looks like a marker would end the section.
    const text =
      result.kind === 'ok'
        ? (await redactInTurns(result.value))
            .replaceAll('==== START logs', '=== START logs')
            .replaceAll('==== END logs', '=== END logs')
        : `Request log error: ${result.reason.replaceAll('\n', ' ')}\n`;
    return `${start}\n${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${end}\n`;
  };
  const write = async (file: string, sections: readonly string[]): Promise<void> =>
    writeFile(join(options.directory, namespace, name, file), sections.join(''), { mode: 0o600, flag: 'wx' });
  await write('logs.txt', await Promise.all(containers.map((container) => section(container.name, false))));
  const restarted = containers.filter((container) => (container.restartCount ?? 0) > 0);
  if (restarted.length > 0)
    await write('previous.txt', await Promise.all(restarted.map((container) => section(container.name, true))));
  return count;
}
