-- Version 4: deliveries are tried by time, the end of an alert is told last, rows hold no copy of the report. Only adds: a program of version 3 may go on
-- using the database beside a newer one.

-- Attempts in a row that no process recorded the end of.
ALTER TABLE sink_outputs ADD COLUMN interruptions integer NOT NULL DEFAULT 0;
-- The order in which a Sink hears of an alert: episode, 1 for its end, id. NULL: by id, as version 3 does.
ALTER TABLE sink_outputs ADD COLUMN sort_key text COLLATE "C";
UPDATE sink_outputs
SET sort_key = concat(lpad(coalesce(data ->> 'episode', '0'), 10, '0'), '.', (event = 'alert-resolved')::integer, '.', id)
WHERE status = 'pending' AND alert_id IS NOT NULL;
DROP INDEX sink_outputs_order;
CREATE INDEX sink_outputs_order ON sink_outputs (namespace, sink_name, coalesce(alert_id, workflow_id), coalesce(sort_key, id)) WHERE status = 'pending';
-- What is sent, without the report, which the journal of the run has. Where it is kept so and not as payload, a program of version
-- 3 renders the delivery anew.
ALTER TABLE sink_outputs ADD COLUMN rendered json;
