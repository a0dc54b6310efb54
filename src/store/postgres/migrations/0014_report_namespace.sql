-- Version 14: whose run wrote the report and the cause of an alert, which outlive the run. Null: none did, or a program before this
-- version, of which the runs that are stored tell. Only adds.

ALTER TABLE alerts ADD COLUMN report_namespace text COLLATE "C";
