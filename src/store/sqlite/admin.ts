import { existsSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../core/errors.ts';
import { requireKnownSchema } from '../admin/admin.ts';
import type { AdminDatabase, AdminMode, TableSize } from '../admin/admin.ts';
import { newestVersion } from '../admin/migrations.ts';
import { readSqliteMigrations, readSqliteSchema } from './migrate.ts';
import { findDamage } from './damage.ts';
import { isDamage, unusable } from './errors.ts';
import { isLocked, lockDatabase } from './lock.ts';
import { inspectDatabase, openDatabase, openReadOnly } from './open.ts';
import type { Connection } from './open.ts';

/**
 * Opens an SQLite file for a command. Throws StoreUnusable (not there, not ours, or of another version), or StoreLocked
 * where it is to be written and a server has it open.
 */
export function openSqliteAdmin(path: string, mode: AdminMode): AdminDatabase {
  const known = newestVersion(readSqliteMigrations());
  if (mode !== 'write' && !existsSync(path)) {
    throw new AppError('StoreUnusable', `there is no database at ${path}`, {
      next: 'fist db migrate makes one; or name another with --db',
    });
  }
  inspectDatabase(path);
  if (mode !== 'write') return admin(path, openReadOnly(path), mode, known, () => undefined);
  const lock = lockDatabase(path);
  try {
    return admin(path, openDatabase(path), mode, known, () => lock.close());
  } catch (thrown) {
    lock.close();
    throw thrown;
  }
}

function admin(
  path: string,
  connection: Connection,
  mode: AdminMode,
  known: number,
  unlock: () => void,
): AdminDatabase {
  const { raw, query } = connection;
  const close = (): void => {
    connection.close();
    unlock();
  };
  if (mode === 'read') {
    try {
      requireKnownSchema(path, readSqliteSchema(raw), known);
    } catch (thrown) {
      close();
      throw told(path, thrown);
    }
  }

  async function within<T>(begin: string, work: () => Promise<T>): Promise<T> {
    raw.exec(begin);
    try {
      const value = await work();
      raw.exec('COMMIT');
      return value;
    } catch (thrown) {
      if (raw.isTransaction) raw.exec('ROLLBACK');
      throw told(path, thrown);
    }
  }

  async function read<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (thrown) {
      throw told(path, thrown);
    }
  }

  return {
    kind: 'SQLite',
    knownVersion: known,
    schema: () => read(() => readSqliteSchema(raw)),
    servers: async () => Number(mode !== 'write' && isLocked(path)),
    bytes: async () => ['', '-wal'].reduce((sum, suffix) => sum + sizeOf(path + suffix), 0),
    sizes: () => read(() => readSizes(raw)),
    damage: () => read(() => findDamage(raw)),
    // The moment that a reader sees begins with its first read.
    snapshot: (work) => within('BEGIN', () => work(query)),
    transaction: (work) => within('BEGIN IMMEDIATE', () => work(query)),
    close: async () => close(),
  };
}

/** Damage that a command met is told as such. */
function told(path: string, thrown: unknown): unknown {
  const cause = thrown instanceof AppError ? thrown.cause : thrown;
  return isDamage(cause) ? unusable(path, cause) : thrown;
}

function readSizes(raw: DatabaseSync): readonly TableSize[] {
  const tables = raw
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'")
    .all();
  const bytes = raw.prepare(
    `SELECT coalesce(sum(pgsize), 0) AS bytes FROM dbstat
     WHERE aggregate = TRUE AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name = ?)`,
  );
  return tables
    .map(({ name }) => ({
      table: String(name),
      rows: Number(raw.prepare(`SELECT count(*) AS count FROM "${String(name)}"`).get()?.['count'] ?? 0),
      bytes: Number(bytes.get(String(name))?.['bytes'] ?? 0),
    }))
    .sort((one, other) => other.bytes - one.bytes);
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
