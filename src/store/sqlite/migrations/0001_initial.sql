-- Times are UTC ISO 8601 text with milliseconds, so that text order is time order. Ids are UUID v7: id order is creation
-- order, which is what lists page by. JSON is text.

CREATE TABLE schema_info (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL,
  -- Programs that know at least this version may use the database side by side with newer ones.
  min_compatible_version INTEGER NOT NULL,
  updated_at TEXT NOT NULL
);

CREATE TABLE alerts (
  id TEXT PRIMARY KEY,
  namespace TEXT NOT NULL,
  source TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  external_id TEXT,
  status TEXT NOT NULL,
  severity TEXT NOT NULL,
  alert_name TEXT NOT NULL,
  name TEXT NOT NULL,
  summary TEXT,
  description TEXT,
  labels TEXT NOT NULL,
  annotations TEXT NOT NULL,
  generator_url TEXT,
  group_key TEXT,
  content_hash TEXT NOT NULL,
  episode INTEGER NOT NULL,
  receive_count INTEGER NOT NULL,
  source_id TEXT,
  workflow_id TEXT,
  ai_analysis TEXT,
  ai_confidence REAL,
  auto_resolved INTEGER NOT NULL DEFAULT 0,
  skewed INTEGER NOT NULL DEFAULT 0,
  announced INTEGER NOT NULL DEFAULT 0,
  muted_until TEXT,
  starts_at TEXT,
  ends_at TEXT,
  received_at TEXT NOT NULL,
  last_received_at TEXT NOT NULL,
  triage_started_at TEXT,
  triage_completed_at TEXT,
  resolved_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (fingerprint, source, namespace)
);
CREATE INDEX alerts_by_status ON alerts (status, id);
CREATE INDEX alerts_by_severity ON alerts (severity, id);
CREATE INDEX alerts_by_name ON alerts (alert_name, id);
CREATE INDEX alerts_by_namespace ON alerts (namespace, id);
-- For the expiry of open alerts that are no longer received (design 3.2.16).
CREATE INDEX alerts_open_by_last_received ON alerts (source, namespace, last_received_at) WHERE status <> 'resolved';
-- Alerts whose run a policy put off (design 3.2.20: the last state is always delivered).
CREATE INDEX alerts_muted ON alerts (muted_until) WHERE muted_until IS NOT NULL;

CREATE TABLE alert_labels (
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  PRIMARY KEY (name, value, alert_id)
) WITHOUT ROWID;

-- Alerts whose labels are not in alert_labels yet: those of many alerts are written together, in the order of the index,
-- because each label value has its own place in it.
CREATE TABLE alert_labels_due (
  alert_id TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE alert_transitions (
  id TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  episode INTEGER NOT NULL,
  from_status TEXT,
  to_status TEXT NOT NULL,
  reason TEXT NOT NULL,
  at TEXT NOT NULL,
  source_event_id TEXT,
  PRIMARY KEY (alert_id, id)
) WITHOUT ROWID;

CREATE TABLE source_events (
  id TEXT PRIMARY KEY,
  namespace TEXT NOT NULL,
  source_name TEXT NOT NULL,
  source_type TEXT NOT NULL,
  event_data TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  delivery_key TEXT,
  workflow_triggered TEXT,
  outcome TEXT NOT NULL,
  receive_count INTEGER NOT NULL,
  received_at TEXT NOT NULL,
  last_received_at TEXT NOT NULL
);
CREATE INDEX source_events_by_source ON source_events (source_name, id);
CREATE UNIQUE INDEX source_events_by_delivery_key ON source_events (delivery_key, source_name, namespace) WHERE delivery_key IS NOT NULL;

CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY,
  namespace TEXT NOT NULL,
  source_name TEXT NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  body TEXT NOT NULL,
  received_at TEXT NOT NULL
);

CREATE TABLE plans (
  hash TEXT PRIMARY KEY,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  plan TEXT NOT NULL,
  created_at TEXT NOT NULL
);

-- One row per run, as in the contract.
CREATE TABLE workflows (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  namespace TEXT NOT NULL,
  trigger_source TEXT NOT NULL,
  status TEXT NOT NULL,
  alert_id TEXT,
  episode INTEGER NOT NULL DEFAULT 0,
  plan_hash TEXT,
  steps_completed INTEGER NOT NULL DEFAULT 0,
  total_steps INTEGER NOT NULL DEFAULT 0,
  current_step TEXT,
  input_context TEXT NOT NULL,
  outputs TEXT NOT NULL,
  error TEXT,
  error_code TEXT,
  retry_of TEXT,
  fence INTEGER NOT NULL DEFAULT 0,
  lease_owner TEXT,
  lease_until TEXT,
  wake_at TEXT,
  waiting_for TEXT,
  slot_key TEXT,
  deadline_at TEXT NOT NULL,
  cancel_requested_at TEXT,
  cancel_reason TEXT,
  started_at TEXT,
  completed_at TEXT,
  created_at TEXT NOT NULL
);
-- Design 3.2.18; a retry by a person is a run of its own.
CREATE UNIQUE INDEX workflows_by_episode ON workflows (alert_id, episode, name, namespace) WHERE alert_id IS NOT NULL AND retry_of IS NULL;
CREATE INDEX workflows_by_status ON workflows (status, id);
CREATE INDEX workflows_by_name ON workflows (name, id);
CREATE INDEX workflows_by_namespace ON workflows (namespace, id);
CREATE INDEX workflows_by_alert ON workflows (alert_id, id);
-- A finished run has no wake_at. With a condition on the status here, the planner would take workflows_by_status and sort.
CREATE INDEX workflows_due ON workflows (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX workflows_by_slot_key ON workflows (slot_key, id) WHERE waiting_for = 'slot';

CREATE TABLE workflow_steps (
  id TEXT PRIMARY KEY,
  workflow_id TEXT NOT NULL REFERENCES workflows (id),
  name TEXT NOT NULL,
  step_type TEXT NOT NULL,
  path TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  status TEXT NOT NULL,
  fence INTEGER NOT NULL,
  config TEXT,
  result TEXT,
  error TEXT,
  error_code TEXT,
  retryable INTEGER NOT NULL DEFAULT 0,
  process TEXT,
  started_at TEXT,
  completed_at TEXT,
  created_at TEXT NOT NULL,
  UNIQUE (workflow_id, path, attempt)
);

CREATE TABLE evidence (
  workflow_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  step_path TEXT NOT NULL,
  kind TEXT NOT NULL,
  object TEXT NOT NULL,
  command TEXT NOT NULL,
  observed_at TEXT NOT NULL,
  excerpt TEXT NOT NULL,
  PRIMARY KEY (workflow_id, number)
) WITHOUT ROWID;

CREATE TABLE slots (
  key TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  workflow_id TEXT NOT NULL,
  taken_at TEXT NOT NULL,
  PRIMARY KEY (key, ordinal)
) WITHOUT ROWID;
CREATE INDEX slots_by_workflow ON slots (workflow_id);

CREATE TABLE sink_outputs (
  id TEXT PRIMARY KEY,
  namespace TEXT NOT NULL,
  workflow_id TEXT,
  alert_id TEXT,
  event TEXT NOT NULL,
  sink_name TEXT NOT NULL,
  sink_type TEXT NOT NULL,
  data TEXT NOT NULL,
  payload TEXT,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  error_code TEXT,
  ambiguous INTEGER NOT NULL DEFAULT 0,
  idempotency_key TEXT NOT NULL UNIQUE,
  reference TEXT,
  fence INTEGER NOT NULL DEFAULT 0,
  lease_owner TEXT,
  lease_until TEXT,
  wake_at TEXT,
  sent_at TEXT,
  created_at TEXT NOT NULL
);
CREATE INDEX sink_outputs_by_run ON sink_outputs (workflow_id, id);
CREATE INDEX sink_outputs_by_status ON sink_outputs (status, id);
CREATE INDEX sink_outputs_by_sink ON sink_outputs (namespace, sink_name, id);
CREATE INDEX sink_outputs_due ON sink_outputs (wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE custom_resources (
  id TEXT PRIMARY KEY,
  api_version TEXT NOT NULL,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  spec TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (kind, namespace, name)
);

-- What a Source or a Sink did so far, for its status; counted in the transaction that did it.
CREATE TABLE resource_activity (
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  processed INTEGER NOT NULL,
  last_at TEXT,
  last_error TEXT,
  PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;
