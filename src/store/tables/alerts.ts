import type { AlertStatus, Labels, MuteReason, Severity } from '../../core/alert.ts';
import type { JsonObject } from '../../core/json.ts';
import { flag, members, number, table, text, time } from './table.ts';

/**
 * Groups: `state`, what intake reads and decides; `repeat`, what a plain repeat changes of it (the others are in indexes,
 * which would be written again); `content`, what the last notification replaces; `answer`, what the run of its group says of it;
 * `change`, what the stream tells.
 */
export const alerts = table('alerts', ['id'], {
  id: text().in('change'),
  namespace: text().in('change'),
  source: text().in('change'),
  fingerprint: text(),
  external_id: text().nullable().in('content'),
  status: text<AlertStatus>().in('state', 'answer', 'change'),
  severity: text<Severity>().in('state', 'change'),
  // The contract has both; they hold the same.
  alert_name: text().as('name'),
  name: text().as('name').in('change'),
  summary: text().nullable().in('content'),
  description: text().nullable().in('content'),
  labels: members<Labels>(),
  annotations: members<Labels>().in('content'),
  generator_url: text().nullable().in('content'),
  group_key: text().nullable().in('content'),
  content_hash: text().in('state', 'repeat'),
  episode: number().in('state', 'change'),
  receive_count: number().in('state', 'repeat'),
  source_id: text().nullable().in('state', 'repeat'),
  workflow_id: text().nullable().in('state', 'answer', 'change'),
  ai_analysis: members<JsonObject>().nullable().unlisted().in('answer'),
  ai_confidence: number().nullable().in('answer'),
  cause: text().nullable().in('answer'),
  report_namespace: text().nullable().in('answer'),
  auto_resolved: flag(),
  skewed: flag().in('state', 'repeat'),
  announced: flag().in('state'),
  muted_until: time().nullable().in('state', 'answer'),
  muted_reason: text<MuteReason>().nullable().in('state', 'answer', 'change'),
  starts_at: time().nullable().in('state', 'repeat'),
  ends_at: time().nullable().in('state'),
  received_at: time().in('state'),
  last_received_at: time().in('state', 'repeat'),
  triage_started_at: time().nullable().in('answer'),
  triage_completed_at: time().nullable().in('state', 'answer'),
  resolved_at: time().nullable().in('state'),
  created_at: time(),
  updated_at: time().in('answer'),
});

export const alertTransitions = table('alert_transitions', ['alert_id', 'id'], {
  id: text().unlisted(),
  alert_id: text(),
  episode: number(),
  from_status: text<AlertStatus>().nullable(),
  to_status: text<AlertStatus>(),
  reason: text(),
  at: time(),
  source_event_id: text().nullable(),
});

/** Where label filters find alerts; `due`: alerts whose labels are not in it yet, on SQLite. */
export const alertLabels = table('alert_labels', ['name', 'value', 'alert_id'], {
  name: text(),
  value: text(),
  alert_id: text(),
});
export const alertLabelsDue = table('alert_labels_due', ['alert_id'], { alert_id: text() });

/** Beginnings of the words of alerts; `due`: alerts whose words are not in it yet. */
export const alertWords = table('alert_words', ['word', 'alert_id'], { word: text(), alert_id: text() });
export const alertWordsDue = table('alert_words_due', ['alert_id'], { alert_id: text() });
