-- Version 7: the runs that ended since a time are found. Only adds: a program of version 6 may go on using the database beside a newer
-- one.

CREATE INDEX workflows_ended ON workflows (completed_at) WHERE completed_at IS NOT NULL;
