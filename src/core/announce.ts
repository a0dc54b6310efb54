import { referenceTo, sinkFor } from './access.ts';
import type { Catalog } from './catalog.ts';
import { sortKeyOf } from './delivery.ts';
import type { DeliveryEvent, DeliveryPlacement, DeliveryRecord } from './delivery.ts';
import type { JsonObject } from './json.ts';
import type { ObjectPlace } from './place.ts';
import type { RunRecord } from './run.ts';
import { toEpochMs } from './time.ts';
import type { Timestamp } from './time.ts';

/** A transition that Sinks are told of. */
export interface Announcement {
  readonly event: DeliveryEvent;
  /** Of the Workflow. */
  readonly namespace: string;
  readonly runId: string | null;
  readonly alertId: string | null;
  readonly episode: number;
  /** Names the transition, so that one is announced once: run and event, or alert, episode and event. */
  readonly key: string;
  readonly data: JsonObject;
  readonly now: Timestamp;
  /** The cause that it tells; absent = none. */
  readonly incident?: string | null;
  /** When it is due; absent = now. */
  readonly dueAt?: Timestamp;
}

/**
 * One pending row per Sink, due now, for the transaction of the transition that they announce. Their ids are of the time
 * `now`, the store's: those of one incident are sent in the order of their ids, whichever replica made them. `newIdAt` makes
 * an id for a moment in milliseconds since the epoch.
 */
export function deliveriesOf(
  announcement: Announcement,
  sinks: readonly ObjectPlace[],
  newIdAt: (epochMs: number) => string,
): readonly DeliveryRecord[] {
  const {
    event,
    namespace: from,
    runId,
    alertId,
    episode,
    key,
    data,
    now,
    incident = null,
    dueAt = now,
  } = announcement;
  const each = new Map(sinks.map((sink) => [referenceTo(sink, from), sink]));
  const told = Array.from(each, ([reference, sink]) => ({ reference, sink, id: newIdAt(toEpochMs(now)) }));
  return told.map(({ reference, sink, id }) => ({
    id,
    ...placementAt(sink, from, { data: { ...data, episode }, incident }),
    runId,
    alertId,
    event,
    sinkType: '',
    payload: null,
    rendered: null,
    status: 'pending',
    attempts: 0,
    interruptions: 0,
    error: null,
    errorCode: null,
    ambiguous: false,
    idempotencyKey: `${key}/${reference}`,
    sortKey: alertId === null ? null : sortKeyOf(episode, event, id),
    reference: null,
    fence: 0,
    leaseOwner: null,
    leaseUntil: null,
    wakeAt: dueAt,
    waitingFor: null,
    sentAt: null,
    retriedAt: null,
    createdAt: now,
  }));
}

/** The same for a transition of a run. */
export function runDeliveries(
  run: Pick<RunRecord, 'id' | 'namespace' | 'alertId' | 'episode'>,
  event: DeliveryEvent,
  sinks: readonly ObjectPlace[],
  now: Timestamp,
  data: JsonObject,
  newIdAt: (epochMs: number) => string,
  told: Pick<Announcement, 'incident' | 'dueAt'> = {},
): readonly DeliveryRecord[] {
  const { id: runId, namespace, alertId, episode } = run;
  const key = `${runId}/${event}`;
  return deliveriesOf({ event, namespace, runId, alertId, episode, key, data, now, ...told }, sinks, newIdAt);
}

/** What a delivery of a Workflow of the namespace `from` has of the place of its Sink. */
function placementAt(
  { namespace, name: sinkName }: ObjectPlace,
  from: string,
  { data, incident }: Pick<DeliveryRecord, 'data' | 'incident'>,
): DeliveryPlacement {
  if (namespace === from) return { namespace, sinkName, data, incident };
  return {
    namespace,
    sinkName,
    data: { ...data, workflowNamespace: from },
    // What others tell a Sink that they share must not stand in for a report of this namespace.
    incident: incident === null ? null : `${from} ${incident}`,
  };
}

/**
 * Where a delivery belongs that was refused its Sink of another namespace when it was written, and is granted it by now, so that the
 * Sink has its order, its limits and its readers for it; null where that is not so.
 */
export function grantedPlacement(
  catalog: Pick<Catalog, 'sink'>,
  delivery: Pick<DeliveryRecord, 'namespace' | 'sinkName' | 'data' | 'incident'>,
): DeliveryPlacement | null {
  const { namespace: from, sinkName } = delivery;
  const sink = sinkName.includes('/') ? sinkFor(catalog, from, sinkName) : undefined;
  return sink === undefined ? null : placementAt(sink, from, delivery);
}
