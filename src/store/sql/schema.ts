import type { ColumnType } from 'kysely';

/** Rows as they are in the database (snake_case columns of the migrations). A test compares this with a fresh database. */
export interface Database {
  schema_info: SchemaInfoRow;
  installation: InstallationRow;
  alerts: AlertRow;
  alert_labels: AlertLabelRow;
  alert_labels_due: AlertLabelDueRow;
  alert_words: AlertWordRow;
  alert_words_due: AlertWordDueRow;
  alert_transitions: AlertTransitionRow;
  source_events: SourceEventRow;
  dead_letters: DeadLetterRow;
  plans: PlanRow;
  workflows: RunRow;
  workflow_steps: StepRow;
  evidence: EvidenceRow;
  slots: SlotRow;
  sink_outputs: DeliveryRow;
  sink_lanes: SinkLaneRow;
  custom_resources: ResourceRow;
  resource_activity: ResourceActivityRow;
  ticks: TickRow;
}

/** SQLite has no boolean: 0 or 1. */
export type Flag = ColumnType<number, number | boolean, number | boolean>;

export interface SchemaInfoRow {
  id: number;
  version: number;
  min_compatible_version: number;
  updated_at: string;
  program_version: string | null;
}

export interface InstallationRow {
  id: number;
  installation_id: string;
  import_state: string | null;
  import_export_id: string | null;
  import_lines: number | null;
}

export interface AlertRow {
  id: string;
  namespace: string;
  source: string;
  fingerprint: string;
  external_id: string | null;
  status: string;
  severity: string;
  alert_name: string;
  name: string;
  summary: string | null;
  description: string | null;
  labels: string;
  annotations: string;
  generator_url: string | null;
  group_key: string | null;
  content_hash: string;
  episode: number;
  receive_count: number;
  source_id: string | null;
  workflow_id: string | null;
  ai_analysis: string | null;
  ai_confidence: number | null;
  auto_resolved: Flag;
  skewed: Flag;
  announced: Flag;
  muted_until: string | null;
  starts_at: string | null;
  ends_at: string | null;
  received_at: string;
  last_received_at: string;
  triage_started_at: string | null;
  triage_completed_at: string | null;
  resolved_at: string | null;
  created_at: string;
  updated_at: string;
}

export interface AlertLabelRow {
  name: string;
  value: string;
  alert_id: string;
}

export interface AlertLabelDueRow {
  alert_id: string;
}

export interface AlertWordRow {
  word: string;
  alert_id: string;
}

export interface AlertWordDueRow {
  alert_id: string;
}

export interface AlertTransitionRow {
  id: string;
  alert_id: string;
  episode: number;
  from_status: string | null;
  to_status: string;
  reason: string;
  at: string;
  source_event_id: string | null;
}

export interface SourceEventRow {
  id: string;
  namespace: string;
  source_name: string;
  source_type: string;
  event_data: string;
  content_hash: string;
  delivery_key: string | null;
  workflow_triggered: string | null;
  outcome: string;
  receive_count: number;
  received_at: string;
  last_received_at: string;
}

export interface DeadLetterRow {
  id: string;
  namespace: string;
  source_name: string;
  reason: string;
  message: string;
  body: string;
  received_at: string;
}

export interface PlanRow {
  hash: string;
  namespace: string;
  name: string;
  plan: string;
  created_at: string;
}

export interface RunRow {
  id: string;
  name: string;
  namespace: string;
  trigger_source: string;
  status: string;
  alert_id: string | null;
  episode: number;
  plan_hash: string | null;
  steps_completed: number;
  total_steps: number;
  current_step: string | null;
  input_context: string;
  outputs: string;
  error: string | null;
  error_code: string | null;
  retry_of: string | null;
  fence: number;
  lease_owner: string | null;
  lease_until: string | null;
  wake_at: string | null;
  waiting_for: string | null;
  slot_key: string | null;
  deadline_at: string;
  cancel_requested_at: string | null;
  cancel_reason: string | null;
  started_at: string | null;
  completed_at: string | null;
  created_at: string;
}

export interface StepRow {
  id: string;
  workflow_id: string;
  name: string;
  step_type: string;
  path: string;
  attempt: number;
  status: string;
  fence: number;
  config: string | null;
  result: string | null;
  error: string | null;
  error_code: string | null;
  retryable: Flag;
  process: string | null;
  started_at: string | null;
  completed_at: string | null;
  created_at: string;
}

export interface EvidenceRow {
  workflow_id: string;
  number: number;
  step_path: string;
  kind: string;
  object: string;
  command: string;
  observed_at: string;
  excerpt: string;
}

export interface SlotRow {
  key: string;
  ordinal: number;
  workflow_id: string;
  taken_at: string;
}

export interface DeliveryRow {
  id: string;
  namespace: string;
  workflow_id: string | null;
  alert_id: string | null;
  event: string;
  sink_name: string;
  sink_type: string;
  data: string;
  payload: string | null;
  status: string;
  attempts: number;
  error: string | null;
  error_code: string | null;
  ambiguous: Flag;
  idempotency_key: string;
  reference: string | null;
  fence: number;
  lease_owner: string | null;
  lease_until: string | null;
  wake_at: string | null;
  sent_at: string | null;
  created_at: string;
  waiting_for: string | null;
  retried_at: string | null;
}

export interface SinkLaneRow {
  namespace: string;
  sink_name: string;
  last_claimed_at: string | null;
}

export interface ResourceRow {
  id: string;
  api_version: string;
  kind: string;
  namespace: string;
  name: string;
  spec: string;
  status: string;
  created_at: string;
  updated_at: string;
}

export interface ResourceActivityRow {
  kind: string;
  namespace: string;
  name: string;
  processed: number;
  last_at: string | null;
  last_error: string | null;
}

export interface TickRow {
  name: string;
  tick_at: string;
}
