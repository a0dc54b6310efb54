-- Version 13: what is learned: what people say of the causes of reports, what models were found able to do, where there are data. Only
-- adds.

-- What people said of the report of a run, the newest last. Outlives the run: it says what it is about.
CREATE TABLE run_verdicts (
  workflow_id text COLLATE "C" NOT NULL,
  sequence integer NOT NULL,
  verdict text COLLATE "C" NOT NULL,
  -- What it was, in the words of whoever said it.
  cause text COLLATE "C",
  note text COLLATE "C",
  said_by text COLLATE "C",
  -- The report as it was then: object, cause and confidence.
  judged json NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  alert_name text COLLATE "C",
  fingerprint text COLLATE "C",
  -- Of what the alert is about.
  object_namespace text COLLATE "C",
  at timestamptz NOT NULL,
  PRIMARY KEY (workflow_id, sequence)
);
CREATE INDEX run_verdicts_by_alert ON run_verdicts (namespace, alert_name, at);

-- How the last check of a model ended, by a hash over its provider, name, endpoint and key.
CREATE TABLE model_checks (
  hash text COLLATE "C" PRIMARY KEY,
  model text COLLATE "C" NOT NULL,
  endpoint text COLLATE "C",
  result text COLLATE "C" NOT NULL,
  message text COLLATE "C" NOT NULL,
  checks json NOT NULL,
  at timestamptz NOT NULL
);

-- Whether a server has data of a namespace, by what it answered last.
CREATE TABLE namespace_data (
  server text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  found boolean NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (server, namespace, kind)
);
