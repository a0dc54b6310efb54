import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { AppError } from '../../core/errors.ts';
import { mostExamined } from '../../core/lists.ts';
import type { ListPage, PageQuery } from '../../core/lists.ts';
import { toEpochMs } from '../../core/time.ts';
import { lowestIdAt } from '../../lib/id.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
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
  { limit, offset }: PageQuery,
): Promise<ListPage<Item>> {
  const ids = await idsOf(listing.query, scan, bounds, limit + 1, offset ?? 0);
  const { rows, cutAt } = await fetchInOrder(listing, ids.slice(0, limit), new Set(), roomOf(offset));
  return {
    items: await itemsOf(listing, rows),
    nextCursor: ids.length > limit || cutAt !== null ? cursorAt(cutAt ?? ids[limit - 1]) : null,
  };
}

/** Takes ids from the scan, a few more each time, until the page is full or enough was looked at. */
async function readFiltered<Row extends { readonly id: string }, Item>(
  listing: Listing<Row, Item>,
  scan: IndexScan,
  rest: ReadonlySet<string>,
  bounds: Bounds,
  { limit, offset }: PageQuery,
): Promise<ListPage<Item>> {
  const skipped = offset ?? 0;
  const wanted = skipped + limit + 1;
  const room = roomOf(offset);
  const found: Row[] = [];
  let { before } = bounds;
  let examined = 0;
  for (let size = Math.max(wanted, 64); examined < mostExamined; size *= 2) {
    const count = Math.min(size, mostExamined - examined);
    const ids = await idsOf(listing.query, scan, { ...bounds, before }, count, 0);
    const { rows, cutAt } = await fetchInOrder(listing, [...new Set(ids)], rest, room);
    found.push(...rows);
    if (found.length >= wanted || (ids.length < count && cutAt === null)) return pageOf(listing, found, skipped, limit);
    if (cutAt !== null) return { items: await itemsOf(listing, found), nextCursor: cursorAt(cutAt) };
    before = ids.at(-1) ?? before;
    examined += count;
  }
  const { items } = await pageOf(listing, found, skipped, limit);
  return { items, nextCursor: cursorAt(before) };
}

async function pageOf<Row extends { readonly id: string }, Item>(
  listing: Listing<Row, Item>,
  found: readonly Row[],
  offset: number,
  limit: number,
): Promise<ListPage<Item>> {
  const rows = found.slice(offset, offset + limit);
  const hasMore = found.length > offset + limit;
  return { items: await itemsOf(listing, rows), nextCursor: hasMore ? cursorAt(rows.at(-1)?.id) : null };
}

/** Characters of the rows of a page; one with more ends early. An ordinary row has one or two thousand. */
const mostCharacters = 4 * 1024 * 1024;
/** Read at once: after so many rows others have their turn. */
const charactersAtOnce = 1024 * 1024;
/** Before anything is known of how large they are. */
const firstRows = 2;
const mostRows = 150;

interface Room {
  characters: number;
}

/** Who counts what it skips knows no cursor, and asks for few rows: its pages never end early. */
function roomOf(offset: number | undefined): Room {
  return { characters: offset === undefined ? mostCharacters : Number.POSITIVE_INFINITY };
}

interface Fetched<Row> {
  readonly rows: readonly Row[];
  /** The id of the last row, where the page has no room for more; else null. */
  readonly cutAt: string | null;
}

/** Rows that are gone since their id was read are left out. */
async function fetchInOrder<Row extends { readonly id: string }>(
  { fetch }: Pick<Listing<Row, unknown>, 'fetch'>,
  ids: readonly string[],
  filters: ReadonlySet<string>,
  room: Room,
): Promise<Fetched<Row>> {
  const rows: Row[] = [];
  let largest = 1;
  for (let from = 0, count = firstRows; from < ids.length; from += count) {
    if (from > 0) {
      if (eventLoopTurns.isOver()) await eventLoopTurns.next();
      count = Math.max(1, Math.min(mostRows, Math.floor(charactersAtOnce / largest)));
    }
    const some = ids.slice(from, from + count);
    const found = new Map((await fetch(some, filters)).map((row) => [row.id, row]));
    for (const id of some) {
      const row = found.get(id);
      if (row === undefined) continue;
      rows.push(row);
      const size = charactersOf(row);
      largest = Math.max(largest, size);
      room.characters -= size;
      if (room.characters < 0 && id !== ids.at(-1)) return { rows, cutAt: id };
    }
  }
  return { rows, cutAt: null };
}

function charactersOf(row: object): number {
  let sum = 0;
  for (const value of Object.values(row) as readonly unknown[]) if (typeof value === 'string') sum += value.length;
  return sum;
}

async function itemsOf<Row extends { readonly id: string }, Item>(
  listing: Pick<Listing<Row, Item>, 'item'>,
  rows: readonly Row[],
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (const [index, row] of rows.entries()) {
    // Each look at the time costs as much as an ordinary row.
    if (index % 16 === 15 && eventLoopTurns.isOver()) await eventLoopTurns.next();
    items.push(listing.item(row));
  }
  return items;
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
