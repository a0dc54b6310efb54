import type { Severity } from './alert.ts';
import type { SinkLimits } from './catalog.ts';
import type { DeliveryPlacement, DeliveryRecord, RenderedPayload } from './delivery.ts';
import type { Timestamp } from './time.ts';

export interface DeliveryReader {
  /** With its payload whole. */
  find(id: string): Promise<DeliveryRecord | undefined>;
  /**
   * Whether the Sink heard before an `alert-resolved` that the alert fires: since the last end that was told, a delivery of one
   * of its runs, up to those of this episode, was sent, may have been, or is still to be.
   */
  wasTold(delivery: Pick<DeliveryRecord, 'namespace' | 'sinkName' | 'alertId'>, episode: number): Promise<boolean>;
  /**
   * Whether a later episode of its alert has a run: the Sink hears of that, and the end of this one is no longer to be told. Asked
   * about an `alert-resolved` that others were let pass.
   */
  firesAgain(delivery: Pick<DeliveryRecord, 'alertId'>, episode: number): Promise<boolean>;
  /** Whether other alerts fire still that this run of this alert answers for. */
  groupFires(run: Pick<DeliveryRecord, 'runId' | 'alertId'>): Promise<boolean>;
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
  /**
   * Whether another alert fires still that this Sink told last at this place: under this reference, or under one that begins
   * with it and a slash.
   */
  othersFireAt(delivery: Pick<DeliveryRecord, 'namespace' | 'sinkName' | 'alertId'>, place: string): Promise<boolean>;
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
  /** Puts a pending delivery that nobody holds to another Sink; its key stays. */
  place(id: string, placement: DeliveryPlacement): Promise<void>;
  /** Retries the failed ones of a Sink, along their ids: at most `limit` after `after`. Answers which. */
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
