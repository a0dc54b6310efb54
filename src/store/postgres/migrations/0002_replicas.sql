-- Version 2: what many replicas, retention and flat lists need. Only adds: a program of version 1 may go on using the
-- database beside a newer one.

-- Upgrades and moves. Which fist wrote the schema: what a message to an older one names.
ALTER TABLE schema_info ADD COLUMN program_version text COLLATE "C";

-- Which installation the rows are of: it keeps its id when it moves to another database.
CREATE TABLE installation (
  id integer PRIMARY KEY CHECK (id = 1),
  installation_id text COLLATE "C" NOT NULL,
  -- running or done; null: no import since a server used the database.
  import_state text COLLATE "C",
  -- Of a running import: which export, and how many of its lines are in.
  import_export_id text COLLATE "C",
  import_lines integer
);
INSERT INTO installation (id, installation_id) VALUES (1, replace(gen_random_uuid()::text, '-', ''));

-- Retention: a run that was tried again by a person stays while the newer one is in work. There is no index by plan, as on
-- SQLite: every update of a run would write it, and retention asks once a day.
CREATE INDEX workflows_by_retry_of ON workflows (retry_of) WHERE retry_of IS NOT NULL;

-- Deliveries. What one waits for: order (an earlier one of the same alert, or run, to the same Sink) or place (the Sink has
-- as many in work as it may have, or took one too recently); null: its time.
ALTER TABLE sink_outputs ADD COLUMN waiting_for text COLLATE "C";
-- When a person last asked to send it again.
ALTER TABLE sink_outputs ADD COLUMN retried_at timestamptz;
CREATE INDEX sink_outputs_order ON sink_outputs (namespace, sink_name, coalesce(alert_id, workflow_id), id) WHERE status = 'pending';
CREATE INDEX sink_outputs_queue ON sink_outputs (namespace, sink_name, id) WHERE waiting_for = 'place';
CREATE INDEX sink_outputs_due_by_sink ON sink_outputs (namespace, sink_name, wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX sink_outputs_held ON sink_outputs (namespace, sink_name, lease_until) WHERE lease_until IS NOT NULL;

-- One row for each Sink: who claims or ends one of its deliveries locks it first, so that its limits hold for all replicas.
CREATE TABLE sink_lanes (
  namespace text COLLATE "C" NOT NULL,
  sink_name text COLLATE "C" NOT NULL,
  -- Kept for Sinks with a rate.
  last_claimed_at timestamptz,
  PRIMARY KEY (namespace, sink_name)
);

-- Replicas. The last tick of each job that one replica does for all (design 3.1.20).
CREATE TABLE ticks (
  name text COLLATE "C" PRIMARY KEY,
  tick_at timestamptz NOT NULL
);

-- Flat lists. Any of status, severity and namespace of an alert is answered from one of two indexes: a list merges the
-- places of all values of what is not given, which are few. So it is with namespace and name elsewhere.
DROP INDEX alerts_by_status;
DROP INDEX alerts_by_severity;
DROP INDEX alerts_by_namespace;
CREATE INDEX alerts_by_status ON alerts (status, severity, id);
CREATE INDEX alerts_by_namespace ON alerts (namespace, status, severity, id);
-- An alert whose name is too long for an index entry must still be stored.
DROP INDEX alerts_by_name;
CREATE INDEX alerts_by_name ON alerts (alert_name, id) WHERE length(alert_name) <= 500;
DROP INDEX workflows_by_name;
DROP INDEX workflows_by_namespace;
CREATE INDEX workflows_by_name ON workflows (namespace, name, id);
CREATE INDEX workflows_by_error_code ON workflows (error_code, id) WHERE error_code IS NOT NULL;
DROP INDEX source_events_by_source;
CREATE INDEX source_events_by_source ON source_events (namespace, source_name, id);
CREATE INDEX dead_letters_by_source ON dead_letters (namespace, source_name, id);
CREATE INDEX dead_letters_by_reason ON dead_letters (reason, id);

-- Beginnings of the words of alerts, for text search (src/store/words.ts).
CREATE TABLE alert_words (
  word text COLLATE "C" NOT NULL,
  alert_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (word, alert_id)
);

-- Alerts whose words are not in alert_words yet: written later, many at a time. A search looks through them one by one.
-- Triggers fill it, so that no writer can forget it.
CREATE TABLE alert_words_due (
  alert_id text COLLATE "C" PRIMARY KEY
);
INSERT INTO alert_words_due SELECT id FROM alerts;
CREATE FUNCTION alerts_words_of_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO alert_words_due (alert_id) SELECT id FROM added ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE FUNCTION alerts_words_of_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Waits for who writes the words just now: that one has read the earlier summary, and deletes the row.
  INSERT INTO alert_words_due (alert_id) VALUES (NEW.id) ON CONFLICT (alert_id) DO UPDATE SET alert_id = excluded.alert_id;
  RETURN NULL;
END $$;
CREATE TRIGGER alerts_words_of_new AFTER INSERT ON alerts REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION alerts_words_of_new();
CREATE TRIGGER alerts_words_of_changed AFTER UPDATE OF summary ON alerts
  FOR EACH ROW WHEN (NEW.summary IS DISTINCT FROM OLD.summary) EXECUTE FUNCTION alerts_words_of_changed();
