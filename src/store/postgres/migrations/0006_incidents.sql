-- Version 6: alerts of one incident are told together. Only adds: a program of an earlier version tells each in full.

-- The cause that a delivery tells in full; NULL = none, or it points at the report of another alert that told it.
ALTER TABLE sink_outputs ADD COLUMN incident text COLLATE "C";
CREATE INDEX sink_outputs_incident ON sink_outputs (namespace, sink_name, incident, sent_at) WHERE incident IS NOT NULL;
