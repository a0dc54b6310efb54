-- Version 5: alerts are listed by their last change and found by the namespace of what they are about; a row says the cause. Only
-- adds: a program of version 4 may go on using the database beside a newer one.

-- What the newest run says is the cause, in short; empty: its report has none. NULL: no run, or one without a report.
ALTER TABLE alerts ADD COLUMN cause text COLLATE "C";
UPDATE alerts SET cause = substr(coalesce(ai_analysis ->> 'root_cause', ''), 1, 200) WHERE ai_analysis IS NOT NULL;

-- The place of an alert in lists: its last change (opened, reopened, worse, investigated, resolved; not a repeat) and its id, as on
-- SQLite. It follows from other columns, so that programs of version 4 keep it right.
CREATE FUNCTION alert_place(id text, received_at timestamptz, triage_started_at timestamptz, triage_completed_at timestamptz, resolved_at timestamptz)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN to_char(greatest(received_at, triage_started_at, triage_completed_at, resolved_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || id;
END $$;
DROP INDEX alerts_by_status;
DROP INDEX alerts_by_namespace;
CREATE INDEX alerts_by_status ON alerts (status, severity, alert_place(id, received_at, triage_started_at, triage_completed_at, resolved_at));
CREATE INDEX alerts_by_namespace ON alerts (namespace, status, severity, alert_place(id, received_at, triage_started_at, triage_completed_at, resolved_at));
-- The namespace of the object; longer values are no namespaces.
CREATE INDEX alerts_by_object_namespace ON alerts (substr(coalesce(labels ->> 'exported_namespace', labels ->> 'namespace', labels ->> 'kubernetes_namespace', labels ->> 'k8s_namespace_name', labels ->> 'k8s.namespace.name', labels ->> 'kube_namespace', labels ->> 'destination_service_namespace', labels ->> 'destination_workload_namespace', labels ->> 'target_namespace'), 1, 253), status, severity, alert_place(id, received_at, triage_started_at, triage_completed_at, resolved_at));
