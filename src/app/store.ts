import { AppError, toAppError } from '../core/errors.ts';
import type { Clock, Log, RunQueue } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { createComplaints } from '../lib/complaints.ts';
import type { CommitHooks, QueueLimits } from '../store/commit/hooks.ts';
import type { ServerWait } from '../store/postgres/server-wait.ts';
import type { SendJobs } from '../store/postgres/store.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const defaultPath = 'data/punching-fist.db';
/** A start waits so long for PostgreSQL, then it ends with an error; Kubernetes starts it again. */
const serverWaitMs = 30_000;

/**
 * Where the data is: `--db` wins over the contract's DATABASE_TYPE, DATABASE_URL and SQLITE_PATH. A path is an SQLite
 * file; `postgres://` and `postgresql://` are URLs of a PostgreSQL database. Throws InvalidInput.
 */
export function readDatabase(flag: string | undefined, environment: Environment): string {
  if (flag !== undefined) return checked(flag, '--db');
  const type = environment['DATABASE_TYPE'];
  const url = environment['DATABASE_URL'];
  if (type === 'postgres' || (type === undefined && url !== undefined)) {
    if (type === undefined && url !== undefined && /^sqlite/i.test(url)) return checked(url, 'DATABASE_URL');
    if (url === undefined || !isPostgresUrl(url)) {
      throw new AppError('InvalidInput', 'PostgreSQL needs the URL of a database', {
        field: 'DATABASE_URL',
        next: 'DATABASE_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE',
      });
    }
    return checked(url, 'DATABASE_URL');
  }
  if (type === undefined || type === 'sqlite') return checked(environment['SQLITE_PATH'] ?? defaultPath, 'SQLITE_PATH');
  throw new AppError('InvalidInput', `DATABASE_TYPE=${type} is neither sqlite nor postgres`, {
    field: 'DATABASE_TYPE',
    next: 'DATABASE_TYPE=postgres with DATABASE_URL, or DATABASE_TYPE=sqlite with SQLITE_PATH',
  });
}

/** A scheme has two letters or more; one is a drive. */
const schemed = /^([a-z][a-z0-9+.-]+):(?:\/\/)?(.*)$/is;

function checked(database: string, field: string): string {
  if (isPostgresUrl(database) ? URL.canParse(database) : !schemed.test(database)) return database;
  const [, scheme = '', rest = ''] = schemed.exec(database) ?? [];
  if (/^(?:sqlite3?|file)$/i.test(scheme)) {
    const path = rest.replace(/^\/+/, '/').replace(/\?.*$/s, '');
    const setting = field === '--db' ? '--db ' : 'SQLITE_PATH=';
    throw new AppError('InvalidInput', `an SQLite database is named by its path alone, without ${scheme}:`, {
      field,
      next: `${setting}${path === '' ? defaultPath : path}`,
    });
  }
  throw new AppError('InvalidInput', `${field} is neither a path nor a usable postgres:// URL`, {
    field,
    next: 'postgres://USER:PASSWORD@HOST:5432/DATABASE; special characters of the password as %XX',
  });
}

/** Whether a database is named by a PostgreSQL URL. */
export function isPostgresUrl(database: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(database);
}

/** The database for people and logs: without its password. */
export function describeDatabase(database: string): string {
  if (!isPostgresUrl(database)) return database;
  const url = new URL(database);
  url.password = '';
  for (const name of url.searchParams.keys()) if (/password/i.test(name)) url.searchParams.set(name, 'hidden');
  return url.href;
}

/**
 * The file with the token of the API: beside an SQLite file; of PostgreSQL in the folder where the server was started,
 * unless FIST_TOKEN gives all replicas the same.
 */
export function tokenFileOf(database: string): string {
  return `${isPostgresUrl(database) ? 'data/punching-fist' : database}-token`;
}

export interface OpenStoreOptions {
  readonly database: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly hooks?: CommitHooks;
  readonly limits?: QueueLimits;
  /** Ends the wait for a server that is not there yet; rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** An open store and the time that its rows are compared with. */
export interface OpenedStore {
  readonly store: Store;
  readonly clock: Clock;
  /** Shares the runs among replicas; null = there is only this process. To be closed before the store. */
  readonly queue: RunQueue | null;
}

/** Opens either database; only the driver that is needed is loaded. */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { database, clock, log, hooks = {}, limits, signal } = options;
  const bounds = limits === undefined ? {} : { limits };
  if (!isPostgresUrl(database)) {
    const { openSqliteStore } = await import('../store/sqlite/store.ts');
    const store = openSqliteStore({
      path: database,
      hooks,
      ...bounds,
      onWiderMode: (message) => log.warn({ database }, `${message}. It may hold alerts, evidence and reports`),
      onCreated: () => log.info({ database }, 'there was no database; a new one was made'),
      onLost: (error) => log.error({ error, database }, 'the database is lost; nothing is written any more'),
    });
    return { store, clock, queue: null };
  }
  const [{ openPostgresStore }, { openRunQueue }] = await Promise.all([
    import('../store/postgres/store.ts'),
    import('../store/postgres/queue.ts'),
  ]);
  const serverWait: ServerWait = {
    forMs: serverWaitMs,
    ...(signal === undefined ? {} : { signal }),
    onWaiting: (error, leftMs) =>
      log.warn(
        { error, database: describeDatabase(database), givesUpInMs: Math.round(leftMs) },
        'waiting for PostgreSQL',
      ),
  };
  const complain = createComplaints(log, clock);
  const late = Promise.withResolvers<SendJobs>();
  // Before the queue, which changes the database: the store decides whether that may be.
  const store = await openPostgresStore({
    url: database,
    clock,
    onError: (error) => log.warn({ error }, 'PostgreSQL connection lost'),
    serverWait,
    hooks,
    sendJobs: async (execute, runIds) => (await late.promise)(execute, runIds),
    ...bounds,
  });
  try {
    const queue = await openRunQueue({
      url: database,
      onError: (error) => complain('warn', toAppError(error).message, { error }, 'the queue of runs has trouble'),
      serverWait,
    });
    late.resolve(queue.sendJobs);
    return { store, clock: store.clock, queue };
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}
