import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { canonicalJson } from '../../lib/hash.ts';
import type { Database } from '../tables/all.ts';
import { storable, storableJson } from '../sql/text.ts';
import { tables } from '../tables/all.ts';
import type { ColumnKind, Table } from '../tables/table.ts';
import type { TransferTable } from './tables.ts';

/** A value of an export. JSON is text. */
export type Cell = string | number | null;
/** Values in the order of the columns. */
export type Row = readonly Cell[];

/** A table with the columns that count, in a fixed order: the key first, then the others by name. */
export interface TableShape {
  readonly table: TransferTable;
  readonly columns: readonly string[];
  readonly kinds: readonly ColumnKind[];
  /** So many of the first columns are the key. */
  readonly keyLength: number;
}

/** The shape of a table, with only those of `among` where that is given. */
export function shapeOf(table: TransferTable, among?: readonly string[]): TableShape {
  const { key, columns }: Table = tables[table];
  const others = Object.keys(columns).filter((column) => !key.includes(column));
  const chosen = [...key, ...others.sort()].filter((column) => among === undefined || among.includes(column));
  return {
    table,
    columns: chosen,
    kinds: chosen.map((column) => columns[column]?.kind ?? 'text'),
    keyLength: key.length,
  };
}

/** A page begins small and grows while its rows are small, so that a few megabytes are in memory at a time. */
const page = { first: 25, most: 800, characters: 1_000_000 } as const;

/** Where to begin and to end; null = at the first, at the last row. */
export interface KeyRange {
  /** Rows above this key. */
  readonly after: Row | null;
  /** Rows up to and with this key. */
  readonly upTo: Row | null;
}

/**
 * The rows of a table in the order of their key, the same on both databases, a page in memory at a time. For content that
 * does not change meanwhile, `query` is a transaction that sees one moment.
 */
export async function* readRows(
  query: Kysely<Database>,
  shape: TableShape,
  { after, upTo }: KeyRange = { after: null, upTo: null },
): AsyncGenerator<Row> {
  let last = after;
  let limit: number = page.first;
  for (;;) {
    const rows = await readPage(query, shape, last, upTo, limit);
    yield* rows;
    if (rows.length < limit) return;
    last = keyOf(shape, rows.at(-1) ?? []);
    limit = charactersOf(rows) < page.characters ? Math.min(limit * 2, page.most) : Math.max(1, limit >> 1);
  }
}

function charactersOf(rows: readonly Row[]): number {
  let count = 0;
  for (const row of rows) for (const cell of row) count += typeof cell === 'string' ? cell.length : 8;
  return count;
}

async function readPage(
  query: Kysely<Database>,
  shape: TableShape,
  after: Row | null,
  upTo: Row | null,
  limit: number,
): Promise<readonly Row[]> {
  const key = sql.join(shape.columns.slice(0, shape.keyLength).map((column) => sql.ref(column)));
  const conditions: RawBuilder<unknown>[] = [
    ...(after === null ? [] : [sql`(${key}) > (${sql.join(after)})`]),
    ...(upTo === null ? [] : [sql`(${key}) <= (${sql.join(upTo)})`]),
  ];
  const where = conditions.length === 0 ? sql`` : sql`WHERE ${sql.join(conditions, sql` AND `)}`;
  const columns = sql.join(shape.columns.map((column) => sql.ref(column)));
  const { rows } = await sql<
    Record<string, unknown>
  >`SELECT ${columns} FROM ${sql.table(shape.table)} ${where} ORDER BY ${key} LIMIT ${sql.lit(limit)}`.execute(query);
  return rows.map((row) => shape.columns.map((column, index) => cellOf(row[column], shape.kinds[index] ?? 'text')));
}

/** The key of a row. */
export function keyOf(shape: TableShape, row: Row): Row {
  return row.slice(0, shape.keyLength);
}

const timestamp = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** A value as every database gives it back. */
function cellOf(value: unknown, kind: ColumnKind): Cell {
  if (value === null || value === undefined) return null;
  if (kind === 'number' || kind === 'flag') return Number(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (kind === 'time') return timestamp.test(text) ? text : new Date(text).toISOString();
  if (kind === 'members') return storableText(canonicalJson(JSON.parse(text)));
  return kind === 'json' ? storableText(text) : storable(text);
}

/** JSON text as every database can hold it: with escapes in it, it is written anew. */
function storableText(text: string): string {
  return text.includes('\\u') ? storableJson(JSON.parse(text)) : storable(text);
}
