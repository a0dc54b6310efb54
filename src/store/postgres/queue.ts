import { types } from 'pg';
import type { Pool, PoolClient, QueryConfig } from 'pg';
import type { Db, PgBoss } from 'pg-boss';
import type { RunQueue } from '../../core/ports.ts';
import { createStatementNames, openPool } from './connection.ts';
import type { Execute, StatementNames } from './connection.ts';
import { storeError } from './errors.ts';
import { listen } from './listen.ts';
import { patiently } from './patience.ts';
import type { Patience } from './patience.ts';
import type { SendJobs } from './store.ts';

export interface RunQueueOptions {
  /** The database of the store; the queue has a schema of its own in it. */
  readonly url: string;
  /** Called with errors that the queue gets over by itself. */
  readonly onError: (error: unknown) => void;
  readonly patience?: Patience;
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
  notify: true,
  retryLimit: 0,
  expireInSeconds: 3600,
  retentionSeconds: 24 * 3600,
  deleteAfterSeconds: 3600,
} as const;
/** Two to take and send jobs, one for the upkeep. */
const connections = 3;
/** The size of a fetch is part of its text, so only powers of two are used, and each is prepared once. */
const mostTaken = 64;

/**
 * The queue `advance` in pg-boss (https://pgboss.io): who has room takes the next run. It holds immediate hints only, never
 * a delayed job; `wake_at` of the run is the truth. Any number of processes may open it at a time; the first one installs
 * it. Rejects with StoreUnavailable or StoreUnusable.
 */
export async function openRunQueue(options: RunQueueOptions): Promise<PostgresRunQueue> {
  const { PgBoss } = await import('pg-boss');
  const { onError } = options;
  const pool = openPool(options.url, connections, onError);
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
    await patiently(options.patience, async () => {
      try {
        await boss.start();
        await boss.createQueue(queueName, queueSettings);
        await describeQueue(pool, boss);
      } catch (thrown) {
        throw storeError(thrown);
      }
    });
  } catch (thrown) {
    await close();
    throw thrown;
  }

  async function insert(db: Db, runIds: readonly string[]): Promise<void> {
    const jobs = runIds.map((runId) => ({ singletonKey: runId, data: { runId } }));
    await boss.insert(queueName, jobs, { db });
  }
  return {
    sendJobs: (execute, runIds) => insert(databaseOf(execute, names), runIds),
    async send(runIds) {
      if (runIds.length > 0) await guarded(() => insert(databaseOn(pool, names), runIds));
    },
    take: (limit) =>
      inTransaction(pool, async (client) => {
        const db = databaseOn(client, names);
        const taken: string[] = [];
        for (let left = Math.min(limit, mostTaken); left > 0;) {
          const batchSize = 2 ** Math.floor(Math.log2(left));
          const jobs = await boss.fetch<{ readonly runId: string }>(queueName, { batchSize, db });
          const ids = jobs.map(({ id }) => id);
          // Taken and gone in one transaction: a process that dies leaves no job behind that keeps others out.
          if (ids.length > 0) await boss.deleteJob(queueName, ids, { db });
          taken.push(...jobs.map(({ data }) => data.runId));
          left = ids.length < batchSize ? 0 : left - batchSize;
        }
        return taken;
      }),
    onSent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
  };
}

/**
 * How pg-boss uses a pool or one connection of ours: with the driver's own types in place of the store's. It has few
 * statements with values, so they are prepared. Without values (to fetch) they are planned each time: a plan that was made
 * for an empty queue reads all of a long one.
 */
function databaseOn(client: Pick<Pool, 'query'>, names: StatementNames): Db {
  return {
    async executeSql(text, values) {
      const prepared = values === undefined || values.length === 0 ? {} : { values, name: names.of(text) };
      const query = { text, types, ...prepared } as QueryConfig;
      return client.query<Record<string, unknown>>(query);
    },
  };
}

/**
 * Before it knows anything about the jobs, PostgreSQL takes one queue for a small part of them and reads the whole of it for
 * each fetch. It looks by itself only after a minute; so, once, it is shown some. Who takes one of these finds no such run.
 */
async function describeQueue(pool: Pool, boss: PgBoss): Promise<void> {
  const known = `SELECT FROM pg_stats WHERE schemaname = '${schema}' AND tablename = 'job_common' AND attname = 'name'`;
  if ((await pool.query(known)).rowCount !== 0) return;
  const samples = Array.from({ length: 200 }, (_, index) => ({ singletonKey: `sample ${index}`, data: { runId: '' } }));
  await boss.insert(queueName, samples);
  await pool.query(`ANALYZE ${schema}.job`);
  await boss.deleteQueuedJobs(queueName);
}

/** A transaction of the store's. What an insert returns needs no types. */
function databaseOf(execute: Execute, names: StatementNames): Db {
  return { executeSql: (text, values) => execute(text, values, `${schema}_${names.of(text)}`) };
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return guarded(async () => {
    const client = await pool.connect();
    let committed = false;
    try {
      await client.query('BEGIN');
      const value = await work(client);
      await client.query('COMMIT');
      committed = true;
      return value;
    } finally {
      client.release(!committed);
    }
  });
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw storeError(thrown);
  }
}
