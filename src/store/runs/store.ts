import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import type { RunRecord, StepRecord } from '../../core/run.ts';
import type { NewRun, RunReader, RunStore } from '../../core/run-store.ts';
import type { Timestamp } from '../../core/time.ts';
import { bulkFind, bulkInsert } from '../sql/bulk.ts';
import type { Hints } from '../commit/hints.ts';
import { createRunLeases } from './leases.ts';
import { changedRunColumns, insertedRow, runColumns } from './rows.ts';
import { evidenceRecord, runBrief, runRecord, stepRecord } from '../sql/rows.ts';
import type { Database, EvidenceRow, RunRow, StepRow } from '../sql/schema.ts';
import { createSlotStore } from './slots.ts';
import { statement } from '../sql/statements.ts';
import { storableJson } from '../sql/text.ts';

/** Before every run. */
const beginning: Timestamp = '1970-01-01T00:00:00.000Z';

/** Reads `workflows` (runs), `workflow_steps`, `plans` and `evidence` on any connection. */
export function createRunReader(query: Kysely<Database>): RunReader {
  return { ...runReads(query), ...journalReads(query) };
}

function runReads(
  query: Kysely<Database>,
): Pick<RunReader, 'find' | 'due' | 'duePage' | 'nextWakeAt' | 'cancelRequestedAt'> {
  const byId = statement<'id', Selectable<RunRow>>(['id'], (marker) =>
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
  const cancel = statement<'id', { at: string | null }>(['id'], (marker) =>
    query.selectFrom('workflows').select('cancel_requested_at as at').where('id', '=', marker('id')),
  );
  return {
    find: async (id) => first(await byId(query, { id })),
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
  const steps = statement<'runId', Selectable<StepRow>>(['runId'], (marker) =>
    query.selectFrom('workflow_steps').selectAll().where('workflow_id', '=', marker('runId')).orderBy('id'),
  );
  const evidence = statement<'runId', Selectable<EvidenceRow>>(['runId'], (marker) =>
    query.selectFrom('evidence').selectAll().where('workflow_id', '=', marker('runId')).orderBy('number'),
  );
  const last = statement<'runId', { number: number | null }>(['runId'], (marker) =>
    query
      .selectFrom('evidence')
      .select((row) => row.fn.max<number | null>('number').as('number'))
      .where('workflow_id', '=', marker('runId')),
  );
  return {
    async plan(hash) {
      const [row] = await plan(query, { hash });
      return row === undefined ? undefined : (JSON.parse(row.plan) as Plan);
    },
    steps: async (runId) => (await steps(query, { runId })).map(stepRecord),
    evidence: async (runId) => (await evidence(query, { runId })).map(evidenceRecord),
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
): Pick<RunStore, 'insertAll' | 'insert' | 'briefsOfAlerts' | 'countSince' | 'update'> {
  return {
    ...inserts(query, hints),
    briefsOfAlerts: briefs(query),
    async countSince(alertId, workflow, since) {
      const row = await query
        .selectFrom('workflows')
        .select((row) => row.fn.countAll<number>().as('count'))
        .where('alert_id', '=', alertId)
        .where('name', '=', workflow)
        .where('created_at', '>=', since)
        .executeTakeFirstOrThrow();
      return row.count;
    },
    async update(id, changes) {
      await query.updateTable('workflows').set(changedRunColumns(changes)).where('id', '=', id).execute();
      if (changes.wakeAt != null) hints.runs.push({ id, wakeAt: changes.wakeAt });
    },
  };
}

/** Inserts runs, and each plan that no earlier run had. */
function inserts(query: Kysely<Database>, hints: Hints): Pick<RunStore, 'insertAll' | 'insert'> {
  const insertRuns = bulkInsert(query, {
    table: 'workflows',
    columns: Object.values(runColumns),
    json: ['input_context', 'outputs'],
    onConflict: 'ON CONFLICT DO NOTHING',
  });
  const findPlans = bulkFind(query, { table: 'plans', columns: [], keys: ['hash'] });
  const insertPlans = bulkInsert(query, {
    table: 'plans',
    columns: ['hash', 'namespace', 'name', 'plan', 'created_at'],
    json: ['plan'],
    onConflict: 'ON CONFLICT DO NOTHING',
  });
  async function keepPlans(runs: readonly NewRun[]): Promise<void> {
    const plans = new Map<string, NewRun>();
    for (const newRun of runs)
      if (newRun.plan !== null && newRun.run.planHash !== null) plans.set(newRun.run.planHash, newRun);
    for (const { hash } of await findPlans([...plans.keys()].map((hash) => ({ hash })))) plans.delete(hash);
    await insertPlans(
      [...plans].map(([hash, { run, plan }]) => ({
        hash,
        namespace: plan?.namespace,
        name: plan?.name,
        plan: storableJson(plan),
        created_at: run.createdAt,
      })),
    );
  }
  async function insertNew(runs: readonly NewRun[]): Promise<boolean> {
    const rows = runs.map(({ run }) => insertedRow(run));
    if ((await insertRuns(rows)) < rows.length) return false;
    await keepPlans(runs);
    for (const { run } of runs) if (run.wakeAt !== null) hints.runs.push({ id: run.id, wakeAt: run.wakeAt });
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
  const find = bulkFind(query, {
    table: 'workflows',
    columns: [
      ...(['id', 'name', 'namespace', 'status', 'episode', 'plan_hash'] as const),
      ...(['retry_of', 'lease_owner', 'waiting_for', 'created_at'] as const),
    ],
    keys: ['alert_id'],
    where: `found.status IN ('pending', 'running') OR found.created_at >= :value
      OR found.episode > (SELECT alerts.episode FROM alerts WHERE alerts.id = found.alert_id)`,
  });
  return async (alertIds, since) => {
    const rows = await find(
      alertIds.map((id) => ({ alert_id: id })),
      since,
    );
    return rows.toSorted((one, other) => (one.id < other.id ? -1 : 1)).map(runBrief);
  };
}

function journalWrites(
  query: Kysely<Database>,
): Pick<RunStore, 'insertStep' | 'endStep' | 'setStepProcess' | 'addEvidence'> {
  const insert = insertStep(query);
  const end = statement<'id' | 'status' | 'result' | 'error' | 'errorCode' | 'retryable' | 'completedAt', unknown>(
    ['id', 'status', 'result', 'error', 'errorCode', 'retryable', 'completedAt'],
    (marker) =>
      query
        .updateTable('workflow_steps')
        .set({
          status: marker('status'),
          result: marker('result'),
          error: marker('error'),
          error_code: marker('errorCode'),
          retryable: marker('retryable'),
          completed_at: marker('completedAt'),
        })
        .where('id', '=', marker('id')),
  );
  return {
    insertStep: insert,
    async endStep(id, { status, result, error, errorCode, retryable, completedAt }) {
      const values = { id, status, result: storableJson(result), error, errorCode, retryable, completedAt };
      await end(query, values);
    },
    async setStepProcess(id, process) {
      const row = { process: storableJson(process) };
      await query.updateTable('workflow_steps').set(row).where('id', '=', id).execute();
    },
    async addEvidence(runId, stepPath, evidence) {
      if (evidence.length === 0) return;
      const rows = evidence.map(({ id, kind, object, command, time, excerpt }) => ({
        workflow_id: runId,
        number: Number(id.slice(1)),
        step_path: stepPath,
        kind,
        object,
        command,
        observed_at: time,
        excerpt,
      }));
      await query.insertInto('evidence').values(rows).execute();
    },
  };
}

function insertStep(query: Kysely<Database>): (step: StepRecord) => Promise<void> {
  const insert = statement<keyof StepRecord, unknown>(
    [
      ...(['id', 'runId', 'name', 'type', 'path', 'attempt', 'status', 'fence', 'result', 'error'] as const),
      ...(['errorCode', 'retryable', 'process', 'startedAt', 'completedAt', 'createdAt'] as const),
    ],
    (marker) =>
      query.insertInto('workflow_steps').values({
        id: marker('id'),
        workflow_id: marker('runId'),
        name: marker('name'),
        step_type: marker('type'),
        path: marker('path'),
        attempt: marker('attempt'),
        status: marker('status'),
        fence: marker('fence'),
        result: marker('result'),
        error: marker('error'),
        error_code: marker('errorCode'),
        retryable: marker('retryable'),
        process: marker('process'),
        started_at: marker('startedAt'),
        completed_at: marker('completedAt'),
        created_at: marker('createdAt'),
      }),
  );
  return async (step) => {
    const result = step.result === null ? null : storableJson(step.result);
    const process = step.process === null ? null : storableJson(step.process);
    await insert(query, { ...step, result, process });
  };
}

function first(rows: readonly Selectable<RunRow>[]): RunRecord | undefined {
  const [row] = rows;
  return row === undefined ? undefined : runRecord(row);
}
