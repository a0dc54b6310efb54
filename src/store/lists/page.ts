import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { AppError } from '../../core/errors.ts';
import { mostExamined } from '../../core/lists.ts';
import type { ListPage, PageQuery } from '../../core/lists.ts';
import { toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { lowestIdAt } from '../../lib/id.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import type { Database } from '../tables/all.ts';
import { aboveEveryPlace, scanIndex } from './index-scan.ts';
import type { Bounds, IndexScan, Scan } from './index-scan.ts';

// A list is in descending order of places: texts that end with the id of what is listed. Ids are UUID v7 and begin with a
// time, so that an id alone is a place where the newest come first.

export interface Listing<Row extends { readonly id: string }, Item> {
  /** All filters that are set. */
  readonly filters: readonly string[];
  /** The rows with these ids that pass `filters`, in any order. */
  fetch(ids: readonly string[], filters: ReadonlySet<string>): Promise<readonly Row[]>;
  item(row: Row): Item;
}

/** A list in this order. */
export interface Order {
  /** Of cursors. */
  readonly pattern: RegExp;
  /** The lowest place of a time. */
  at(time: Timestamp): string;
}

export const orderById: Order = {
  pattern: /^[0-9a-f-]{36}$/,
  at: (time) => lowestIdAt(toEpochMs(time)),
};

/** By the time of the last change, which stands before the id. */
export const orderByChange: Order = {
  pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z[0-9a-f-]{36}$/,
  at: (time) => time,
};

const idLength = 36;

/** The id of what stands at a place. */
export function idAt(place: string): string {
  return place.slice(-idLength);
}

/**
 * A condition on rows that were found by their ids. As an expression, because SQLite, which knows nothing of how many rows
 * have a value, would rather look through all of an index on the column.
 */
export function hasValue(column: string | RawBuilder<unknown>, value: string): RawBuilder<boolean> {
  return sql<boolean>`${typeof column === 'string' ? sql.ref(column) : column} || '' = ${value}`;
}

/**
 * One page of a list by ids, as ListReader promises. `scans` is what finds rows: at least one, the most selective first
 * where one can guess.
 */
export async function readPage<Row extends { readonly id: string }, Item>(
  query: Kysely<Database>,
  scans: readonly IndexScan[],
  listing: Listing<Row, Item>,
  page: PageQuery,
): Promise<ListPage<Item>> {
  const scan = await chooseScan(query, scans, listing.filters, boundsOf(page, orderById));
  return readScan(listing, scanIndex(query, scan), page, orderById);
}

/** One page of what a scan gives. */
export async function readScan<Row extends { readonly id: string }, Item>(
  listing: Listing<Row, Item>,
  scan: Scan,
  page: PageQuery,
  order: Order,
): Promise<ListPage<Item>> {
  const bounds = boundsOf(page, order);
  const rest = new Set(listing.filters.filter((filter) => !scan.answers.includes(filter)));
  if (rest.size === 0) return readExactly(listing, scan, bounds, page);
  return readFiltered(listing, scan, rest, bounds, page);
}

/** Everything that the scan gives is of the list. */
async function readExactly<Row extends { readonly id: string }, Item>(
  listing: Listing<Row, Item>,
  scan: Scan,
  bounds: Bounds,
  { limit, offset }: PageQuery,
): Promise<ListPage<Item>> {
  const places = await scan.take(bounds, limit + 1, offset ?? 0);
  const { rows, cutAt } = await fetchInOrder(listing, places.slice(0, limit), new Set(), roomOf(offset));
  return {
    items: await itemsOf(listing, rows),
    nextCursor: places.length > limit || cutAt !== null ? cursorAt(cutAt ?? places[limit - 1]) : null,
  };
}

/** Takes places from the scan, a few more each time, until the page is full or enough was looked at. */
async function readFiltered<Row extends { readonly id: string }, Item>(
  listing: Listing<Row, Item>,
  scan: Scan,
  rest: ReadonlySet<string>,
  bounds: Bounds,
  { limit, offset }: PageQuery,
): Promise<ListPage<Item>> {
  const skipped = offset ?? 0;
  const wanted = skipped + limit + 1;
  const room = roomOf(offset);
  const found: Placed<Row>[] = [];
  let { before } = bounds;
  let examined = 0;
  for (let size = Math.max(wanted, 64); examined < mostExamined; size *= 2) {
    const count = Math.min(size, mostExamined - examined);
    const places = await scan.take({ ...bounds, before }, count, 0);
    const { rows, cutAt } = await fetchInOrder(listing, [...new Set(places)], rest, room);
    found.push(...rows);
    if (found.length >= wanted || (places.length < count && cutAt === null))
      return pageOf(listing, found, skipped, limit);
    if (cutAt !== null) return { items: await itemsOf(listing, found), nextCursor: cursorAt(cutAt) };
    before = places.at(-1) ?? before;
    examined += count;
  }
  const { items } = await pageOf(listing, found, skipped, limit);
  return { items, nextCursor: cursorAt(before) };
}

async function pageOf<Row extends { readonly id: string }, Item>(
  listing: Listing<Row, Item>,
  found: readonly Placed<Row>[],
  offset: number,
  limit: number,
): Promise<ListPage<Item>> {
  const rows = found.slice(offset, offset + limit);
  const hasMore = found.length > offset + limit;
  return { items: await itemsOf(listing, rows), nextCursor: hasMore ? cursorAt(rows.at(-1)?.place) : null };
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

interface Placed<Row> {
  readonly place: string;
  readonly row: Row;
}

interface Fetched<Row> {
  readonly rows: readonly Placed<Row>[];
  /** The place of the last row, where the page has no room for more; else null. */
  readonly cutAt: string | null;
}

/** Rows that are gone since their place was read are left out. */
async function fetchInOrder<Row extends { readonly id: string }>(
  { fetch }: Pick<Listing<Row, unknown>, 'fetch'>,
  places: readonly string[],
  filters: ReadonlySet<string>,
  room: Room,
): Promise<Fetched<Row>> {
  const rows: Placed<Row>[] = [];
  let largest = 1;
  for (let from = 0, count = firstRows; from < places.length; from += count) {
    if (from > 0) {
      if (eventLoopTurns.isOver()) await eventLoopTurns.next();
      count = Math.max(1, Math.min(mostRows, Math.floor(charactersAtOnce / largest)));
    }
    const some = places.slice(from, from + count);
    const found = new Map((await fetch(some.map(idAt), filters)).map((row) => [row.id, row]));
    for (const place of some) {
      const row = found.get(idAt(place));
      if (row === undefined) continue;
      rows.push({ place, row });
      const size = charactersOf(row);
      largest = Math.max(largest, size);
      room.characters -= size;
      if (room.characters < 0 && place !== places.at(-1)) return { rows, cutAt: place };
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
  rows: readonly Placed<Row>[],
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (const [index, { row }] of rows.entries()) {
    // Each look at the time costs as much as an ordinary row.
    if (index % 16 === 15 && eventLoopTurns.isOver()) await eventLoopTurns.next();
    items.push(listing.item(row));
  }
  return items;
}

/**
 * The one that answers everything, or else the one whose places lie the furthest apart: of them a page has to look at the
 * fewest rows.
 */
async function chooseScan(
  query: Kysely<Database>,
  scans: readonly IndexScan[],
  filters: readonly string[],
  bounds: Bounds,
): Promise<IndexScan> {
  const [first, ...others] = scans;
  if (first === undefined) throw new Error('a list needs a scan');
  const whole = scans.find(({ answers }) => filters.every((filter) => answers.includes(filter)));
  if (whole !== undefined || others.length === 0) return whole ?? first;
  let best = first;
  let oldest = aboveEveryPlace;
  for (const scan of scans) {
    const [place] = await scanIndex(query, scan).take(bounds, 1, mostExamined - 1);
    // It has so few that all of them are looked at.
    if (place === undefined) return scan;
    if (place < oldest) [best, oldest] = [scan, place];
  }
  return best;
}

function boundsOf({ cursor, since, until }: PageQuery, order: Order): Bounds {
  const cursorPlace = cursor === undefined ? aboveEveryPlace : decodeCursor(cursor, order);
  const untilPlace = until === undefined ? aboveEveryPlace : order.at(until);
  return {
    before: cursorPlace < untilPlace ? cursorPlace : untilPlace,
    from: since === undefined ? '' : order.at(since),
  };
}

function cursorAt(place: string | undefined): string | null {
  return place === undefined ? null : Buffer.from(place).toString('base64url');
}

/** The place of the last item before. Throws InvalidInput for anything that {@link cursorAt} cannot have written. */
function decodeCursor(cursor: string, { pattern }: Order): string {
  const place = Buffer.from(cursor, 'base64url').toString('latin1');
  if (pattern.test(place) && cursorAt(place) === cursor) return place;
  throw new AppError('InvalidInput', 'cursor is not one that this server gave', {
    field: 'cursor',
    next: 'start again without cursor',
  });
}
