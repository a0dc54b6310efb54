import { AppError } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import type { CommitHooks } from '../store/commit-hooks.ts';
import type { SendJobs } from '../store/postgres/store.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const defaultPath = 'data/punching-fist.db';

/**
 * Where the data is: `--db` wins over the contract's DATABASE_TYPE, DATABASE_URL and SQLITE_PATH. A path is an SQLite
 * file; `postgres://` and `postgresql://` are URLs of a PostgreSQL database. Throws InvalidInput.
 */
export function readDatabase(flag: string | undefined, environment: Environment): string {
  if (flag !== undefined) return checked(flag, '--db');
  const type = environment['DATABASE_TYPE'];
  const url = environment['DATABASE_URL'];
  if (type === 'postgres' || (type === undefined && url !== undefined)) {
    if (url === undefined || !isPostgres(url)) {
      throw new AppError('InvalidInput', 'PostgreSQL needs the URL of a database', {
        field: 'DATABASE_URL',
        next: 'DATABASE_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE',
      });
    }
    return checked(url, 'DATABASE_URL');
  }
  if (type === undefined || type === 'sqlite') return environment['SQLITE_PATH'] ?? defaultPath;
  throw new AppError('InvalidInput', `DATABASE_TYPE=${type} is neither sqlite nor postgres`, {
    field: 'DATABASE_TYPE',
    next: 'DATABASE_TYPE=postgres with DATABASE_URL, or DATABASE_TYPE=sqlite with SQLITE_PATH',
  });
}

function checked(database: string, field: string): string {
  if (isPostgres(database) ? URL.canParse(database) : !/^[a-z][a-z0-9+.-]+:\/\//i.test(database)) return database;
  throw new AppError('InvalidInput', `${field} is neither a path nor a usable postgres:// URL`, {
    field,
    next: 'postgres://USER:PASSWORD@HOST:5432/DATABASE; special characters of the password as %XX',
  });
}

/** Whether a database is named by a PostgreSQL URL. */
export function isPostgres(database: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(database);
}

/** The database for people and logs: without its password. */
export function describeDatabase(database: string): string {
  if (!isPostgres(database)) return database;
  const url = new URL(database);
  url.password = '';
  for (const name of [...url.searchParams.keys()]) if (/password/i.test(name)) url.searchParams.set(name, 'hidden');
  return url.href;
}

/**
 * The file with the token of the API: beside an SQLite file; of PostgreSQL in the folder where the server was started,
 * unless FIST_TOKEN gives all replicas the same.
 */
export function tokenFileOf(database: string): string {
  return `${isPostgres(database) ? 'data/punching-fist' : database}-token`;
}

export interface OpenStoreOptions {
  readonly database: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly hooks?: CommitHooks;
  /** PostgreSQL only. */
  readonly sendJobs?: SendJobs;
}

/** An open store and the time that its rows are compared with. */
export interface OpenedStore {
  readonly store: Store;
  readonly clock: Clock;
}

/** Opens either database; only the driver that is needed is loaded. */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { database, clock, log, hooks = {}, sendJobs } = options;
  if (!isPostgres(database)) {
    const { openSqliteStore } = await import('../store/sqlite/store.ts');
    return { store: openSqliteStore({ path: database, hooks }), clock };
  }
  const { openPostgresStore } = await import('../store/postgres/store.ts');
  const onError = (error: unknown): void => log.warn({ error }, 'PostgreSQL connection lost');
  const store = await openPostgresStore({
    url: database,
    clock,
    onError,
    hooks,
    ...(sendJobs === undefined ? {} : { sendJobs }),
  });
  return { store, clock: store.clock };
}
