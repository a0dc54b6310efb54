import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { AppError, toAppError } from '../../core/errors.ts';
import { toTimestamp } from '../../core/time.ts';
import type { Database } from '../schema.ts';

/** `FIST` in the database header: tells our files from others. */
const applicationId = 0x46495354;
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
  const known = migrations.at(-1)?.version ?? 0;
  if (path !== ':memory:') {
    inspectFile(path, known);
    makeFolder(path);
  }
  const raw = openRaw(path, false);
  try {
    raw.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16000');
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
  const lock = openRaw(`${path}-lock`, false);
  try {
    lock.exec('PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
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

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

/** Looks at an existing file without writing to it. */
function inspectFile(path: string, known: number): void {
  if (!existsSync(path) || (statSync(path).isFile() && statSync(path).size === 0)) return;
  const raw = openRaw(path, true);
  try {
    const id = raw.prepare('PRAGMA application_id').get()?.['application_id'];
    if (id !== applicationId) throw notOurs(path);
    const info = raw.prepare('SELECT version, min_compatible_version AS minimum FROM schema_info').get();
    if (Number(info?.['minimum'] ?? 0) > known) {
      throw new AppError(
        'StoreUnusable',
        `${path} has schema version ${String(info?.['version'])} and needs a program that knows at least version ${String(info?.['minimum'])}; this one knows ${known}`,
        { next: 'use a newer fist, or another file with --db' },
      );
    }
  } catch (thrown) {
    throw thrown instanceof AppError ? thrown : unusable(path, thrown);
  } finally {
    raw.close();
  }
}

function migrate(raw: DatabaseSync, path: string, migrations: readonly { version: number; sql: string }[]): void {
  const current = currentVersion(raw);
  const due = migrations.filter((migration) => migration.version > current);
  if (due.length === 0) return;
  if (current > 0 && path !== ':memory:') raw.prepare('VACUUM INTO ?').run(`${path}.before-${due[0]?.version}`);
  raw.exec('BEGIN IMMEDIATE');
  for (const migration of due) raw.exec(migration.sql);
  raw
    .prepare(
      'INSERT INTO schema_info (id, version, min_compatible_version, updated_at) VALUES (1, ?, 1, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at',
    )
    .run(due.at(-1)?.version ?? current, toTimestamp(Date.now()));
  raw.exec(`PRAGMA application_id = ${applicationId}; COMMIT`);
}

function currentVersion(raw: DatabaseSync): number {
  const exists = raw.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_info'").get();
  return exists === undefined ? 0 : Number(raw.prepare('SELECT version FROM schema_info').get()?.['version'] ?? 0);
}

function notOurs(path: string): AppError {
  return new AppError('StoreUnusable', `${path} is an SQLite database of another program`, {
    next: 'choose another file with --db',
  });
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

