import type { AlertRecord, AlertStatus, AlertTransition, Matcher } from './alert.ts';
import type { ChangeReader } from './changes.ts';
import type { DeliveryRecord } from './delivery.ts';
import type { DeadLetterRecord, SourceEventRecord } from './event.ts';
import type { RunAlert } from './group-store.ts';
import type { ResourceRecord } from './resource.ts';
import type { RunRecord } from './run.ts';
import type { Timestamp } from './time.ts';

/**
 * Lists for the API. Keyset pages, newest first, alerts by their last change; what may be large is left out of them.
 *
 * The time of a page does not depend on how many rows there are. A list with one filter, alerts by any of status, severity
 * and one namespace, and what else has both namespace and name, are read from one index, without a row in vain. Alerts that a
 * name, a label or words leave {@link mostSorted} of are put in order. With other combinations, the filter that lets the fewest
 * rows through finds them, and the rest is looked up in at most {@link mostExamined} of those; then the page ends early and its
 * cursor goes on from there.
 */
export interface ListReader extends ChangeReader {
  /**
   * Throws InvalidInput for a cursor that is not from here; so do the other pages. Text search throws it too, for text
   * without words and for beginnings of too many.
   */
  alerts(query: AlertQuery): Promise<ListPage<AlertSummary>>;
  alert(id: string): Promise<AlertRecord | undefined>;
  alertByIdentity(namespace: string, source: string, fingerprint: string): Promise<AlertRecord | undefined>;
  /** The newest {@link mostTransitions}, oldest first. */
  transitions(alertId: string): Promise<readonly AlertTransition[]>;
  /** The newest `most` of each of these alerts, those of one alert oldest first. */
  transitionsOf(alertIds: readonly string[], most: number): Promise<readonly AlertTransition[]>;
  runs(query: RunQuery): Promise<ListPage<RunSummary>>;
  /** Runs that answer for an alert beside their own, newest first, at most `most`; `episode` is that of the alert. */
  runsOfGroup(alertId: string, most: number): Promise<readonly Pick<RunAlert, 'runId' | 'episode'>[]>;
  /**
   * Of these alerts, those of which every run that is kept, and the one that wrote the report, is of this namespace, and one at least
   * is: what they say of a cause was found there.
   */
  foundWithin(namespace: string, alertIds: readonly string[]): Promise<ReadonlySet<string>>;
  events(query: EventQuery): Promise<ListPage<EventSummary>>;
  event(id: string): Promise<SourceEventRecord | undefined>;
  deliveries(query: DeliveryQuery): Promise<ListPage<DeliverySummary>>;
  deadLetters(query: DeadLetterQuery): Promise<ListPage<DeadLetterSummary>>;
  deadLetter(id: string): Promise<DeadLetterRecord | undefined>;
  /** Whole records by their ids, in the order of the ids; those that are gone are left out. */
  alertsOf(ids: readonly string[]): Promise<readonly AlertRecord[]>;
  runsOf(ids: readonly string[]): Promise<readonly RunRecord[]>;
  /** `eventData` is null where it has more than so many bytes. */
  eventsOf(ids: readonly string[], mostBytes: number): Promise<readonly BoundedEvent[]>;
  /** Ids, newest first, that a beginning of an id or of its short form names (src/lib/short-id.ts); at most `most`. */
  idsLike(kind: IdKind, text: string, most: number): Promise<readonly string[]>;
  /** Of the database itself. */
  storage(): Promise<Storage>;
  /** By namespace and name. */
  resources(kind: ResourceRecord['kind']): Promise<readonly ResourceRecord[]>;
  /** Pending rows, for `fist_queue_depth`; counted up to {@link mostCounted}. */
  depths(): Promise<{ readonly runs: number; readonly deliveries: number }>;
  /** Since when the oldest delivery that has not ended is due, by Sink; of the {@link mostOldest} oldest deliveries. */
  oldestDeliveries(): Promise<ReadonlyMap<string, Timestamp>>;
  /** What came to Sources, and what Sinks were sent. */
  activity(): Promise<ResourceActivity>;
}

/** Rows that a page with filters looks at, at most. */
export const mostExamined = 500;
/** Alerts that are put in the order of their changes for a page, at most. */
export const mostSorted = 1000;
export const mostTransitions = 500;
export const mostCounted = 10_000;
export const mostWaiting = 1000;

/** Deliveries that `oldestDeliveries` looks at. */
export const mostOldest = 1000;

export type AlertSummary = Omit<AlertRecord, 'aiAnalysis'>;
export type RunSummary = Omit<RunRecord, 'outputs'>;
export type EventSummary = Omit<SourceEventRecord, 'eventData'>;
export type BoundedEvent = EventSummary & { readonly eventData: string | null };
export type DeliverySummary = Omit<DeliveryRecord, 'data' | 'payload' | 'rendered'>;
export type DeadLetterSummary = Omit<DeadLetterRecord, 'body'>;

/** What has an id that the store made. */
export type IdKind = 'alert' | 'run' | 'delivery' | 'event' | 'dead letter';

export interface Storage {
  readonly kind: 'SQLite' | 'PostgreSQL';
  /** Of the whole database. */
  readonly bytes: number;
  /** Version of the schema. */
  readonly schema: number;
}

/** What came to a Source. */
export interface SourceActivity {
  readonly eventsProcessed: number;
  /** null = nothing came yet. */
  readonly lastEventTime: Timestamp | null;
  /** `Reason: message` of the last notification's trouble, or of the Source's own; null = none. */
  readonly lastProblem: string | null;
  /** Open alerts that wait for their run because of the storm cap, counted up to {@link mostWaiting} for all Sources together. */
  readonly waiting: number;
}

/** What a Sink was sent. */
export interface SinkActivity {
  readonly messagesSent: number;
  /** null = nothing was sent yet. */
  readonly lastSentTime: Timestamp | null;
  /** Of the last attempt that failed, until one succeeds; null = none. */
  readonly lastError: string | null;
}

/** Both by `namespace/name`; of what is absent nothing is known yet. */
export interface ResourceActivity {
  readonly sources: ReadonlyMap<string, SourceActivity>;
  readonly sinks: ReadonlyMap<string, SinkActivity>;
}

export interface PageQuery {
  /** At most 500. */
  readonly limit: number;
  readonly cursor?: string;
  /** For the contract's aliases only: what is skipped is read. */
  readonly offset?: number;
  /** Only what was made at this time or later; of alerts, what changed last. */
  readonly since?: Timestamp;
  /** Only what was made, or changed last, before this time. */
  readonly until?: Timestamp;
}

export interface AlertQuery extends PageQuery {
  /** Any of these; absent = all. */
  readonly statuses?: readonly AlertStatus[];
  readonly severity?: string;
  readonly name?: string;
  /** Of the Source. */
  readonly namespace?: string;
  /** Of what the alert is about, as its labels say. */
  readonly objectNamespace?: string;
  /** All must hold for the labels, with name and severity where they came apart ({@link matchLabels}). */
  readonly matchers?: readonly Matcher[];
  /**
   * Words that must all be in the name, the summary or the values of labels, in any case. From three characters on the
   * beginning of a word is enough; in a name, of a hump too: `crash` finds `KubePodCrashLooping`.
   */
  readonly search?: string;
}

export interface RunQuery extends PageQuery {
  readonly status?: string;
  readonly workflow?: string;
  readonly namespace?: string;
  readonly alertId?: string;
  readonly errorCode?: string;
}

export interface EventQuery extends PageQuery {
  /** Name of the Source. */
  readonly source?: string;
  readonly namespace?: string;
}

export interface DeliveryQuery extends PageQuery {
  readonly status?: string;
  readonly runId?: string;
  /** Name of the Sink. */
  readonly sink?: string;
  readonly namespace?: string;
}

export interface DeadLetterQuery extends PageQuery {
  /** Name of the Source. */
  readonly source?: string;
  readonly namespace?: string;
  readonly reason?: string;
}

/** May have fewer items than were asked for, even none, while there are more: `nextCursor` says so. */
export interface ListPage<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}
