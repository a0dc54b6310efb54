import type { Pool, PoolClient } from 'pg';
import { AppError } from '../../core/errors.ts';
import { requireKnownSchema } from '../admin/admin.ts';
import type { AdminDatabase, AdminMode, TableSize } from '../admin/admin.ts';
import { newestVersion, refuseIncompatible } from '../admin/migrations.ts';
import { createStatementNames, executeOn, openPool, queryOn, serverConnectionName } from './connection.ts';
import type { Execute } from './connection.ts';
import { storeError } from './errors.ts';
import { longestStatementMs, migratePostgres, readPostgresMigrations, readPostgresSchema } from './migrate.ts';

/** Any number but the one of migrations: who holds this advisory lock imports. */
const importLock = 0x46495355;
/** Commands look at whole tables, and wait for whoever reads what they print. */
const longStatements = 'SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0';

/**
 * Opens a PostgreSQL database for a command, on one connection. `place` names it without its password. Rejects with
 * StoreUnavailable, with StoreUnusable (of another version), or StoreLocked where another import is under way.
 */
export async function openPostgresAdmin(url: string, place: string, mode: AdminMode): Promise<AdminDatabase> {
  const pool = openPool(url, 1, () => undefined, 'punching-fist admin');
  let client: PoolClient | undefined;
  try {
    client = await connect(pool);
    const execute = executeOn(client, longestStatementMs);
    const migrations = readPostgresMigrations();
    const known = newestVersion(migrations);
    if (mode === 'write') {
      await migratePostgres(client, migrations);
      await lockImport(execute, place);
    }
    await execute(longStatements);
    if (mode !== 'write') {
      const schema = await readPostgresSchema(execute);
      refuseIncompatible(place, schema, migrations);
      if (mode === 'read') requireKnownSchema(place, schema, known);
    }
    return admin(pool, client, execute, known);
  } catch (thrown) {
    // The pool waits for what it has lent.
    client?.release(true);
    await pool.end();
    throw thrown;
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (thrown) {
    throw storeError(thrown);
  }
}

async function lockImport(execute: Execute, place: string): Promise<void> {
  const { rows } = await execute('SELECT pg_try_advisory_lock($1) AS taken', [importLock]);
  if (Number(rows[0]?.taken) === 1) return;
  throw new AppError('StoreLocked', `another command writes to ${place}`, { next: 'wait for its end' });
}

function admin(pool: Pool, client: PoolClient, execute: Execute, known: number): AdminDatabase {
  const query = queryOn(execute, createStatementNames());

  async function within<T>(begin: string, work: () => Promise<T>): Promise<T> {
    await execute(begin);
    try {
      const value = await work();
      await execute('COMMIT');
      return value;
    } catch (thrown) {
      await execute('ROLLBACK').catch(() => undefined);
      throw thrown;
    }
  }
  async function number(text: string): Promise<number> {
    const { rows } = await execute(text);
    return Number((rows[0] as { readonly number: unknown } | undefined)?.number);
  }

  return {
    kind: 'PostgreSQL',
    knownVersion: known,
    schema: () => readPostgresSchema(execute),
    // A server has several connections.
    servers: () => number(serversQuery),
    bytes: () => number('SELECT pg_database_size(current_database()) AS number'),
    sizes: () => readSizes(execute),
    damage: async () => [],
    snapshot: (work) => within('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', () => work(query)),
    transaction: (work) => within('BEGIN', () => work(query)),
    async close() {
      client.release(true);
      await pool.end();
    },
  };
}

/** Commands give another name. */
const serversQuery = `SELECT count(*) AS number FROM pg_stat_activity
  WHERE application_name = '${serverConnectionName}' AND datname = current_database()`;

async function readSizes(execute: Execute): Promise<readonly TableSize[]> {
  const { rows } = await execute(
    `SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
     WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY bytes DESC`,
  );
  const sizes: TableSize[] = [];
  for (const { name, bytes } of rows as { readonly name: string; readonly bytes: unknown }[]) {
    const counted = await execute(`SELECT count(*) AS count FROM "${name.replaceAll('"', '""')}"`);
    sizes.push({ table: name, rows: Number(counted.rows[0]?.count), bytes: Number(bytes) });
  }
  return sizes;
}
