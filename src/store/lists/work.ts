import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { mostCounted, mostOldest } from '../../core/lists.ts';
import type { ListReader } from '../../core/lists.ts';
import type { Timestamp } from '../../core/time.ts';
import type { Database } from '../tables/all.ts';
import { deliveries } from '../tables/deliveries.ts';
import { runs } from '../tables/runs.ts';
import { tablePages } from './scans.ts';

/** Runs and deliveries. */
export function workLists(
  query: Kysely<Database>,
): Pick<ListReader, 'runs' | 'runsOfGroup' | 'foundWithin' | 'deliveries' | 'depths' | 'oldestDeliveries'> {
  const runPages = tablePages(query, {
    table: runs,
    filters: { status: 'status', alert: 'alert_id', error: 'error_code', namespace: 'namespace', name: 'name' },
    indexed: ['alert', 'error', 'status'],
  });
  const deliveryPages = tablePages(query, {
    table: deliveries,
    filters: { status: 'status', run: 'workflow_id', namespace: 'namespace', name: 'sink_name' },
    indexed: ['run', 'status'],
  });
  return {
    runs: (page) => {
      const { status, workflow: name, namespace, alertId: alert, errorCode: error } = page;
      return runPages(page, { alert, status, error, name, namespace });
    },
    deliveries: (page) => {
      const { status, runId: run, sink: name, namespace } = page;
      return deliveryPages(page, { run, status, name, namespace });
    },
    runsOfGroup: (alertId, most) =>
      query
        .selectFrom('run_alerts')
        .select(['workflow_id as runId', 'episode'])
        .where('alert_id', '=', alertId)
        .orderBy('workflow_id', 'desc')
        .limit(most)
        .execute(),
    async foundWithin(namespace, alertIds) {
      if (alertIds.length === 0) return new Set();
      const rows = await query
        .selectFrom('workflows')
        .select(['alert_id', 'namespace'])
        .where('alert_id', 'in', alertIds)
        .union((group) =>
          group
            .selectFrom('run_alerts')
            .innerJoin('workflows', 'workflows.id', 'run_alerts.workflow_id')
            .select(['run_alerts.alert_id', 'workflows.namespace'])
            .where('run_alerts.alert_id', 'in', alertIds),
        )
        // What a run wrote is there when the run is not any more.
        .union((written) =>
          written
            .selectFrom('alerts')
            .select(['id as alert_id', sql<string>`report_namespace`.as('namespace')])
            .where('id', 'in', alertIds)
            .where('report_namespace', 'is not', null),
        )
        .execute();
      const elsewhere = new Set(rows.filter((row) => row.namespace !== namespace).map((row) => row.alert_id));
      return new Set(rows.flatMap(({ alert_id: id }) => (id === null || elsewhere.has(id) ? [] : id)));
    },
    async depths() {
      const [runs, deliveries] = await Promise.all([pending(query, 'workflows'), pending(query, 'sink_outputs')]);
      return { runs, deliveries };
    },
    async oldestDeliveries() {
      const rows = await query
        .selectFrom('sink_outputs')
        .select(['namespace', 'sink_name', 'created_at', 'retried_at'])
        .where('status', '=', sql.lit('pending'))
        // They are not due before other alerts have ended.
        .where(sql<boolean>`coalesce(waiting_for, '') <> 'group'`)
        .orderBy('id')
        .limit(mostOldest)
        .execute();
      const oldest = new Map<string, Timestamp>();
      for (const { namespace, sink_name: name, created_at: created, retried_at: retried } of rows) {
        const sink = `${namespace}/${name}`;
        const since = retried ?? created;
        const known = oldest.get(sink);
        if (known === undefined || since < known) oldest.set(sink, since);
      }
      return oldest;
    },
  };
}

async function pending(query: Kysely<Database>, table: 'workflows' | 'sink_outputs'): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM (
      SELECT id FROM ${sql.table(table)} WHERE status = 'pending' LIMIT ${mostCounted}
    ) AS pending`.execute(query);
  return rows[0]?.count ?? 0;
}
