-- Version 11: one run may answer for a group of alerts. Only adds: an older program beside a newer one groups nothing, and gives alerts
-- that wait for the run of their group runs of their own.

CREATE TABLE alert_groups (
  -- Over the Source, the Workflow and the values of the labels.
  id text COLLATE "C" PRIMARY KEY,
  namespace text COLLATE "C" NOT NULL,
  workflow_id text COLLATE "C" NOT NULL,
  previous_id text COLLATE "C"
);
CREATE INDEX alert_groups_by_run ON alert_groups (workflow_id);

CREATE TABLE run_alerts (
  alert_id text COLLATE "C" NOT NULL,
  workflow_id text COLLATE "C" NOT NULL,
  episode integer NOT NULL,
  PRIMARY KEY (alert_id, workflow_id)
);
CREATE INDEX run_alerts_by_run ON run_alerts (workflow_id, alert_id);
