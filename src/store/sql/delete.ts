import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Database } from '../tables/all.ts';

/**
 * Deletes the rows in which `column` has one of these values, and for which the condition holds. Resolves to how many there
 * were. Where many rows are deleted it is for the caller to do so in parts.
 */
export async function deleteRows<Name extends keyof Database>(
  query: Kysely<Database>,
  table: Name,
  column: keyof Database[Name] & string,
  values: readonly string[],
  condition: RawBuilder<unknown> = sql`TRUE`,
): Promise<number> {
  if (values.length === 0) return 0;
  const deleted =
    await sql`DELETE FROM ${sql.table(table)} WHERE ${sql.ref(column)} IN (${sql.join(values)}) AND ${condition}`.execute(
      query,
    );
  return Number(deleted.numAffectedRows ?? 0);
}
