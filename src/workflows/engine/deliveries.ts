import type { DeliveryEvent, DeliveryRecord } from '../../core/delivery.ts';
import type { JsonObject } from '../../core/json.ts';
import type { RunRecord } from '../../core/run.ts';
import type { Timestamp } from '../../core/time.ts';
import { newId } from '../../lib/id.ts';

/** One pending row per Sink, for the transaction of the transition that they announce. */
export function runDeliveries(
  run: RunRecord,
  event: DeliveryEvent,
  sinks: readonly string[],
  now: Timestamp,
  data: JsonObject,
): readonly DeliveryRecord[] {
  return [...new Set(sinks)].map((sinkName) => ({
    id: newId(),
    namespace: run.namespace,
    runId: run.id,
    alertId: run.alertId,
    event,
    sinkName,
    sinkType: '',
    data,
    payload: null,
    status: 'pending',
    attempts: 0,
    error: null,
    errorCode: null,
    ambiguous: false,
    idempotencyKey: `${run.id}/${event}/${sinkName}`,
    reference: null,
    fence: 0,
    leaseOwner: null,
    leaseUntil: null,
    wakeAt: now,
    sentAt: null,
    createdAt: now,
  }));
}
