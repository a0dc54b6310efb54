-- Version 12: what happens while a model investigates, and what it costs. Only adds.

CREATE TABLE agent_events (
  workflow_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  path TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,
  content TEXT NOT NULL,
  tokens INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  evidence_hash TEXT,
  at TEXT NOT NULL,
  PRIMARY KEY (workflow_id, sequence)
);
CREATE INDEX agent_events_by_evidence ON agent_events (evidence_hash, workflow_id, sequence) WHERE evidence_hash IS NOT NULL;

-- What a Workflow's runs have spent on a day; outlives the runs, so that budgets of a day do not forget.
CREATE TABLE model_spending (
  day TEXT NOT NULL,
  namespace TEXT NOT NULL,
  workflow TEXT NOT NULL,
  tokens INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  PRIMARY KEY (day, namespace, workflow)
) WITHOUT ROWID;

-- Sums over the run's events; the first is also the sequence of the newest.
ALTER TABLE workflows ADD COLUMN agent_events INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workflows ADD COLUMN model_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workflows ADD COLUMN model_cost_micros INTEGER NOT NULL DEFAULT 0;
