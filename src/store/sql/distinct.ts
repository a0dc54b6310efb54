import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Database } from '../tables/all.ts';

export interface DistinctOptions {
  /** Values of columns that stand before this one in the index. */
  readonly where?: Readonly<Record<string, string>>;
  /** The condition of a partial index, as text. */
  readonly condition?: RawBuilder<boolean>;
  /** Only values that begin so. */
  readonly prefix?: string;
  readonly most: number;
}

/**
 * The distinct values of a column in order, read by jumping along an index from one to the next, so that it costs as much
 * for many rows as for few. Undefined where there are more than `most`.
 */
export async function distinctValues(
  query: Kysely<Database>,
  table: keyof Database,
  column: string,
  { where = {}, condition, prefix = '', most }: DistinctOptions,
): Promise<readonly string[] | undefined> {
  const name = sql.ref(column);
  const conditions: RawBuilder<unknown>[] = Object.entries(where).map(
    ([column, value]) => sql`AND ${sql.ref(column)} = ${value}`,
  );
  if (condition !== undefined) conditions.push(sql`AND ${condition}`);
  if (prefix !== '') conditions.push(sql`AND ${name} < ${`${prefix}\u{10FFFF}`}`);
  const rest = sql.join(conditions, sql` `);
  const { rows } = await sql<{ value: string }>`WITH RECURSIVE found (value, place) AS (
      SELECT min(${name}), 0 FROM ${sql.table(table)} WHERE ${name} >= ${prefix} ${rest}
      UNION ALL
      SELECT (SELECT min(${name}) FROM ${sql.table(table)} WHERE ${name} > found.value ${rest}), place + 1
      FROM found WHERE found.value IS NOT NULL AND place < ${most}
    ) SELECT value FROM found WHERE value IS NOT NULL`.execute(query);
  return rows.length > most ? undefined : rows.map(({ value }) => value);
}
