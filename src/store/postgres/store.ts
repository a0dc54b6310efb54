import type { Kysely } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { AppError } from '../../core/errors.ts';
import type { Clock, CommitHints } from '../../core/ports.ts';
import type { Store, StoreTransaction, TransactionName } from '../../core/store.ts';
import { createAlertStore } from '../alerts.ts';
import { defaultLimits } from '../commit-hooks.ts';
import type { CommitHooks, QueueLimits } from '../commit-hooks.ts';
import { createDeliveryReader, createDeliveryStore } from '../deliveries.ts';
import { createEventStore } from '../events.ts';
import { clearHints, noHints } from '../hints.ts';
import type { Hints } from '../hints.ts';
import { createListReader } from '../lists.ts';
import { createResourceStore } from '../resources.ts';
import { createRunReader, createRunStore } from '../runs.ts';
import type { Database } from '../schema.ts';
import { createServerClock } from './clock.ts';
import { createStatementNames, executeOn, openPool, queryOn } from './connection.ts';
import type { Execute, StatementNames } from './connection.ts';
import { migratePostgres, readPostgresMigrations } from './migrate.ts';
import type { Migration } from './migrate.ts';
import { storeError } from './errors.ts';

/** Sends jobs for runs that are due, in the transaction that made them due (design 3.1.18). */
export type SendJobs = (execute: Execute, runIds: readonly string[]) => Promise<void>;

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:5432/database`. */
  readonly url: string;
  /** For measuring and waiting; the wall clock is the server's. */
  readonly clock: Clock;
  /** Called with errors of connections that nobody uses. */
  readonly onError: (error: unknown) => void;
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

const defaultConnections = 10;
/** How often work is done again that met another replica's. */
const mostAttempts = 6;
const synchronizeEveryMs = 10_000;

/** One connection with the query code on it, made once. */
interface Session {
  readonly execute: Execute;
  readonly query: Kysely<Database>;
  readonly tx: StoreTransaction;
  readonly hints: Hints;
}

/**
 * Opens the store in a PostgreSQL database, migrating it first. Any number of processes may do so at a time. Rejects with
 * StoreUnavailable where the server does not answer, StoreUnusable where its schema is newer.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const pool = openPool(options.url, options.connections ?? defaultConnections, options.onError);
  try {
    const client = await connect(pool);
    try {
      await migratePostgres(client, options.migrations ?? readPostgresMigrations());
    } finally {
      // With its settings changed: not for others.
      client.release(true);
    }
    const execute = executeOn(pool);
    const clock = createServerClock(options.clock, async () => {
      const { rows } = await execute('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now');
      return Number(rows[0]?.now);
    });
    await clock.synchronize();
    return createStore(options, pool, execute, clock);
  } catch (thrown) {
    await pool.end();
    throw thrown;
  }
}

function createStore(
  options: PostgresStoreOptions,
  pool: Pool,
  execute: Execute,
  clock: ReturnType<typeof createServerClock>,
): PostgresStore {
  const names = createStatementNames();
  const sessions = createSessions(names);
  const listeners = new Set<(hints: CommitHints) => void>();
  const limits = options.limits ?? defaultLimits;
  const query = queryOn(execute, names);
  const synchronizing = setInterval(() => {
    clock.synchronize().catch(options.onError);
  }, synchronizeEveryMs);
  synchronizing.unref();
  let closed = false;
  let working = 0;
  let waitingSince: number | undefined;

  function refuse(name: TransactionName): void {
    if (closed) throw new AppError('Draining', 'the store is closed');
    if (pool.waitingCount === 0) waitingSince = undefined;
    if (name !== 'intake') return;
    const waitedMs = waitingSince === undefined ? 0 : clock.monotonic() - waitingSince;
    if (pool.waitingCount < limits.maxWaiting && waitedMs <= limits.maxWaitMs) return;
    throw new AppError(
      'StoreUnavailable',
      `${pool.waitingCount} writers wait for PostgreSQL, since ${Math.round(waitedMs)} ms`,
      { next: 'send it again later; if this stays, look at the PostgreSQL server' },
    );
  }

  async function attempt<T>(name: TransactionName, work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    if (pool.waitingCount > 0) waitingSince ??= clock.monotonic();
    const client = await connect(pool);
    const session = sessions(client);
    let failed: unknown;
    try {
      const value = await commit(session, name, work);
      announce(session.hints, listeners);
      return value;
    } catch (thrown) {
      failed = thrown;
      throw thrown;
    } finally {
      clearHints(session.hints);
      // A connection of which nobody knows what it is doing is not for others.
      const broken = failed instanceof AppError && failed.code === 'StoreUnavailable';
      client.release(broken || (failed !== undefined && !(await rolledBack(session))));
    }
  }

  async function commit<T>(
    { execute: run, tx, hints }: Session,
    name: TransactionName,
    work: (tx: StoreTransaction) => Promise<T>,
  ): Promise<T> {
    await run('BEGIN');
    const value = await work(tx);
    const now = new Date(clock.now()).toISOString();
    const due = hints.runs.filter(({ wakeAt }) => wakeAt <= now).map(({ id }) => id);
    if (due.length > 0) await options.sendJobs?.(run, [...new Set(due)]);
    options.hooks?.beforeCommit?.([name]);
    await run('COMMIT');
    options.hooks?.afterCommit?.([name]);
    return value;
  }

  return {
    clock,
    async transaction(name, work) {
      refuse(name);
      working += 1;
      try {
        for (let attempts = 1; ; attempts++) {
          try {
            return await attempt(name, work);
          } catch (thrown) {
            const isConflict = thrown instanceof AppError && thrown.code === 'StoreConflict';
            if (!isConflict || attempts >= mostAttempts) throw thrown;
            await clock.sleep(Math.random() * 5 * 2 ** attempts);
          }
        }
      } finally {
        working -= 1;
      }
    },
    read: { runs: createRunReader(query), deliveries: createDeliveryReader(query), lists: createListReader(query) },
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closed = true;
      clearInterval(synchronizing);
      while (working > 0) await clock.sleep(5);
      await pool.end();
    },
  };
}

/** The query code of each connection, made when the pool first hands it out. */
function createSessions(names: StatementNames): (client: PoolClient) => Session {
  const known = new WeakMap<PoolClient, Session>();
  return (client) => {
    const earlier = known.get(client);
    if (earlier !== undefined) return earlier;
    const execute = executeOn(client);
    const query = queryOn(execute, names);
    const hints = noHints();
    const tx: StoreTransaction = {
      alerts: createAlertStore(query),
      events: createEventStore(query),
      runs: createRunStore(query, hints),
      deliveries: createDeliveryStore(query, hints),
      resources: createResourceStore(query),
    };
    const session = { execute, query, tx, hints };
    known.set(client, session);
    return session;
  };
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
