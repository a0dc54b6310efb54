-- Version 8: a Sink goes on from what its receiver called what it was told before: a thread, an issue. Only adds.

CREATE INDEX sink_outputs_reference ON sink_outputs (namespace, sink_name, coalesce(alert_id, workflow_id), coalesce(sort_key, id)) WHERE reference IS NOT NULL;
