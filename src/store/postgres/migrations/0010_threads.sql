-- A mention in the thread of a report asks about that run: it is found by what the receiver called the report. Only adds.

CREATE INDEX sink_outputs_thread ON sink_outputs (namespace, reference) WHERE reference IS NOT NULL;
