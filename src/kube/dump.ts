import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isKubernetesName } from '../core/cluster.ts';
import type { Cluster, ClusterResource, KubernetesObject, ListQuery, LogQuery, ReadResult } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import { toTimestamp } from '../core/time.ts';
import { fileProblem } from '../lib/file-problem.ts';
import { lastLines, parseLogSections, requestError } from './logs.ts';
import { apiVersionOf, resourceTypes } from './resources.ts';

/** A larger file is refused: it would not fit into memory as JSON. */
const maxFileBytes = 400 * 1024 * 1024;

interface ParsedList {
  readonly items: readonly KubernetesObject[];
  /** Newest time in it; empty where it has none. */
  readonly newest: string;
}

/**
 * A folder as `kubectl cluster-info dump --output-directory` writes it, with any further `<resource>.json` List per
 * namespace, cluster-scoped ones at the top, and `<namespace>/<pod>/previous.txt`. Files are read when they are needed,
 * once. A list that has no file was not captured; an object that is not in its list does not exist.
 *
 * Throws ClusterUnavailable where the folder does not exist, is no dump, or holds a file that cannot be read.
 */
export async function openDump(directory: string): Promise<Cluster> {
  const namespaces = await findNamespaces(directory);
  const cache = new Map<string, Promise<ParsedList | null>>();

  const readList = async (resource: ClusterResource, namespace: string | null): Promise<ParsedList | null> => {
    const file = join(directory, ...(namespace === null ? [] : [namespace]), `${resource}.json`);
    const cached = cache.get(file) ?? parseList(file, resource);
    cache.set(file, cached);
    return cached;
  };
  const listOne = async (
    resource: ClusterResource,
    namespace: string | null,
  ): Promise<ReadResult<readonly KubernetesObject[]>> => {
    if (namespace !== null && !namespaces.includes(namespace))
      return notCaptured(`namespace ${shown(namespace)} is not in the dump (it has: ${namespaces.join(', ')})`);
    const list = await readList(resource, namespace);
    const where = namespace === null ? '' : `${namespace}/`;
    return list === null ? notCaptured(`the dump has no ${where}${resource}.json`) : { kind: 'ok', value: list.items };
  };
  const list = async (query: ListQuery): Promise<ReadResult<readonly KubernetesObject[]>> => {
    const all = resourceTypes[query.resource].namespaced && query.namespace === undefined;
    const scope = resourceTypes[query.resource].namespaced ? (query.namespace ?? null) : null;
    const result = all ? await listAll(query.resource, namespaces, listOne) : await listOne(query.resource, scope);
    return result.kind === 'ok'
      ? { kind: 'ok', value: result.value.filter((object) => hasLabels(object, query.labels)) }
      : result;
  };

  return {
    description: `dump ${directory}`,
    list,
    async get(resource, namespace, name) {
      const { namespaced } = resourceTypes[resource];
      const result = await list({ resource, ...(namespaced && namespace !== null ? { namespace } : {}) });
      if (result.kind !== 'ok') return result;
      return { kind: 'ok', value: result.value.find((object) => object.metadata.name === name) ?? null };
    },
    logs: (query) => readLogs(directory, namespaces, query),
    async observedAt() {
      const wanted = namespaces.flatMap((namespace) => timedResources.map((resource) => readList(resource, namespace)));
      const lists = await Promise.all([readList('nodes', null), ...wanted]);
      const newest = lists.reduce(
        (time, parsed) => (parsed !== null && parsed.newest > time ? parsed.newest : time),
        '',
      );
      return newest === '' ? toTimestamp((await stat(directory)).mtimeMs) : newest;
    },
  };
}

/** Lists whose times make the clock of a dump. */
const timedResources = ['events', 'pods', 'deployments', 'replicasets'] as const;

const notCaptured = (reason: string): { readonly kind: 'not_captured'; readonly reason: string } => ({
  kind: 'not_captured',
  reason,
});
const shown = (name: string): string => JSON.stringify(name.slice(0, 80));

async function findNamespaces(directory: string): Promise<readonly string[]> {
  let entries: readonly Dirent[];
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch (error) {
    throw unavailable(`the dump ${directory} cannot be read (${fileProblem(error)})`, error);
  }
  const namespaces: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory() || !isKubernetesName(entry.name)) continue;
    const files = await readdir(join(directory, entry.name));
    if (files.some((file) => file.endsWith('.json') && Object.hasOwn(resourceTypes, file.slice(0, -'.json'.length)))) {
      namespaces.push(entry.name);
    }
  }
  if (namespaces.length === 0 && !entries.some((entry) => entry.name === 'nodes.json')) {
    throw unavailable(
      `${directory} is no cluster dump: it has neither nodes.json nor a folder with a namespace's lists`,
    );
  }
  return namespaces.sort();
}

function unavailable(message: string, cause?: unknown): AppError {
  const next = 'kubectl cluster-info dump --all-namespaces --output-directory DIR, then give that DIR';
  return new AppError('ClusterUnavailable', message, {
    next,
    retryable: false,
    ...(cause === undefined ? {} : { cause }),
  });
}

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Fields whose values are moments of the cluster's own clock. */
const timeField =
  /"(?:creationTimestamp|lastTimestamp|firstTimestamp|eventTime|lastTransitionTime|lastUpdateTime|lastHeartbeatTime|startTime|startedAt|finishedAt|lastObservedTime)": ?"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z"/g;

async function parseList(file: string, resource: ClusterResource): Promise<ParsedList | null> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > maxFileBytes) throw new Error(`${size} bytes are more than ${maxFileBytes}`);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unavailable(`${file} cannot be read (${fileProblem(error)})`, error);
  }
  let items: unknown;
  try {
    items = (JSON.parse(text) as { items?: unknown } | null)?.items ?? [];
  } catch (error) {
    throw unavailable(
      `${file} is not JSON (${errorText(error)}); a dump in YAML is not read, use --output=json`,
      error,
    );
  }
  if (!Array.isArray(items)) throw unavailable(`${file} is no List: it has no items`);
  return { items: items.filter(isObject).map((object) => withType(object, resource)), newest: newestTime(text) };
}

function newestTime(text: string): string {
  let newest = '';
  for (const [, seconds = '', fraction = '.000'] of text.matchAll(timeField)) {
    const time = `${seconds}${fraction.slice(0, 4).padEnd(4, '0')}Z`;
    if (time > newest) newest = time;
  }
  return newest;
}

function isObject(item: unknown): item is KubernetesObject {
  const metadata = (item as { metadata?: { name?: unknown } } | null)?.metadata;
  return typeof metadata?.name === 'string';
}

/** Items of a typed list (`PodList`) carry no type of their own. */
function withType(object: KubernetesObject, resource: ClusterResource): KubernetesObject {
  if (object.kind !== undefined && object.apiVersion !== undefined) return object;
  const type = resourceTypes[resource];
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

async function listAll(
  resource: ClusterResource,
  namespaces: readonly string[],
  listOne: (resource: ClusterResource, namespace: string) => Promise<ReadResult<readonly KubernetesObject[]>>,
): Promise<ReadResult<readonly KubernetesObject[]>> {
  const results = await Promise.all(namespaces.map((namespace) => listOne(resource, namespace)));
  const captured = results.flatMap((result) => (result.kind === 'ok' ? [result.value] : []));
  return captured.length === 0
    ? notCaptured(`no namespace of the dump has ${resource}.json`)
    : { kind: 'ok', value: captured.flat() };
}

/** Equality of every label asked for. */
export function hasLabels(object: KubernetesObject, labels: Readonly<Record<string, string>> | undefined): boolean {
  return Object.entries(labels ?? {}).every(([name, value]) => object.metadata.labels?.[name] === value);
}

async function readLogs(
  directory: string,
  namespaces: readonly string[],
  query: LogQuery,
): Promise<ReadResult<string>> {
  const { namespace, pod, container } = query;
  if (!namespaces.includes(namespace)) return notCaptured(`namespace ${shown(namespace)} is not in the dump`);
  if (!isKubernetesName(pod)) return notCaptured(`${shown(pod)} is no pod name`);
  const file = query.previous ? 'previous.txt' : 'logs.txt';
  let text: string;
  try {
    text = await readFile(join(directory, namespace, pod, file), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return notCaptured(`the dump has no ${namespace}/${pod}/${file}`);
    throw unavailable(`${join(directory, namespace, pod, file)} cannot be read (${fileProblem(error)})`, error);
  }
  const sections = parseLogSections(text, namespace, pod).filter((section) => section.container === container);
  if (sections.length === 0)
    return notCaptured(`${namespace}/${pod}/${file} has no section of container ${shown(container)}`);
  const failure = sections.map((section) => requestError(section.text)).find((reason) => reason !== null);
  if (failure !== undefined && failure !== null) return notCaptured(`kubectl could not get this log: ${failure}`);
  return { kind: 'ok', value: lastLines(sections.map((section) => section.text).join(''), query.tailLines) };
}
