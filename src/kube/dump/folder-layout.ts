import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isKubernetesName } from '../../core/cluster.ts';
import type { CapturedFile, ClusterResource, KubernetesObject, LogQuery, ReadResult } from '../../core/cluster.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import { eventLoopTurns, finishInTurns } from '../../lib/turns.ts';
import type { Pieces } from '../../lib/turns.ts';
import { newestOf, newestTime } from './dump-clock.ts';
import { readDumpFile } from './dump-files.ts';
import type { DumpFile } from './dump-files.ts';
import type { Form, Parts } from './forms.ts';
import { notCaptured, shown, unavailable, withType } from './layout.ts';
import type { DumpLimits, Layout, List, Namespaces } from './layout.ts';
import { lastLines, parseLogSections, requestError } from '../live/logs.ts';
import { asUtf8, isJson, NoObjects } from './objects-text.ts';
import { parseObjects } from './objects.ts';

/** Objects of one resource that each have a file of their own; more are no list that anybody reads. */
const maxObjectFiles = 20_000;

/**
 * Folders of one form; several hold parts of the same cluster. Files are read when they are needed, with what
 * dump-files.ts refuses refused.
 */
export async function openFolders(form: Form, roots: readonly string[], limits: DumpLimits): Promise<Layout> {
  const found = await Promise.all(roots.map((root) => form.namespaces(root)));
  return {
    form: form.name,
    namespaces: mergeNamespaces(found),
    readList: async (resource, namespace) => {
      const lists = [];
      for (const root of roots) lists.push(await readListOf(form, root, { resource, namespace }, limits.maxListBytes));
      return mergeLists(lists);
    },
    newestTime: async (resource, namespace) => {
      let newest = '';
      for (const root of roots) {
        const time = await newestTimeOf(form, root, { resource, namespace }, limits.maxListBytes);
        if (time > newest) newest = time;
      }
      return newest;
    },
    readLog: async (query) => {
      let result: ReadResult<string> = notCaptured('');
      for (const root of roots) {
        result = await readLogOf(form, root, query, limits.maxLogBytes);
        if (result.kind === 'ok') break;
      }
      return result;
    },
    ...usageIn(form, roots, limits),
    remedyFor: form.remedyFor,
    beside: async (folder) => (await Promise.all(roots.map((root) => filesBeside(root, folder)))).flat(),
    changedMs: async () => Math.max(...(await Promise.all(roots.map(async (root) => (await stat(root)).mtimeMs)))),
  };
}

/** Files beside the lists, and what is read of them; more is no capture of one incident. */
const [mostBeside, mostBytesBeside] = [300, 2 * 1024 * 1024] as const;

async function filesBeside(root: string, folder: string): Promise<readonly CapturedFile[]> {
  const names = await readdir(join(root, folder)).catch(() => []);
  const files: CapturedFile[] = [];
  for (const name of names
    .filter((one) => one.endsWith('.json'))
    .sort()
    .slice(0, mostBeside)) {
    const file = await readDumpFile(root, [folder, name], { maxBytes: mostBytesBeside });
    if (file.kind === 'bytes') files.push({ name: `${folder}/${name}`, text: asUtf8(file.bytes).toString() });
  }
  return files;
}

function usageIn({ name, usage }: Form, roots: readonly string[], limits: DumpLimits): Pick<Layout, 'readUsage'> {
  if (usage === undefined) return {};
  return {
    readUsage: async (query) => {
      const parts = usage(query);
      const lists: List[] = [];
      for (const root of roots) lists.push(await readObjects(root, parts, null, limits.maxListBytes));
      const list = mergeLists(lists);
      return list.kind === 'absent' ? { ...list, reason: `the ${name} has no ${parts.join('/')}` } : list;
    },
  };
}

function mergeNamespaces(found: readonly Namespaces[]): Namespaces {
  const refused = new Map(found.flatMap((one) => [...one.refused]));
  return { names: [...new Set(found.flatMap(({ names }) => names))].sort(), refused };
}

/** What one of them refuses may hold what is asked for. */
function mergeLists(lists: readonly List[]): List {
  const [first] = lists;
  const refusal = lists.find((list) => list.kind === 'refused');
  const read = lists.filter((list) => list.kind === 'list');
  if (refusal !== undefined) return refusal;
  if (read.length < 2) return read[0] ?? first ?? { kind: 'absent', reason: 'nothing was captured' };
  return {
    kind: 'list',
    items: distinct(read.flatMap(({ items }) => items)),
    extent: read.some(({ extent }) => extent === 'whole') ? 'whole' : 'single',
  };
}

/** The first of each name. */
function distinct(objects: readonly KubernetesObject[]): readonly KubernetesObject[] {
  const byName = new Map<string, KubernetesObject>();
  for (const object of objects) if (!byName.has(object.metadata.name)) byName.set(object.metadata.name, object);
  return [...byName.values()];
}

interface Wanted {
  readonly resource: ClusterResource;
  readonly namespace: string | null;
}

async function readListOf(form: Form, root: string, wanted: Wanted, maxBytes: number): Promise<List> {
  const { resource, namespace } = wanted;
  const places = form.lists(resource, namespace);
  for (const parts of places) {
    const list = await readObjects(root, parts, resource, maxBytes);
    if (list.kind !== 'absent') return list;
  }
  const objects = await readObjectFiles(root, form.objects(resource, namespace), resource, maxBytes);
  if (objects !== null) return objects;
  const place = places[0]?.join('/');
  const where = namespace === null ? '' : ` of namespace ${namespace}`;
  return {
    kind: 'absent',
    reason: `the ${form.name} has no ${place ?? `${resource}${where}`}`,
  };
}

async function newestTimeOf(form: Form, root: string, wanted: Wanted, maxBytes: number): Promise<string> {
  for (const parts of form.lists(wanted.resource, wanted.namespace)) {
    const file = await readFileOf(root, parts, maxBytes);
    if (file.kind === 'refused') return '';
    if (file.kind === 'bytes') return finishInTurns(newestTime(file.bytes, isJson(file.bytes) ? 'JSON' : 'YAML'));
  }
  const list = await readListOf(form, root, wanted, maxBytes);
  return list.kind === 'list' ? finishInTurns(newestOfAll(list.items)) : '';
}

async function readFileOf(root: string, parts: Parts, maxBytes: number): Promise<DumpFile> {
  const file = await readDumpFile(root, parts, { maxBytes }).catch((error: unknown) => {
    throw unavailable(`${join(root, ...parts)} cannot be read (${fileProblem(error)})`, error);
  });
  return file.kind === 'bytes' ? { ...file, bytes: asUtf8(file.bytes) } : file;
}

/** `resource` null: objects say themselves what they are. */
async function readObjects(
  root: string,
  parts: Parts,
  resource: ClusterResource | null,
  maxBytes: number,
): Promise<List> {
  const file = await readFileOf(root, parts, maxBytes);
  if (file.kind === 'absent') return { kind: 'absent', reason: `there is no ${parts.join('/')}` };
  if (file.kind === 'refused') return file;
  try {
    const { listed, single } = await parseObjects(file.bytes);
    const items = [...listed, ...single].map((object) => (resource === null ? object : withType(object, resource)));
    return { kind: 'list', items, extent: 'whole' };
  } catch (error) {
    if (!(error instanceof NoObjects)) throw error;
    // A file that was cut off says nothing of what came behind; one part beyond the bounds is no reason to give up.
    if (error.format === 'JSON') throw unavailable(`${join(root, ...parts)} ${error.message}`, error);
    return { kind: 'refused', reason: `${parts.join('/')} ${error.message}` };
  }
}

function* newestOfAll(objects: readonly KubernetesObject[]): Pieces<string> {
  let newest = '';
  for (const object of objects) {
    const time = newestOf(object);
    if (time > newest) newest = time;
    yield;
  }
  return newest;
}

/** The objects of folders that have a file for each; null where there is none. */
async function readObjectFiles(
  root: string,
  folders: readonly ObjectFolder[],
  resource: ClusterResource,
  maxBytes: number,
): Promise<List | null> {
  const items: KubernetesObject[] = [];
  for (const folder of folders) {
    const { parts } = folder;
    const names = await readdir(join(root, ...parts), 'utf8').catch((): string[] => []);
    if (names.length > maxObjectFiles)
      return { kind: 'refused', reason: `${parts.join('/')} has more than ${maxObjectFiles} files` };
    for (const name of names.toSorted()) {
      const file = folder.fileOf(name);
      if (file === null) continue;
      const read = await readObjects(root, [...parts, ...file], resource, maxBytes);
      if (read.kind === 'refused') return read;
      if (read.kind === 'absent') continue;
      items.push(...read.items);
    }
  }
  return items.length === 0 ? null : { kind: 'list', items: distinct(items), extent: 'single' };
}

type ObjectFolder = ReturnType<Form['objects']>[number];

async function readLogOf(form: Form, root: string, query: LogQuery, maxBytes: number): Promise<ReadResult<string>> {
  const { namespace, pod, container } = query;
  if (!isKubernetesName(pod)) return notCaptured(`${shown(pod)} is no pod name`);
  if (!isKubernetesName(container)) return notCaptured(`${shown(container)} is no name of a container`);
  const places = form.logs(query);
  for (const parts of places) {
    const path = join(root, ...parts);
    const found = await readDumpFile(root, parts, { maxBytes, endWillDo: true }).catch((error: unknown) => {
      throw unavailable(`${path} cannot be read (${fileProblem(error)})`, error);
    });
    if (found.kind === 'absent') continue;
    if (found.kind === 'refused') return notCaptured(found.reason);
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    const text = found.bytes.toString('utf8');
    if (form.logText === 'sections') return sectionOf({ text, isEnd: found.isEnd }, parts, query);
    return {
      kind: 'ok',
      value: withoutTimes(lastLines(found.isEnd ? text.slice(text.indexOf('\n') + 1) : text, query.tailLines)),
    };
  }
  const place = places[0]?.join('/') ?? `log of ${namespace}/${pod}`;
  return notCaptured(`the ${form.name} has no ${place}`);
}

function sectionOf(
  { text, isEnd }: { readonly text: string; readonly isEnd: boolean },
  parts: Parts,
  { namespace, pod, container, tailLines }: LogQuery,
): ReadResult<string> {
  const sections = parseLogSections(text, namespace, pod, isEnd).filter((section) => section.container === container);
  if (sections.length === 0) return notCaptured(`${parts.join('/')} has no section of container ${shown(container)}`);
  const failure = sections.map((section) => requestError(section.text)).find((reason) => reason !== null);
  if (failure !== undefined && failure !== null) return notCaptured(`kubectl could not get this log: ${failure}`);
  return { kind: 'ok', value: lastLines(sections.map((section) => section.text).join(''), tailLines) };
}

/** Without the times that `--timestamps` puts before each line, where every line has one. */
function withoutTimes(log: string): string {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}(?:Z|[+-]\d\d:\d\d) /;
  const lines = log.split('\n');
  return lines.every((line) => line === '' || time.test(line))
    ? lines.map((line) => line.replace(time, '')).join('\n')
    : log;
}
