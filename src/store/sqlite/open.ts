import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { Kysely, SqliteDialect } from 'kysely';
import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { AppError, toAppError } from '../../core/errors.ts';
import { toTimestamp } from '../../core/time.ts';
import type { Database } from '../schema.ts';
import { useDirectly } from '../statements.ts';

/** `FIST` in the database header: tells our files from others. */
const applicationId = 0x46495354;
/** The SQLite file format: the header's first bytes, and where the application id is (sqlite.org/fileformat2.html). */
const header = { magic: 'SQLite format 3\0', applicationIdOffset: 68, bytes: 100 } as const;
const busy = 5;
/**
 * A checkpoint each 32 MiB of log instead of 4: pages of random keys (fingerprints, labels) that many commits changed are
 * then copied once. The cache holds as much, so that they are not read back.
 */
const sizes = 'PRAGMA wal_autocheckpoint=8000; PRAGMA cache_size=-32000';
const cachedStatements = 300;
const migrationsFolder = new URL('./migrations/', import.meta.url);

/** One connection, with the two faces that the store uses: raw for BEGIN and COMMIT, Kysely for queries. */
export interface Connection {
  readonly raw: DatabaseSync;
  readonly query: Kysely<Database>;
  close(): void;
}

/** The migrations that this program knows, by number. Numbered SQL files, forward only. */
function readMigrations(): readonly { readonly version: number; readonly sql: string }[] {
  return readdirSync(migrationsFolder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({
      version: Number(file.slice(0, 4)),
      sql: readFileSync(new URL(file, migrationsFolder), 'utf8'),
    }));
}

/**
 * Opens the database for writing and migrates it: WAL, `synchronous=FULL`, so that a commit survives a power cut.
 * Throws StoreUnusable where the file cannot be opened, is not ours or is newer; nothing was touched then.
 */
export function openDatabase(path: string): Connection {
  const migrations = readMigrations();
  if (path !== ':memory:') {
    inspectDatabase(path);
    makePrivateFile(path);
  }
  const raw = openRaw(path, false);
  try {
    // The id comes first: in WAL mode it would reach the file's header only with a checkpoint.
    if (applicationIdOf(raw) === 0) raw.exec(`PRAGMA application_id = ${applicationId}`);
    raw.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; ${sizes}`);
    migrate(raw, path, migrations);
  } catch (thrown) {
    raw.close();
    throw thrown instanceof AppError ? thrown : unusable(path, thrown);
  }
  return connection(raw);
}

/** A read-only connection to a database that is open for writing elsewhere in this process. */
export function openReadOnly(path: string): Connection {
  return connection(openRaw(path, true));
}

/**
 * Keeps a second server out: holds an exclusive lock on `<path>-lock` until `close`. Having it proves that no worker of
 * an earlier process is alive, so every lease in the database is dead.
 */
export function lockDatabase(path: string): { close(): void } {
  if (path === ':memory:') return { close: () => undefined };
  makeFolder(path);
  const file = `${withoutLinks(path)}-lock`;
  makePrivateFile(file);
  const lock = openRaw(file, false);
  try {
    lock.exec('PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if ((cause as { errcode?: unknown }).errcode !== busy) throw unusable(file, cause);
    throw new AppError('StoreLocked', `another server has ${path} open`, {
      cause,
      next: 'stop the other server, or choose another file with --db',
    });
  }
  return { close: () => lock.close() };
}

function openRaw(path: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly, timeout: readOnly ? 5000 : 100, enableForeignKeyConstraints: false });
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

function openImmutable(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  try {
    return new DatabaseSync(url, { readOnly: true });
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

/** Only its owner may look into a new folder: it holds alerts, evidence and the API's token. */
function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

/** Makes an empty file that only its owner may read. SQLite gives its log and journal the permissions of the file itself. */
function makePrivateFile(path: string): void {
  makeFolder(path);
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (thrown) {
    // Opening one that is there would, when closed, let go of the locks that this process may have on it.
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, thrown);
  }
}

/** The file itself: one lock must stand for a database under all the names that links give it. */
function withoutLinks(path: string): string {
  try {
    return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

/**
 * Looks at what is at `path` without writing to it. Throws StoreUnusable unless nothing is there, or an empty file, or a
 * database of ours that this program may use.
 */
export function inspectDatabase(path: string): void {
  const start = readHeader(path);
  if (start === null) return;
  if (start.toString('latin1', 0, header.magic.length) !== header.magic) {
    throw new AppError('StoreUnusable', `${path} is not an SQLite database`, { next: 'choose another file with --db' });
  }
  if (start.readUInt32BE(header.applicationIdOffset) !== applicationId) {
    throw new AppError('StoreUnusable', `${path} is an SQLite database of another program`, {
      next: 'choose another file with --db',
    });
  }
  // Without a log beside it nothing is changing it; `immutable` keeps SQLite from making one for the look.
  const raw = existsSync(`${path}-wal`) ? openRaw(path, true) : openImmutable(path);
  try {
    refuseNewer(raw, path);
  } catch (thrown) {
    throw thrown instanceof AppError ? thrown : unusable(path, thrown);
  } finally {
    raw.close();
  }
}

/** The header, padded with zeros; null where there is no file or an empty one. */
function readHeader(path: string): Buffer | null {
  const bytes = Buffer.alloc(header.bytes);
  try {
    const file = openSync(path, 'r');
    try {
      return readSync(file, bytes) === 0 ? null : bytes;
    } finally {
      closeSync(file);
    }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unusable(path, thrown);
  }
}

function refuseNewer(raw: DatabaseSync, path: string): void {
  if (!hasSchema(raw)) return;
  const known = readMigrations().at(-1)?.version ?? 0;
  const info = raw.prepare('SELECT version, min_compatible_version AS minimum FROM schema_info').get();
  if (Number(info?.['minimum'] ?? 0) <= known) return;
  throw new AppError(
    'StoreUnusable',
    `${path} has schema version ${String(info?.['version'])} and needs a program that knows at least version ${String(info?.['minimum'])}; this one knows ${known}`,
    { next: 'use a newer fist, or another file with --db' },
  );
}

function migrate(raw: DatabaseSync, path: string, migrations: readonly { version: number; sql: string }[]): void {
  const current = hasSchema(raw) ? Number(raw.prepare('SELECT version FROM schema_info').get()?.['version'] ?? 0) : 0;
  const due = migrations.filter((migration) => migration.version > current);
  const [first] = due;
  if (first === undefined) return;
  if (current > 0 && path !== ':memory:') {
    const copy = `${path}.before-${first.version}`;
    rmSync(copy, { force: true });
    makePrivateFile(copy);
    raw.prepare('VACUUM INTO ?').run(copy);
  }
  raw.exec('BEGIN IMMEDIATE');
  for (const migration of due) raw.exec(migration.sql);
  raw
    .prepare(
      'INSERT INTO schema_info (id, version, min_compatible_version, updated_at) VALUES (1, ?, 1, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at',
    )
    .run(due.at(-1)?.version ?? current, toTimestamp(Date.now()));
  raw.exec('COMMIT');
}

function hasSchema(raw: DatabaseSync): boolean {
  return raw.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_info'").get() !== undefined;
}

function applicationIdOf(raw: DatabaseSync): number {
  return Number(raw.prepare('PRAGMA application_id').get()?.['application_id'] ?? 0);
}

function unusable(path: string, thrown: unknown): AppError {
  const cause = toAppError(thrown);
  return new AppError('StoreUnusable', `cannot open ${path}: ${cause.message}`, {
    cause,
    next: 'check the path and its permissions, or choose another file with --db',
  });
}

function connection(raw: DatabaseSync): Connection {
  const query = new Kysely<Database>({ dialect: new SqliteDialect({ database: kyselyDatabase(raw) }) });
  useDirectly(query, (sql) => {
    const prepared = raw.prepare(sql);
    if (prepared.columns().length > 0) {
      return (parameters) => ({ rows: prepared.all(...bind(parameters)), changes: 0 });
    }
    return (parameters) => ({ rows: [], changes: Number(prepared.run(...bind(parameters)).changes) });
  });
  return { raw, query, close: () => raw.close() };
}

/** The part of a database that Kysely needs, with statements kept prepared. */
function kyselyDatabase(raw: DatabaseSync): SqliteDatabase {
  const cache = new Map<string, SqliteStatement>();
  return {
    close: () => undefined,
    prepare(sql) {
      let statement = cache.get(sql);
      if (statement === undefined) {
        statement = kyselyStatement(raw.prepare(sql));
        if (cache.size >= cachedStatements) cache.delete(cache.keys().next().value ?? '');
        cache.set(sql, statement);
      }
      return statement;
    },
  };
}

function kyselyStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...bind(parameters)),
    run: (parameters) => statement.run(...bind(parameters)),
    iterate: (parameters) => statement.iterate(...bind(parameters)),
  };
}

function bind(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) =>
    value === undefined ? null : typeof value === 'boolean' ? Number(value) : (value as SQLInputValue),
  );
}
