import type { ErrorCode } from '../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { Plan } from '../../core/plan.ts';
import type { ProcessIdentity, RunInput, RunStatus, StepStatus, WaitingFor } from '../../core/run.ts';
import { flag, json, members, number, table, text, time } from './table.ts';

/**
 * Groups: `brief`, what the starting and the ending of an alert's work ask about its runs; `group`, what intake asks about the run
 * of a group of alerts; `change`, what the stream tells.
 */
export const runs = table('workflows', ['id'], {
  id: text().in('brief', 'change'),
  name: text().in('brief', 'change'),
  namespace: text().in('brief', 'change'),
  trigger_source: text(),
  status: text<RunStatus>().in('group', 'brief', 'change'),
  alert_id: text().nullable().in('brief', 'change'),
  episode: number().in('brief'),
  plan_hash: text().nullable().in('brief'),
  steps_completed: number().in('change'),
  total_steps: number().in('change'),
  current_step: text().nullable().in('change'),
  input_context: json<RunInput>().as('input'),
  outputs: json<JsonObject>().unlisted(),
  error: text().nullable(),
  error_code: text<ErrorCode>().nullable().in('change'),
  retry_of: text().nullable().in('brief'),
  requested_by: text().nullable().in('brief'),
  fence: number(),
  lease_owner: text().nullable().in('brief'),
  lease_until: time().nullable(),
  wake_at: time().nullable().in('group'),
  waiting_for: text<WaitingFor>().nullable().in('group', 'brief', 'change'),
  // Which slot a waiting run waits for.
  slot_key: text().nullable().as(null),
  deadline_at: time(),
  cancel_requested_at: time().nullable().in('group', 'change'),
  cancel_reason: text().nullable(),
  started_at: time().nullable().in('group', 'change'),
  completed_at: time().nullable().in('change'),
  created_at: time().in('group', 'brief', 'change'),
  agent_events: number().in('change'),
  model_tokens: number().in('change'),
  model_cost_micros: number().in('change'),
});

export const plans = table('plans', ['hash'], {
  hash: text(),
  namespace: text(),
  name: text(),
  plan: json<Plan>(),
  created_at: time(),
});

/** Group `end`: how an attempt ended. */
export const steps = table('workflow_steps', ['id'], {
  id: text(),
  workflow_id: text().as('runId'),
  name: text(),
  step_type: text().as('type'),
  path: text(),
  attempt: number(),
  status: text<StepStatus>().in('end'),
  fence: number(),
  // Of the contract; the plan has it.
  config: members().nullable().as(null),
  result: json<JsonValue>().nullable().in('end'),
  error: text().nullable().in('end'),
  error_code: text<ErrorCode>().nullable().in('end'),
  retryable: flag().in('end'),
  process: members<ProcessIdentity>().nullable(),
  started_at: time().nullable(),
  completed_at: time().nullable().in('end'),
  created_at: time(),
});

export const evidence = table('evidence', ['workflow_id', 'number'], {
  workflow_id: text().as('runId'),
  number: number(),
  step_path: text(),
  kind: text(),
  object: text(),
  command: text(),
  observed_at: text().as('time'),
  excerpt: text(),
});

export const slots = table('slots', ['key', 'ordinal'], {
  key: text(),
  ordinal: number(),
  workflow_id: text().as('runId'),
  taken_at: time(),
});
