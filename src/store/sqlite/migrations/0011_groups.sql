-- Version 11: one run may answer for a group of alerts. Only adds: an older program beside a newer one groups nothing, and gives alerts
-- that wait for the run of their group runs of their own.

CREATE TABLE alert_groups (
  -- Over the Source, the Workflow and the values of the labels.
  id TEXT PRIMARY KEY,
  namespace TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  previous_id TEXT
) WITHOUT ROWID;
CREATE INDEX alert_groups_by_run ON alert_groups (workflow_id);

CREATE TABLE run_alerts (
  alert_id TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  episode INTEGER NOT NULL,
  PRIMARY KEY (alert_id, workflow_id)
) WITHOUT ROWID;
CREATE INDEX run_alerts_by_run ON run_alerts (workflow_id, alert_id);
