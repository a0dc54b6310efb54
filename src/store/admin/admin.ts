import type { Kysely } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { SchemaVersion } from './migrations.ts';
import type { Database } from '../tables/all.ts';

/** Room that a table takes, with its indexes. */
export interface TableSize {
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
}

/** What the commands of `fist db` need of a database, beside its rows. */
export interface AdminDatabase {
  readonly kind: 'SQLite' | 'PostgreSQL';
  /** What the database says of its schema. */
  schema(): Promise<SchemaVersion>;
  /** The newest schema that this program knows. */
  readonly knownVersion: number;
  /** Servers that have it open. */
  servers(): Promise<number>;
  /** Of the whole database. */
  bytes(): Promise<number>;
  /** All its tables, the largest first. */
  sizes(): Promise<readonly TableSize[]>;
  /** What the database itself finds wrong with its pages; empty where it has no such check. */
  damage(): Promise<readonly string[]>;
  /** Reads in one transaction that sees one moment, while others write. */
  snapshot<T>(work: (query: Kysely<Database>) => Promise<T>): Promise<T>;
  /** One transaction; rejected work leaves nothing. Only where it was opened for writing. */
  transaction<T>(work: (query: Kysely<Database>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** `look`: as it is. `read`: the schema must be the one of this program. `write`: migrates it and keeps servers out. */
export type AdminMode = 'look' | 'read' | 'write';

/** Throws StoreUnusable unless the schema is the newest that this program knows. */
export function requireKnownSchema(place: string, { version, program }: SchemaVersion, known: number): void {
  if (version === known) return;
  if (version === 0) {
    throw new AppError('StoreUnusable', `${place} holds no data of fist yet`, { next: 'fist db migrate' });
  }
  if (version < known) {
    throw new AppError('StoreUnusable', `${place} has schema version ${version}, this fist works with ${known}`, {
      next: 'fist db migrate',
    });
  }
  const writer = program === null ? 'the newer fist that wrote it' : `fist ${program}, which wrote it`;
  throw new AppError('StoreUnusable', `${place} has schema version ${version}, newer than the ${known} of this fist`, {
    next: `use ${writer}`,
  });
}
