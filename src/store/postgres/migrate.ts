import { readFileSync, readdirSync } from 'node:fs';
import type { PoolClient } from 'pg';
import { AppError } from '../../core/errors.ts';
import { executeOn } from './connection.ts';
import type { Execute } from './connection.ts';

/** Any number, the same in every version: who holds this advisory lock migrates. */
const migrationLock = 0x46495354;
/** The oldest version from which this program can migrate. */
const oldestVersion = 1;

export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** What `schema_info` says; version 0 = there is no schema yet. */
export interface SchemaVersion {
  readonly version: number;
  readonly minCompatibleVersion: number;
}

/** The migrations that this program knows, by number. Numbered SQL files, forward only. */
export function readPostgresMigrations(
  folder: URL = new URL('./migrations/', import.meta.url),
): readonly Migration[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ version: Number(file.slice(0, 4)), sql: readFileSync(new URL(file, folder), 'utf8') }));
}

/** Reads the version of the schema that the connection's search path shows. */
export async function readSchemaVersion(execute: Execute): Promise<SchemaVersion> {
  const { rows: found } = await execute("SELECT to_regclass('schema_info') IS NOT NULL AS known");
  if (Number(found[0]?.known) !== 1) return { version: 0, minCompatibleVersion: 0 };
  const { rows } = await execute('SELECT version, min_compatible_version FROM schema_info');
  return { version: Number(rows[0]?.version ?? 0), minCompatibleVersion: Number(rows[0]?.min_compatible_version ?? 0) };
}

/**
 * Applies what is missing, in one transaction, under an advisory lock: replicas that start together wait for the first.
 * Returns the version before. Throws StoreUnusable where the schema is newer than `migrations` allow; nothing was touched.
 */
export async function migratePostgres(client: PoolClient, migrations: readonly Migration[]): Promise<SchemaVersion> {
  const execute = executeOn(client);
  await execute('SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0');
  await execute('BEGIN');
  try {
    await execute('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    const before = await readSchemaVersion(execute);
    refuseIncompatible(before, migrations);
    const due = migrations.filter((migration) => migration.version > before.version);
    for (const migration of due) await execute(migration.sql);
    const last = due.at(-1);
    if (last !== undefined) {
      await execute(
        'INSERT INTO schema_info (id, version, min_compatible_version, updated_at) VALUES (1, $1, 1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at',
        [last.version],
      );
    }
    await execute('COMMIT');
    return before;
  } catch (thrown) {
    await execute('ROLLBACK').catch(() => undefined);
    throw thrown;
  }
}

/** Throws StoreUnusable for a schema that this program must not use. */
export function refuseIncompatible(found: SchemaVersion, migrations: readonly Migration[]): void {
  const known = migrations.at(-1)?.version ?? 0;
  if (found.minCompatibleVersion > known) {
    throw new AppError(
      'StoreUnusable',
      `the schema has version ${found.version} and needs a program that knows version ${found.minCompatibleVersion}; this one knows ${known}`,
      { next: 'use a newer fist, or another database with --db' },
    );
  }
  if (found.version !== 0 && found.version < oldestVersion) {
    throw new AppError(
      'StoreUnusable',
      `the schema has version ${found.version}; this program migrates from version ${oldestVersion} on`,
      { next: 'start an older fist once, which brings it to that version' },
    );
  }
}
