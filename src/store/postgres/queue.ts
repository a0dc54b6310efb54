import { types } from 'pg';
import type { Pool, QueryConfig } from 'pg';
import type { Db } from 'pg-boss';
import type { RunQueue } from '../../core/ports.ts';
import { createStatementNames, openPool } from './connection.ts';
import type { Execute, StatementNames } from './connection.ts';
import { storeError } from './errors.ts';
import { listen } from './listen.ts';
import { waitForServer } from './server-wait.ts';
import type { ServerWait } from './server-wait.ts';
import type { SendJobs } from './store.ts';

export interface RunQueueOptions {
  /** The database of the store; the queue has a schema of its own in it. */
  readonly url: string;
  /** Called with errors that the queue gets over by itself. */
  readonly onError: (error: unknown) => void;
  readonly serverWait?: ServerWait;
}

export interface PostgresRunQueue extends RunQueue {
  /** Like `send`, in the transaction that made the runs due, as one statement. */
  readonly sendJobs: SendJobs;
}

const schema = 'punchingfist_jobs';
const queueName = 'advance';
/**
 * `stately`: one waiting job for each run, however often it is sent. Jobs are deleted by who takes them, so the times are
 * for what should not happen.
 */
const queueSettings = {
  policy: 'stately',
  // A table of its own has fewer indexes.
  partition: true,
  notify: true,
  retryLimit: 0,
  expireInSeconds: 3600,
  retentionSeconds: 24 * 3600,
  deleteAfterSeconds: 3600,
} as const;
/** Two to take and send jobs, one for the upkeep. */
const connections = 3;
interface TakenJob {
  readonly run_id: string;
}

/**
 * Takes jobs, oldest first, and deletes them, in one statement: a process that dies leaves none behind that would keep
 * others out. pg-boss's own fetch is planned for what the table held when PostgreSQL last looked, mostly nothing; it then
 * reads all of a long queue each time. Here the index of the oldest gives the ids and the primary key finds the rows, which
 * `plannerSettings` see to.
 */
const takeJobs = `
  DELETE FROM ${schema}.job WHERE name = '${queueName}' AND id = ANY (ARRAY(
    SELECT id FROM ${schema}.job WHERE name = '${queueName}' AND state < 'active' AND NOT blocked
    ORDER BY priority DESC, created_on LIMIT $1 FOR UPDATE SKIP LOCKED
  )) RETURNING singleton_key AS run_id`;
const plannerSettings = 'SET enable_sort = off; SET enable_seqscan = off; SET enable_bitmapscan = off';

/**
 * The queue `advance` in pg-boss (https://pgboss.io): who has room takes the next run. It holds immediate hints only, never
 * a delayed job; `wake_at` of the run is the truth. Any number of processes may open it at a time; the first one installs
 * it. Rejects with StoreUnavailable or StoreUnusable.
 */
export async function openRunQueue(options: RunQueueOptions): Promise<PostgresRunQueue> {
  const { PgBoss } = await import('pg-boss');
  const { onError } = options;
  const pool = openPool(options.url, connections, onError);
  pool.on('connect', (client) => void client.query(plannerSettings).catch(onError));
  const names = createStatementNames();
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const boss = new PgBoss({
    db: {
      ...databaseOn(pool, names),
      listen: async (channel, onNotification) =>
        listen({
          url: options.url,
          channel,
          onConnected: tell,
          onError,
          onNotification(payload) {
            onNotification(payload);
            tell();
          },
        }),
    },
    schema,
    useListenNotify: true,
    schedule: false,
    supervise: true,
    registerInstance: false,
    openTelemetry: { enabled: false },
  });
  boss.on('error', (error) => onError(storeError(error)));
  boss.on('warning', ({ message }) => onError(new Error(`pg-boss: ${message}`)));
  const close = async (): Promise<void> => {
    await boss.stop({ graceful: false, close: false });
    await pool.end();
  };
  try {
    await waitForServer(options.serverWait, async () => {
      try {
        await boss.start();
        await boss.createQueue(queueName, queueSettings);
      } catch (thrown) {
        throw storeError(thrown);
      }
    });
  } catch (thrown) {
    await close();
    throw thrown;
  }

  async function insert(db: Db, runIds: readonly string[]): Promise<void> {
    // In one order for all replicas: those that send the same runs wait for each other, never in a circle.
    const jobs = runIds.toSorted().map((runId) => ({ singletonKey: runId }));
    await boss.insert(queueName, jobs, { db });
  }
  return {
    sendJobs: (execute, runIds) => insert(databaseOf(execute, names), runIds),
    async send(runIds) {
      if (runIds.length > 0) await guarded(() => insert(databaseOn(pool, names), runIds));
    },
    async take(limit) {
      const { rows } = await guarded(() => pool.query<TakenJob>({ name: 'take', text: takeJobs, values: [limit] }));
      return rows.map((row) => row.run_id);
    },
    onSent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
  };
}

/**
 * How pg-boss uses our pool: with the driver's own types in place of the store's. It has few statements with values, so they
 * are prepared.
 */
function databaseOn(pool: Pool, names: StatementNames): Db {
  return {
    async executeSql(text, values) {
      const prepared = values === undefined || values.length === 0 ? {} : { values, name: names.of(text) };
      const query = { text, types, ...prepared } as QueryConfig;
      return pool.query<Record<string, unknown>>(query);
    },
  };
}

/** A transaction of the store's. What an insert returns needs no types. */
function databaseOf(execute: Execute, names: StatementNames): Db {
  return { executeSql: (text, values) => execute(text, values, `${schema}_${names.of(text)}`) };
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw storeError(thrown);
  }
}
