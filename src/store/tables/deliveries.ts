import type { DeliveryEvent, DeliveryStatus, DeliveryWait, RenderedPayload } from '../../core/delivery.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { flag, json, number, table, text, time } from './table.ts';

export const deliveries = table('sink_outputs', ['id'], {
  id: text(),
  namespace: text(),
  workflow_id: text().nullable().as('runId'),
  alert_id: text().nullable(),
  event: text<DeliveryEvent>(),
  sink_name: text(),
  sink_type: text(),
  data: json<JsonObject>().unlisted(),
  payload: json<JsonValue>().nullable().unlisted(),
  status: text<DeliveryStatus>(),
  attempts: number(),
  error: text().nullable(),
  error_code: text().nullable(),
  ambiguous: flag(),
  idempotency_key: text(),
  reference: text().nullable(),
  fence: number(),
  lease_owner: text().nullable(),
  lease_until: time().nullable(),
  wake_at: time().nullable(),
  sent_at: time().nullable(),
  created_at: time(),
  waiting_for: text<DeliveryWait>().nullable(),
  retried_at: time().nullable(),
  interruptions: number(),
  sort_key: text().nullable(),
  rendered: json<RenderedPayload>().nullable().unlisted(),
  incident: text().nullable(),
});

/** One row for each Sink, which its claims lock. */
export const sinkLanes = table('sink_lanes', ['namespace', 'sink_name'], {
  namespace: text(),
  sink_name: text(),
  last_claimed_at: time().nullable(),
});
