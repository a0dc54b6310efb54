import { open, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { Runbook, Runbooks } from '../core/readers.ts';
import { fileProblem } from '../lib/file-problem.ts';
import { eventLoopTurns } from '../lib/turns.ts';

/** More are no collection that anybody wrote for alerts. */
const mostFiles = 2000;
const mostFolders = 500;
/** Of one file; the rest is left out. */
const mostBytes = 128 * 1024;
/** How long what was read is taken for what is there. */
const freshMs = 60_000;

/**
 * Markdown files of a folder, or of a checkout of a repository, with all folders below it but hidden ones; nothing outside of it is
 * read, whatever links lead there. They are read anew after a minute. `now` in milliseconds.
 */
export function runbookFolder(folder: string, now: () => number): Runbooks {
  let read: { readonly atMs: number; readonly runbooks: Promise<readonly Runbook[]> } | null = null;
  return {
    description: `runbooks in ${folder}`,
    all() {
      if (read === null || now() - read.atMs >= freshMs) {
        const runbooks = readAll(folder);
        read = { atMs: now(), runbooks };
        runbooks.catch(() => {
          read = null;
        });
      }
      return read.runbooks;
    },
  };
}

async function readAll(folder: string): Promise<readonly Runbook[]> {
  try {
    const root = await realpath(folder);
    const files = await filesBelow(root);
    const runbooks: Runbook[] = [];
    for (const file of files) {
      if (eventLoopTurns.isOver()) await eventLoopTurns.next();
      const text = await textWithin(root, file);
      if (text !== null) runbooks.push(await runbookOf(relative(root, file).split(sep).join('/'), text));
    }
    return runbooks;
  } catch (error) {
    throw new AppError('InvalidInput', `the runbooks in ${folder} cannot be read (${fileProblem(error)})`, {
      cause: error,
      next: '--runbooks FOLDER',
    });
  }
}

async function filesBelow(root: string): Promise<readonly string[]> {
  const files: string[] = [];
  const folders = [root];
  for (
    let next = folders.shift(), seen = 0;
    next !== undefined && seen < mostFolders;
    next = folders.shift(), seen += 1
  ) {
    const entries = await readdir(next, { withFileTypes: true });
    for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (/\.(?:md|markdown)$/i.test(entry.name) && files.length < mostFiles) files.push(path);
    }
  }
  return files;
}

/** The beginning of a file; null where it leads out of the folder or is no file. */
async function textWithin(root: string, path: string): Promise<string | null> {
  const real = await realpath(path).catch(() => null);
  if (real === null || !real.startsWith(root + sep) || !(await stat(real)).isFile()) return null;
  const file = await open(real);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(mostBytes), 0, mostBytes, 0);
    return new TextDecoder().decode(buffer.subarray(0, bytesRead), { stream: true });
  } finally {
    await file.close();
  }
}

interface FrontMatter {
  readonly title?: unknown;
  readonly alerts?: unknown;
  readonly alert?: unknown;
}

async function runbookOf(name: string, text: string): Promise<Runbook> {
  const [, head = null, rest = text] = /^---\r?\n([^]*?)\r?\n---\r?\n([^]*)$/.exec(text) ?? [];
  const front = head === null ? {} : await frontMatter(head);
  const heading = /^#\s+(.+)$/m.exec(rest)?.[1]?.trim();
  const base =
    name
      .split('/')
      .at(-1)
      ?.replace(/\.\w+$/, '') ?? name;
  return {
    name,
    title: typeof front.title === 'string' ? front.title : (heading ?? base),
    alerts: [...textsOf(front.alerts), ...textsOf(front.alert)],
    text: rest.trim(),
  };
}

/** What is no YAML of an object says nothing. */
async function frontMatter(text: string): Promise<FrontMatter> {
  const { parse } = await import('yaml');
  try {
    const value: unknown = parse(text, { maxAliasCount: 0 });
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function textsOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((one): one is string => typeof one === 'string' && one !== '');
}
