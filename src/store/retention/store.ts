import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { RetainedKind, RetentionPage, RetentionStore } from '../../core/retention.ts';
import { deleteRows } from '../sql/delete.ts';
import { deleteAlerts } from './alerts.ts';
import { deleteEvents } from './events.ts';
import { deletePlans } from './plans.ts';
import { deleteRuns } from './runs.ts';
import type { Deleted } from './runs.ts';
import type { Database } from '../tables/all.ts';
import { createOrphanWords } from '../alerts/word-index.ts';

type Delete = (query: Kysely<Database>, ids: readonly string[], page: RetentionPage) => Promise<Deleted>;

type PagedTable = 'workflows' | 'sink_outputs' | 'source_events' | 'dead_letters' | 'alerts';

/** Deletes old rows inside a transaction, a page at a time. Pages go along the primary key, whatever else there is. */
export function createRetentionStore(query: Kysely<Database>): RetentionStore {
  return {
    async deletePage(kind, page) {
      const rows = await pageOf(query, kinds[kind].table, page).execute();
      const ids = rows.map(({ id }) => id);
      if (ids.length === 0) return { next: null, deleted: {} };
      const { deleted, cutAt } = await kinds[kind].delete(query, ids, page);
      return { next: cutAt ?? (ids.length < page.limit ? null : (ids.at(-1) ?? null)), deleted };
    },
    async oldestOfNewest(kind, count) {
      const row = await query
        .selectFrom(kinds[kind].table)
        .select('id')
        .$if(kind === 'deliveries', (rows) => rows.where(ofNoRun))
        .orderBy('id', 'desc')
        .offset(count - 1)
        .limit(1)
        .executeTakeFirst();
      return row?.id ?? null;
    },
    deletePlans: (madeBefore) => deletePlans(query, madeBefore),
    async deleteSpending(beforeDay) {
      const { numDeletedRows } = await query
        .deleteFrom('model_spending')
        .where('day', '<', beforeDay)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
    deleteOrphanWords: createOrphanWords(query),
  };
}

/** Deliveries of no run are few among many, and have an index to themselves. */
const ofNoRun = sql<boolean>`workflow_id IS NULL`;

function pageOf(query: Kysely<Database>, table: PagedTable, { after, before, limit }: RetentionPage) {
  return query
    .selectFrom(table)
    .select('id')
    .where('id', '>', after)
    .where('id', '<', before)
    .$if(table === 'sink_outputs', (rows) => rows.where(ofNoRun))
    .orderBy('id')
    .limit(limit);
}

const deleteLooseDeliveries: Delete = async (query, ids, { endedBefore }) => ({
  deleted: {
    sink_outputs: await deleteRows(
      query,
      'sink_outputs',
      'id',
      ids,
      sql`status <> 'pending' AND created_at < ${endedBefore}`,
    ),
  },
});

const deleteDeadLetters: Delete = async (query, ids, { endedBefore }) => ({
  deleted: { dead_letters: await deleteRows(query, 'dead_letters', 'id', ids, sql`received_at < ${endedBefore}`) },
});

/** The table whose ids give the pages, and what happens with the rows of a page. */
const kinds: Readonly<Record<RetainedKind, { readonly table: PagedTable; readonly delete: Delete }>> = {
  runs: { table: 'workflows', delete: deleteRuns },
  deliveries: { table: 'sink_outputs', delete: deleteLooseDeliveries },
  events: { table: 'source_events', delete: deleteEvents },
  'dead-letters': { table: 'dead_letters', delete: deleteDeadLetters },
  alerts: { table: 'alerts', delete: async (...page) => ({ deleted: await deleteAlerts(...page) }) },
};
