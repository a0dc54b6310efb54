-- The same tables and columns as on SQLite. Times are timestamptz. Text sorts by bytes (COLLATE "C"), so that ids (UUID v7)
-- page in creation order as on SQLite. JSON whose order of keys people see is json, the rest jsonb. Queries that name no
-- SQLite file are shared, so column names and null rules must agree; a test compares both.

CREATE TABLE schema_info (
  id integer PRIMARY KEY CHECK (id = 1),
  version integer NOT NULL,
  -- Programs that know at least this version may use the database side by side with newer ones.
  min_compatible_version integer NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE alerts (
  id text COLLATE "C" PRIMARY KEY,
  namespace text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  fingerprint text COLLATE "C" NOT NULL,
  external_id text COLLATE "C",
  status text COLLATE "C" NOT NULL,
  severity text COLLATE "C" NOT NULL,
  alert_name text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  summary text COLLATE "C",
  description text COLLATE "C",
  labels jsonb NOT NULL,
  annotations jsonb NOT NULL,
  generator_url text COLLATE "C",
  group_key text COLLATE "C",
  content_hash text COLLATE "C" NOT NULL,
  episode integer NOT NULL,
  receive_count integer NOT NULL,
  source_id text COLLATE "C",
  workflow_id text COLLATE "C",
  ai_analysis jsonb,
  ai_confidence double precision,
  auto_resolved boolean NOT NULL DEFAULT false,
  skewed boolean NOT NULL DEFAULT false,
  announced boolean NOT NULL DEFAULT false,
  muted_until timestamptz,
  starts_at timestamptz,
  ends_at timestamptz,
  received_at timestamptz NOT NULL,
  last_received_at timestamptz NOT NULL,
  triage_started_at timestamptz,
  triage_completed_at timestamptz,
  resolved_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
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
  name text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  alert_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (name, value, alert_id)
);

CREATE TABLE alert_transitions (
  id text COLLATE "C" NOT NULL,
  alert_id text COLLATE "C" NOT NULL,
  episode integer NOT NULL,
  from_status text COLLATE "C",
  to_status text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  source_event_id text COLLATE "C",
  PRIMARY KEY (alert_id, id)
);

CREATE TABLE source_events (
  id text COLLATE "C" PRIMARY KEY,
  namespace text COLLATE "C" NOT NULL,
  source_name text COLLATE "C" NOT NULL,
  source_type text COLLATE "C" NOT NULL,
  event_data text COLLATE "C" NOT NULL,
  content_hash text COLLATE "C" NOT NULL,
  delivery_key text COLLATE "C",
  workflow_triggered text COLLATE "C",
  outcome jsonb NOT NULL,
  receive_count integer NOT NULL,
  received_at timestamptz NOT NULL,
  last_received_at timestamptz NOT NULL
);
CREATE INDEX source_events_by_source ON source_events (source_name, id);
CREATE UNIQUE INDEX source_events_by_delivery_key ON source_events (delivery_key, source_name, namespace) WHERE delivery_key IS NOT NULL;

CREATE TABLE dead_letters (
  id text COLLATE "C" PRIMARY KEY,
  namespace text COLLATE "C" NOT NULL,
  source_name text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  message text COLLATE "C" NOT NULL,
  body text COLLATE "C" NOT NULL,
  received_at timestamptz NOT NULL
);

CREATE TABLE plans (
  hash text COLLATE "C" PRIMARY KEY,
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  plan json NOT NULL,
  created_at timestamptz NOT NULL
);

-- One row per run, as in the contract.
CREATE TABLE workflows (
  id text COLLATE "C" PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  trigger_source text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  alert_id text COLLATE "C",
  episode integer NOT NULL DEFAULT 0,
  plan_hash text COLLATE "C",
  steps_completed integer NOT NULL DEFAULT 0,
  total_steps integer NOT NULL DEFAULT 0,
  current_step text COLLATE "C",
  input_context json NOT NULL,
  outputs json NOT NULL,
  error text COLLATE "C",
  error_code text COLLATE "C",
  retry_of text COLLATE "C",
  fence integer NOT NULL DEFAULT 0,
  lease_owner text COLLATE "C",
  lease_until timestamptz,
  wake_at timestamptz,
  waiting_for text COLLATE "C",
  slot_key text COLLATE "C",
  deadline_at timestamptz NOT NULL,
  cancel_requested_at timestamptz,
  cancel_reason text COLLATE "C",
  started_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz NOT NULL
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
  id text COLLATE "C" PRIMARY KEY,
  workflow_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  step_type text COLLATE "C" NOT NULL,
  path text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  status text COLLATE "C" NOT NULL,
  fence integer NOT NULL,
  config jsonb,
  result json,
  error text COLLATE "C",
  error_code text COLLATE "C",
  retryable boolean NOT NULL DEFAULT false,
  process jsonb,
  started_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz NOT NULL,
  UNIQUE (workflow_id, path, attempt)
);

CREATE TABLE evidence (
  workflow_id text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  step_path text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL,
  command text COLLATE "C" NOT NULL,
  observed_at text COLLATE "C" NOT NULL,
  excerpt text COLLATE "C" NOT NULL,
  PRIMARY KEY (workflow_id, number)
);

CREATE TABLE slots (
  key text COLLATE "C" NOT NULL,
  ordinal integer NOT NULL,
  workflow_id text COLLATE "C" NOT NULL,
  taken_at timestamptz NOT NULL,
  PRIMARY KEY (key, ordinal)
);
CREATE INDEX slots_by_workflow ON slots (workflow_id);

CREATE TABLE sink_outputs (
  id text COLLATE "C" PRIMARY KEY,
  namespace text COLLATE "C" NOT NULL,
  workflow_id text COLLATE "C",
  alert_id text COLLATE "C",
  event text COLLATE "C" NOT NULL,
  sink_name text COLLATE "C" NOT NULL,
  sink_type text COLLATE "C" NOT NULL,
  data json NOT NULL,
  payload json,
  status text COLLATE "C" NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  error text COLLATE "C",
  error_code text COLLATE "C",
  ambiguous boolean NOT NULL DEFAULT false,
  idempotency_key text COLLATE "C" NOT NULL UNIQUE,
  reference text COLLATE "C",
  fence integer NOT NULL DEFAULT 0,
  lease_owner text COLLATE "C",
  lease_until timestamptz,
  wake_at timestamptz,
  sent_at timestamptz,
  created_at timestamptz NOT NULL
);
CREATE INDEX sink_outputs_by_run ON sink_outputs (workflow_id, id);
CREATE INDEX sink_outputs_by_status ON sink_outputs (status, id);
CREATE INDEX sink_outputs_by_sink ON sink_outputs (namespace, sink_name, id);
CREATE INDEX sink_outputs_due ON sink_outputs (wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE custom_resources (
  id text COLLATE "C" PRIMARY KEY,
  api_version text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  spec text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (kind, namespace, name)
);

-- What a Source or a Sink did so far, for its status; counted in the transaction that did it.
CREATE TABLE resource_activity (
  kind text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  processed integer NOT NULL,
  last_at timestamptz,
  last_error text COLLATE "C",
  PRIMARY KEY (kind, namespace, name)
);
