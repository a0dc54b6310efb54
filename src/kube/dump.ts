import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isKubernetesName } from '../core/cluster.ts';
import type {
  Cluster,
  ClusterResource,
  KubernetesObject,
  ListQuery,
  LogQuery,
  Observation,
  ReadResult,
} from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import { toTimestamp } from '../core/time.ts';
import { fileProblem } from '../lib/file-problem.ts';
import { observationOf, timeFields } from './dump-clock.ts';
import { dumpFolders, readDumpFile } from './dump-files.ts';
import { eventLoopTurns, finishInTurns } from '../lib/turns.ts';
import type { Pieces } from '../lib/turns.ts';
import { parseListItems } from './list-items.ts';
import { lastLines, parseLogSections, requestError } from './logs.ts';
import { apiVersionOf, resourceTypes } from './resources.ts';

/** A larger list is refused: it would not fit into memory as JSON. */
const maxListBytes = 128 * 1024 * 1024;
/** Of the logs of a pod the end is read: what kubectl writes without `--tail` is more than anybody looks at. */
const maxLogBytes = 4 * 1024 * 1024;

interface ParsedList {
  readonly kind: 'list';
  readonly items: readonly KubernetesObject[];
  /** Newest time in it; empty where it has none. */
  readonly newest: string;
}

type List = ParsedList | { readonly kind: 'absent' } | { readonly kind: 'refused'; readonly reason: string };

/** Names of the namespaces; of those whose folder is refused, why. */
interface Namespaces {
  readonly names: readonly string[];
  readonly refused: ReadonlyMap<string, string>;
}

/** What an option gives to tests, which do not write hundreds of megabytes. */
export interface DumpLimits {
  readonly maxListBytes: number;
  readonly maxLogBytes: number;
}

/**
 * A folder as `kubectl cluster-info dump --output-directory` writes it, with any further `<resource>.json` List per
 * namespace, cluster-scoped ones at the top, and `<namespace>/<pod>/previous.txt`. Files are read when they are needed,
 * once. A list that has no file was not captured, nor one whose file is refused (dump-files.ts); an object that is not in
 * its list does not exist.
 *
 * Throws ClusterUnavailable where the folder does not exist, is no dump, or holds a file that cannot be read.
 */
export async function openDump(
  directory: string,
  limits: DumpLimits = { maxListBytes, maxLogBytes },
): Promise<Cluster> {
  const found = await findNamespaces(directory);
  const { names: namespaces } = found;
  const cache = new Map<string, Promise<List>>();

  const readList = async (resource: ClusterResource, namespace: string | null): Promise<List> => {
    const parts = [...(namespace === null ? [] : [namespace]), `${resource}.json`];
    const key = parts.join('/');
    const cached = cache.get(key) ?? parseList(directory, parts, resource, limits.maxListBytes);
    cache.set(key, cached);
    return cached;
  };
  const listOne = async (
    resource: ClusterResource,
    namespace: string | null,
  ): Promise<ReadResult<readonly KubernetesObject[]>> => {
    const missing = namespace === null ? null : missingNamespace(found, namespace);
    if (missing !== null) return notCaptured(missing);
    const list = await readList(resource, namespace);
    const where = namespace === null ? '' : `${namespace}/`;
    if (list.kind === 'absent') return notCaptured(`the dump has no ${where}${resource}.json`);
    return list.kind === 'refused' ? notCaptured(list.reason) : { kind: 'ok', value: list.items };
  };
  const listAll = async (resource: ClusterResource): Promise<ReadResult<readonly KubernetesObject[]>> => {
    const lists = await Promise.all(namespaces.map((namespace) => readList(resource, namespace)));
    // What is refused may hold what is asked for.
    const [refusal] = [
      ...found.refused.values(),
      ...lists.flatMap((one) => (one.kind === 'refused' ? one.reason : [])),
    ];
    if (refusal !== undefined) return notCaptured(refusal);
    const captured = lists.flatMap((one) => (one.kind === 'list' ? [one.items] : []));
    return captured.length === 0
      ? notCaptured(`no namespace of the dump has ${resource}.json`)
      : { kind: 'ok', value: captured.flat() };
  };
  const list = async (query: ListQuery): Promise<ReadResult<readonly KubernetesObject[]>> => {
    const all = resourceTypes[query.resource].namespaced && query.namespace === undefined;
    const scope = resourceTypes[query.resource].namespaced ? (query.namespace ?? null) : null;
    const result = all ? await listAll(query.resource) : await listOne(query.resource, scope);
    if (result.kind !== 'ok' || query.labels === undefined) return result;
    return { kind: 'ok', value: result.value.filter((object) => hasLabels(object, query.labels)) };
  };

  const observe = async (): Promise<Observation> => {
    const wanted = namespaces.flatMap((namespace) => timedResources.map((resource) => readList(resource, namespace)));
    const lists = await Promise.all([readList('nodes', null), ...wanted]);
    const newest = lists.reduce(
      (time, parsed) => (parsed.kind === 'list' && parsed.newest > time ? parsed.newest : time),
      '',
    );
    if (newest === '') return { at: toTimestamp((await stat(directory)).mtimeMs), ahead: [] };
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    return observationOf(
      newest,
      lists.flatMap((parsed) => (parsed.kind === 'list' ? parsed.items : [])),
    );
  };
  let observation: Promise<Observation> | undefined;

  return {
    description: `dump ${directory}`,
    list,
    async get(resource, namespace, name) {
      const { namespaced } = resourceTypes[resource];
      const result = await list({ resource, ...(namespaced && namespace !== null ? { namespace } : {}) });
      if (result.kind !== 'ok') return result;
      return { kind: 'ok', value: result.value.find((object) => object.metadata.name === name) ?? null };
    },
    logs: (query) => readLogs(directory, found, query, limits.maxLogBytes),
    // A look at all objects, and each investigation asks.
    observedAt: () => (observation ??= observe()),
  };
}

/** Lists whose times make the clock of a dump. */
const timedResources = ['events', 'pods', 'deployments', 'replicasets'] as const;

const notCaptured = (reason: string): { readonly kind: 'not_captured'; readonly reason: string } => ({
  kind: 'not_captured',
  reason,
});
const shown = (name: string): string => JSON.stringify(name.slice(0, 80));

async function findNamespaces(directory: string): Promise<Namespaces> {
  const folders = await dumpFolders(directory).catch((error: unknown) => {
    throw unavailable(`the dump ${directory} cannot be read (${fileProblem(error)})`, error);
  });
  const names: string[] = [];
  const refused = new Map<string, string>();
  for (const [name, { refusal }] of folders) {
    if (refusal !== null) refused.set(name, refusal);
    else if ((await readdir(join(directory, name))).some(isList)) names.push(name);
  }
  if (names.length === 0 && !(await readdir(directory)).includes('nodes.json')) {
    throw unavailable(
      `${directory} is no cluster dump: it has neither nodes.json nor a folder with a namespace's lists`,
    );
  }
  return { names: names.sort(), refused };
}

function isList(file: string): boolean {
  return file.endsWith('.json') && Object.hasOwn(resourceTypes, file.slice(0, -'.json'.length));
}

function missingNamespace({ names, refused }: Namespaces, namespace: string): string | null {
  if (names.includes(namespace)) return null;
  return refused.get(namespace) ?? `namespace ${shown(namespace)} is not in the dump (it has: ${names.join(', ')})`;
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

const timeField = new RegExp(
  `"(?:${[...timeFields].join('|')})": ?"(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d)(\\.\\d+)?Z"`,
  'g',
);

async function parseList(
  directory: string,
  parts: readonly string[],
  resource: ClusterResource,
  maxBytes: number,
): Promise<List> {
  const path = join(directory, ...parts);
  const file = await readDumpFile(directory, parts, { maxBytes }).catch((error: unknown) => {
    throw unavailable(`${path} cannot be read (${fileProblem(error)})`, error);
  });
  if (file.kind !== 'bytes') return file;
  let items: readonly unknown[] | null;
  try {
    items = await finishInTurns(parseListItems(file.bytes));
  } catch (error) {
    throw unavailable(
      `${path} is not JSON (${errorText(error)}); a dump in YAML is not read, use --output=json`,
      error,
    );
  }
  if (items === null) throw unavailable(`${path} is no List: it has no items`);
  return {
    kind: 'list',
    items: items.filter(isObject).map((object) => withType(object, resource)),
    newest: await finishInTurns(newestTime(file.bytes)),
  };
}

/** Looked through between two turns. */
const bytesAtOnce = 1024 * 1024;

function* newestTime(bytes: Buffer): Pieces<string> {
  let newest = '';
  for (let from = 0; from < bytes.length; from += bytesAtOnce) {
    // A field that the cut parts is found in the next part.
    const part = bytes.toString('latin1', Math.max(0, from - 100), from + bytesAtOnce);
    newest = newestTimeIn(part, newest);
    yield;
  }
  return newest;
}

function newestTimeIn(text: string, before: string): string {
  let newest = before;
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

/** Equality of every label asked for. */
export function hasLabels(object: KubernetesObject, labels: Readonly<Record<string, string>> | undefined): boolean {
  return Object.entries(labels ?? {}).every(([name, value]) => object.metadata.labels?.[name] === value);
}

async function readLogs(
  directory: string,
  namespaces: Namespaces,
  query: LogQuery,
  maxBytes: number,
): Promise<ReadResult<string>> {
  const { namespace, pod, container } = query;
  const missing = missingNamespace(namespaces, namespace);
  if (missing !== null) return notCaptured(missing);
  if (!isKubernetesName(pod)) return notCaptured(`${shown(pod)} is no pod name`);
  const file = query.previous ? 'previous.txt' : 'logs.txt';
  const found = await readDumpFile(directory, [namespace, pod, file], { maxBytes, endWillDo: true }).catch(
    (error: unknown) => {
      throw unavailable(`${join(directory, namespace, pod, file)} cannot be read (${fileProblem(error)})`, error);
    },
  );
  if (found.kind === 'absent') return notCaptured(`the dump has no ${namespace}/${pod}/${file}`);
  if (found.kind === 'refused') return notCaptured(found.reason);
  if (eventLoopTurns.isOver()) await eventLoopTurns.next();
  const sections = parseLogSections(found.bytes.toString('utf8'), namespace, pod, found.isEnd).filter(
    (section) => section.container === container,
  );
  if (sections.length === 0)
    return notCaptured(`${namespace}/${pod}/${file} has no section of container ${shown(container)}`);
  const failure = sections.map((section) => requestError(section.text)).find((reason) => reason !== null);
  if (failure !== undefined && failure !== null) return notCaptured(`kubectl could not get this log: ${failure}`);
  return { kind: 'ok', value: lastLines(sections.map((section) => section.text).join(''), query.tailLines) };
}
