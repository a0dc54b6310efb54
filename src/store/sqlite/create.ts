import { closeSync, fsyncSync, lstatSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

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
 * anybody could look whose it is. SQLite gives its log the permissions of the file itself.
 */
export function createDatabaseFile(path: string, applicationId: number): void {
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
