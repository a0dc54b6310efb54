import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { TickStore } from '../core/store.ts';
import type { Database } from './schema.ts';

/** Writes `ticks` inside a transaction. */
export function createTickStore(query: Kysely<Database>): TickStore {
  return {
    async claim(name, at) {
      const rows = await query
        .insertInto('ticks')
        .values({ name, tick_at: at })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet({ tick_at: sql<string>`excluded.tick_at` })
            .where(sql<boolean>`ticks.tick_at < excluded.tick_at`),
        )
        .returning('name')
        .execute();
      return rows.length === 1;
    },
  };
}
