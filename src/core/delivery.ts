import type { JsonObject, JsonValue } from './json.ts';
import type { Timestamp } from './time.ts';

export const deliveryStatuses = ['pending', 'sent', 'failed', 'skipped'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/**
 * What a delivery waits for besides its time: `order`, an earlier one of the same alert (or run) to the same Sink; `place`,
 * because the Sink takes no more at a time, or not yet (its `spec.delivery`).
 */
export type DeliveryWait = 'order' | 'place';

/** What a delivery announces. */
export const deliveryEvents = ['run-started', 'approval-requested', 'run-finished', 'alert-resolved'] as const;
export type DeliveryEvent = (typeof deliveryEvents)[number];

/** A `sink_outputs` row, written in the transaction of the transition it announces. */
export interface DeliveryRecord {
  readonly id: string;
  readonly namespace: string;
  readonly runId: string | null;
  readonly alertId: string | null;
  readonly event: DeliveryEvent;
  readonly sinkName: string;
  /** Empty until the sink was resolved. */
  readonly sinkType: string;
  /** Facts of the transition that rows may no longer show later (episode, times). */
  readonly data: JsonObject;
  /** What is sent; rendered once, before the first send. */
  readonly payload: JsonValue;
  readonly status: DeliveryStatus;
  /** Since it was written, or since a person asked to send it again. */
  readonly attempts: number;
  readonly error: string | null;
  readonly errorCode: string | null;
  /** True after a send whose result is unknown (the process died or the answer was lost). */
  readonly ambiguous: boolean;
  /** The same in all attempts. */
  readonly idempotencyKey: string;
  /** What the receiver called it. */
  readonly reference: string | null;
  readonly fence: number;
  readonly leaseOwner: string | null;
  readonly leaseUntil: Timestamp | null;
  readonly wakeAt: Timestamp | null;
  readonly waitingFor: DeliveryWait | null;
  readonly sentAt: Timestamp | null;
  /** When a person last asked to send it again; null = never. */
  readonly retriedAt: Timestamp | null;
  readonly createdAt: Timestamp;
}

/** The contract's sink payload, plus what the report needs. Templates of sinks see it. */
export interface EventContext {
  readonly event: DeliveryEvent;
  readonly source: { readonly name: string; readonly type: string; readonly namespace: string };
  readonly workflow: {
    readonly name: string;
    readonly namespace: string;
    readonly status: string;
    readonly outputs: JsonObject;
    /** Seconds, as text. */
    readonly duration: string;
    readonly completedAt: Timestamp | null;
    readonly error: string | null;
  };
  /** Root `.source.data`: all three historical shapes at once. */
  readonly data: JsonObject;
  readonly alert: JsonObject | null;
  /** The agent's result of the last agent step, if any. */
  readonly report: JsonObject | null;
  readonly steps: JsonObject;
  readonly run: { readonly id: string; readonly status: string; readonly url: string | null } | null;
  readonly timestamp: Timestamp;
}

/** What a sink answers: it never sleeps, retries or logs. */
export type DeliveryVerdict =
  | { readonly ok: true; readonly reference: string | null }
  | {
      readonly ok: false;
      readonly retry: boolean;
      readonly reason: string;
      /** The receiver's wish (Retry-After), milliseconds. */
      readonly retryAfterMs?: number;
      /** The request may have been processed although no answer came. */
      readonly ambiguous?: boolean;
    };
