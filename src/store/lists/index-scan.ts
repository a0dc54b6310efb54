import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { sqlOf } from '../sql/dialect.ts';
import type { Database } from '../tables/all.ts';

// Parts of indexes, from which the places of a list are read in their order.

/**
 * A part of an index in which places stand in order, because all columns before them have these values. Reading so many
 * places from it costs so many entries, wherever it begins.
 */
export interface Range {
  readonly table: keyof Database;
  /** What ends the index. */
  readonly place: RawBuilder<string>;
  readonly where: Readonly<Record<string, string>>;
  /** What an index says beyond columns: the condition of a partial one, the value of an expression. */
  readonly condition?: RawBuilder<unknown>;
}

export const placeById = sql<string>`id`;
export const placeByAlertId = sql<string>`alert_id`;

/** Ranges that have, taken together, every row that some filters let through. */
export interface IndexScan {
  readonly ranges: readonly Range[];
  /** Filters that every one of their rows passes. */
  readonly answers: readonly string[];
}

/** Gives places in descending order, from which those of a list are taken. */
export interface Scan {
  take(bounds: Bounds, limit: number, offset: number): Promise<readonly string[]>;
  /** Filters that every one of its rows passes. */
  readonly answers: readonly string[];
}

/** Every place is below this. */
export const aboveEveryPlace = 'z';

export interface Bounds {
  /** Only places below. */
  readonly before: string;
  /** Only places from here on; '' = all. */
  readonly from: string;
}

export const unbounded: Bounds = { before: aboveEveryPlace, from: '' };

/** Reads places from an index. */
export function scanIndex(query: Kysely<Database>, { ranges, answers }: IndexScan): Scan {
  return {
    answers,
    async take(bounds, limit, offset) {
      if (ranges.length === 0) return [];
      const { rows } = await select(query, ranges, bounds, limit, offset).execute(query);
      return rows.map(({ place }) => place);
    },
  };
}

/** Places of all ranges, in descending order. */
function select(
  query: Kysely<Database>,
  ranges: readonly Range[],
  bounds: Bounds,
  limit: number,
  offset: number,
): RawBuilder<{ place: string }> {
  const parts = ranges.map((range) => ofRange(range, bounds));
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return sql`${only} ORDER BY place DESC LIMIT ${limit} OFFSET ${offset}`;
  return sqlOf(query).newestOf(parts, limit, offset);
}

function ofRange({ table, place, where, condition }: Range, { before, from }: Bounds): RawBuilder<{ place: string }> {
  const conditions = Object.entries(where).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  conditions.push(sql`${place} < ${before}`);
  if (condition !== undefined) conditions.push(condition);
  if (from !== '') conditions.push(sql`${place} >= ${from}`);
  const all = sql.join(conditions, sql` AND `);
  return sql`SELECT ${place} AS place FROM ${sql.table(table)} WHERE ${all}`;
}
