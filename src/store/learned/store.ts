import type { Kysely } from 'kysely';
import type { LearnedReader, LearnedStore } from '../../core/learned-store.ts';
import { mostVerdicts } from '../../core/verdict.ts';
import { bulkInsert } from '../sql/bulk.ts';
import type { Database } from '../tables/all.ts';
import { runVerdicts } from '../tables/learned.ts';
import { selection } from '../tables/table.ts';

const verdict = selection(runVerdicts);

/** Reads what was learned on any connection. */
export function createLearnedReader(query: Kysely<Database>): LearnedReader {
  return {
    async verdictsOf(runIds) {
      if (runIds.length === 0) return [];
      const rows = await query
        .selectFrom('run_verdicts')
        .selectAll()
        .where('workflow_id', 'in', runIds)
        .orderBy('workflow_id')
        .orderBy('sequence')
        .execute();
      return rows.map((row) => verdict.read(row));
    },
    async verdictsOnAlerts({ namespace, alertName }, most) {
      const rows = await query
        .selectFrom('run_verdicts')
        .selectAll()
        .where('namespace', '=', namespace)
        .where('alert_name', '=', alertName)
        .orderBy('at', 'desc')
        .orderBy('sequence', 'desc')
        .limit(most)
        .execute();
      return rows.map((row) => verdict.read(row));
    },
  };
}

/** Reads and writes it inside a transaction. */
export function createLearnedStore(query: Kysely<Database>): LearnedStore {
  const insert = bulkInsert(query, runVerdicts);
  return {
    ...createLearnedReader(query),
    async insertVerdict(record) {
      await insert([record]);
      await query
        .deleteFrom('run_verdicts')
        .where('workflow_id', '=', record.runId)
        .where('sequence', '<=', record.sequence - mostVerdicts)
        .execute();
    },
    async deleteVerdicts(before) {
      const { numDeletedRows } = await query
        .deleteFrom('run_verdicts')
        .where('at', '<', before)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}
