import { sql } from 'kysely';
import type { ExpressionBuilder, Kysely } from 'kysely';
import type { RetentionCounts, RetentionPage } from '../../core/retention.ts';
import { deleteRows } from '../sql/delete.ts';
import { sqlOf } from '../sql/dialect.ts';
import type { Database } from '../tables/all.ts';

/** What of a page was deleted. */
export interface Deleted {
  readonly deleted: RetentionCounts;
  /** The last id that was looked at, where the rest of the page is for another transaction. */
  readonly cutAt?: string;
}

/** Of one transaction: a run has a few hundred where a model works long, and each may be large. */
const mostEvents = 500;

/** Deletes those of the runs that have ended long enough ago, with all that is theirs; not those that something open still needs. */
export async function deleteRuns(
  query: Kysely<Database>,
  ids: readonly string[],
  { endedBefore }: RetentionPage,
): Promise<Deleted> {
  // First nobody may have them, and then they are looked at again: who retries a delivery, or the run, has locked the run.
  const found = await query
    .selectFrom('workflows')
    .select(['id', 'agent_events'])
    .where('id', 'in', ids)
    .where('status', 'in', ['succeeded', 'failed', 'cancelled'])
    .where('completed_at', '<', endedBefore)
    .$call(sqlOf(query).lockFree)
    .execute();
  found.sort((one, other) => (one.id < other.id ? -1 : 1));
  const ended = found.slice(0, roomFor(found.map((run) => run.agent_events)));
  if (ended.length === 0) return { deleted: {} };
  const cut = ended.length < found.length ? { cutAt: ended.at(-1)?.id ?? '' } : {};
  const rows = await query
    .deleteFrom('workflows')
    .where(
      'id',
      'in',
      ended.map(({ id }) => id),
    )
    .where((row) => row.not(row.exists(openAlertOf(row))))
    .where((row) => row.not(row.exists(openMemberOf(row))))
    .where((row) => row.not(row.exists(pendingDeliveryOf(row))))
    .where((row) => row.not(row.exists(unfinishedRetryOf(row))))
    .where((row) => row.not(row.exists(lastWordOf(row))))
    .returning('id')
    .execute();
  const runs = rows.map(({ id }) => id);
  if (runs.length === 0) return { deleted: {}, ...cut };
  await deleteRows(query, 'alert_groups', 'workflow_id', runs);
  const ofGroups = await deleteRows(query, 'run_alerts', 'workflow_id', runs);
  const deleted = {
    ...(ofGroups === 0 ? {} : { run_alerts: ofGroups }),
    workflow_steps: await deleteRows(query, 'workflow_steps', 'workflow_id', runs),
    evidence: await deleteRows(query, 'evidence', 'workflow_id', runs),
    agent_events: await deleteRows(query, 'agent_events', 'workflow_id', runs),
    sink_outputs: await deleteRows(query, 'sink_outputs', 'workflow_id', runs, sql`status <> 'pending'`),
    workflows: runs.length,
  };
  return { deleted, ...cut };
}

/** How many of them one transaction takes; one at least. */
function roomFor(events: readonly number[]): number {
  let sum = 0;
  const cut = events.findIndex((count, index) => (sum += count) > mostEvents && index > 0);
  return cut === -1 ? events.length : cut;
}

type OfRun = ExpressionBuilder<Database, 'workflows'>;

/** An alert that is open shows its newest run. */
function openAlertOf(row: OfRun) {
  return row
    .selectFrom('alerts')
    .select('alerts.id')
    .whereRef('alerts.id', '=', 'workflows.alert_id')
    .whereRef('alerts.workflow_id', '=', 'workflows.id')
    .where('alerts.status', '<>', 'resolved');
}

/** So does one of its group. */
function openMemberOf(row: OfRun) {
  const ofAlert = (column: 'status' | 'workflow_id') =>
    sql`(SELECT ${sql.ref(column)} FROM alerts WHERE alerts.id = run_alerts.alert_id)`;
  return row
    .selectFrom('run_alerts')
    .select('run_alerts.alert_id')
    .whereRef('run_alerts.workflow_id', '=', 'workflows.id')
    .where(sql<boolean>`${ofAlert('status')} <> 'resolved' AND ${ofAlert('workflow_id')} = workflows.id`);
}

function pendingDeliveryOf(row: OfRun) {
  return row
    .selectFrom('sink_outputs')
    .select('sink_outputs.id')
    .whereRef('sink_outputs.workflow_id', '=', 'workflows.id')
    .where('sink_outputs.status', '=', 'pending');
}

function unfinishedRetryOf(row: OfRun) {
  return row
    .selectFrom('workflows as repetition')
    .select('repetition.id')
    .whereRef('repetition.retry_of', '=', 'workflows.id')
    .where('repetition.status', 'in', ['pending', 'running']);
}

/**
 * A delivery by which a Sink knows that the alert fires, the newest one: by it the Sink is told of the end, which may
 * still come, or waits to be told (design 3.2.19).
 */
function lastWordOf(row: OfRun) {
  return row
    .selectFrom('sink_outputs as word')
    .select('word.id')
    .whereRef('word.workflow_id', '=', 'workflows.id')
    .where('word.event', '<>', 'alert-resolved')
    .where(sql<boolean>`(word.status = 'sent' OR word.ambiguous)`)
    .where((word) =>
      word.or([
        word.exists(
          word
            .selectFrom('alerts')
            .select('alerts.id')
            .whereRef('alerts.id', '=', 'workflows.alert_id')
            .where('alerts.status', '<>', 'resolved'),
        ),
        word.exists(
          word
            .selectFrom('sink_outputs as end')
            .select('end.id')
            .where('end.status', '=', sql.lit('pending'))
            .whereRef('end.namespace', '=', 'word.namespace')
            .whereRef('end.sink_name', '=', 'word.sink_name')
            .where(sql<boolean>`coalesce("end".alert_id, "end".workflow_id) = workflows.alert_id`),
        ),
      ]),
    )
    .where((word) =>
      word.not(
        word.exists(
          word
            .selectFrom('workflows as later')
            .innerJoin('sink_outputs as newer', 'newer.workflow_id', 'later.id')
            .select('newer.id')
            .whereRef('later.alert_id', '=', 'workflows.alert_id')
            .whereRef('later.id', '>', 'workflows.id')
            .whereRef('later.episode', '>=', 'workflows.episode')
            .whereRef('newer.namespace', '=', 'word.namespace')
            .whereRef('newer.sink_name', '=', 'word.sink_name')
            .where('newer.event', '<>', 'alert-resolved')
            .where(sql<boolean>`(newer.status IN ('sent', 'pending') OR newer.ambiguous)`),
        ),
      ),
    );
}
