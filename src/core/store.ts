import type { AlertContent, AlertRecord, AlertTransition, Severity, StoredAlert } from './alert.ts';
import type { SinkLimits } from './catalog.ts';
import type { DeliveryRecord, RenderedPayload } from './delivery.ts';
import type { AppError } from './errors.ts';
import type { DeadLetterRecord, SourceEventRecord } from './event.ts';
import type { JsonObject } from './json.ts';
import type { ListReader } from './lists.ts';
import type { CommitHints } from './ports.ts';
import type { ResourceRecord } from './resource.ts';
import type { RetentionStore } from './retention.ts';
import type { RunRecord } from './run.ts';
import type { RunReader, RunStore } from './run-store.ts';
import type { Timestamp } from './time.ts';

/** Names of the commits of design 3.1.8 and the others; crash points and metrics are named after them. */
export const transactionNames = [
  'intake',
  'expire',
  'claim',
  'renew',
  'step-start',
  'step-process',
  'step-end',
  'run-end',
  'run-wait',
  'cancel',
  'retry',
  'audit',
  'tick',
  'recover',
  'delivery-claim',
  'delivery-end',
  'resources',
  'retention',
] as const;
export type TransactionName = (typeof transactionNames)[number];

/**
 * The store. `transaction` is the one way to write: callers that arrive during a commit share the next one, each in a
 * savepoint of its own, and their promises resolve after the commit. `work` may only await calls on `tx`; nothing else
 * (no timer, no I/O), because every other writer waits for it. Calls that do not need each other's
 * answers or order may be made together (allDone): over a network they then cost one exchange. None may outlive `work`.
 */
export interface Store {
  transaction<T>(name: TransactionName, work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  /** Commits a write that changes nothing: resolves where the store takes writes. Rejects with StoreUnavailable. */
  probe(): Promise<void>;
  /** Why it takes no write any more until the program is started again (damage, a file that is gone); null = it does. */
  lost(): AppError | null;
  /** Committed state, outside any transaction. */
  readonly read: StoreReader;
  /** Called after each commit that made runs or deliveries due. Returns the unsubscriber. */
  onCommit(listener: (hints: CommitHints) => void): () => void;
  close(): Promise<void>;
}

/** The write side, one small store per aggregate. */
export interface StoreTransaction {
  readonly alerts: AlertStore;
  readonly events: EventStore;
  readonly runs: RunStore;
  readonly deliveries: DeliveryStore;
  readonly resources: ResourceStore;
  readonly duties: DutyStore;
  readonly retention: RetentionStore;
}

/** The read side used by programs inside transactions and out of them. Lists for people are in StoreReader.lists. */
export interface StoreReader {
  readonly runs: RunReader;
  readonly deliveries: DeliveryReader;
  readonly lists: ListReader;
}

/** Names an alert (design 3.2.1). */
export type AlertIdentity = Pick<AlertRecord, 'namespace' | 'source' | 'fingerprint'>;

/** Names a run and the episode that it is of. */
export type RunOfAlert = Pick<RunRecord, 'id' | 'alertId' | 'episode'>;

export interface AlertStore {
  /**
   * The hot path's look at alerts: no labels, no annotations, no analysis. In the order of `identities`, undefined where
   * there is none. The rows stay locked, one identity after the other, until the commit.
   */
  findStates(identities: readonly AlertIdentity[]): Promise<readonly (StoredAlert | undefined)[]>;
  /** Writes all of each state but its id. */
  saveStates(alerts: readonly (StoredAlert & Pick<AlertRecord, 'updatedAt'>)[]): Promise<void>;
  /** Writes of each state what a plain repeat changes: counts and times of receipt, content, event. */
  saveRepeats(alerts: readonly (StoredAlert & Pick<AlertRecord, 'updatedAt'>)[]): Promise<void>;
  saveContents(contents: readonly AlertContent[]): Promise<void>;
  /** Inserts rows and sees to their `alert_labels`. Throws StoreConflict where one of the identities is there already. */
  insertAll(alerts: readonly AlertRecord[]): Promise<void>;
  /** The run of an alert begins: an open alert is being triaged. Nothing where the alert has gone on to another episode. */
  beginTriage(run: RunOfAlert, at: Timestamp): Promise<void>;
  /**
   * The run of an alert ended: one that still fires is escalated; without a report an earlier one stays. Locks the alert:
   * intake locks alerts before runs, so who writes to both and knows the alert does the same. Two that wait for each other
   * cost a second.
   */
  endTriage(run: RunOfAlert, at: Timestamp, report: JsonObject | null): Promise<void>;
  addTransitions(transitions: readonly AlertTransition[]): Promise<void>;
  /** Sources with open alerts, those that are no longer in the catalog too. */
  sourcesWithOpen(): Promise<readonly { readonly namespace: string; readonly source: string }[]>;
  /**
   * Open alerts of a Source last received before `before`, at most `limit`. Locked until the commit; those that somebody
   * else has locked are left out.
   */
  findExpired(namespace: string, source: string, before: Timestamp, limit: number): Promise<readonly AlertRecord[]>;
  /** Open alerts whose run a policy put off until `now` or earlier, at most `limit`. Locked as in `findExpired`. */
  findMuted(now: Timestamp, limit: number): Promise<readonly AlertRecord[]>;
}

/** Names an event by its sender's delivery id. */
export interface DeliveryKey {
  readonly namespace: string;
  readonly source: string;
  readonly key: string;
}

/** Notifications of a Source, for its status. */
export interface SourceActivity {
  readonly namespace: string;
  readonly source: string;
  readonly events: number;
  /** Of the last one. */
  readonly at: Timestamp;
  /** What is wrong with the last one, null = nothing. */
  readonly problem: string | null;
  readonly runs: StartedRuns;
}

/** Runs of a Source that count for its storm cap. */
export interface RunMinute {
  /** Minutes since the epoch. */
  readonly minute: number;
  readonly runs: number;
}

/** Runs that a transaction begins in the newest minute that it knows. */
export interface StartedRuns extends RunMinute {
  /** Most in that minute, on all replicas together; 0 = any number. */
  readonly cap: number;
}

/** What is asked about the event of a delivery id. */
export type KeyedEvent = Pick<SourceEventRecord, 'id' | 'outcome' | 'contentHash' | 'workflowTriggered'>;

export interface EventStore {
  /** Events by their delivery id, in the order of `keys`; undefined where there is none. */
  findKeyed(keys: readonly DeliveryKey[]): Promise<readonly (KeyedEvent | undefined)[]>;
  /** Content hashes by event id, for the bump of an unchanged repeat. Absent where there is no such event. */
  contentHashes(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Throws StoreConflict where one of the delivery keys is there already. */
  insertAll(events: readonly SourceEventRecord[]): Promise<void>;
  update(id: string, changes: Partial<SourceEventRecord>): Promise<void>;
  /** Counts events that came so many `times` again, last at `at`. Throws StoreConflict where one was deleted meanwhile. */
  bumpAll(bumps: readonly { readonly id: string; readonly times: number; readonly at: Timestamp }[]): Promise<void>;
  addDeadLetters(letters: readonly DeadLetterRecord[]): Promise<void>;
  /** Runs of Sources in their newest minute, by `namespace/name`. */
  runMinutes(sources: readonly Pick<SourceActivity, 'namespace' | 'source'>[]): Promise<ReadonlyMap<string, RunMinute>>;
  /**
   * One entry for each Source; one with `events` 0 counts its runs alone. To be called last: all replicas write these few
   * rows. Throws StoreConflict where runs of others have taken the room under a cap meanwhile.
   */
  countActivity(activity: readonly SourceActivity[]): Promise<void>;
  /** Says why a Source that runs by itself does not; null = it does. What is wrong with its last event stays then. */
  noteFailure(source: Pick<SourceActivity, 'namespace' | 'source'>, failure: string | null): Promise<void>;
}

export interface DeliveryReader {
  /** With its payload whole. */
  find(id: string): Promise<DeliveryRecord | undefined>;
  /**
   * Whether the Sink heard before an `alert-resolved` that the alert fires: since the last end that was told, a delivery of one
   * of its runs, up to those of this episode, was sent, may have been, or is still to be.
   */
  wasTold(delivery: Pick<DeliveryRecord, 'namespace' | 'sinkName' | 'alertId'>, episode: number): Promise<boolean>;
  /**
   * The report of another alert that told this Sink the incident: one sent after `since`, else one that is being sent; undefined
   * where there is none. It counts while the episode it is about is open and for five minutes after, and where that alert is
   * at least as severe. Final only under the lock of the Sink.
   */
  teller(delivery: IncidentDelivery, wanted: TellerWanted, now: Timestamp): Promise<Teller | undefined>;
  /** Runs of other alerts of the incident that this Sink is still to be told of, at most `limit`. */
  sameIncident(delivery: IncidentDelivery, limit: number): Promise<readonly string[]>;
  /**
   * What the receiver called what this Sink told it last of the same alert (or run), before this delivery; undefined where it
   * has no name for it.
   */
  earlierReference(delivery: OrderedDelivery): Promise<EarlierReference | undefined>;
  /** What the receiver called the newest delivery of a run by this Sink; null = nothing. */
  referenceOfRun(sink: Pick<DeliveryRecord, 'namespace' | 'sinkName'>, runId: string): Promise<string | null>;
  /** The run that was told last where a reference begins with this text and a slash; undefined where none was. */
  runAtPlace(namespace: string, place: string): Promise<string | undefined>;
  due(now: Timestamp, limit: number): Promise<readonly string[]>;
  nextWakeAt(): Promise<Timestamp | null>;
}

/** A delivery with its place among those of its alert. */
export type OrderedDelivery = Pick<DeliveryRecord, 'id' | 'namespace' | 'sinkName' | 'alertId' | 'runId' | 'sortKey'>;

/** What a receiver called something that it was told. */
export interface EarlierReference {
  readonly reference: string;
  /** False where the alert was resolved since, or the end of its episode was told. */
  readonly isOpen: boolean;
}

/** A delivery that tells the cause of an incident. */
export type IncidentDelivery = Pick<DeliveryRecord, 'id' | 'namespace' | 'sinkName' | 'alertId' | 'incident'>;

/** Which reports of other alerts count as having told an incident. */
export interface TellerWanted {
  readonly since: Timestamp;
  /** The least; of the alert that would point at it. */
  readonly severity: Severity;
}

/** Who tells, or told, an incident to a Sink. */
export interface Teller {
  readonly runId: string | null;
  /** null: it is being sent. */
  readonly sentAt: Timestamp | null;
}

/** Who wants to work on a delivery, and under which limits of its Sink. */
export interface DeliveryClaim {
  readonly delivery: Pick<
    DeliveryRecord,
    'id' | 'namespace' | 'sinkName' | 'event' | 'alertId' | 'runId' | 'sortKey' | 'data' | 'createdAt' | 'incident'
  >;
  readonly owner: string;
  readonly now: Timestamp;
  readonly leaseUntil: Timestamp;
  readonly limits: SinkLimits;
  /** False: it ends or fails without a send, so it needs no place at the Sink. */
  readonly sends: boolean;
  /** False: it is only to wait, where it has to; else it stays as it is. Default true. */
  readonly takes?: boolean;
  /** What will be sent, kept unless something is kept already; null = nothing new. */
  readonly keep?: { readonly sinkType: string; readonly rendered: RenderedPayload } | null;
  /**
   * What `keep` says of the incident: `tells` = it is the report, to be kept only where none of another alert counts; `points` =
   * it points at one. null or absent = nothing.
   */
  readonly incident?: ({ readonly kind: 'tells' } & TellerWanted) | { readonly kind: 'points' } | null;
}

/** Some of the failed deliveries of a Sink. */
export interface FailedPage {
  readonly namespace: string;
  readonly sinkName: string;
  readonly after: string;
  readonly limit: number;
}

/** What came of an attempt; the lease is given back. A status that is not pending is final. */
export type DeliveryEnd = Pick<DeliveryRecord, 'wakeAt'> &
  Partial<Pick<DeliveryRecord, 'status' | 'sinkType' | 'sentAt' | 'reference' | 'error' | 'errorCode' | 'ambiguous'>>;

export interface DeliveryStore extends DeliveryReader {
  insert(deliveries: readonly DeliveryRecord[]): Promise<void>;
  /**
   * Takes a pending delivery that is due and that nobody holds. Undefined where it is none, and where it has to wait for
   * an earlier one, for the end of a run, for a place at its Sink or for the report of its incident: that is written to the row,
   * counts as no attempt, and what it waits for wakes it. Undefined too, and due as before, where that report was sent since
   * this one was rendered.
   */
  claim(claim: DeliveryClaim): Promise<DeliveryRecord | undefined>;
  /**
   * Writes what came of a claimed delivery and wakes those that waited for it. Only where the fence matches and it is
   * pending; false = stale.
   */
  finish(
    delivery: Pick<DeliveryRecord, 'id' | 'fence' | 'namespace' | 'sinkName'>,
    end: DeliveryEnd,
    now: Timestamp,
    limits: SinkLimits,
  ): Promise<boolean>;
  /** Makes a failed delivery pending and due, its attempts counted anew; key and payload stay. False = it is not failed. */
  retry(id: string, now: Timestamp): Promise<boolean>;
  /** The same for the failed ones of a Sink, along their ids: at most `limit` after `after`. Answers which. */
  retryPage(page: FailedPage, now: Timestamp): Promise<readonly string[]>;
  /**
   * Ends a pending delivery as skipped, also one in mid-send, which is marked ambiguous; wakes those that waited for it.
   * False = it is not pending.
   */
  cancel(id: string, reason: string, now: Timestamp): Promise<boolean>;
  /**
   * Makes pending deliveries due that nothing else would wake: those without a wake-up, and those whose wake-up lies
   * after the latest possible one because the clock was put back. A lease that lies too far ahead ends at `leaseUntil`.
   */
  wakeStuck(
    now: Timestamp,
    latest: { readonly wakeUp: Timestamp; readonly lease: Timestamp },
    leaseUntil: Timestamp,
  ): Promise<readonly { readonly id: string; readonly reason: 'NoWakeUp' | 'ClockPutBack' }[]>;
  /** At the start of the only server: no worker is alive, so every leased delivery is due now. */
  releaseLeases(now: Timestamp): Promise<void>;
}

/** Duties: jobs that one replica does for all, each minute. */
export interface DutyStore {
  /**
   * True for exactly one caller of each time of a duty, on all replicas together. `at` is the time when it is due, not the
   * caller's. An earlier one than the last is refused, unless it is so much earlier that the clock was put back.
   */
  claim(name: string, at: Timestamp): Promise<boolean>;
  /** The last time of a duty that was claimed; null = it never was. */
  last(name: string): Promise<Timestamp | null>;
}

export interface ResourceStore {
  /** Makes the table hold exactly these. */
  replaceAll(resources: readonly ResourceRecord[]): Promise<void>;
}
