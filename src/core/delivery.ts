import type { JsonObject, JsonValue } from './json.ts';
import type { Timestamp } from './time.ts';

export const deliveryStatuses = ['pending', 'sent', 'failed', 'skipped'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/**
 * What a delivery waits for besides its time: `order`, an earlier one of the same alert (or run) to the same Sink; `run`, the
 * end of the alert's run, because `alert-resolved` comes last; `place`, because the Sink takes no more at a time, or not yet
 * (its `spec.delivery`); `incident`, because the report of another alert of the same incident is being sent to the Sink; `group`,
 * because other alerts fire still that the run answers for, so that their end is not to be told.
 */
export type DeliveryWait = 'order' | 'run' | 'place' | 'incident' | 'group';

/** What a delivery announces. */
export const deliveryEvents = ['run-started', 'approval-requested', 'run-finished', 'alert-resolved'] as const;
export type DeliveryEvent = (typeof deliveryEvents)[number];

/** What is sent, without the report that the journal of the run has already. */
export interface RenderedPayload {
  /** With `report: null` in the place of the report. */
  readonly payload: JsonObject;
  /** null: what is in `payload` is all. */
  readonly report: {
    readonly stepId: string;
    /** Stands before the text of the report; null = nothing does. */
    readonly note: string | null;
    /** Stands in the place of that text; absent = nothing does. */
    readonly text?: string;
  } | null;
  /** Fields of the Sink's config that are templates, rendered; absent = none is. */
  readonly fields?: JsonObject;
}

/** What is sent, of a rendered payload and the report of the step that it names. The same bytes each time. */
export function wholePayload({ payload, report }: RenderedPayload, result: JsonObject | null): JsonObject {
  if (report === null) return payload;
  if (report.text !== undefined) return { ...payload, report: withText(result, report.text) };
  return { ...payload, report: annotated(result, report.note) };
}

/** A report with another text. */
export function withText(report: JsonObject | null, text: string): JsonObject | null {
  return report === null ? null : { ...report, report: text };
}

/** A report with a note before its text. */
export function annotated(report: JsonObject | null, note: string | null): JsonObject | null {
  if (report === null || note === null) return report;
  return { ...report, report: `${note}\n\n${typeof report['report'] === 'string' ? report['report'] : ''}` };
}

/** A `sink_outputs` row, written in the transaction of the transition it announces. */
export interface DeliveryRecord {
  readonly id: string;
  /** Of the Sink; that of the Workflow in `data` where it is another one. */
  readonly namespace: string;
  readonly runId: string | null;
  readonly alertId: string | null;
  readonly event: DeliveryEvent;
  /** `namespace/name` where the Workflow was refused this Sink of another namespace. */
  readonly sinkName: string;
  /** Empty until the sink was resolved. */
  readonly sinkType: string;
  /** Facts of the transition that rows may no longer show later (episode, times). */
  readonly data: JsonObject;
  /** The incident whose report it tells (`incidentOf`), after the namespace of the Workflow where that is not the Sink's; null: it tells no cause, or points at a report that did. */
  readonly incident: string | null;
  /** What is sent, whole; rendered once, before the first send. A claim does not read it where it is kept as `rendered`. */
  readonly payload: JsonValue;
  /** How it is kept; null: not rendered yet, or kept whole by an earlier version. */
  readonly rendered: RenderedPayload | null;
  readonly status: DeliveryStatus;
  /** Since it was written, or since a person asked to send it again. */
  readonly attempts: number;
  /** Attempts in a row that no process recorded the end of. */
  readonly interruptions: number;
  readonly error: string | null;
  readonly errorCode: string | null;
  /** True after a send whose result is unknown (the process died or the answer was lost). */
  readonly ambiguous: boolean;
  /** The same in all attempts. */
  readonly idempotencyKey: string;
  /** Its place in the order of its alert's deliveries ({@link sortKeyOf}); null: it is of no alert, its id is its place. */
  readonly sortKey: string | null;
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

/** What depends on where its Sink is. */
export type DeliveryPlacement = Pick<DeliveryRecord, 'namespace' | 'sinkName' | 'data' | 'incident'>;

/** The namespace of the Workflow whose run it tells of. */
export function tellingNamespace({ namespace, data }: Pick<DeliveryRecord, 'namespace' | 'data'>): string {
  const { workflowNamespace } = data;
  return typeof workflowNamespace === 'string' ? workflowNamespace : namespace;
}

/**
 * The order in which a Sink hears of an alert: by episode, in each the end of the alert last, else as they were written.
 * Sort keys are compared as text.
 */
export function sortKeyOf(episode: number, event: DeliveryEvent, id: string): string {
  return `${String(episode).padStart(10, '0')}.${event === 'alert-resolved' ? 1 : 0}.${id}`;
}

/** The episode in a sort key. */
export function episodeOf(sortKey: string): number {
  return Number(sortKey.slice(0, sortKey.indexOf('.')));
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
  /** What people read of it. */
  readonly text: string;
  /** The report of another alert that told this cause; null: this one does, or none is told. */
  readonly sameAs: JsonObject | null;
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
      /** What the receiver calls the part that it took before it failed: the next attempt goes on from there. */
      readonly reference?: string;
      /** The request may have been processed although no answer came. */
      readonly ambiguous?: boolean;
      /** The receiver has taken it and is at work: the next attempt, after `retryAfterMs`, looks what became of it. No trouble. */
      readonly waits?: boolean;
    };
