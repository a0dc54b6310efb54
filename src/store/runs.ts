import type { Insertable, Kysely, Selectable, Updateable } from 'kysely';
import type { Plan } from '../core/plan.ts';
import type { RunRecord, StepRecord } from '../core/run.ts';
import type { NewRun, RunReader, RunStore } from '../core/store.ts';
import type { Hints } from './hints.ts';
import { createRunLeases, unfinished } from './run-leases.ts';
import { evidenceRecord, runRecord, stepRecord } from './rows.ts';
import type { Database, EvidenceRow, RunRow, StepRow } from './schema.ts';
import { createSlotStore } from './slots.ts';
import { command, statement } from './statements.ts';

/** Reads `workflows` (runs), `workflow_steps`, `plans` and `evidence` on any connection. */
export function createRunReader(query: Kysely<Database>): RunReader {
  return { ...runReads(query), ...journalReads(query) };
}

function runReads(query: Kysely<Database>): Pick<RunReader, 'find' | 'due' | 'nextWakeAt' | 'cancelRequestedAt'> {
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
  const next = statement<never, { wake_at: string | null }>([], () =>
    query.selectFrom('workflows').select('wake_at').where('wake_at', 'is not', null).orderBy('wake_at').limit(1),
  );
  const cancel = statement<'id', { at: string | null }>(['id'], (marker) =>
    query.selectFrom('workflows').select('cancel_requested_at as at').where('id', '=', marker('id')),
  );
  return {
    find: async (id) => first(await byId(query, { id })),
    due: async (now, limit) => (await due(query, { now, limit })).map((row) => row.id),
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
): Pick<RunStore, 'insert' | 'unfinishedOfAlert' | 'countSince' | 'update'> {
  const insert = insertRun(query);
  const unfinishedOf = statement<'alertId', Selectable<RunRow>>(['alertId'], (marker) =>
    query.selectFrom('workflows').selectAll().where('alert_id', '=', marker('alertId')).where(unfinished).orderBy('id'),
  );
  return {
    async insert(newRun) {
      const inserted = await insert(newRun);
      const { id, wakeAt } = newRun.run;
      if (inserted && wakeAt !== null) hints.runs.push({ id, wakeAt });
      return inserted;
    },
    unfinishedOfAlert: async (alertId) => (await unfinishedOf(query, { alertId })).map(runRecord),
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
      await query.updateTable('workflows').set(runColumns(changes)).where('id', '=', id).execute();
      if (changes.wakeAt != null) hints.runs.push({ id, wakeAt: changes.wakeAt });
    },
  };
}

/** Inserts a run, and its plan where no earlier run had it. */
function insertRun(query: Kysely<Database>): (newRun: NewRun) => Promise<boolean> {
  type Names = keyof typeof columns;
  const names = Object.keys(columns) as Names[];
  const insert = command<Names>(names, (marker) =>
    query
      .insertInto('workflows')
      .values(Object.fromEntries(names.map((name) => [columns[name], marker(name)])) as Insertable<RunRow>)
      .onConflict((conflict) => conflict.doNothing()),
  );
  const hasPlan = statement<'hash', { hash: string }>(['hash'], (marker) =>
    query.selectFrom('plans').select('hash').where('hash', '=', marker('hash')),
  );
  return async ({ run, plan }) => {
    const inserted = await insert(query, {
      ...run,
      input: JSON.stringify(run.input),
      outputs: JSON.stringify(run.outputs),
    });
    if (inserted === 0) return false;
    const hash = run.planHash;
    if (plan !== null && hash !== null && (await hasPlan(query, { hash })).length === 0) {
      const { namespace, name } = plan;
      const row = { hash, namespace, name, plan: JSON.stringify(plan), created_at: run.createdAt };
      await query.insertInto('plans').values(row).execute();
    }
    return true;
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
      const values = { id, status, result: JSON.stringify(result), error, errorCode, retryable, completedAt };
      await end(query, values);
    },
    async setStepProcess(id, process) {
      const row = { process: JSON.stringify(process) };
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
    const result = step.result === null ? null : JSON.stringify(step.result);
    const process = step.process === null ? null : JSON.stringify(step.process);
    await insert(query, { ...step, result, process });
  };
}

function first(rows: readonly Selectable<RunRow>[]): RunRecord | undefined {
  const [row] = rows;
  return row === undefined ? undefined : runRecord(row);
}

/** The column of each field. */
const columns = {
  id: 'id',
  name: 'name',
  namespace: 'namespace',
  triggerSource: 'trigger_source',
  status: 'status',
  alertId: 'alert_id',
  episode: 'episode',
  planHash: 'plan_hash',
  stepsCompleted: 'steps_completed',
  totalSteps: 'total_steps',
  currentStep: 'current_step',
  input: 'input_context',
  outputs: 'outputs',
  error: 'error',
  errorCode: 'error_code',
  retryOf: 'retry_of',
  fence: 'fence',
  leaseOwner: 'lease_owner',
  leaseUntil: 'lease_until',
  wakeAt: 'wake_at',
  waitingFor: 'waiting_for',
  deadlineAt: 'deadline_at',
  cancelRequestedAt: 'cancel_requested_at',
  cancelReason: 'cancel_reason',
  startedAt: 'started_at',
  completedAt: 'completed_at',
  createdAt: 'created_at',
} as const satisfies Record<keyof RunRecord, keyof RunRow>;

function runColumns(changes: Partial<RunRecord>): Updateable<RunRow> {
  const row: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(changes)) {
    const isJson = field === 'input' || field === 'outputs';
    row[columns[field as keyof RunRecord]] = isJson ? JSON.stringify(value) : value;
  }
  return row;
}
