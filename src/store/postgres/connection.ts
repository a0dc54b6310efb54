import { Kysely, PostgresDialect } from 'kysely';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import type { Pool, QueryResult } from 'pg';
import type { Database } from '../schema.ts';
import { useDirectly } from '../statements.ts';
import { storeError } from './errors.ts';
import { bindValue, typeParser } from './values.ts';

/** Runs one statement. Rejects with StoreConflict, StoreUnavailable, or the server's own error. */
export type Execute = (text: string, values?: readonly unknown[], name?: string) => Promise<QueryResult>;

/** Limits of one session, in milliseconds. All are far below a lease, so that a lost server is noticed within it. */
const limits = {
  connect: 5_000,
  /** The server ends a statement after it, the client gives up a little later. */
  statement: 8_000,
  query: 10_000,
  /** A replica that stands still in mid-transaction must not keep its locks. */
  idleInTransaction: 5_000,
  lock: 5_000,
} as const;

/** Session settings that do not depend on how the server is configured. Durable: a commit is on disk before it returns. */
const settings: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  synchronous_commit: 'on',
  tcp_keepalives_idle: '5',
  tcp_keepalives_interval: '2',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '10000',
};

/** A pool of connections to `url`; nothing connects before the first query. */
export function openPool(url: string, max: number, onError: (error: unknown) => void): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: 'punching-fist',
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
    keepAlive: true,
    connectionTimeoutMillis: limits.connect,
    statement_timeout: limits.statement,
    query_timeout: limits.query,
    idle_in_transaction_session_timeout: limits.idleInTransaction,
    lock_timeout: limits.lock,
    idleTimeoutMillis: 60_000,
  });
  // An idle connection that breaks is replaced; without a listener it would end the process.
  pool.on('error', (error) => onError(storeError(error)));
  return pool;
}

/** Statements by an {@link Execute} over anything that takes queries as pg does. */
export function executeOn(client: Pick<Pool, 'query'>): Execute {
  return async (text, values = [], name) => {
    try {
      // Without values the server takes several statements at once: migrations.
      if (values.length === 0 && name === undefined) return await client.query(text);
      return await client.query({ text, values: values.map(bindValue), ...(name === undefined ? {} : { name }) });
    } catch (thrown) {
      throw storeError(thrown);
    }
  };
}

/**
 * Kysely over one connection or a whole pool. Statements of hot paths are prepared on the server under a name, once for
 * each connection.
 */
export function queryOn(execute: Execute, names: StatementNames): Kysely<Database> {
  const client = {
    query: (text: string, values: readonly unknown[]) => execute(text, values),
    release: () => undefined,
  } as unknown as PostgresPoolClient;
  const pool: PostgresPool = { options: {}, connect: async () => client, end: async () => undefined };
  const query = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  useDirectly(query, (text) => {
    const name = names.of(text);
    return async (parameters) => {
      const { rows, rowCount } = await execute(text, parameters, name);
      return { rows, changes: rowCount ?? 0 };
    };
  });
  return query;
}

/** One short name for each text. */
export interface StatementNames {
  of(text: string): string;
}

export function createStatementNames(): StatementNames {
  const names = new Map<string, string>();
  return {
    of(text) {
      const known = names.get(text);
      if (known !== undefined) return known;
      const name = `fist_${names.size + 1}`;
      names.set(text, name);
      return name;
    },
  };
}
