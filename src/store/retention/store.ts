import { sql } from 'kysely';
import type { ExpressionBuilder, Kysely } from 'kysely';
import type { RetainedKind, RetentionCounts, RetentionPage, RetentionStore } from '../../core/retention.ts';
import { deleteRows } from '../sql/delete.ts';
import { sqlOf } from '../sql/dialect.ts';
import { deleteAlerts } from './alerts.ts';
import type { Database } from '../tables/all.ts';
import { createOrphanWords } from '../alerts/word-index.ts';

interface Deleted {
  readonly deleted: RetentionCounts;
  /** The last id that was looked at, where the rest of the page is for another transaction. */
  readonly cutAt?: string;
}

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

/** Of one transaction: a run has a few hundred where a model works long, and each may be large. */
const mostEvents = 500;

async function deleteRuns(
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

async function deleteEvents(
  query: Kysely<Database>,
  ids: readonly string[],
  { endedBefore }: RetentionPage,
): Promise<Deleted> {
  const events = await query
    .selectFrom('source_events')
    .select(['id', 'namespace', 'source_name', 'last_received_at'])
    .where('id', 'in', ids)
    .where('last_received_at', '<', endedBefore)
    // One that comes again at this moment stays.
    .$call(sqlOf(query).lockFree)
    .execute();
  const used = await usedByOpenAlerts(query, events);
  const unused = events.map(({ id }) => id).filter((id) => !used.has(id));
  if (unused.length === 0) return { deleted: {} };
  return { deleted: { source_events: await deleteRows(query, 'source_events', 'id', unused) } };
}

interface EventBrief {
  readonly id: string;
  readonly namespace: string;
  readonly source_name: string;
  readonly last_received_at: string;
}

/**
 * Which of the events are the newest of an alert that is open. An alert was last received with its newest event, so it
 * was last received no later than that: only alerts that have been silent for as long are looked at, by their index.
 */
async function usedByOpenAlerts(query: Kysely<Database>, events: readonly EventBrief[]): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  const bySource = Map.groupBy(events, ({ namespace, source_name: source }) => `${namespace}/${source}`);
  for (const ofSource of bySource.values()) {
    const [first] = ofSource;
    if (first === undefined) continue;
    const latest = ofSource.reduce((latest, { last_received_at: at }) => (at > latest ? at : latest), '');
    const rows = await query
      .selectFrom('alerts')
      .select('source_id')
      .where('source', '=', first.source_name)
      .where('namespace', '=', first.namespace)
      .where('last_received_at', '<=', latest)
      .where('status', '<>', sql.lit('resolved'))
      .where(
        'source_id',
        'in',
        ofSource.map(({ id }) => id),
      )
      .execute();
    for (const { source_id: id } of rows) if (id !== null) used.add(id);
  }
  return used;
}

/** Of one transaction; the others go the next day. */
const mostPlans = 1000;

async function deletePlans(query: Kysely<Database>, madeBefore: string): Promise<number> {
  const rows = await unusedPlans(query, madeBefore).limit(mostPlans).execute();
  // Most days none may go. All writers of runs wait for the rest.
  if (rows.length === 0) return 0;
  // A run is inserted before its plan is looked for: it is waited for and then seen here, or it comes later and inserts the
  // plan anew. On SQLite nobody else writes at a time.
  await sqlOf(query).lockTable(query, 'workflows');
  const hashes = rows.map(({ hash }) => hash);
  return deleteRows(query, 'plans', 'hash', hashes, sql`hash IN (${unusedPlans(query, madeBefore)})`);
}

function unusedPlans(query: Kysely<Database>, madeBefore: string) {
  return (
    query
      .selectFrom('plans')
      .select('hash')
      .where('created_at', '<', madeBefore)
      .where((row) =>
        row.not(
          row.exists(
            row.selectFrom('workflows').select('workflows.id').whereRef('workflows.plan_hash', '=', 'plans.hash'),
          ),
        ),
      )
      // The next run of a Workflow that has had none for long finds its plan.
      .where((row) =>
        row.or([
          row.exists(
            row
              .selectFrom('plans as newer')
              .select('newer.hash')
              .whereRef('newer.namespace', '=', 'plans.namespace')
              .whereRef('newer.name', '=', 'plans.name')
              .whereRef('newer.created_at', '>', 'plans.created_at'),
          ),
          row.not(
            row.exists(
              row
                .selectFrom('custom_resources')
                .select('custom_resources.id')
                .where('custom_resources.kind', '=', 'Workflow')
                .whereRef('custom_resources.namespace', '=', 'plans.namespace')
                .whereRef('custom_resources.name', '=', 'plans.name'),
            ),
          ),
        ]),
      )
  );
}
