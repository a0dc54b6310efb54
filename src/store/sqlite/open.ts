import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { Kysely, SqliteDialect } from 'kysely';
import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { AppError } from '../../core/errors.ts';
import { noTurns } from '../../lib/turns.ts';
import type { Turns } from '../../lib/turns.ts';
import { refuseIncompatible } from '../admin/migrations.ts';
import type { Migration } from '../admin/migrations.ts';
import type { Database } from '../tables/all.ts';
import { useDialect } from '../sql/dialect.ts';
import { useDirectly } from '../sql/statements.ts';
import { storable } from '../sql/text.ts';
import { createDatabaseFile } from './create.ts';
import { refuseDamage } from './damage.ts';
import { commitError, isDamage, restore, unusable } from './errors.ts';
import { orUnusable, refuseLost } from './lock.ts';
import { migrateSqlite, readSqliteMigrations, readSqliteSchema } from './migrate.ts';
import { openRaw } from './raw.ts';
import { sqliteSql } from './sql.ts';

/** `FIST` in the database header: tells our files from others. */
const applicationId = 0x46495354;
/** The SQLite file format: the header's first bytes, and where the application id is (sqlite.org/fileformat2.html). */
const header = { magic: 'SQLite format 3\0', applicationIdOffset: 68, bytes: 100 } as const;
/**
 * A checkpoint each 12 MiB of log instead of 4: pages of random keys (fingerprints, labels) that many commits changed are
 * then copied once. With more, the commit that copies them would hold the event loop for too long. The cache holds
 * more, so that they are not read back.
 */
const logPages = 3000;
const sizes = `PRAGMA wal_autocheckpoint=${logPages}; PRAGMA cache_size=-32000`;
const cachedStatements = 300;

/** One connection, with the two faces that the store uses: raw for BEGIN and COMMIT, Kysely for queries. */
export interface Connection {
  readonly raw: DatabaseSync;
  readonly query: Kysely<Database>;
  /** Those that its statements share. */
  readonly turns: Turns;
  readonly close: () => void;
}

export interface OpenOptions {
  /** A statement after which the turn of the event loop is over gives its result in the next one. */
  readonly turns?: Turns;
  /** SQLite found damage in what a statement read. */
  readonly onDamage?: (error: AppError) => void;
}

/**
 * Opens the database for writing and migrates it: WAL, `synchronous=FULL`, so that a commit survives a power cut.
 * Throws StoreUnusable where the file cannot be opened, is not ours, newer or damaged, or is gone while its log is there;
 * nothing was touched then.
 */
export function openDatabase(path: string, migrations = readSqliteMigrations(), options: OpenOptions = {}): Connection {
  if (path !== ':memory:') {
    inspectDatabase(path, migrations);
    refuseLost(path, 'log');
    orUnusable(path, () => createDatabaseFile(path, applicationId));
  }
  const raw = openRaw(path, false);
  try {
    refuseDamage(raw, path);
    // The id comes first: in WAL mode it would reach the file's header only with a checkpoint.
    if (applicationIdOf(raw) === 0) raw.exec(`PRAGMA application_id = ${applicationId}`);
    raw.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; ${sizes}`);
    migrateSqlite(raw, path, migrations);
  } catch (thrown) {
    raw.close();
    throw thrown instanceof AppError ? thrown : unusable(path, thrown);
  }
  return connection(raw, options);
}

/** When the log is copied into the database: with a commit, once it has its pages. */
export interface Checkpoints {
  /** The commit that comes leaves it to the next one, unless that before it did so. False: it does it where it is due. */
  leave(isLong: boolean): void;
}

export function createCheckpoints(raw: DatabaseSync): Checkpoints {
  let isLeft = false;
  return {
    leave(isLong) {
      const leaves = isLong && !isLeft;
      if (leaves !== isLeft) raw.exec(`PRAGMA wal_autocheckpoint=${leaves ? 0 : logPages}`);
      isLeft = leaves;
    },
  };
}

/** A read-only connection to a database that is open for writing elsewhere in this process. */
export function openReadOnly(path: string, options: Pick<OpenOptions, 'onDamage'> = {}): Connection {
  return connection(openRaw(path, true), options);
}

function openImmutable(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  try {
    return new DatabaseSync(url, { readOnly: true });
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

/**
 * Looks at what is at `path` without writing to it. Throws StoreUnusable unless nothing is there, or an empty file, or a
 * database of ours that this program may use.
 */
export function inspectDatabase(path: string, migrations: readonly Migration[] = readSqliteMigrations()): void {
  const start = readHeader(path);
  if (start === null) return;
  if (start.toString('latin1', 0, header.magic.length) !== header.magic) {
    throw new AppError('StoreUnusable', `${path} is not an SQLite database`, {
      next: `choose another file with --db; if it was one, it is damaged: ${restore}`,
    });
  }
  if (start.readUInt32BE(header.applicationIdOffset) !== applicationId) {
    throw new AppError('StoreUnusable', `${path} is an SQLite database of another program`, {
      next: 'choose another file with --db',
    });
  }
  const raw = openForLook(path);
  try {
    refuseIncompatible(path, readSqliteSchema(raw), migrations);
  } catch (thrown) {
    throw thrown instanceof AppError ? thrown : unusable(path, thrown);
  } finally {
    raw.close();
  }
}

function openForLook(path: string): DatabaseSync {
  // What a power cut left half done must be rolled back before anybody can read, and only a writer can do that.
  if (existsSync(`${path}-journal`)) return openRaw(path, false);
  // Without a log beside it nothing is changing it; `immutable` keeps SQLite from making one for the look.
  return existsSync(`${path}-wal`) ? openRaw(path, true) : openImmutable(path);
}

/** The header, padded with zeros; null where there is no file or an empty one. */
function readHeader(path: string): Buffer | null {
  const bytes = Buffer.alloc(header.bytes);
  try {
    const file = openSync(path, 'r');
    try {
      return readSync(file, bytes) === 0 ? null : bytes;
    } finally {
      closeSync(file);
    }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unusable(path, thrown);
  }
}

function applicationIdOf(raw: DatabaseSync): number {
  return Number(raw.prepare('PRAGMA application_id').get()?.['application_id'] ?? 0);
}

function connection(raw: DatabaseSync, { turns = noTurns, onDamage }: OpenOptions): Connection {
  const checked: Checked = (work) => {
    try {
      return work();
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      const error = commitError(thrown);
      onDamage?.(error);
      throw error;
    }
  };
  const query = new Kysely<Database>({ dialect: new SqliteDialect({ database: kyselyDatabase(raw, checked) }) });
  useDialect(query, sqliteSql);
  const inTurn = <Result>(result: Result) => (turns.isOver() ? turns.next().then(() => result) : result);
  useDirectly(query, (sql) => {
    const prepared = checked(() => raw.prepare(sql));
    if (prepared.columns().length > 0) {
      return (parameters) => inTurn({ rows: checked(() => prepared.all(...bind(parameters))), changes: 0 });
    }
    return (parameters) =>
      inTurn({ rows: [], changes: Number(checked(() => prepared.run(...bind(parameters))).changes) });
  });
  return { raw, query, turns, close: () => raw.close() };
}

/** Runs what calls SQLite; damage is told, and thrown as StoreUnavailable. */
type Checked = <T>(work: () => T) => T;

/** The part of a database that Kysely needs, with statements kept prepared. */
function kyselyDatabase(raw: DatabaseSync, checked: Checked): SqliteDatabase {
  const cache = new Map<string, SqliteStatement>();
  return {
    close: () => undefined,
    prepare(sql) {
      let statement = cache.get(sql);
      if (statement === undefined) {
        statement = kyselyStatement(
          checked(() => raw.prepare(sql)),
          checked,
        );
        if (cache.size >= cachedStatements) cache.delete(cache.keys().next().value ?? '');
        cache.set(sql, statement);
      }
      return statement;
    },
  };
}

function kyselyStatement(statement: StatementSync, checked: Checked): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => checked(() => statement.all(...bind(parameters))),
    run: (parameters) => checked(() => statement.run(...bind(parameters))),
    iterate: (parameters) => statement.iterate(...bind(parameters)),
  };
}

function bind(parameters: readonly unknown[]): SQLInputValue[] {
  const values: SQLInputValue[] = [];
  for (const parameter of parameters) values.push(bindValue(parameter));
  return values;
}

function bindValue(value: unknown): SQLInputValue {
  if (typeof value === 'string') return storable(value);
  if (value === undefined) return null;
  return typeof value === 'boolean' ? Number(value) : (value as SQLInputValue);
}
