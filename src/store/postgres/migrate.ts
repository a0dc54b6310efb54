import type { PoolClient } from 'pg';
import { AppError, toAppError } from '../../core/errors.ts';
import { readVersion } from '../../lib/version.ts';
import { planMigration, readMigrations, refuseIncompatible, replicasVersion } from '../admin/migrations.ts';
import type { Migration, SchemaVersion } from '../admin/migrations.ts';
import { executeOn } from './connection.ts';
import type { Execute } from './connection.ts';

/** Any number, the same in every version: who holds this advisory lock migrates. */
const migrationLock = 0x46495354;
/** Until the client gives up: an index over many rows takes its time. A server that is gone is noticed by keep-alives. */
export const longestStatementMs = 3_600_000;

/** The migrations of PostgreSQL that this program knows. */
export function readPostgresMigrations(folder: URL = new URL('./migrations/', import.meta.url)): readonly Migration[] {
  return readMigrations(folder);
}

/** Reads the version of the schema that the connection's search path shows. */
export async function readPostgresSchema(execute: Execute): Promise<SchemaVersion> {
  const { rows: found } = await execute("SELECT to_regclass('schema_info') IS NOT NULL AS known");
  if (Number(found[0]?.known) !== 1) return { version: 0, minCompatibleVersion: 0, program: null };
  const { rows } = await execute('SELECT * FROM schema_info');
  const row = (rows[0] ?? {}) as Readonly<Record<string, unknown>>;
  const program = row['program_version'];
  return {
    version: Number(row['version'] ?? 0),
    minCompatibleVersion: Number(row['min_compatible_version'] ?? 0),
    program: typeof program === 'string' ? program : null,
  };
}

/**
 * Applies what is missing, in one transaction, under an advisory lock: replicas that start together wait for the first.
 * Returns the version before. Throws StoreUnusable where the schema is newer than `migrations` allow; nothing was touched.
 */
export async function migratePostgres(client: PoolClient, migrations: readonly Migration[]): Promise<SchemaVersion> {
  const execute = executeOn(client, longestStatementMs);
  // Waits for another replica's migration as long as that takes, but not for a table: all others would queue behind us.
  await execute("SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = '60s'");
  await execute('BEGIN');
  try {
    await execute('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    await execute("SET LOCAL lock_timeout = '5s'");
    const before = await readPostgresSchema(execute);
    refuseIncompatible('the PostgreSQL database', before, migrations);
    const plan = planMigration(before, migrations);
    if (plan !== null) {
      for (const migration of plan.due) await apply(execute, migration);
      await writeSchema(execute, plan.version, plan.minCompatibleVersion);
    }
    await execute('COMMIT');
    return before;
  } catch (thrown) {
    await execute('ROLLBACK').catch(() => undefined);
    throw thrown;
  }
}

async function apply(execute: Execute, { version, sql }: Migration): Promise<void> {
  try {
    await execute(sql);
  } catch (thrown) {
    const cause = toAppError(thrown);
    if (cause.code !== 'Internal') throw cause;
    throw new AppError('StoreUnusable', `migration ${version} of the PostgreSQL database failed: ${cause.message}`, {
      cause,
      next: 'nothing was changed: go on with the fist that was used before, and report this',
    });
  }
}

async function writeSchema(execute: Execute, version: number, minCompatibleVersion: number): Promise<void> {
  await execute(
    `INSERT INTO schema_info (id, version, min_compatible_version, updated_at) VALUES (1, $1, $2, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET
     version = excluded.version, min_compatible_version = excluded.min_compatible_version, updated_at = excluded.updated_at`,
    [version, minCompatibleVersion],
  );
  if (version >= replicasVersion) await execute('UPDATE schema_info SET program_version = $1', [readVersion()]);
}
