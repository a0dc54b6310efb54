import { setTimeout as pause } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { AppError } from '../../core/errors.ts';
import type { Clock, CommitHints } from '../../core/ports.ts';
import type { Store, StoreTransaction, TransactionName } from '../../core/store.ts';
import { createAgentStore } from '../agent/store.ts';
import { createAlertStore } from '../alerts/store.ts';
import { defaultLimits } from '../commit/hooks.ts';
import type { CommitHooks, QueueLimits } from '../commit/hooks.ts';
import { createStoreReader } from '../commit/reader.ts';
import { createDeliveryStore } from '../deliveries/store.ts';
import { createEventStore } from '../events/store.ts';
import { clearHints, noHints } from '../commit/hints.ts';
import type { Hints } from '../commit/hints.ts';
import { checkImport } from '../admin/installation.ts';
import { createLearnedStore } from '../learned/store.ts';
import { createResourceStore } from '../resources/store.ts';
import { createRetentionStore } from '../retention/store.ts';
import { createGroupStore } from '../runs/groups.ts';
import { createRunStore } from '../runs/store.ts';
import type { Database } from '../tables/all.ts';
import { createDutyStore } from '../commit/duties.ts';
import { startWordIndex } from './words.ts';
import { createServerClock } from './clock.ts';
import type { ServerClock } from './clock.ts';
import { createStatementNames, executeOn, openPool, queryOn, readOn, together } from './connection.ts';
import type { Execute, StatementNames } from './connection.ts';
import { migratePostgres, readPostgresMigrations } from './migrate.ts';
import { waitForServer } from './server-wait.ts';
import type { ServerWait } from './server-wait.ts';
import { createPoolShares } from './pool-shares.ts';
import { newestVersion, replicasVersion } from '../admin/migrations.ts';
import type { Migration } from '../admin/migrations.ts';
import { isStalePlan, lastConflict, storeError } from './errors.ts';

/** Sends jobs for runs that are due, in the transaction that made them due (design 3.1.18). */
export type SendJobs = (execute: Execute, runIds: readonly string[]) => Promise<void>;

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:5432/database`. */
  readonly url: string;
  /** For measuring; the wall clock is the server's. */
  readonly clock: Clock;
  /** `given`: rows have the time of `clock`, for tests that tell it to move. Default: the server's time. */
  readonly clockOf?: 'given';
  /** Called with errors of connections that nobody uses. */
  readonly onError: (error: unknown) => void;
  /** Absent: a server that is away is an error at once. */
  readonly serverWait?: ServerWait;
  readonly sendJobs?: SendJobs;
  readonly hooks?: CommitHooks;
  readonly limits?: QueueLimits;
  readonly connections?: number;
  readonly migrations?: readonly Migration[];
}

export interface PostgresStore extends Store {
  /** The server's time. */
  readonly clock: Clock;
}

const defaultConnections = 12;
/** How often work is done again that met another replica's. */
const mostAttempts = 6;
const synchronizeEveryMs = 10_000;

/** One connection with the query code on it, made once. */
interface Session {
  readonly execute: Execute;
  readonly query: Kysely<Database>;
  readonly tx: StoreTransaction;
  readonly hints: Hints;
  /** Why the transaction in work cannot be committed any more: of statements sent together the later ones only say so. */
  failure: unknown;
}

/** Another connection may find the server well again. */
const neverLost = () => null;

/**
 * Opens the store in a PostgreSQL database, migrating it first. Any number of processes may do so at a time. Rejects with
 * StoreUnavailable where the server does not answer, StoreUnusable where its schema is newer.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const pool = openPool(options.url, options.connections ?? defaultConnections, options.onError);
  try {
    const execute = readOn(pool);
    const clock = createServerClock(options.clock, async () => {
      const { rows } = await execute('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now');
      return Number(rows[0]?.now);
    });
    await waitForServer(options.serverWait, async () => {
      const migrations = options.migrations ?? readPostgresMigrations();
      await migrate(pool, migrations);
      // On a connection that stays: from its look on an import sees this server.
      if (newestVersion(migrations) >= replicasVersion) await closeImport(execute);
      if (options.clockOf !== 'given') await clock.synchronize();
    });
    return createStore(options, pool, execute, clock);
  } catch (thrown) {
    await pool.end();
    throw thrown;
  }
}

async function migrate(pool: Pool, migrations: readonly Migration[]): Promise<void> {
  const client = await connect(pool);
  try {
    await migratePostgres(client, migrations);
  } finally {
    // With its settings changed: not for others.
    client.release(true);
  }
}

/** A server writes from here on: no later export may replace what it writes. */
async function closeImport(execute: Execute): Promise<void> {
  await execute("UPDATE installation SET import_state = NULL WHERE import_state = 'done'");
  const { rows } = await execute('SELECT import_state FROM installation');
  const { import_state: state } = (rows[0] ?? {}) as { readonly import_state?: unknown };
  checkImport('the PostgreSQL database', state);
}

function createStore(
  options: PostgresStoreOptions,
  pool: Pool,
  execute: Execute,
  serverClock: ServerClock,
): PostgresStore {
  const clock = options.clockOf === 'given' ? options.clock : serverClock;
  const names = createStatementNames();
  const sessions = createSessions(names);
  const listeners = new Set<(hints: CommitHints) => void>();
  const shares = createPoolShares(pool.options.max, options.limits ?? defaultLimits, () => clock.monotonic());
  const query = queryOn(execute, names);
  const synchronizing = setInterval(() => {
    if (clock === serverClock) serverClock.synchronize().catch(options.onError);
  }, synchronizeEveryMs);
  synchronizing.unref();
  const words = startWordIndex(pool, names, options.onError);
  let closed = false;
  const working = new Set<Promise<unknown>>();
  let ended: Promise<void> | undefined;

  async function attempt<T>(name: TransactionName, work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    const client = await connect(pool);
    const session = sessions(client);
    let failed: unknown;
    session.failure = undefined;
    try {
      const value = await commit(session, name, work);
      announce(session.hints, listeners);
      if (name === 'intake') words.wake();
      return value;
    } catch (thrown) {
      failed = isDecision(thrown) ? thrown : (session.failure ?? thrown);
      throw failed;
    } finally {
      clearHints(session.hints);
      // A connection of which nobody knows what it is doing is not for others.
      const broken = (failed instanceof AppError && failed.code === 'StoreUnavailable') || isStalePlan(failed);
      client.release(broken || (failed !== undefined && !(await rolledBack(session))));
    }
  }

  async function commit<T>(
    { execute: run, tx, hints }: Session,
    name: TransactionName,
    work: (tx: StoreTransaction) => Promise<T>,
  ): Promise<T> {
    // Sent together with the first statement: where it fails, the connection is gone.
    const begun = run('BEGIN');
    begun.catch(() => undefined);
    const value = await work(tx);
    await begun;
    const now = new Date(clock.now()).toISOString();
    const due = hints.runs.filter(({ wakeAt }) => wakeAt <= now).map(({ id }) => id);
    if (due.length > 0) await options.sendJobs?.(run, [...new Set(due)]);
    const names = [name];
    options.hooks?.beforeCommit?.(names);
    const { command } = await run('COMMIT');
    // A transaction in which a statement failed, and work went on, is rolled back by COMMIT without an error.
    if (command !== 'COMMIT') throw new AppError('StoreConflict', `PostgreSQL answered COMMIT with ${command}`);
    options.hooks?.afterCommit?.(names);
    return value;
  }

  /** Work that met another replica's is done again on fresh rows. */
  async function withRetries<T>(name: TransactionName, work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt(name, work);
      } catch (thrown) {
        const isConflict = thrown instanceof AppError && thrown.code === 'StoreConflict';
        if (!isConflict || attempts >= mostAttempts) throw lastConflict(thrown);
        options.hooks?.conflict?.(name);
        await pause(Math.random() * 5 * 2 ** attempts);
      }
    }
  }

  async function end(): Promise<void> {
    closed = true;
    clearInterval(synchronizing);
    await Promise.allSettled(working);
    await words.close();
    await pool.end();
  }

  return {
    clock,
    lost: neverLost,
    async transaction(name, work) {
      if (closed) throw new AppError('Draining', 'the store is closed');
      const result = shares.pass(name, () => withRetries(name, work));
      working.add(result);
      try {
        return await result;
      } finally {
        working.delete(result);
      }
    },
    probe: async () => void (await execute('UPDATE schema_info SET updated_at = updated_at')),
    read: createStoreReader(query),
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => (ended ??= end()),
  };
}

/** The query code of each connection, made when the pool first hands it out. */
function createSessions(names: StatementNames): (client: PoolClient) => Session {
  const known = new WeakMap<PoolClient, Session>();
  return (client) => {
    const earlier = known.get(client);
    if (earlier !== undefined) return earlier;
    const send = executeOn(together(client));
    const execute: Execute = async (text, values, name) => {
      try {
        return await send(text, values, name);
      } catch (thrown) {
        session.failure ??= thrown;
        throw thrown;
      }
    };
    const query = queryOn(execute, names);
    const hints = noHints();
    const tx: StoreTransaction = {
      alerts: createAlertStore(query),
      events: createEventStore(query),
      runs: createRunStore(query, hints),
      agent: createAgentStore(query),
      learned: createLearnedStore(query),
      groups: createGroupStore(query),
      deliveries: createDeliveryStore(query, hints),
      resources: createResourceStore(query),
      duties: createDutyStore(query),
      retention: createRetentionStore(query),
    };
    const session: Session = { execute, query, tx, hints, failure: undefined };
    known.set(client, session);
    return session;
  };
}

/** Thrown by the work itself, which had an answer that matters more than a statement sent together with it that failed. */
function isDecision(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code !== 'StoreConflict' && thrown.code !== 'StoreUnavailable';
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (thrown) {
    throw storeError(thrown);
  }
}

async function rolledBack({ execute }: Session): Promise<boolean> {
  try {
    await execute('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}

/** Tells the listeners what the commit made due. They only note it: a hint is not work. */
function announce(hints: Hints, listeners: ReadonlySet<(hints: CommitHints) => void>): void {
  const told: CommitHints = { runs: hints.runs.length > 0, deliveries: hints.deliveries };
  if (!told.runs && !told.deliveries) return;
  for (const listener of listeners) listener(told);
}
