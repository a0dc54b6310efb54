import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import type { Evidence } from '../../core/run.ts';
import type { NewRun, RunReader, RunStore } from '../../core/run-store.ts';
import { addMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { sqlOf } from '../sql/dialect.ts';
import { bulkFind, bulkInsert, bulkUpdate } from '../sql/bulk.ts';
import type { Hints } from '../commit/hints.ts';
import { createRunLeases, unfinished } from './leases.ts';
import { createSlotStore } from './slots.ts';
import { statement } from '../sql/statements.ts';
import { storableJson } from '../sql/text.ts';
import type { Database } from '../tables/all.ts';
import { evidence, plans, runs, steps } from '../tables/runs.ts';
import { changesOf, fieldsIn, placesOf, selection } from '../tables/table.ts';
import type { RecordOf, Table } from '../tables/table.ts';

/** Before every run. */
const beginning: Timestamp = '1970-01-01T00:00:00.000Z';

/** Reads `workflows` (runs), `workflow_steps`, `plans` and `evidence` on any connection. */
export function createRunReader(query: Kysely<Database>): RunReader {
  return { ...runReads(query), ...journalReads(query) };
}

function runReads(
  query: Kysely<Database>,
): Pick<RunReader, 'find' | 'due' | 'duePage' | 'nextWakeAt' | 'cancelRequestedAt'> {
  const byId = statement<'id', Selectable<Database['workflows']>>(['id'], (marker) =>
    query.selectFrom('workflows').selectAll().where('id', '=', marker('id')),
  );
  // A finished run has no wake_at; naming the status would lead SQLite to another index and a sort.
  const due = statement<'now' | 'limit', { id: string }>(['now', 'limit'], (marker) =>
    query
      .selectFrom('workflows')
      .select('id')
      .where('wake_at', '<=', marker('now'))
      .where((row) => row.or([row('lease_until', 'is', null), row('lease_until', '<=', marker('now'))]))
      .orderBy('wake_at')
      .limit(marker('limit')),
  );
  const duePage = statement<'now' | 'afterTime' | 'afterId' | 'limit', { id: string; wakeAt: string }>(
    ['now', 'afterTime', 'afterId', 'limit'],
    (marker) =>
      query
        .selectFrom('workflows')
        .select(['id', sql<string>`wake_at`.as('wakeAt')])
        .where('wake_at', '<=', marker('now'))
        .where('wake_at', '>=', marker('afterTime'))
        .where((row) => row.or([row('wake_at', '>', marker('afterTime')), row('id', '>', marker('afterId'))]))
        .where((row) => row.or([row('lease_until', 'is', null), row('lease_until', '<=', marker('now'))]))
        .orderBy('wake_at')
        .orderBy('id')
        .limit(marker('limit')),
  );
  const next = statement<never, { wake_at: string | null }>([], () =>
    query.selectFrom('workflows').select('wake_at').where('wake_at', 'is not', null).orderBy('wake_at').limit(1),
  );
  const { read } = selection(runs);
  const cancel = statement<'id', { at: string | null }>(['id'], (marker) =>
    query.selectFrom('workflows').select('cancel_requested_at as at').where('id', '=', marker('id')),
  );
  return {
    find: async (id) => (await byId(query, { id })).map(read)[0],
    due: async (now, limit) => (await due(query, { now, limit })).map((row) => row.id),
    duePage: (now, after, limit) =>
      duePage(query, { now, afterTime: after?.wakeAt ?? beginning, afterId: after?.id ?? '', limit }),
    nextWakeAt: async () => (await next(query, {}))[0]?.wake_at ?? null,
    cancelRequestedAt: async (id) => (await cancel(query, { id }))[0]?.at ?? null,
  };
}

function journalReads(query: Kysely<Database>): Pick<RunReader, 'plan' | 'steps' | 'evidence' | 'lastEvidenceNumber'> {
  const plan = statement<'hash', { plan: string }>(['hash'], (marker) =>
    query.selectFrom('plans').select('plan').where('hash', '=', marker('hash')),
  );
  const stepsOf = statement<'runId', Selectable<Database['workflow_steps']>>(['runId'], (marker) =>
    query.selectFrom('workflow_steps').selectAll().where('workflow_id', '=', marker('runId')).orderBy('id'),
  );
  const evidenceOf = statement<'runId', Selectable<Database['evidence']>>(['runId'], (marker) =>
    query.selectFrom('evidence').selectAll().where('workflow_id', '=', marker('runId')).orderBy('number'),
  );
  const last = statement<'runId', { number: number | null }>(['runId'], (marker) =>
    query
      .selectFrom('evidence')
      .select((row) => row.fn.max<number | null>('number').as('number'))
      .where('workflow_id', '=', marker('runId')),
  );
  const { read: readStep } = selection(steps);
  const { read: readEvidence } = selection(evidence);
  return {
    async plan(hash) {
      const [row] = await plan(query, { hash });
      return row === undefined ? undefined : (JSON.parse(row.plan) as Plan);
    },
    steps: async (runId) => (await stepsOf(query, { runId })).map(readStep),
    evidence: async (runId) => (await evidenceOf(query, { runId })).map((row) => evidenceRecord(readEvidence(row))),
    lastEvidenceNumber: async (runId) => (await last(query, { runId }))[0]?.number ?? 0,
  };
}

/** Reads and writes runs inside a transaction. Made once per connection: statements are compiled at first use. */
export function createRunStore(query: Kysely<Database>, hints: Hints): RunStore {
  return {
    ...createRunReader(query),
    ...createRunLeases(query, hints),
    ...createSlotStore(query, hints),
    ...runWrites(query, hints),
    ...journalWrites(query),
  };
}

function runWrites(
  query: Kysely<Database>,
  hints: Hints,
): Pick<
  RunStore,
  'insertAll' | 'insert' | 'briefsOfAlerts' | 'update' | 'moveDeadlines' | 'findLocked' | 'findRequested' | 'hasOthers'
> {
  return {
    ...inserts(query, hints),
    briefsOfAlerts: briefs(query),
    moveDeadlines: deadlineMoves(query),
    async hasOthers({ id }) {
      const found = query.selectFrom('workflows').select('id').where(unfinished).where('id', '<>', id).limit(1);
      return (await found.execute()).length > 0;
    },
    async findLocked(id) {
      const rows = query.selectFrom('workflows').selectAll().where('id', '=', id);
      return (await rows.$call(sqlOf(query).lock).execute()).map(selection(runs).read)[0];
    },
    async findRequested(deliveryId) {
      const found = query.selectFrom('workflows').select('id').where('requested_by', '=', deliveryId);
      return (await found.execute())[0]?.id;
    },
    async update(id, changes) {
      await query.updateTable('workflows').set(changesOf(runs, changes)).where('id', '=', id).execute();
      if (changes.wakeAt != null) hints.runs.push({ id, wakeAt: changes.wakeAt });
    },
  };
}

function deadlineMoves(query: Kysely<Database>): RunStore['moveDeadlines'] {
  const save = bulkUpdate(query, runs, { fields: ['deadlineAt'] });
  return async (byMs, createdBy, { after, limit }) => {
    const found = await query
      .selectFrom('workflows')
      .select(['id', 'deadline_at'])
      .where(unfinished)
      .where('created_at', '<=', createdBy)
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit)
      .$call(sqlOf(query).lock)
      .execute();
    if (found.length > 0) await save(found.map((run) => ({ id: run.id, deadlineAt: addMs(run.deadline_at, byMs) })));
    return found.at(-1)?.id ?? null;
  };
}

/** Inserts runs, and each plan that no earlier run had. */
function inserts(query: Kysely<Database>, hints: Hints): Pick<RunStore, 'insertAll' | 'insert'> {
  const insertRuns = bulkInsert(query, runs, { onConflict: 'ON CONFLICT DO NOTHING' });
  const findPlans = bulkFind(query, plans, { fields: [], keys: ['hash'] });
  const insertPlans = bulkInsert(query, plans, { onConflict: 'ON CONFLICT DO NOTHING' });
  async function keepPlans(added: readonly NewRun[]): Promise<void> {
    const byHash = new Map<string, RecordOf<typeof plans>>();
    for (const { run, plan } of added) {
      const { planHash: hash, createdAt } = run;
      if (plan === null || hash === null) continue;
      byHash.set(hash, { hash, namespace: plan.namespace, name: plan.name, plan, createdAt });
    }
    for (const { hash } of await findPlans([...byHash.values()])) byHash.delete(hash);
    await insertPlans([...byHash.values()]);
  }
  async function insertNew(added: readonly NewRun[]): Promise<boolean> {
    if ((await insertRuns(added.map(({ run }) => run))) < added.length) return false;
    await keepPlans(added);
    for (const { run } of added) if (run.wakeAt !== null) hints.runs.push({ id: run.id, wakeAt: run.wakeAt });
    return true;
  }
  return {
    async insertAll(runs) {
      if (!(await insertNew(runs))) throw new AppError('StoreConflict', 'an episode has its run already');
    },
    insert: (run) => insertNew([run]),
  };
}

function briefs(query: Kysely<Database>): RunStore['briefsOfAlerts'] {
  const find = bulkFind(query, runs, {
    fields: fieldsIn(runs, 'brief'),
    keys: ['alertId'],
    where: `found.status IN ('pending', 'running') OR found.created_at >= :value
      OR found.episode > (SELECT alerts.episode FROM alerts WHERE alerts.id = found.alert_id)`,
  });
  return async (alertIds, since) => {
    const found = await find(
      alertIds.map((alertId) => ({ alertId })),
      since,
    );
    return found.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  };
}

function journalWrites(query: Kysely<Database>): Pick<RunStore, 'writeSteps' | 'setStepProcess' | 'addEvidence'> {
  const write = bulkInsert(query, steps, { onConflict: `ON CONFLICT (id) DO UPDATE SET ${replaced(steps, 'end')}` });
  const insertEvidence = bulkInsert(query, evidence);
  return {
    async writeSteps(rows) {
      await write(rows);
    },
    async setStepProcess(id, process) {
      const row = { process: storableJson(process) };
      await query.updateTable('workflow_steps').set(row).where('id', '=', id).execute();
    },
    async addEvidence(runId, stepPath, added) {
      await insertEvidence(added.map(({ id, ...item }) => ({ ...item, runId, stepPath, number: Number(id.slice(1)) })));
    },
  };
}

/** For `ON CONFLICT`: the columns of a group get the values of the row that came. */
function replaced(table: Table, group: string): string {
  return placesOf(table, fieldsIn(table, group))
    .map(({ column }) => `${column} = excluded.${column}`)
    .join(', ');
}

/** Evidence is numbered within its run. */
function evidenceRecord({ number, kind, object, command, time, excerpt }: RecordOf<typeof evidence>): Evidence {
  return { id: `e${number}`, kind, object, command, time, excerpt };
}
