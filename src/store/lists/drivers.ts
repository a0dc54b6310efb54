import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { ListPage, PageQuery } from '../../core/lists.ts';
import { distinctValues } from '../sql/distinct.ts';
import type { Database } from '../sql/schema.ts';
import { hasValue, readPage } from './page.ts';
import type { Driver, Range } from './page.ts';

/** More ranges than this are not merged: planning would cost more than reading. */
export const mostRanges = 64;

/**
 * A driver for a table with an index (namespace, name, id): with either or both of the two. Undefined where neither is
 * given, and where there are too many to merge.
 */
export async function driverByName(
  query: Kysely<Database>,
  table: keyof Database,
  nameColumn: string,
  { namespace, name }: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): Promise<Driver | undefined> {
  const range = (namespace: string, name: string): Range => ({
    table,
    id: 'id',
    where: { namespace, [nameColumn]: name },
  });
  if (namespace !== undefined && name !== undefined)
    return { ranges: [range(namespace, name)], answers: ['namespace', 'name'] };
  if (namespace !== undefined) {
    const names = await distinctValues(query, table, nameColumn, { where: { namespace }, most: mostRanges });
    return names && { ranges: names.map((name) => range(namespace, name)), answers: ['namespace'] };
  }
  if (name === undefined) return undefined;
  const namespaces = await distinctValues(query, table, 'namespace', { most: mostRanges });
  return namespaces && { ranges: namespaces.map((namespace) => range(namespace, name)), answers: ['name'] };
}

/** Every row of a table. */
export function allOf(table: keyof Database): Driver {
  return { ranges: [{ table, id: 'id', where: {} }], answers: [] };
}

/** One filter that has an index (column, id) of its own. */
export function driverBy(table: keyof Database, filter: string, column: string, value: string): Driver {
  return { ranges: [{ table, id: 'id', where: { [column]: value } }], answers: [filter] };
}

/** The filters that have a value, by name. */
export function filtersOf(values: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** A list whose filters are all on columns of its table. */
export interface TableList<Row extends { readonly id: string }, Item> {
  readonly table: keyof Database;
  /** What is read. */
  readonly columns: readonly (keyof Row & string)[];
  /** The column of each filter; `namespace` and `name` are found by an index (namespace, name, id). */
  readonly filters: Readonly<Record<string, string>> & { readonly namespace: 'namespace'; readonly name: string };
  /** Filters with an index (column, id), the most selective first. */
  readonly indexed: readonly string[];
  readonly item: (row: Row) => Item;
}

/** Pages of such a list, by filters that may be absent. */
export function tablePages<Row extends { readonly id: string }, Item>(
  query: Kysely<Database>,
  { table, columns, filters, indexed, item }: TableList<Row, Item>,
): (page: PageQuery, values: Readonly<Record<string, string | undefined>>) => Promise<ListPage<Item>> {
  const columnList = sql.join(columns.map((column) => sql.ref(column)));
  const matches = (filter: string, value: string) => hasValue(filters[filter] ?? filter, value);
  return async (page, values) => {
    const given = filtersOf(values);
    const byName = await driverByName(query, table, filters.name, values);
    const drivers = [
      ...indexed.flatMap((filter) => {
        const value = given.get(filter);
        return value === undefined ? [] : driverBy(table, filter, filters[filter] ?? filter, value);
      }),
      ...(byName === undefined ? [] : [byName]),
    ];
    return readPage<Row, Item>(
      {
        query,
        drivers: drivers.length === 0 ? [allOf(table)] : drivers,
        filters: [...given.keys()],
        async fetch(ids, rest) {
          const conditions = [...given].filter(([filter]) => rest.has(filter)).map((entry) => matches(...entry));
          const all = sql.join([sql`id IN (${sql.join(ids)})`, ...conditions], sql` AND `);
          const { rows } = await sql<Row>`SELECT ${columnList} FROM ${sql.table(table)} WHERE ${all}`.execute(query);
          return rows;
        },
        item,
      },
      page,
    );
  };
}
