import type { Database } from '../sql/schema.ts';

/**
 * How a value looks in an export. `json` is JSON text as it was stored, `members` JSON text with its members in order:
 * PostgreSQL keeps the order of the first and not of the second. Flags are numbers, 0 or 1.
 */
export type ColumnKind = 'text' | 'number' | 'time' | 'json' | 'members';

/**
 * What an export leaves out: what says something about this database alone, and the indexes of labels and words, which
 * follow from `alerts`.
 */
type LeftOut =
  | 'schema_info'
  | 'installation'
  | 'alert_labels'
  | 'alert_labels_due'
  | 'alert_words'
  | 'alert_words_due'
  | 'sink_lanes'
  | 'ticks';
export type TransferTable = Exclude<keyof Database, LeftOut>;

export interface TableDescription<Columns extends string = string> {
  /** Rows are in the order of these; text by its bytes. */
  readonly key: readonly Columns[];
  readonly columns: Readonly<Record<Columns, ColumnKind>>;
}

const identity = { id: 'text', namespace: 'text', name: 'text' } as const;

/** Every table of an export, in the order in which it has them. The compiler sees to it that none and no column is missing. */
export const transferTables: {
  readonly [Table in TransferTable]: TableDescription<Extract<keyof Database[Table], string>>;
} = {
  custom_resources: {
    key: ['id'],
    columns: {
      ...identity,
      api_version: 'text',
      kind: 'text',
      spec: 'text',
      status: 'text',
      created_at: 'time',
      updated_at: 'time',
    },
  },
  resource_activity: {
    key: ['kind', 'namespace', 'name'],
    columns: {
      kind: 'text',
      namespace: 'text',
      name: 'text',
      processed: 'number',
      last_at: 'time',
      last_error: 'text',
    },
  },
  plans: {
    key: ['hash'],
    columns: { hash: 'text', namespace: 'text', name: 'text', plan: 'json', created_at: 'time' },
  },
  source_events: {
    key: ['id'],
    columns: {
      id: 'text',
      namespace: 'text',
      source_name: 'text',
      source_type: 'text',
      event_data: 'text',
      content_hash: 'text',
      delivery_key: 'text',
      workflow_triggered: 'text',
      outcome: 'members',
      receive_count: 'number',
      received_at: 'time',
      last_received_at: 'time',
    },
  },
  dead_letters: {
    key: ['id'],
    columns: {
      id: 'text',
      namespace: 'text',
      source_name: 'text',
      reason: 'text',
      message: 'text',
      body: 'text',
      received_at: 'time',
    },
  },
  alerts: {
    key: ['id'],
    columns: {
      ...identity,
      source: 'text',
      fingerprint: 'text',
      external_id: 'text',
      status: 'text',
      severity: 'text',
      alert_name: 'text',
      summary: 'text',
      description: 'text',
      labels: 'members',
      annotations: 'members',
      generator_url: 'text',
      group_key: 'text',
      content_hash: 'text',
      episode: 'number',
      receive_count: 'number',
      source_id: 'text',
      workflow_id: 'text',
      ai_analysis: 'members',
      ai_confidence: 'number',
      auto_resolved: 'number',
      skewed: 'number',
      announced: 'number',
      muted_until: 'time',
      starts_at: 'time',
      ends_at: 'time',
      received_at: 'time',
      last_received_at: 'time',
      triage_started_at: 'time',
      triage_completed_at: 'time',
      resolved_at: 'time',
      created_at: 'time',
      updated_at: 'time',
    },
  },
  alert_transitions: {
    key: ['alert_id', 'id'],
    columns: {
      id: 'text',
      alert_id: 'text',
      episode: 'number',
      from_status: 'text',
      to_status: 'text',
      reason: 'text',
      at: 'time',
      source_event_id: 'text',
    },
  },
  workflows: {
    key: ['id'],
    columns: {
      ...identity,
      trigger_source: 'text',
      status: 'text',
      alert_id: 'text',
      episode: 'number',
      plan_hash: 'text',
      steps_completed: 'number',
      total_steps: 'number',
      current_step: 'text',
      input_context: 'json',
      outputs: 'json',
      error: 'text',
      error_code: 'text',
      retry_of: 'text',
      fence: 'number',
      lease_owner: 'text',
      lease_until: 'time',
      wake_at: 'time',
      waiting_for: 'text',
      slot_key: 'text',
      deadline_at: 'time',
      cancel_requested_at: 'time',
      cancel_reason: 'text',
      started_at: 'time',
      completed_at: 'time',
      created_at: 'time',
    },
  },
  workflow_steps: {
    key: ['id'],
    columns: {
      id: 'text',
      workflow_id: 'text',
      name: 'text',
      step_type: 'text',
      path: 'text',
      attempt: 'number',
      status: 'text',
      fence: 'number',
      config: 'members',
      result: 'json',
      error: 'text',
      error_code: 'text',
      retryable: 'number',
      process: 'members',
      started_at: 'time',
      completed_at: 'time',
      created_at: 'time',
    },
  },
  evidence: {
    key: ['workflow_id', 'number'],
    columns: {
      workflow_id: 'text',
      number: 'number',
      step_path: 'text',
      kind: 'text',
      object: 'text',
      command: 'text',
      observed_at: 'text',
      excerpt: 'text',
    },
  },
  slots: {
    key: ['key', 'ordinal'],
    columns: { key: 'text', ordinal: 'number', workflow_id: 'text', taken_at: 'time' },
  },
  sink_outputs: {
    key: ['id'],
    columns: {
      id: 'text',
      namespace: 'text',
      workflow_id: 'text',
      alert_id: 'text',
      event: 'text',
      sink_name: 'text',
      sink_type: 'text',
      data: 'json',
      payload: 'json',
      status: 'text',
      attempts: 'number',
      error: 'text',
      error_code: 'text',
      ambiguous: 'number',
      idempotency_key: 'text',
      reference: 'text',
      fence: 'number',
      lease_owner: 'text',
      lease_until: 'time',
      wake_at: 'time',
      sent_at: 'time',
      created_at: 'time',
      waiting_for: 'text',
      retried_at: 'time',
    },
  },
};

/** Names of the tables in their order. */
export const transferTableNames = Object.keys(transferTables) as readonly TransferTable[];
