-- Version 9: a Sink may start a run. What it asks for does not count as the run that an episode has. An older program beside a
-- newer one goes on: it makes no such runs.

-- The delivery that asked for it; NULL = none did.
ALTER TABLE workflows ADD COLUMN requested_by TEXT;
DROP INDEX workflows_by_episode;
CREATE UNIQUE INDEX workflows_by_episode ON workflows (alert_id, episode, name, namespace) WHERE alert_id IS NOT NULL AND retry_of IS NULL AND requested_by IS NULL;
CREATE UNIQUE INDEX workflows_by_request ON workflows (requested_by) WHERE requested_by IS NOT NULL;
