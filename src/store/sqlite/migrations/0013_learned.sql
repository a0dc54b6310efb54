-- Version 13: what is learned: what people say of the causes of reports, what models were found able to do, where there are data. Only
-- adds.

-- What people said of the report of a run, the newest last. Outlives the run: it says what it is about.
CREATE TABLE run_verdicts (
  workflow_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  -- What it was, in the words of whoever said it.
  cause TEXT,
  note TEXT,
  said_by TEXT,
  -- The report as it was then: object, cause and confidence.
  judged TEXT NOT NULL,
  namespace TEXT NOT NULL,
  alert_name TEXT,
  fingerprint TEXT,
  -- Of what the alert is about.
  object_namespace TEXT,
  at TEXT NOT NULL,
  PRIMARY KEY (workflow_id, sequence)
);
CREATE INDEX run_verdicts_by_alert ON run_verdicts (namespace, alert_name, at);

-- How the last check of a model ended, by a hash over its provider, name, endpoint and key.
CREATE TABLE model_checks (
  hash TEXT PRIMARY KEY,
  model TEXT NOT NULL,
  endpoint TEXT,
  result TEXT NOT NULL,
  message TEXT NOT NULL,
  checks TEXT NOT NULL,
  at TEXT NOT NULL
) WITHOUT ROWID;

-- Whether a server has data of a namespace, by what it answered last.
CREATE TABLE namespace_data (
  server TEXT NOT NULL,
  namespace TEXT NOT NULL,
  kind TEXT NOT NULL,
  found INTEGER NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (server, namespace, kind)
) WITHOUT ROWID;
