import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { ListPage, PageQuery } from '../../core/lists.ts';
import { distinctValues } from '../sql/distinct.ts';
import type { Database } from '../tables/all.ts';
import { listedFields, selection } from '../tables/table.ts';
import type { ListedRecord, Table } from '../tables/table.ts';
import { hasValue, readPage } from './page.ts';
import { placeById } from './index-scan.ts';
import type { IndexScan, Range } from './index-scan.ts';

/** More ranges than this are not merged: planning would cost more than reading. */
export const mostRanges = 64;

/**
 * A scan for a table with an index (namespace, name, id): with either or both of the two. Undefined where neither is
 * given, and where there are too many to merge.
 */
export async function scanByName(
  query: Kysely<Database>,
  table: keyof Database,
  nameColumn: string,
  { namespace, name }: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): Promise<IndexScan | undefined> {
  const range = (namespace: string, name: string): Range => ({
    table,
    place: placeById,
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
export function allOf(table: keyof Database): IndexScan {
  return { ranges: [{ table, place: placeById, where: {} }], answers: [] };
}

/** One filter that has an index (column, id) of its own. */
export function scanBy(table: keyof Database, filter: string, column: string, value: string): IndexScan {
  return { ranges: [{ table, place: placeById, where: { [column]: value } }], answers: [filter] };
}

/** The filters that have a value, by name. */
export function filtersOf(values: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** A list whose filters are all on columns of its table. It reads what is listed. */
export interface TableList<T extends Table<keyof Database>> {
  readonly table: T;
  /** The column of each filter; `namespace` and `name` are found by an index (namespace, name, id). */
  readonly filters: Readonly<Record<string, string>> & { readonly namespace: 'namespace'; readonly name: string };
  /** Filters with an index (column, id), the most selective first. */
  readonly indexed: readonly string[];
}

/** Pages of such a list, by filters that may be absent. */
export function tablePages<T extends Table<keyof Database>>(
  query: Kysely<Database>,
  { table, filters, indexed }: TableList<T>,
): (page: PageQuery, values: Readonly<Record<string, string | undefined>>) => Promise<ListPage<ListedRecord<T>>> {
  const { name } = table;
  const { columns, read } = selection(table, listedFields(table));
  const columnList = sql.join(columns.map((column) => sql.ref(column)));
  const matches = (filter: string, value: string) => hasValue(filters[filter] ?? filter, value);
  return async (page, values) => {
    const given = filtersOf(values);
    const byName = await scanByName(query, name, filters.name, values);
    const scans = [
      ...indexed.flatMap((filter) => {
        const value = given.get(filter);
        return value === undefined ? [] : scanBy(name, filter, filters[filter] ?? filter, value);
      }),
      ...(byName === undefined ? [] : [byName]),
    ];
    return readPage<{ readonly id: string }, ListedRecord<T>>(
      query,
      scans.length === 0 ? [allOf(name)] : scans,
      {
        filters: [...given.keys()],
        async fetch(ids, rest) {
          const conditions = [...given].filter(([filter]) => rest.has(filter)).map((entry) => matches(...entry));
          const all = sql.join([sql`id IN (${sql.join(ids)})`, ...conditions], sql` AND `);
          const found = sql<{ readonly id: string }>`SELECT ${columnList} FROM ${sql.table(name)} WHERE ${all}`;
          return (await found.execute(query)).rows;
        },
        item: read,
      },
      page,
    );
  };
}
