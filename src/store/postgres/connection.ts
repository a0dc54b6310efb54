import { Kysely, PostgresDialect } from 'kysely';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { Client, Pool } from 'pg';
import type { ClientBase, ClientConfig, CustomTypesConfig, QueryConfig, QueryResult } from 'pg';
import { AppError } from '../../core/errors.ts';
import type { Database } from '../tables/all.ts';
import { useDialect } from '../sql/dialect.ts';
import { useDirectly } from '../sql/statements.ts';
import { isStalePlan, storeError } from './errors.ts';
import { postgresSql } from './sql.ts';
import { bindValue, typeParser } from './values.ts';

/** Runs one statement. Rejects with StoreConflict, StoreUnavailable, or the server's own error. */
export type Execute = (text: string, values?: readonly unknown[], name?: string) => Promise<QueryResult>;

/** The name of the connections that make a fist a server, which an import must not meet. */
export const serverConnectionName = 'punching-fist';

/** Limits in milliseconds. All are far below a lease, so that a lost server is noticed within it. */
const limits = {
  connect: 5_000,
  /** The server ends a statement after 8 s (below), the client gives up a little later. */
  query: 10_000,
  keepAlive: 5_000,
} as const;

/**
 * What must not depend on how the server is configured. Set by a statement and not at the start of the connection: a
 * pooler in between refuses what it does not know there, and `?options=` of the URL stays free for the person.
 */
const sessionSettings: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  default_transaction_isolation: 'read committed',
  // A commit is on disk before it returns, and on that of a synchronous standby.
  synchronous_commit: 'on',
  statement_timeout: '8s',
  lock_timeout: '5s',
  // A replica that stands still or is cut off in mid-transaction must not keep its locks.
  idle_in_transaction_session_timeout: '5s',
  tcp_keepalives_idle: '5',
  tcp_keepalives_interval: '2',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '10000',
  // Rows are found by indexes. The default is that of rotating disks, and has a table of ten thousand rows read whole.
  random_page_cost: '1.1',
};

/**
 * A pool of connections to `url`, which send statements without waiting for the answers to earlier ones; nothing
 * connects before the first query. `onError` hears of connections that broke. `name` is what the server's list of
 * connections shows.
 */
export function openPool(
  url: string,
  max: number,
  onError: (error: unknown) => void,
  name: string = serverConnectionName,
): Pool {
  // The pool waits for the promise, which its type does not say.
  const onConnect: (client: ClientBase) => unknown = (client) => prepareSession(client, name);
  const pool = new Pool({
    Client: unthrowing as unknown as new () => ClientBase,
    connectionString: url,
    max,
    types: { getTypeParser: typeParser as CustomTypesConfig['getTypeParser'] },
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: limits.keepAlive,
    connectionTimeoutMillis: limits.connect,
    query_timeout: limits.query,
    idleTimeoutMillis: 60_000,
    // A connection that the network swallowed must not keep a process that has stopped.
    allowExitOnIdle: true,
    onConnect,
  });
  // Without listeners the error would end the process: of idle connections, which are replaced,
  pool.on('error', (error) => onError(storeError(error)));
  // and of those in use between two statements, whose next statement fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * What the pool makes its connections with. A certificate of the URL is read here; where it is missing, while somebody
 * replaces it, that is an error of the connection, because the pool also makes some when nobody is there to catch one.
 */
function unthrowing(config: ClientConfig): Pick<Client, 'connect' | 'on' | 'end'> {
  try {
    return new Client(config);
  } catch (thrown) {
    const dead = {
      connect: (done: (error: unknown) => void) => process.nextTick(done, thrown),
      on: () => dead,
      end: (done: () => void) => process.nextTick(done),
    };
    return dead as unknown as Client;
  }
}

/** Throws StoreUnavailable on a server that cannot write: everything that a server of ours does needs to. */
async function prepareSession(client: ClientBase, name: string): Promise<void> {
  // The name too, whatever the URL says: an import counts servers by it.
  const values = Object.entries({ ...sessionSettings, application_name: name }).flat();
  const calls = values.flatMap((_, index) =>
    index % 2 === 0 ? [`set_config($${index + 1}, $${index + 2}, false)`] : [],
  );
  const text = `SELECT ${calls.join(', ')}, current_setting('transaction_read_only') AS read_only`;
  const { rows } = await client.query({ text, values, query_timeout: limits.connect } as QueryConfig);
  if ((rows[0] as { readonly read_only: string }).read_only !== 'on') return;
  throw new AppError(
    'StoreUnavailable',
    'PostgreSQL: the server only reads: a standby, or default_transaction_read_only',
    {
      reason: 'StoreDown',
      next: 'name the primary in --db or DATABASE_URL; after a fail-over its address must lead to the new one',
    },
  );
}

/** Statements by an {@link Execute} over anything that takes queries as pg does. `queryMs` replaces the usual limit. */
export function executeOn(client: Pick<Pool, 'query'>, queryMs: number = limits.query): Execute {
  return async (text, values = [], name) => {
    const query = {
      text,
      // Without values the server takes several statements at once: migrations.
      ...(values.length === 0 && name === undefined ? {} : { values: values.map(bindValue) }),
      ...(name === undefined ? {} : { name }),
      query_timeout: queryMs,
    };
    try {
      return await client.query(query);
    } catch (thrown) {
      throw storeError(thrown);
    }
  };
}

/** Statements of one turn of the event loop leave in one write: writes cost more than what they carry. */
export function together(client: ClientBase): Pick<Pool, 'query'> {
  const { stream } = (client as Client).connection;
  const query = (config: QueryConfig) => {
    stream.cork();
    process.nextTick(() => stream.uncork());
    return client.query(config);
  };
  return { query } as unknown as Pick<Pool, 'query'>;
}

/** Reads over the whole pool. A connection whose prepared statement is void is gone after it was tried; the next is asked. */
export function readOn(pool: Pool): Execute {
  const execute = executeOn(pool);
  return async (text, values, name) => {
    for (let left = pool.totalCount; ; left--) {
      try {
        return await execute(text, values, name);
      } catch (thrown) {
        if (left <= 0 || !isStalePlan(thrown)) throw thrown;
      }
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
  useDialect(query, postgresSql);
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
