import { existsSync, readdirSync, rmSync, statSync, statfsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { AppError, toAppError } from '../../core/errors.ts';
import { toTimestamp } from '../../core/time.ts';
import { readVersion } from '../../lib/version.ts';
import { planMigration, readMigrations, replicasVersion } from '../admin/migrations.ts';
import type { Migration, SchemaVersion } from '../admin/migrations.ts';
import { makePrivateFile } from './create.ts';

/** The migrations of SQLite that this program knows. */
export function readSqliteMigrations(folder: URL = new URL('./migrations/', import.meta.url)): readonly Migration[] {
  return readMigrations(folder);
}

/** Reads what the database says of its schema. */
export function readSqliteSchema(raw: DatabaseSync): SchemaVersion {
  const columns = raw.prepare("SELECT name FROM pragma_table_info('schema_info')").all();
  if (columns.length === 0) return { version: 0, minCompatibleVersion: 0, program: null };
  const row = raw.prepare('SELECT * FROM schema_info').get() ?? {};
  const program = row['program_version'];
  return {
    version: Number(row['version'] ?? 0),
    minCompatibleVersion: Number(row['min_compatible_version'] ?? 0),
    program: typeof program === 'string' ? program : null,
  };
}

/** Where the copy of a database is that had schema `version` and was migrated. */
export function copyBeside(path: string, version: number): string {
  return `${path}.before-${version + 1}`;
}

/**
 * Applies what is missing, all or nothing, after a copy of the database was made beside it; the copy of an earlier
 * migration goes. Throws StoreUnusable where the disk cannot hold the copy or a migration fails; the database is then as it
 * was.
 */
export function migrateSqlite(
  raw: DatabaseSync,
  path: string,
  migrations: readonly Migration[],
  freeBytesOf: (folder: string) => number = freeBytes,
): void {
  const found = readSqliteSchema(raw);
  const plan = planMigration(found, migrations);
  if (plan === null) return;
  const copy = found.version === 0 || path === ':memory:' ? null : makeCopy(raw, path, found.version, freeBytesOf);
  try {
    raw.exec('BEGIN IMMEDIATE');
    for (const migration of plan.due) apply(raw, path, migration);
    writeSchema(raw, plan.version, plan.minCompatibleVersion);
    raw.exec('COMMIT');
  } catch (thrown) {
    if (raw.isTransaction) raw.exec('ROLLBACK');
    if (copy !== null) rmSync(copy, { force: true });
    throw thrown;
  }
  if (copy !== null) removeOtherCopies(path, copy);
}

function apply(raw: DatabaseSync, path: string, migration: Migration): void {
  try {
    raw.exec(migration.sql);
  } catch (thrown) {
    const cause = toAppError(thrown);
    throw new AppError('StoreUnusable', `migration ${migration.version} of ${path} failed: ${cause.message}`, {
      cause,
      next: 'nothing was changed: go on with the fist that was used before, and report this',
    });
  }
}

function writeSchema(raw: DatabaseSync, version: number, minCompatibleVersion: number): void {
  raw
    .prepare(
      `INSERT INTO schema_info (id, version, min_compatible_version, updated_at) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
       version = excluded.version, min_compatible_version = excluded.min_compatible_version, updated_at = excluded.updated_at`,
    )
    .run(version, minCompatibleVersion, toTimestamp(Date.now()));
  if (version >= replicasVersion) raw.prepare('UPDATE schema_info SET program_version = ?').run(readVersion());
}

/** A copy by VACUUM INTO, readable by its owner only, as the database itself. */
function makeCopy(raw: DatabaseSync, path: string, version: number, freeBytesOf: (folder: string) => number): string {
  const copy = copyBeside(path, version);
  const needed = sizeOf(path) + sizeOf(`${path}-wal`);
  const free = freeBytesOf(dirname(path));
  if (free < needed) {
    throw new AppError(
      'StoreUnusable',
      `${path} must be copied before it is migrated, and its disk has ${megabytes(free)} free of the ${megabytes(needed)} that this takes`,
      { next: `make room in ${dirname(path)} and start again; nothing was changed` },
    );
  }
  rmSync(copy, { force: true });
  try {
    makePrivateFile(copy);
    raw.prepare('VACUUM INTO ?').run(copy);
  } catch (thrown) {
    rmSync(copy, { force: true });
    const cause = toAppError(thrown);
    throw new AppError('StoreUnusable', `the copy ${copy} could not be made: ${cause.message}`, {
      cause,
      next: `make room in ${dirname(path)} and start again; nothing was changed`,
    });
  }
  return copy;
}

function removeOtherCopies(path: string, kept: string): void {
  const prefix = `${basename(path)}.before-`;
  for (const name of readdirSync(dirname(path))) {
    const file = join(dirname(path), name);
    if (file !== kept && name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      rmSync(file, { force: true });
  }
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_048_576)} MiB`;
}
