-- Version 12: what happens while a model investigates, and what it costs. Only adds.

CREATE TABLE agent_events (
  workflow_id text COLLATE "C" NOT NULL,
  sequence integer NOT NULL,
  path text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  kind text COLLATE "C" NOT NULL,
  content json NOT NULL,
  tokens integer NOT NULL,
  cost_micros integer NOT NULL,
  evidence_hash text COLLATE "C",
  at timestamptz NOT NULL,
  PRIMARY KEY (workflow_id, sequence)
);
CREATE INDEX agent_events_by_evidence ON agent_events (evidence_hash, workflow_id, sequence) WHERE evidence_hash IS NOT NULL;

-- What a Workflow's runs have spent on a day; outlives the runs, so that budgets of a day do not forget.
CREATE TABLE model_spending (
  day text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  workflow text COLLATE "C" NOT NULL,
  tokens bigint NOT NULL,
  cost_micros bigint NOT NULL,
  PRIMARY KEY (day, namespace, workflow)
);

-- Sums over the run's events; the first is also the sequence of the newest.
ALTER TABLE workflows ADD COLUMN agent_events integer NOT NULL DEFAULT 0;
ALTER TABLE workflows ADD COLUMN model_tokens bigint NOT NULL DEFAULT 0;
ALTER TABLE workflows ADD COLUMN model_cost_micros bigint NOT NULL DEFAULT 0;
