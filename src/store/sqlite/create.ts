import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileProblem } from '../../lib/file-problem.ts';

// Everything here throws what the file system or SQLite says.

/**
 * Makes a folder, and those above it, that only its owner may look into: it holds alerts, evidence and the API's token.
 * Their names are on the disk when this returns. SQLite sees to the names in the folder itself, but a power cut may take
 * away a new folder with all that was committed in it.
 */
export function makePrivateFolder(path: string): void {
  const folder = resolve(path);
  const highest = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (highest === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    syncFolder(dirname(made));
    if (made === resolve(highest)) return;
  }
}

/** Makes an empty file that only its owner may read, unless it is there. */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (thrown) {
    // Opening one that is there would, when closed, let go of the locks that this process may have on it.
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
}

/**
 * Makes an empty database in WAL mode that only its owner may read, unless something is there. It gets its name when it
 * is whole: a power cut leaves no file that is half a database, nor a journal that would have to be rolled back before
 * anybody could look whose it is. SQLite gives its log the permissions of the file itself. Where the path is a link to
 * nothing yet, the database is made at its end: SQLite would make one that anybody may read.
 */
export function createDatabaseFile(name: string, applicationId: number): void {
  const path = withoutLinks(name);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  const draft = `${path}.new`;
  for (const leftover of [draft, `${draft}-journal`, `${draft}-wal`, `${draft}-shm`]) rmSync(leftover, { force: true });
  makePrivateFile(draft);
  const raw = new DatabaseSync(draft);
  try {
    // The id comes first: in WAL mode it would reach the file's header only with a checkpoint.
    raw.exec(`PRAGMA application_id = ${applicationId}; PRAGMA journal_mode = WAL`);
  } finally {
    raw.close();
  }
  renameSync(draft, path);
  syncFolder(dirname(path));
}

/** As Linux: more are a loop. */
const mostLinks = 40;

/**
 * The file itself, also where it is not there yet: one lock must stand for a database under all the names that links give
 * it. The folder must be there.
 */
export function withoutLinks(path: string): string {
  let file = path;
  for (let links = 0; links < mostLinks; links += 1) {
    file = join(realpathSync(dirname(file)), basename(file));
    if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return file;
    file = resolve(dirname(file), readlinkSync(file));
  }
  throw new Error('too many links, one to the other');
}

/**
 * Takes the permissions of others from a database and from what stands beside it: log, lock, and copies of migrations.
 * Returns a sentence for each file that had wider ones.
 */
export function makePrivate(name: string): readonly string[] {
  // Windows has no such permissions.
  if (process.platform === 'win32') return [];
  const path = withoutLinks(name);
  const copy = `${basename(path)}.before-`;
  const copies = readdirSync(dirname(path)).filter((file) => file.startsWith(copy));
  const files = [
    ...['', '-wal', '-shm', '-journal', '-lock'].map((end) => path + end),
    ...copies.map((file) => join(dirname(path), file)),
  ];
  return files.flatMap((file) => {
    const status = lstatSync(file, { throwIfNoEntry: false });
    if (status?.isFile() !== true || (status.mode & 0o077) === 0) return [];
    const was = `${file} could be used by others (mode ${(status.mode & 0o777).toString(8)})`;
    try {
      chmodSync(file, 0o600);
      return [`${was}; it is 600 now`];
    } catch (thrown) {
      return [`${was}, and that cannot be changed: ${fileProblem(thrown)}`];
    }
  });
}

function syncFolder(path: string): void {
  // Windows does not open folders, and keeps their names by itself.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
