import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { DutyStore } from '../../core/store.ts';
import { addMs } from '../../core/time.ts';
import type { Database } from '../tables/all.ts';

/**
 * The last time of a duty may lie so far ahead, because a process may be late. Where it lies further ahead the clock was put back, and
 * nothing would be done until the old time comes again.
 */
const furthestAheadMs = 5 * 60_000;

/** Writes `ticks`, the last time of each duty, inside a transaction. */
export function createDutyStore(query: Kysely<Database>): DutyStore {
  return {
    async claim(name, at) {
      const rows = await query
        .insertInto('ticks')
        .values({ name, tick_at: at })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet({ tick_at: sql<string>`excluded.tick_at` })
            .where((last) =>
              last.or([
                sql<boolean>`ticks.tick_at < excluded.tick_at`,
                last('ticks.tick_at', '>', addMs(at, furthestAheadMs)),
              ]),
            ),
        )
        .returning('name')
        .execute();
      return rows.length === 1;
    },
    async last(name) {
      const row = await query.selectFrom('ticks').select('tick_at').where('name', '=', name).executeTakeFirst();
      return row?.tick_at ?? null;
    },
  };
}
