import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type {
  Cluster,
  ClusterResource,
  KubernetesObject,
  ListQuery,
  Observation,
  ReadResult,
  UsageQuery,
} from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { toTimestamp } from '../../core/time.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import { unpackArchive } from './archive.ts';
import type { Unpacked } from './archive.ts';
import { observationOf, observationOfNodes } from './dump-clock.ts';
import { openFile, openFiles } from './file-layout.ts';
import { openFolders } from './folder-layout.ts';
import { foldersIn, forms } from './forms.ts';
import type { Form } from './forms.ts';
import { notCaptured, shown, unavailable } from './layout.ts';
import type { DumpLimits, Layout, List } from './layout.ts';
import { resourceTypes } from '../kinds/resources.ts';

const defaultLimits: DumpLimits = { maxListBytes: 128 * 1024 * 1024, maxLogBytes: 4 * 1024 * 1024 };

/** A cluster that was captured. */
export interface Dump extends Cluster {
  /** Removes what was unpacked. */
  close(): Promise<void>;
}

/**
 * What was captured of a cluster, whatever wrote it: a folder of one of the forms (forms.ts), JSON or YAML of objects, or an
 * archive of these. A list that has no file was not captured, nor one whose file is refused (dump-files.ts); an object that
 * is not in its list does not exist, if the list is whole.
 *
 * Throws ClusterUnavailable where there is nothing, it is none of these, or it holds a file that cannot be read.
 */
export async function openDump(path: string, limits: DumpLimits = defaultLimits): Promise<Dump> {
  const problem = (error: unknown) => unavailable(`the dump ${path} cannot be read (${fileProblem(error)})`, error);
  const status = await stat(path).catch((error: unknown) => {
    throw problem(error);
  });
  if (status.isDirectory()) return clusterOf(await openFolder(path, path, limits), path, null);
  const unpacked = status.isFile() ? await unpackArchive(path) : null;
  if (unpacked === null) return clusterOf(await openFile(await realpath(path), path, limits), path, null);
  try {
    return clusterOf(await openFolder(unpacked.folder, path, limits), path, unpacked);
  } catch (error) {
    await unpacked.remove();
    throw error;
  }
}

/** Folders above what was captured: an archive has one or two, `must-gather.local.42/quay-io-.../`. */
const mostLevels = 3;
/** Folders that are looked into; a capture is not deep in a home folder. */
const mostFolders = 2000;

async function openFolder(folder: string, named: string, limits: DumpLimits): Promise<Layout> {
  try {
    for await (const level of levelsOf(folder)) {
      const found = await findForm(level, folder, named);
      if (found !== null) return await openFolders(found.form, found.roots, limits);
    }
    for await (const level of levelsOf(folder)) {
      const files = (await Promise.all(level.map(looseFiles))).flat();
      const layout = files.length === 0 ? null : await openFiles(files, limits);
      if (layout !== null) return layout;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unavailable(`the dump ${named} cannot be read (${fileProblem(error)})`, error);
  }
  const tried = forms.toReversed().map((form) => `no ${form.called} (${form.marks})`);
  throw unavailable(`${named} is ${tried.join(', ')}, and has no JSON or YAML of objects that an investigation reads`);
}

/** Folders of the same depth, from the top. */
async function* levelsOf(folder: string): AsyncGenerator<readonly string[]> {
  let level: readonly string[] = [folder];
  let looked = 0;
  for (let depth = 0; depth <= mostLevels && level.length > 0; depth += 1) {
    looked += level.length;
    yield level;
    const below = await Promise.all(level.map(async (root) => (await foldersIn(root)).map((name) => join(root, name))));
    level = below
      .flat()
      .sort()
      .slice(0, mostFolders - looked);
  }
}

/** The form of folders of one depth. Only of a must-gather several are parts of one capture. */
async function findForm(
  level: readonly string[],
  folder: string,
  named: string,
): Promise<{ readonly form: Form; readonly roots: readonly string[] } | null> {
  for (const form of forms) {
    const isOne = await Promise.all(level.map((root) => form.isAt(root)));
    const roots = level.filter((_, place) => isOne[place]);
    if (roots.length === 0) continue;
    if (roots.length === 1 || form.hasParts) return { form, roots };
    const names = roots.slice(0, 5).map((root) => relative(folder, root));
    throw unavailable(
      `${named} is no ${form.called}, it holds ${roots.length} (${names.join(', ')}): name one of them`,
    );
  }
  return null;
}

async function looseFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(?:json|ya?ml)$/.test(entry.name))
    .map((entry) => join(folder, entry.name))
    .sort();
}

function clusterOf(layout: Layout, path: string, unpacked: Unpacked | null): Dump {
  const { names: namespaces, refused } = layout.namespaces;
  const cache = new Map<string, Promise<List>>();

  const readList = async (resource: ClusterResource, namespace: string | null): Promise<List> => {
    const key = `${namespace ?? ''}/${resource}`;
    const cached = cache.get(key) ?? layout.readList(resource, namespace);
    cache.set(key, cached);
    // What could not be read is read anew when it is asked for again.
    cached.catch(() => cache.delete(key));
    return cached;
  };
  const missingNamespace = (namespace: string): string | null => {
    if (namespaces.includes(namespace)) return null;
    return (
      refused.get(namespace) ??
      `namespace ${shown(namespace)} is not in the ${layout.form} (it has: ${namespaces.join(', ')})`
    );
  };
  const listOne = async (resource: ClusterResource, namespace: string | null): Promise<List> => {
    const missing = namespace === null ? null : missingNamespace(namespace);
    return missing === null ? readList(resource, namespace) : { kind: 'absent', reason: missing };
  };
  const listAll = async (resource: ClusterResource): Promise<ReadResult<readonly KubernetesObject[]>> => {
    const lists = await Promise.all(namespaces.map((namespace) => readList(resource, namespace)));
    // What is refused may hold what is asked for.
    const [refusal] = [...refused.values(), ...lists.flatMap((one) => (one.kind === 'refused' ? one.reason : []))];
    if (refusal !== undefined) return notCaptured(refusal);
    const captured = lists.filter((one) => one.kind === 'list');
    if (captured.length === 0) return notCaptured(`no namespace of the ${layout.form} has ${resource}`);
    const isPartial = captured.some(({ extent }) => extent === 'single');
    return { kind: 'ok', value: captured.flatMap(({ items }) => items), ...(isPartial ? { isPartial } : {}) };
  };
  const list = async (query: ListQuery): Promise<ReadResult<readonly KubernetesObject[]>> => {
    const { namespaced } = resourceTypes[query.resource];
    const result =
      namespaced && query.namespace === undefined
        ? await listAll(query.resource)
        : resultOf(await listOne(query.resource, namespaced ? (query.namespace ?? null) : null));
    if (result.kind !== 'ok' || query.labels === undefined) return result;
    return { ...result, value: result.value.filter((object) => hasLabels(object, query.labels)) };
  };
  let observation: Promise<Observation> | undefined;

  return {
    description: `${layout.form} ${path}`,
    isRecorded: true,
    list,
    async get(resource, namespace, name) {
      const isOfAll = resourceTypes[resource].namespaced && namespace === null;
      const found = isOfAll ? null : await listOne(resource, resourceTypes[resource].namespaced ? namespace : null);
      const result = found === null ? await listAll(resource) : resultOf(found);
      if (result.kind !== 'ok') return result;
      const object = result.value.find((one) => one.metadata.name === name);
      if (object === undefined && found?.kind === 'list' && found.extent !== 'whole')
        return notCaptured(`the ${layout.form} has some ${resource}, and not ${shown(name)}`);
      return { kind: 'ok', value: object ?? null };
    },
    logs: async (query) => {
      const missing = missingNamespace(query.namespace);
      return missing === null ? layout.readLog(query) : notCaptured(missing);
    },
    usage: (query) => usageOf(layout, query, missingNamespace),
    // A look at all objects, and each investigation asks.
    observedAt: () => {
      observation ??= observe(layout, readList).catch((error: unknown) => {
        observation = undefined;
        throw error;
      });
      return observation;
    },
    beside: (folder) => layout.beside(folder),
    remedyFor: ({ resource, namespace }) => layout.remedyFor(resource, namespace),
    close: async () => unpacked?.remove(),
  };
}

/** What pods of all namespaces used is what was captured of any. */
async function usageOf(
  { form, namespaces, readUsage }: Layout,
  { of, namespace }: UsageQuery,
  missingNamespace: (name: string) => string | null,
): Promise<ReadResult<readonly KubernetesObject[]>> {
  if (readUsage === undefined) return notCaptured(`a ${form} does not have what ${of} used`);
  if (of === 'nodes') return resultOf(await readUsage({ of, namespace: null }));
  const missing = namespace === null ? null : missingNamespace(namespace);
  if (missing !== null) return notCaptured(missing);
  if (namespace !== null) return resultOf(await readUsage({ of, namespace }));
  const lists: List[] = [];
  for (const name of namespaces.names) lists.push(await readUsage({ of, namespace: name }));
  const refusal = lists.find((list) => list.kind === 'refused');
  if (refusal !== undefined) return resultOf(refusal);
  const captured = lists.filter((list) => list.kind === 'list');
  if (captured.length === 0) return notCaptured(`no namespace of the ${form} has what its pods used`);
  return { kind: 'ok', value: captured.flatMap(({ items }) => items) };
}

function resultOf(list: List): ReadResult<readonly KubernetesObject[]> {
  if (list.kind !== 'list') return notCaptured(list.reason);
  return { kind: 'ok', value: list.items, ...(list.extent === 'single' ? { isPartial: true } : {}) };
}

/** Lists whose times make the clock of a dump. */
const timedResources = ['events', 'pods', 'deployments', 'replicasets'] as const;

async function observe(layout: Layout, readList: Layout['readList']): Promise<Observation> {
  const wanted = layout.namespaces.names.flatMap((namespace) =>
    timedResources.map((resource) => ({ resource, namespace })),
  );
  const nodes = itemsOf(await readList('nodes', null));
  let newest = await layout.newestTime('nodes', null);
  // One after the other: all of them at once may be more than fits into memory.
  for (const { resource, namespace } of wanted) {
    const time = await layout.newestTime(resource, namespace);
    if (time > newest) newest = time;
  }
  if (newest === '') return { at: toTimestamp(await layout.changedMs()), ahead: [] };
  const agreed = observationOfNodes(newest, nodes);
  if (agreed !== null) return agreed;
  const lists = await Promise.all(wanted.map(({ resource, namespace }) => readList(resource, namespace)));
  if (eventLoopTurns.isOver()) await eventLoopTurns.next();
  return observationOf(newest, [...nodes, ...lists.flatMap(itemsOf)]);
}

function itemsOf(list: List): readonly KubernetesObject[] {
  return list.kind === 'list' ? list.items : [];
}

/** Equality of every label asked for. */
function hasLabels(object: KubernetesObject, labels: Readonly<Record<string, string>> | undefined): boolean {
  return Object.entries(labels ?? {}).every(([name, value]) => object.metadata.labels?.[name] === value);
}
