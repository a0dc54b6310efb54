import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { AppError } from '../../core/errors.ts';
import { mostExamined } from '../../core/lists.ts';
import type { ListPage, PageQuery } from '../../core/lists.ts';
import { toEpochMs } from '../../core/time.ts';
import { lowestIdAt } from '../../lib/id.ts';
import { sqlOf } from '../sql/dialect.ts';
import type { Database } from '../tables/all.ts';

/**
 * A part of an index in which ids stand in order, because all columns before them have these values. Reading so many ids
 * from it costs so many entries, wherever it begins.
 */
export interface Range {
  readonly table: keyof Database;
  /** The column that ends the index: the id of what is listed. */
  readonly id: 'id' | 'alert_id';
  readonly where: Readonly<Record<string, string>>;
  /** The condition of a partial index, as it says it. */
  readonly condition?: RawBuilder<unknown>;
}

/** Ranges that have, taken together, every row that some filters let through. */
export interface IndexScan {
  readonly ranges: readonly Range[];
  /** Filters that every one of their rows passes. */
  readonly answers: readonly string[];
}

export interface Listing<Row extends { readonly id: string }, Item> {
  readonly query: Kysely<Database>;
  /** What finds rows; at least one, the most selective first where one can guess. */
  readonly scans: readonly IndexScan[];
  /** All filters that are set. */
  readonly filters: readonly string[];
  /** The rows with these ids that pass `filters`, in any order. */
  fetch(ids: readonly string[], filters: ReadonlySet<string>): Promise<readonly Row[]>;
  item(row: Row): Item;
}

/** Ids are UUID v7, so descending order is newest first; every id is below this. */
const aboveEveryId = 'z';

/**
 * A condition on rows that were found by their ids. As an expression, because SQLite, which knows nothing of how many rows
 * have a value, would rather look through all of an index on the column.
 */
export function hasValue(column: string, value: string): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} || '' = ${value}`;
}

interface Bounds {
  /** Only ids below. */
  readonly before: string;
  /** Only ids from here on; '' = all. */
  readonly from: string;
}

/** One page of a list, as ListReader promises. */
export async function readPage<Row extends { readonly id: string }, Item>(
  listing: Listing<Row, Item>,
  page: PageQuery,
): Promise<ListPage<Item>> {
  const bounds = boundsOf(page);
  const scan = await chooseScan(listing, bounds);
  const rest = new Set(listing.filters.filter((filter) => !scan.answers.includes(filter)));
  if (rest.size === 0) return readExactly(listing, scan, bounds, page);
  return readFiltered(listing, scan, rest, bounds, page);
}

/** Every id that the scan gives is one of the list. */
async function readExactly<Row extends { readonly id: string }, Item>(
  listing: Listing<Row, Item>,
  scan: IndexScan,
  bounds: Bounds,
  { limit, offset = 0 }: PageQuery,
): Promise<ListPage<Item>> {
  const ids = await idsOf(listing.query, scan, bounds, limit + 1, offset);
  const rows = await fetchInOrder(listing, ids.slice(0, limit), new Set());
  return {
    items: rows.map((row) => listing.item(row)),
    nextCursor: ids.length > limit ? cursorAt(ids[limit - 1]) : null,
  };
}

/** Takes ids from the scan, a few more each time, until the page is full or enough was looked at. */
async function readFiltered<Row extends { readonly id: string }, Item>(
  listing: Listing<Row, Item>,
  scan: IndexScan,
  rest: ReadonlySet<string>,
  bounds: Bounds,
  { limit, offset = 0 }: PageQuery,
): Promise<ListPage<Item>> {
  const wanted = offset + limit + 1;
  const found: Row[] = [];
  let { before } = bounds;
  let examined = 0;
  for (let size = Math.max(wanted, 64); examined < mostExamined; size *= 2) {
    const count = Math.min(size, mostExamined - examined);
    const ids = await idsOf(listing.query, scan, { ...bounds, before }, count, 0);
    const rows = await fetchInOrder(listing, [...new Set(ids)], rest);
    found.push(...rows);
    if (found.length >= wanted || ids.length < count) return pageOf(listing, found, offset, limit);
    before = ids.at(-1) ?? before;
    examined += count;
  }
  const { items } = pageOf(listing, found, offset, limit);
  return { items, nextCursor: cursorAt(before) };
}

function pageOf<Row extends { readonly id: string }, Item>(
  listing: Listing<Row, Item>,
  found: readonly Row[],
  offset: number,
  limit: number,
): ListPage<Item> {
  const rows = found.slice(offset, offset + limit);
  const hasMore = found.length > offset + limit;
  return { items: rows.map((row) => listing.item(row)), nextCursor: hasMore ? cursorAt(rows.at(-1)?.id) : null };
}

/** Rows that are gone since their id was read are left out. */
async function fetchInOrder<Row extends { readonly id: string }>(
  { fetch }: Pick<Listing<Row, unknown>, 'fetch'>,
  ids: readonly string[],
  filters: ReadonlySet<string>,
): Promise<readonly Row[]> {
  if (ids.length === 0) return [];
  const rows = new Map((await fetch(ids, filters)).map((row) => [row.id, row]));
  return ids.flatMap((id) => rows.get(id) ?? []);
}

/**
 * The one that answers everything, or else the one whose ids lie the furthest apart: of them a page has to look at the
 * fewest rows.
 */
async function chooseScan<Row extends { readonly id: string }, Item>(
  { query, scans, filters }: Listing<Row, Item>,
  bounds: Bounds,
): Promise<IndexScan> {
  const [first, ...others] = scans;
  if (first === undefined) throw new Error('a list needs a scan');
  const whole = scans.find(({ answers }) => filters.every((filter) => answers.includes(filter)));
  if (whole !== undefined || others.length === 0) return whole ?? first;
  let best = first;
  let oldest = aboveEveryId;
  for (const scan of scans) {
    const [id] = await idsOf(query, scan, bounds, 1, mostExamined - 1);
    // It has so few that all of them are looked at.
    if (id === undefined) return scan;
    if (id < oldest) [best, oldest] = [scan, id];
  }
  return best;
}

async function idsOf(
  query: Kysely<Database>,
  { ranges }: IndexScan,
  bounds: Bounds,
  limit: number,
  offset: number,
): Promise<readonly string[]> {
  if (ranges.length === 0) return [];
  const { rows } = await select(query, ranges, bounds, limit, offset).execute(query);
  return rows.map(({ id }) => id);
}

/** Ids of all ranges, newest first. */
function select(
  query: Kysely<Database>,
  ranges: readonly Range[],
  bounds: Bounds,
  limit: number,
  offset: number,
): RawBuilder<{ id: string }> {
  const parts = ranges.map((range) => ofRange(range, bounds));
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return sql`${only} ORDER BY id DESC LIMIT ${limit} OFFSET ${offset}`;
  return sqlOf(query).newestOf(parts, limit, offset);
}

function ofRange({ table, id, where, condition }: Range, { before, from }: Bounds): RawBuilder<{ id: string }> {
  const conditions = Object.entries(where).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  conditions.push(sql`${sql.ref(id)} < ${before}`);
  if (condition !== undefined) conditions.push(condition);
  if (from !== '') conditions.push(sql`${sql.ref(id)} >= ${from}`);
  const all = sql.join(conditions, sql` AND `);
  return sql`SELECT ${sql.ref(id)} AS id FROM ${sql.table(table)} WHERE ${all}`;
}

function boundsOf({ cursor, since, until }: PageQuery): Bounds {
  const cursorId = cursor === undefined ? aboveEveryId : decodeCursor(cursor);
  const untilId = until === undefined ? aboveEveryId : lowestIdAt(toEpochMs(until));
  return {
    before: cursorId < untilId ? cursorId : untilId,
    from: since === undefined ? '' : lowestIdAt(toEpochMs(since)),
  };
}

function cursorAt(id: string | undefined): string | null {
  return id === undefined ? null : Buffer.from(id).toString('base64url');
}

/** The id of the last item before. Throws InvalidInput for anything that {@link cursorAt} cannot have written. */
function decodeCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString('latin1');
  if (/^[0-9a-f-]{36}$/.test(id) && cursorAt(id) === cursor) return id;
  throw new AppError('InvalidInput', 'cursor is not one that this server gave', {
    field: 'cursor',
    next: 'start again without cursor',
  });
}
