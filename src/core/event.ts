import type { AlertItem } from './alert.ts';
import type { JsonObject } from './json.ts';
import type { AlertSnapshot, Continuation } from './run.ts';
import type { Timestamp } from './time.ts';

/** An item of a notification that could not be used; it is dead-lettered and the others count. */
export interface BadItem {
  /** Place in the notification, from 0. */
  readonly index: number;
  /** Path of the wrong field, `alerts[3].labels.pod`. */
  readonly field: string;
  readonly message: string;
  /** The item as it came; a long one is cut and marked. */
  readonly body: string;
}

/** What a source made of one request: alerts in array order, and facts for correlation only. */
export interface Notification {
  readonly items: readonly AlertItem[];
  /** The first of the items that could not be used. */
  readonly bad: readonly BadItem[];
  /** How many more there were: they are counted, not kept. */
  readonly moreBad: number;
  /** Fields that could not be read and that an alert can do without, null = none. */
  readonly unread: UnreadFields | null;
  readonly groupKey: string | null;
  readonly receiver: string | null;
  /** Alerts that the sender left out (Alertmanager's `max_alerts`). Absence never resolves. */
  readonly truncatedAlerts: number;
  /** The sender's delivery id (CloudEvents id, Slack event_id, `Idempotency-Key`), if it has one. */
  readonly deliveryKey: string | null;
  /** The body as it came, for `source_events`; a long one is cut and marked. */
  readonly body: string;
  /** SHA-256 of the whole body. */
  readonly contentHash: string;
}

/** What a notification had in places where an alert has something else. Its alerts count without them. */
export interface UnreadFields {
  readonly fields: number;
  /** `alerts[3].startsAt must be an RFC 3339 time`. */
  readonly first: string;
}

/** The answer to a notification that was committed. */
export interface IntakeAnswer {
  readonly received: number;
  readonly opened: number;
  readonly repeated: number;
  readonly resolved: number;
  readonly ignored: number;
  readonly runs: number;
}

/** A run that a Source asks for without an alert. */
export interface RunRequest {
  /** Names it: a second request of the Source with the same key starts nothing. */
  readonly key: string;
  /** `.source.data` of templates. */
  readonly data: JsonObject;
  /** Trouble to be seen in the status of the Source, `TicksMissed: ...`; null = none. */
  readonly problem: string | null;
  /** The tick that it is of: the Source has got there with the same commit. Null: it is of none. */
  readonly tick: Timestamp | null;
  /** What it is to be about; absent = whatever is broken. */
  readonly asked?: AlertSnapshot;
  /** The conversation that it is to go on with, in place of the Source's Workflow. */
  readonly continues?: Continuation;
}

/**
 * What became of a {@link RunRequest}. known: it was taken before, with the same data or not, and this run came of it (null: none, or nobody can tell); muted: it is stored, and a policy of the Source lets nothing run; later: nothing
 * was stored, because the storm cap leaves no room until then.
 */
export type RequestAnswer =
  | { readonly kind: 'started'; readonly runId: string }
  | { readonly kind: 'known'; readonly isSame: boolean; readonly runId: string | null }
  | { readonly kind: 'muted'; readonly reason: string }
  | { readonly kind: 'later'; readonly until: Timestamp };

/** A `source_events` row. */
export interface SourceEventRecord {
  readonly id: string;
  readonly namespace: string;
  readonly sourceName: string;
  readonly sourceType: string;
  /** The body as it came; a long one is cut and marked. */
  readonly eventData: string;
  readonly contentHash: string;
  readonly deliveryKey: string | null;
  /** Name of the Workflow that at least one run was made for. */
  readonly workflowTriggered: string | null;
  /** Counts by decision reason, `{Opened: 1, FilterMismatch: 2}`. */
  readonly outcome: JsonObject;
  readonly receiveCount: number;
  readonly receivedAt: Timestamp;
  readonly lastReceivedAt: Timestamp;
}

/** A `dead_letters` row: input that could not be used, kept so that nothing is lost. */
export interface DeadLetterRecord {
  readonly id: string;
  readonly namespace: string;
  readonly sourceName: string;
  readonly reason: string;
  readonly message: string;
  /** At most 64 KiB; longer bodies are cut and marked. */
  readonly body: string;
  readonly receivedAt: Timestamp;
}
