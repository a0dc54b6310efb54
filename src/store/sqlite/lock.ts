import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../core/errors.ts';
import { makePrivateFile, makePrivateFolder, withoutLinks } from './create.ts';
import { restore, unusable } from './errors.ts';
import { openRaw } from './raw.ts';

const busy = 5;

/**
 * Keeps a second server out: holds an exclusive lock on `<path>-lock` until `close`, and refuses a file that is open under
 * another name, where this lock says nothing. Having it proves that no worker of an earlier process is alive, so every
 * lease in the database is dead. Throws StoreLocked.
 */
export function lockDatabase(path: string): { close(): void } {
  if (path === ':memory:') return { close: () => undefined };
  orUnusable(path, () => makePrivateFolder(dirname(path)));
  const real = realPathOf(path);
  const file = `${real}-lock`;
  orUnusable(file, () => makePrivateFile(file));
  const lock = openRaw(file, false);
  try {
    lock.exec('PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw isBusy(cause) ? locked(path, '', cause) : unusable(file, cause);
  }
  if (isOpenElsewhere(real)) {
    lock.close();
    throw locked(path, ' under another name (a link, or it was renamed)');
  }
  return { close: () => lock.close() };
}

/** Whether a server has the database open. Takes nothing that a server that starts now would miss. */
export function isLocked(path: string): boolean {
  const file = `${realPathOf(path)}-lock`;
  if (!existsSync(file)) return false;
  const lock = new DatabaseSync(file, { readOnly: true, timeout: 0 });
  try {
    lock.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (thrown) {
    if (isBusy(thrown)) return true;
    throw unusable(file, thrown);
  } finally {
    lock.close();
  }
}

/**
 * Whether somebody has the file open under another name: another lock, and another log. SQLite locks the file itself for as
 * long as it is open; but under this name it may be one who only reads, and then there is an index of the log beside it.
 */
function isOpenElsewhere(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.size === 0) return false;
  const mayBeReader = () => found.nlink === 1 && ['-shm', '-wal'].some((suffix) => existsSync(path + suffix));
  if (mayBeReader()) return false;
  const raw = openRaw(path, false);
  try {
    // In WAL mode the first look takes the lock that nobody else may have.
    raw.exec('PRAGMA locking_mode=EXCLUSIVE');
    raw.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (thrown) {
    if (isBusy(thrown)) return !mayBeReader();
    throw unusable(path, thrown);
  } finally {
    raw.close();
  }
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && 'errcode' in thrown && thrown.errcode === busy;
}

function locked(path: string, how: string, cause?: unknown): AppError {
  return new AppError('StoreLocked', `another server has ${path} open${how}`, {
    cause,
    next: 'stop the other server, or choose another file with --db',
  });
}

/**
 * Throws StoreUnusable where no database is, or an empty file, but what belongs to one is beside it: its log, and for
 * `all` the token of the API or a copy from before a migration. A new one in its place would hide the loss.
 */
export function refuseLost(path: string, what: 'log' | 'all'): void {
  if (!existsSync(dirname(path))) return;
  const real = realPathOf(path);
  if (sizeOf(real) > 0) return;
  const left = [`${real}-wal`].filter((file) => sizeOf(file) > 0);
  if (what === 'all') left.push(...companionsOf(path, real));
  if (left.length === 0) return;
  const state = existsSync(real) ? 'is empty' : 'is not there';
  throw new AppError('StoreUnusable', `${path} ${state}, but ${left.join(', ')} is: the database was lost`, {
    next: `${restore}; to begin with a new one, move what is left of the old one away`,
  });
}

function companionsOf(path: string, real: string): readonly string[] {
  const copies = `${basename(real)}.before-`;
  return [
    ...[`${path}-token`].filter((file) => existsSync(file)),
    ...readdirSync(dirname(real))
      .filter((name) => name.startsWith(copies))
      .map((name) => join(dirname(real), name)),
  ];
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The file itself, without links. Throws StoreUnusable. */
export function realPathOf(path: string): string {
  return orUnusable(path, () => withoutLinks(path));
}

/** Throws StoreUnusable for whatever `work` throws. */
export function orUnusable<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}
