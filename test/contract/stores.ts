import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import type { Clock } from '../../src/core/ports.ts';
import type { Store } from '../../src/core/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { CommitHooks, QueueLimits } from '../../src/store/commit/hooks.ts';
import { createStatementNames, executeOn, openPool, queryOn } from '../../src/store/postgres/connection.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import type { Database } from '../../src/store/tables/all.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createCleanup } from '../support/cleanup.ts';
import { waitedFor } from '../support/clock.ts';
import { writeMigratedDatabase } from '../support/migrated.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { sharedPostgres } from '../support/postgres.ts';

// The stores that a contract suite runs on, with the same text for each: `describe.each(contractStores)` gives each suite
// `open`, and each `open` gives an empty store, to be closed after its test. What only one database has is tested beside its
// code in src/store/<database>.

export interface ContractOptions {
  /** The time of the store's rows on both databases; the machine's unless given. */
  readonly clock?: Clock;
  readonly hooks?: CommitHooks;
  readonly limits?: QueueLimits;
}

/** An empty database with all tables, of its own. */
export interface ContractRows {
  /** Any query, beside a store: to arrange rows and to look at them. */
  readonly query: Kysely<Database>;
  /** Statements in the database's own dialect; `$1` or `?` for the values. */
  execute(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** For `--db`. */
  readonly database: string;
  close(): Promise<void>;
}

/** A store in such a database, opened by a test. */
export interface ContractStore extends ContractRows {
  readonly store: Store;
  /** The time that the store's rows are compared with. */
  readonly clock: Clock;
}

export interface ContractDatabase {
  readonly name: 'SQLite' | 'PostgreSQL';
  readonly open: (options?: ContractOptions) => Promise<ContractStore>;
  /** Without a store, which would work on the rows in the background. */
  readonly openRows: () => Promise<ContractRows>;
}

/** Where files are not written to a disk, if the system has such a place: these tests do not lose power. */
const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

function sqliteFile(cleanup: Cleanup): string {
  const folder = mkdtempSync(join(memory, 'fist-store-'));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const path = join(folder, 'fist.db');
  writeMigratedDatabase(path);
  return path;
}

/** Its connection is opened by the first query: most tests look through the store only. */
function sqliteRows(path: string, cleanup: Cleanup): ContractRows {
  let opened: ReturnType<typeof openDatabase> | undefined;
  cleanup.defer(() => opened?.close());
  const connection = () => (opened ??= openDatabase(path));
  return {
    database: path,
    get query() {
      return connection().query;
    },
    execute: async (text, values = []) =>
      connection()
        .raw.prepare(text)
        .all(...(values as string[])),
    close: () => cleanup.run(),
  };
}

const sqlite: ContractDatabase = {
  name: 'SQLite',
  async open({ clock = systemClock(), ...options } = {}) {
    const cleanup = createCleanup();
    const path = sqliteFile(cleanup);
    const store = openSqliteStore({ path, monotonic: () => clock.monotonic(), ...options });
    cleanup.defer(() => store.close());
    return Object.assign(sqliteRows(path, cleanup), { store, clock });
  },
  async openRows() {
    const cleanup = createCleanup();
    return sqliteRows(sqliteFile(cleanup), cleanup);
  },
};

const template = 'contract_template';
/** Databases that an earlier test has left, emptied, with their connections: another would cost more than the test. */
const free: ContractRows[] = [];
let templateMade: Promise<void> | undefined;

function postgresRows(url: string): ContractRows {
  // Not the name of a server's: an import that a later test makes must not meet one.
  const pool = openPool(url, 2, () => undefined, 'contract-rows');
  const execute = executeOn(pool);
  return {
    database: url,
    query: queryOn(execute, createStatementNames()),
    execute: async (text, values) => (await execute(text, values)).rows as Record<string, unknown>[],
    close: () => pool.end(),
  };
}

/** A clock that stands still moves on only when the server has answered. */
function waitedForStore(store: Store): Store {
  const wrap = <Calls extends object>(calls: Calls): Calls =>
    new Proxy(calls, {
      get(target, name) {
        const call = target[name as keyof Calls] as (...values: unknown[]) => Promise<unknown>;
        return (...values: unknown[]) => waitedFor(call(...values));
      },
    });
  const { runs, agent, learned, deliveries, lists } = store.read;
  return {
    ...store,
    transaction: (name, work) => waitedFor(store.transaction(name, work)),
    read: {
      runs: wrap(runs),
      agent: wrap(agent),
      learned: wrap(learned),
      deliveries: wrap(deliveries),
      lists: wrap(lists),
    },
  };
}

const postgres: ContractDatabase = {
  name: 'PostgreSQL',
  async open({ clock, ...options } = {}) {
    const rows = free.pop() ?? postgresRows(await newDatabase());
    const store = await openPostgresStore({
      url: rows.database,
      clock: clock ?? systemClock(),
      ...(clock === undefined ? {} : { clockOf: 'given' as const }),
      onError: () => undefined,
      connections: 4,
      ...options,
    });
    return {
      ...rows,
      store: clock === undefined ? store : waitedForStore(store),
      clock: store.clock,
      async close() {
        await store.close();
        await rows.execute(emptyAll);
        free.push(rows);
      },
    };
  },
  openRows: async () => postgresRows(await newDatabase()),
};

/** Deleting the few rows of a test is quicker than TRUNCATE, which makes all files anew. */
const emptyAll = `DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('schema_info', 'installation')
  LOOP EXECUTE 'DELETE FROM ' || name; END LOOP; END $$`;

async function newDatabase(): Promise<string> {
  const server = await sharedPostgres();
  templateMade ??= (async () => {
    await server.query(`CREATE DATABASE ${template}`);
    const store = await openPostgresStore({
      url: server.url(template),
      clock: systemClock(),
      onError: () => undefined,
    });
    await store.close();
  })();
  await templateMade;
  return server.createDatabase(template);
}

export const contractStores: readonly ContractDatabase[] = [sqlite, postgres];
