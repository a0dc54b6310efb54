import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { IdKind, ListReader } from '../../core/lists.ts';
import { idRanges, tailStart } from '../../lib/short-id.ts';
import type { Database } from '../tables/all.ts';
import { placeById, scanIndex } from './index-scan.ts';
import type { Range } from './index-scan.ts';

const tablesOf: Readonly<Record<IdKind, keyof Database>> = {
  alert: 'alerts',
  run: 'workflows',
  delivery: 'sink_outputs',
  event: 'source_events',
  'dead letter': 'dead_letters',
};

/** Reads the ids of the minutes that a short id may be of. */
export function idLists(query: Kysely<Database>): Pick<ListReader, 'idsLike'> {
  return {
    async idsLike(kind, text, most) {
      const table = tablesOf[kind];
      const { rows } = await sql<{ oldest: string | null; newest: string | null }>`SELECT
        (SELECT min(id) FROM ${sql.table(table)}) AS oldest, (SELECT max(id) FROM ${sql.table(table)}) AS newest`.execute(
        query,
      );
      const { oldest = null, newest = null } = rows[0] ?? {};
      if (oldest === null || newest === null) return [];
      const found: string[] = [];
      for (const { from, before, tail } of idRanges(text, oldest, newest)) {
        if (found.length >= most) break;
        const scan = scanIndex(query, {
          ranges: [{ table, place: placeById, where: {}, ...endsWith(tail) }],
          answers: [],
        });
        found.push(...(await scan.take({ from, before }, most, 0)).filter((id) => !found.includes(id)));
      }
      return found.slice(0, most);
    },
  };
}

function endsWith(tail: string): Pick<Range, 'condition'> {
  if (tail === '') return {};
  return { condition: sql`substr(id, ${sql.lit(tailStart)}, ${sql.lit(tail.length)}) = ${tail}` };
}
