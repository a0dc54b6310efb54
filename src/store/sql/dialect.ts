import type { Kysely, RawBuilder, SelectQueryBuilder } from 'kysely';
import type { Storage } from '../../core/lists.ts';
import type { Database } from '../tables/all.ts';

/** Runs a statement for many rows, whose values are in the order of its columns. Resolves to the rows that it changed. */
export type RunMany = (rows: readonly (readonly unknown[])[]) => Promise<number>;

/** Finds the rows of many keys; `value` is for {@link ManyKeys.where}. */
export type FindMany = (
  keys: readonly (readonly unknown[])[],
  value: unknown,
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

export interface BoundColumn {
  readonly column: string;
  /** Its values are JSON text. */
  readonly isJson: boolean;
}

export interface ManyRows {
  readonly table: keyof Database;
  readonly columns: readonly BoundColumn[];
}

export interface ManyKeys {
  readonly table: keyof Database;
  readonly columns: readonly string[];
  /** The first alone has few rows for each value. Rows come, and are locked, in the order of these. */
  readonly keys: readonly string[];
  /** Locks the rows until the commit. */
  readonly lock: boolean;
  /** A further condition; `found` is the row, `:value` a parameter that is given with the keys. */
  readonly where: string | null;
}

type Lock = <DB, TB extends keyof DB, O>(rows: SelectQueryBuilder<DB, TB, O>) => SelectQueryBuilder<DB, TB, O>;

/**
 * What the databases say differently: one object for each, which a connection gets when it is opened. Everything else is
 * written once, in words that both know.
 */
export interface Sql {
  /** Locks the rows that a query finds until the commit; waits for who has them. A database with one writer needs none. */
  readonly lock: Lock;
  /** The same for rows that nobody has; the others are left out. */
  readonly lockFree: Lock;
  /** Keeps others from what the text names until the commit. A statement of its own: the next one sees what was committed. */
  nameLock(query: Kysely<Database>): (name: string) => Promise<void>;
  /** Keeps all others from writing to a table until the commit. */
  lockTable(query: Kysely<Database>, table: keyof Database): Promise<void>;
  insertMany(query: Kysely<Database>, rows: ManyRows, onConflict: string): RunMany;
  /** Updates rows by their `id`, the last of the values; `added` columns are added to what is there. */
  updateMany(query: Kysely<Database>, rows: ManyRows, added: readonly string[]): RunMany;
  findMany(query: Kysely<Database>, rows: ManyKeys): FindMany;
  /** A page of the places of some queries, newest first; each query reads a part of an index. */
  newestOf(
    queries: readonly RawBuilder<{ place: string }>[],
    limit: number,
    offset: number,
  ): RawBuilder<{ place: string }>;
  readonly kind: Storage['kind'];
  /** Bytes of the whole database. */
  readonly bytes: RawBuilder<{ bytes: number }>;
  /** The place of an alert in lists, as its indexes say it: the time of its last change, then its id. */
  readonly alertPlace: RawBuilder<string>;
}

const dialects = new WeakMap<Kysely<Database>, Sql>();

/** Gives a connection its dialect, when it is opened. */
export function useDialect(query: Kysely<Database>, sql: Sql): void {
  dialects.set(query, sql);
}

/** The dialect of a connection. */
export function sqlOf(query: Kysely<Database>): Sql {
  const found = dialects.get(query);
  if (found === undefined) throw new Error('a connection was opened without its dialect');
  return found;
}
