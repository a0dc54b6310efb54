import { sql } from 'kysely';
import type { ExpressionBuilder, Kysely } from 'kysely';
import type { RetentionCounts, RetentionPage } from '../../core/retention.ts';
import { deleteRows } from '../sql/delete.ts';
import type { Database } from '../tables/all.ts';
import { deleteWords } from '../alerts/word-index.ts';

/**
 * Deletes alerts of a page that are resolved, were last heard of before `endedBefore` and have no run left, with their
 * labels and history; of the resolved ones that stay, the history before that.
 */
export async function deleteAlerts(
  query: Kysely<Database>,
  ids: readonly string[],
  { endedBefore }: RetentionPage,
): Promise<RetentionCounts> {
  const free = await withoutGroupRun(query, ids);
  const gone = await query
    .deleteFrom('alerts')
    .where('id', 'in', free.length === 0 ? [''] : free)
    .where('status', '=', 'resolved')
    .where('last_received_at', '<', endedBefore)
    .where('updated_at', '<', endedBefore)
    .where((row) => row.not(row.exists(runOf(row))))
    .where((row) => row.not(row.exists(pendingDeliveryOf(row))))
    .returning(['id', 'labels', 'summary', 'alert_name as name'])
    .execute();
  return {
    alert_transitions:
      (await deleteRows(query, 'alert_transitions', 'alert_id', idsOf(gone))) +
      (await shortenHistory(query, ids, endedBefore)),
    alert_labels: await deleteLabels(query, gone),
    alert_words: await deleteWords(query, gone),
    alerts: gone.length,
  };
}

type OfAlert = ExpressionBuilder<Database, 'alerts'>;

function runOf(row: OfAlert) {
  return row.selectFrom('workflows').select('workflows.id').whereRef('workflows.alert_id', '=', 'alerts.id');
}

/** Those that no run answers for beside its own alert. Apart: in one statement with all else the table would be read whole. */
async function withoutGroupRun(query: Kysely<Database>, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await query.selectFrom('run_alerts').select('alert_id').where('alert_id', 'in', ids).execute();
  const joined = new Set(rows.map(({ alert_id: id }) => id));
  return ids.filter((id) => !joined.has(id));
}

/** Deliveries of a run stay and go with it. */
function pendingDeliveryOf(row: OfAlert) {
  return row
    .selectFrom('sink_outputs')
    .select('sink_outputs.id')
    .where('sink_outputs.workflow_id', 'is', null)
    .whereRef('sink_outputs.alert_id', '=', 'alerts.id')
    .where('sink_outputs.status', '=', 'pending');
}

interface AlertBrief {
  readonly id: string;
  readonly labels: string;
}

function shortenHistory(query: Kysely<Database>, ids: readonly string[], before: string): Promise<number> {
  const isResolved = sql`EXISTS (SELECT 1 FROM alerts WHERE alerts.id = alert_transitions.alert_id AND status = 'resolved')`;
  return deleteRows(query, 'alert_transitions', 'alert_id', ids, sql`at < ${before} AND ${isResolved}`);
}

/** Few at a time: each value of a label is looked up for each alert. */
const alertsPerStatement = 20;

async function deleteLabels(query: Kysely<Database>, alerts: readonly AlertBrief[]): Promise<number> {
  let count = 0;
  for (let start = 0; start < alerts.length; start += alertsPerStatement)
    count += await deleteLabelsOf(query, alerts.slice(start, start + alertsPerStatement));
  return count;
}

/** By whole keys: the index begins with the name of the label. Every label of these alerts goes. */
async function deleteLabelsOf(query: Kysely<Database>, alerts: readonly AlertBrief[]): Promise<number> {
  const valuesByName = new Map<string, Set<string>>();
  for (const { labels } of alerts) {
    for (const [name, value] of Object.entries(JSON.parse(labels) as Record<string, string>)) {
      const values = valuesByName.get(name) ?? new Set();
      valuesByName.set(name, values.add(value));
    }
  }
  let count = 0;
  for (const [name, values] of valuesByName) {
    const ofName = sql`name = ${name} AND value IN (${sql.join([...values])})`;
    count += await deleteRows(query, 'alert_labels', 'alert_id', idsOf(alerts), ofName);
  }
  return count;
}

function idsOf(rows: readonly AlertBrief[]): readonly string[] {
  return rows.map(({ id }) => id);
}
