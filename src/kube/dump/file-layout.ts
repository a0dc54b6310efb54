import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isKubernetesName } from '../../core/cluster.ts';
import type { ClusterResource, KubernetesObject, LogQuery, ReadResult } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import { finishInTurns } from '../../lib/turns.ts';
import { newestOf } from './dump-clock.ts';
import { readDumpFile } from './dump-files.ts';
import { notCaptured, unavailable, withType } from './layout.ts';
import type { DumpLimits, Layout } from './layout.ts';
import { lastLines, requestError } from '../live/logs.ts';
import { asUtf8, isJson, NoObjects } from './objects-text.ts';
import { parseObjects } from './objects.ts';
import type { ParsedObjects } from './objects-text.ts';
import { splitPrintedDump } from './printed-dump.ts';
import type { PrintedLog } from './printed-dump.ts';
import { getCommand } from '../connection/remedies.ts';
import { resourceNames, resourceTypes } from '../kinds/resources.ts';

/**
 * A file with objects of any kinds, as `kubectl get pods,events -o json` or `-o yaml` prints them. Throws ClusterUnavailable
 * where it is none.
 */
export async function openFile(path: string, named: string, limits: DumpLimits): Promise<Layout> {
  try {
    const found = await readFile(path, limits.maxListBytes);
    const layout = layoutOf(found, [path], limits.maxLogBytes);
    if (layout !== null) return layout;
    throw unavailable(
      `${named} has no object that an investigation reads (${found.listed.length + found.single.length} of other kinds)`,
    );
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (!(error instanceof NoObjects)) throw unavailable(`the dump ${named} cannot be read (${fileProblem(error)})`);
    throw unavailable(`${named} is no archive (.tar, .tar.gz) of a captured cluster, and ${error.message}`, error);
  }
}

/** More files are no capture that somebody made by hand. */
const maxFiles = 1000;

/** The same of files beside each other; those that have other things are left out. Null where none has an object to read. */
export async function openFiles(paths: readonly string[], limits: DumpLimits): Promise<Layout | null> {
  const [listed, single]: [KubernetesObject[], KubernetesObject[]] = [[], []];
  const logs: PrintedLog[] = [];
  let left = limits.maxListBytes;
  for (const path of paths.slice(0, maxFiles)) {
    const { size } = await stat(path);
    if (size > left) throw unavailable(`the files beside ${path} have more than ${limits.maxListBytes} bytes`);
    left -= size;
    const found = await readFile(path, limits.maxListBytes).catch((error: unknown) => {
      if (error instanceof NoObjects) return { listed: [], single: [], logs: [] };
      throw error;
    });
    for (const object of found.listed) listed.push(object);
    for (const object of found.single) single.push(object);
    for (const log of found.logs) logs.push(log);
  }
  return layoutOf({ listed, single, logs }, paths, limits.maxLogBytes);
}

interface Found extends ParsedObjects {
  readonly logs: readonly PrintedLog[];
}

async function readFile(path: string, maxBytes: number): Promise<Found> {
  const file = await readDumpFile(dirname(path), [basename(path)], { maxBytes });
  if (file.kind === 'refused') throw unavailable(`the dump ${path} cannot be read: ${file.reason}`);
  if (file.kind === 'absent') throw unavailable(`the dump ${path} is not there any more`);
  const bytes = asUtf8(file.bytes);
  const printed = isJson(bytes) ? await finishInTurns(splitPrintedDump(bytes)) : null;
  const [listed, single]: [KubernetesObject[], KubernetesObject[]] = [[], []];
  for (const part of printed?.lists ?? [bytes]) {
    const found = await parseObjects(part);
    for (const object of found.listed) listed.push(object);
    for (const object of found.single) single.push(object);
  }
  return { listed, single, logs: printed?.logs ?? [] };
}

interface Group {
  readonly items: KubernetesObject[];
  newest: string;
  readonly extent: 'listed' | 'single';
}

/**
 * What was asked for is not known: a kind that is not in it may be absent or not asked for, so it was not captured, and
 * neither was an object. Null where there is nothing that an investigation reads.
 */
function layoutOf({ listed, single, logs }: Found, paths: readonly string[], maxLogBytes: number): Layout | null {
  const groups = new Map<string, Group>();
  const namespaces = new Set<string>();
  for (const [at, object] of [...listed, ...single].entries()) {
    const resource = resourceOf(object);
    const namespace = resource === null ? null : namespaceOf(object, resource);
    if (resource === null || namespace === null) continue;
    if (namespace !== '') namespaces.add(namespace);
    const key = `${namespace}/${resource}`;
    const group = groups.get(key) ?? { items: [], newest: '', extent: at < listed.length ? 'listed' : 'single' };
    groups.set(key, group);
    group.items.push(withType(object, resource));
    const time = newestOf(object);
    if (time > group.newest) group.newest = time;
  }
  if (groups.size === 0) return null;
  const form = paths.length === 1 ? 'file' : 'folder of files';
  return {
    form,
    namespaces: { names: [...namespaces].sort(), refused: new Map() },
    readList: async (resource, namespace) => {
      const group = groups.get(`${namespace ?? ''}/${resource}`);
      const where = namespace === null ? '' : ` of namespace ${namespace}`;
      if (group === undefined) return { kind: 'absent', reason: `the ${form} has no ${resource}${where}` };
      return { kind: 'list', items: group.items, extent: group.extent };
    },
    newestTime: async (resource, namespace) => groups.get(`${namespace ?? ''}/${resource}`)?.newest ?? '',
    readLog: async (query) => readLog(logs, { form, maxLogBytes }, query),
    remedyFor: (resource, namespace) =>
      resource === 'pods/log'
        ? 'capture a folder, which has logs: fist capture --output-directory DIR'
        : `add the output of ${getCommand(resource, namespace)}`,
    beside: async () => [],
    changedMs: async () => Math.max(...(await Promise.all(paths.map(async (path) => (await stat(path)).mtimeMs)))),
  };
}

function readLog(
  logs: readonly PrintedLog[],
  { form, maxLogBytes }: { readonly form: string; readonly maxLogBytes: number },
  query: LogQuery,
): ReadResult<string> {
  const { namespace, pod, container, previous, tailLines } = query;
  const log = logs.find((one) => one.namespace === namespace && one.pod === pod && one.container === container);
  if (log === undefined || previous)
    return notCaptured(`the ${form} has no ${logs.length === 0 ? 'logs' : 'such log'}`);
  const text = log.text.toString('utf8', Math.max(0, log.text.length - maxLogBytes));
  const failure = requestError(text);
  return failure === null
    ? { kind: 'ok', value: lastLines(text, tailLines) }
    : notCaptured(`kubectl could not get this log: ${failure}`);
}

/** Empty for what is of the cluster; null for a name that is none. */
function namespaceOf({ metadata }: KubernetesObject, resource: ClusterResource): string | null {
  if (!resourceTypes[resource].namespaced) return '';
  const { namespace = 'default' } = metadata;
  return isKubernetesName(namespace) ? namespace : null;
}

const resourceOfKind = new Map(resourceNames.map((name) => [resourceTypes[name].kind, name]));

/** Whatever version of the API it is of; null where nothing reads such. */
function resourceOf({ apiVersion = '', kind = '' }: KubernetesObject): ClusterResource | null {
  const resource = resourceOfKind.get(kind);
  if (resource === undefined) return null;
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const wanted = resourceTypes[resource].group;
  return group === wanted || (kind === 'Event' && group === 'events.k8s.io') ? resource : null;
}
