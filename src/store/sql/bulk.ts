import type { Kysely } from 'kysely';
import type { Database } from '../tables/all.ts';
import { placesOf, selection, toStored } from '../tables/table.ts';
import type { FieldOf, Place, RecordOf, Table } from '../tables/table.ts';
import { sqlOf } from './dialect.ts';
import type { BoundColumn } from './dialect.ts';

// Statements over many records of a table, with the columns that hold some of its fields.

type AnyTable = Table<keyof Database>;
type Part<T extends AnyTable, Field extends FieldOf<T>> = Pick<RecordOf<T>, Field>;

interface InsertOptions<Field> {
  /** Default: all. */
  readonly fields?: readonly Field[];
  /** `ON CONFLICT ...`, in words that both databases know. */
  readonly onConflict?: string;
}

/** Inserts records; resolves to the number of rows that were inserted or updated. */
export function bulkInsert<T extends AnyTable, Field extends FieldOf<T> = FieldOf<T>>(
  query: Kysely<Database>,
  table: T,
  { fields, onConflict = '' }: InsertOptions<Field> = {},
): (records: readonly Part<T, Field>[]) => Promise<number> {
  const places = fields === undefined ? table.places.filter(({ field }) => field !== null) : placesOf(table, fields);
  const insert = sqlOf(query).insertMany(query, { table: table.name, columns: places.map(bound) }, onConflict);
  return (records) => insert(records.map((record) => valuesOf(places, record)));
}

interface UpdateOptions<Field> {
  readonly fields: readonly Field[];
  /** Fields whose values are added to what is there. */
  readonly added?: readonly Field[];
}

/** Updates rows by their `id`; resolves to the number of rows that were there. An id may occur once. */
export function bulkUpdate<T extends AnyTable, Field extends FieldOf<T>>(
  query: Kysely<Database>,
  table: T,
  { fields, added = [] }: UpdateOptions<Field>,
): (records: readonly (Part<T, Field> & { readonly id: string })[]) => Promise<number> {
  const places = placesOf(table, fields);
  const addedColumns = placesOf(table, added).map(({ column }) => column);
  const update = sqlOf(query).updateMany(query, { table: table.name, columns: places.map(bound) }, addedColumns);
  return (records) => update(records.map((record) => [...valuesOf(places, record), record.id]));
}

interface FindOptions<Field, Key> {
  readonly fields: readonly Field[];
  /** Fields that a key gives; the first alone has few rows for each value. Rows come, and are locked, in their order. */
  readonly keys: readonly Key[];
  /** Locks the rows until the commit. */
  readonly lock?: boolean;
  /** A further condition; `found` is the row, `:value` a parameter that is given with the keys. */
  readonly where?: string;
}

/** Finds the records of many keys, each of which may have any number. In no order on SQLite. */
export function bulkFind<T extends AnyTable, Field extends FieldOf<T>, Key extends FieldOf<T>>(
  query: Kysely<Database>,
  table: T,
  { fields, keys, lock = false, where }: FindOptions<Field, Key>,
): (keys: readonly Part<T, Key>[], value?: unknown) => Promise<readonly Part<T, Field | Key>[]> {
  const { columns, read } = selection<T, Field | Key>(table, [...fields, ...keys]);
  const places = keys.flatMap((key) => placesOf(table, [key]).slice(0, 1));
  const find = sqlOf(query).findMany(query, {
    table: table.name,
    columns,
    keys: places.map(({ column }) => column),
    lock,
    where: where ?? null,
  });
  return async (wanted, value) => {
    const rows = await find(
      wanted.map((key) => valuesOf(places, key)),
      value,
    );
    return rows.map(read);
  };
}

function bound({ column, kind }: Place): BoundColumn {
  return { column, isJson: kind === 'json' || kind === 'members' };
}

function valuesOf(places: readonly Place[], record: object): unknown[] {
  const values: unknown[] = [];
  for (const { field, kind } of places)
    values.push(toStored(kind, (record as Readonly<Record<string, unknown>>)[field ?? '']));
  return values;
}
