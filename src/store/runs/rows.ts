import type { Updateable } from 'kysely';
import type { RunRecord } from '../../core/run.ts';
import type { RunRow } from '../sql/schema.ts';
import { storableJson } from '../sql/text.ts';

// Rows of `workflows` (runs) from what the rest of the program sees.

/** The column of each field. */
export const runColumns = {
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
export type RunColumn = (typeof runColumns)[keyof typeof runColumns];

/** Written out, because an object of one shape is several times as fast as one that a loop fills. */
export function insertedRow(run: RunRecord): Record<RunColumn, unknown> {
  return {
    id: run.id,
    name: run.name,
    namespace: run.namespace,
    trigger_source: run.triggerSource,
    status: run.status,
    alert_id: run.alertId,
    episode: run.episode,
    plan_hash: run.planHash,
    steps_completed: run.stepsCompleted,
    total_steps: run.totalSteps,
    current_step: run.currentStep,
    input_context: storableJson(run.input),
    outputs: storableJson(run.outputs),
    error: run.error,
    error_code: run.errorCode,
    retry_of: run.retryOf,
    fence: run.fence,
    lease_owner: run.leaseOwner,
    lease_until: run.leaseUntil,
    wake_at: run.wakeAt,
    waiting_for: run.waitingFor,
    deadline_at: run.deadlineAt,
    cancel_requested_at: run.cancelRequestedAt,
    cancel_reason: run.cancelReason,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    created_at: run.createdAt,
  };
}

export function changedRunColumns(changes: Partial<RunRecord>): Updateable<RunRow> {
  const row: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(changes)) {
    const isJson = field === 'input' || field === 'outputs';
    row[runColumns[field as keyof RunRecord]] = isJson ? storableJson(value) : value;
  }
  return row;
}
