import type { JsonObject } from '../../core/json.ts';
import { members, number, table, text, time } from './table.ts';

export const sourceEvents = table('source_events', ['id'], {
  id: text(),
  namespace: text(),
  source_name: text(),
  source_type: text(),
  // May be 3 MiB.
  event_data: text().unlisted(),
  content_hash: text(),
  delivery_key: text().nullable(),
  workflow_triggered: text().nullable(),
  outcome: members<JsonObject>(),
  receive_count: number(),
  received_at: time(),
  last_received_at: time(),
});

export const deadLetters = table('dead_letters', ['id'], {
  id: text(),
  namespace: text(),
  source_name: text(),
  reason: text(),
  message: text(),
  body: text().unlisted(),
  received_at: time(),
});
