import type { CatalogSource } from '../core/catalog.ts';
import type { SourceEventRecord } from '../core/event.ts';
import type { SourceActivity, StoreTransaction } from '../core/store.ts';
import type { Timestamp } from '../core/time.ts';
import { allDone } from '../lib/all-done.ts';
import { newId } from '../lib/id.ts';
import { deliveryKeyOf } from './facts.ts';
import type { Arrival, IntakeFacts, RecentEvents } from './facts.ts';

/** Counts by reason; what `source_events.outcome` keeps. */
export type Counts = Record<string, number>;

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
  /** The outcome of an earlier notification with the same delivery key: it is answered again, without effect. */
  outcomeOf(arrival: Arrival): Counts | null;
  /** `lastEventId` is the event of the notification's first alert. */
  eventOf(arrival: Arrival, lastEventId: string | null): EventOfArrival;
  /** Stores the notification as it came, or counts it where the same one is stored already. */
  keep(arrival: Arrival, event: EventOfArrival, counts: Counts, kept: Kept): void;
  withoutAlert(): readonly EventWithoutAlert[];
  write(tx: StoreTransaction): Promise<void>;
  /** Counts for the Sources' status, which all replicas write: the last thing before the commit. */
  writeActivity(tx: StoreTransaction): Promise<void>;
}

/** What a notification left. */
export interface Kept {
  readonly alerts: number;
  readonly runs: number;
}

type Changes = Pick<SourceEventRecord, 'workflowTriggered'> & { readonly outcome: Counts };

export function createEventLog(facts: IntakeFacts, recent: RecentEvents): EventLog {
  const added = new Map<string, SourceEventRecord>();
  const byDeliveryKey = new Map<string, Counts>();
  const bumps = new Map<string, { times: number; at: Timestamp }>();
  const changes = new Map<string, Changes>();
  const without = new Map<string, EventWithoutAlert>();
  const activity = new Map<string, SourceActivity>();
  const contentKey = ({ source, contentHash }: Arrival) => `${source.namespace}/${source.name} ${contentHash}`;

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
    outcomeOf(arrival) {
      const key = deliveryKeyOf(arrival);
      if (key === null) return null;
      return byDeliveryKey.get(key) ?? (facts.outcomes.get(key) as Counts | undefined) ?? null;
    },
    eventOf(arrival, lastEventId) {
      // A delivery key names its own event, so that each key is answered; without one, the same body again is the same event.
      const { source, contentHash, notification } = arrival;
      if (notification.deliveryKey !== null) return { id: newId(), isRepeated: false };
      const id = lastEventId ?? without.get(contentKey(arrival))?.eventId ?? recent.get(source, contentHash) ?? null;
      const known = id === null ? undefined : (added.get(id)?.contentHash ?? facts.contentHashes.get(id));
      return id !== null && known === contentHash ? { id, isRepeated: true } : { id: newId(), isRepeated: false };
    },
    keep(arrival, { id, isRepeated }, counts, kept) {
      const { source, notification, contentHash, now } = arrival;
      const workflowTriggered = kept.runs > 0 ? source.triggerWorkflow : null;
      if (isRepeated) repeat(id, now, workflowTriggered === null ? null : { outcome: counts, workflowTriggered });
      else added.set(id, eventRecord(arrival, id, counts, workflowTriggered));
      const key = deliveryKeyOf(arrival);
      if (key !== null) byDeliveryKey.set(key, counts);
      if (kept.alerts === 0) without.set(contentKey(arrival), { source, contentHash, eventId: id });
      const name = `${source.namespace}/${source.name}`;
      const events = (activity.get(name)?.events ?? 0) + 1;
      const problem = problemOf(notification);
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
    writeActivity: (tx) => tx.events.countActivity([...activity.values()]),
  };
}

function eventRecord(
  { source, notification, contentHash, now }: Arrival,
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
    contentHash,
    deliveryKey: notification.deliveryKey,
    workflowTriggered,
    outcome,
    receiveCount: 1,
    receivedAt: now,
    lastReceivedAt: now,
  };
}

function problemOf({ truncatedAlerts }: Arrival['notification']): string | null {
  return truncatedAlerts > 0 ? `TruncatedAlerts: the sender left out ${truncatedAlerts} alerts (max_alerts)` : null;
}
