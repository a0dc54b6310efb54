import type { CatalogSource } from '../core/catalog.ts';
import type { SourceEventRecord } from '../core/event.ts';
import type { KeyedEvent, SourceActivity, StoreTransaction } from '../core/store.ts';
import type { Timestamp } from '../core/time.ts';
import { allDone } from '../lib/all-done.ts';
import { newId } from '../lib/id.ts';
import { deliveryKeyOf } from './facts.ts';
import type { Arrival, IntakeFacts, RecentEvents } from './facts.ts';
import type { Counts } from './take.ts';

/** The event of a notification: its own, or the earlier one that had the same body. */
export interface EventOfArrival {
  readonly id: string;
  readonly isRepeated: boolean;
}

/** An event that left no alert, for {@link RecentEvents}. */
export interface EventWithoutAlert {
  readonly source: CatalogSource;
  readonly contentHash: string;
  readonly eventId: string;
}

/** The events of a batch, in memory until it is written. */
export interface EventLog {
  /**
   * What an earlier notification with the same delivery key came to. With the same body it is answered again, without
   * effect; with another one it is new input, and the key says nothing (design 3.2.12).
   */
  keyed(arrival: Arrival): KeyedOutcome | null;
  /** `lastEventId` is the event of the notification's first alert. */
  eventOf(arrival: Arrival, lastEventId: string | null): EventOfArrival;
  /** Stores the notification as it came, or counts it where the same one is stored already. */
  keep(arrival: Arrival, event: EventOfArrival, counts: Counts, kept: Kept): void;
  withoutAlert(): readonly EventWithoutAlert[];
  write(tx: StoreTransaction): Promise<void>;
  /** Counts for the Sources' status. */
  activity(): readonly Omit<SourceActivity, 'runs'>[];
}

/** What a notification left. */
export interface Kept {
  readonly alerts: number;
  readonly runs: number;
}

export interface KeyedOutcome {
  readonly counts: Counts;
  readonly isSame: boolean;
}

type Changes = Pick<SourceEventRecord, 'workflowTriggered'> & { readonly outcome: Counts };

export function createEventLog(facts: IntakeFacts, recent: RecentEvents): EventLog {
  const added = new Map<string, SourceEventRecord>();
  const byDeliveryKey = new Map<string, KeyedEvent>();
  const bumps = new Map<string, { times: number; at: Timestamp }>();
  const changes = new Map<string, Changes>();
  const without = new Map<string, EventWithoutAlert>();
  const activity = new Map<string, Omit<SourceActivity, 'runs'>>();
  const contentKey = ({ source, notification }: Arrival) =>
    `${source.namespace}/${source.name} ${notification.contentHash}`;

  function repeat(id: string, at: Timestamp, changed: Changes | null): void {
    const event = added.get(id);
    if (event !== undefined) {
      added.set(id, { ...event, ...changed, receiveCount: event.receiveCount + 1, lastReceivedAt: at });
      return;
    }
    bumps.set(id, { times: (bumps.get(id)?.times ?? 0) + 1, at });
    if (changed !== null) changes.set(id, changed);
  }

  return {
    keyed(arrival) {
      const key = deliveryKeyOf(arrival);
      const event = key === null ? undefined : (byDeliveryKey.get(key) ?? facts.keyed.get(key));
      if (event === undefined) return null;
      const { contentHash } = arrival.notification;
      return { counts: event.outcome as Counts, isSame: event.contentHash === contentHash };
    },
    eventOf(arrival, lastEventId) {
      // A delivery key names its own event, so that each key is answered; without one, the same body again is the same event.
      const { source, notification } = arrival;
      const { contentHash } = notification;
      if (notification.deliveryKey !== null) return { id: newId(), isRepeated: false };
      const id = lastEventId ?? without.get(contentKey(arrival))?.eventId ?? recent.get(source, contentHash) ?? null;
      const known = id === null ? undefined : (added.get(id)?.contentHash ?? facts.contentHashes.get(id));
      return id !== null && known === contentHash ? { id, isRepeated: true } : { id: newId(), isRepeated: false };
    },
    keep(arrival, { id, isRepeated }, counts, kept) {
      const { source, notification, now } = arrival;
      const { contentHash } = notification;
      const workflowTriggered = kept.runs > 0 ? source.triggerWorkflow : null;
      if (isRepeated) repeat(id, now, workflowTriggered === null ? null : { outcome: counts, workflowTriggered });
      else added.set(id, eventRecord(arrival, id, counts, workflowTriggered));
      const key = deliveryKeyOf(arrival);
      if (key !== null) byDeliveryKey.set(key, { id, outcome: counts, contentHash, workflowTriggered });
      if (kept.alerts === 0) without.set(contentKey(arrival), { source, contentHash, eventId: id });
      const name = `${source.namespace}/${source.name}`;
      const events = (activity.get(name)?.events ?? 0) + 1;
      const problem = problemOf(notification, counts);
      activity.set(name, { namespace: source.namespace, source: source.name, events, at: now, problem });
    },
    withoutAlert: () => [...without.values()],
    async write(tx) {
      await allDone([
        tx.events.insertAll([...added.values()]),
        tx.events.bumpAll([...bumps].map(([id, bump]) => ({ id, ...bump }))),
      ]);
      for (const [id, changed] of changes) await tx.events.update(id, changed);
    },
    activity: () => [...activity.values()],
  };
}

function eventRecord(
  { source, notification, now }: Arrival,
  id: string,
  outcome: Counts,
  workflowTriggered: string | null,
): SourceEventRecord {
  return {
    id,
    namespace: source.namespace,
    sourceName: source.name,
    sourceType: source.type,
    eventData: notification.body,
    contentHash: notification.contentHash,
    deliveryKey: notification.deliveryKey,
    workflowTriggered,
    outcome,
    receiveCount: 1,
    receivedAt: now,
    lastReceivedAt: now,
  };
}

/** What is wrong with a notification that was taken in, for the status of its Source. */
function problemOf({ truncatedAlerts, unread }: Arrival['notification'], counts: Counts): string | null {
  if (truncatedAlerts > 0) return `TruncatedAlerts: the sender left out ${truncatedAlerts} alerts (max_alerts)`;
  if (counts['DeliveryKeyReused'] !== undefined)
    return 'DeliveryKeyReused: the sender gave the Idempotency-Key of another notification; it was taken in as a new one';
  return unread === null ? null : `UnreadField: ${unread.first}; the alert was taken in without it`;
}
