import { identityKey, matchLabels } from '../core/alert.ts';
import type { AlertItem, StoredAlert } from '../core/alert.ts';
import type { Catalog, CatalogSource } from '../core/catalog.ts';
import type { Notification } from '../core/event.ts';
import type { KnownGroup } from '../core/group-store.ts';
import type { Plan } from '../core/plan.ts';
import type { RunBrief } from '../core/run-store.ts';
import type { AlertIdentity, KeyedEvent, RunMinute, StoreTransaction } from '../core/store.ts';
import { addMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { allDone } from '../lib/all-done.ts';
import type { EventOfArrival, Kept } from './events.ts';
import { groupOf } from './groups.ts';
import { flapWindowMs } from './policies.ts';
import type { Counts } from './take.ts';
import { hasCatalogPlan } from './trigger.ts';

/** A notification on its way in. */
export interface Arrival {
  readonly source: CatalogSource;
  readonly notification: Notification;
  readonly now: Timestamp;
  /** What this is a part of, where the notification is too large for one batch; null = it is whole. */
  readonly part: Part | null;
}

/** One of the parts of a large notification; `notification` has the items of this part alone. */
export interface Part {
  readonly isLast: boolean;
  /** What became of the parts before; null = this is the first. */
  readonly before: PartOutcome | null;
}

/** What the parts of a notification came to so far. */
export interface PartOutcome {
  readonly event: EventOfArrival;
  readonly counts: Counts;
  readonly kept: Kept;
}

/** Events that left no alert (all refused), so that their repeats are found: an alert knows its own event. */
export interface RecentEvents {
  get(source: CatalogSource, contentHash: string): string | undefined;
}

/** All that the store says about what a batch is decided on. */
export interface IntakeFacts {
  /** By {@link identityKey}. */
  readonly alerts: ReadonlyMap<string, StoredAlert>;
  /** By alert id; only of alerts that may open or close in this batch. */
  readonly runs: ReadonlyMap<string, readonly RunBrief[]>;
  /** Of those runs, where the catalog has another one by now. By hash. */
  readonly plans: ReadonlyMap<string, Plan>;
  /** Earlier notifications that had a delivery key, by {@link deliveryKeyOf}. */
  readonly keyed: ReadonlyMap<string, KeyedEvent>;
  /** Runs in the current minute of Sources that have a storm cap and may begin some. By `namespace/name`. */
  readonly runMinutes: ReadonlyMap<string, RunMinute>;
  /** Groups of alerts that may open in this batch, by id. */
  readonly groups: ReadonlyMap<string, KnownGroup>;
  /** Hashes of the events that may come again, by id. */
  readonly contentHashes: ReadonlyMap<string, string>;
}

/** Names a delivery; null where the sender did not. */
export function deliveryKeyOf({ source, notification }: Arrival): string | null {
  const { deliveryKey } = notification;
  return deliveryKey === null ? null : `${source.namespace}/${source.name}/${deliveryKey}`;
}

/** The identity whose event an unchanged repeat is compared with: the first in the order of fingerprints. */
export function firstIdentity({ source, notification }: Arrival): AlertIdentity | undefined {
  const fingerprint = notification.items.reduce<string | undefined>(
    (first, item) => (first === undefined || item.fingerprint < first ? item.fingerprint : first),
    undefined,
  );
  return fingerprint === undefined ? undefined : identityOf(source, fingerprint);
}

export function identityOf({ namespace, name }: CatalogSource, fingerprint: string): AlertIdentity {
  return { namespace, source: name, fingerprint };
}

/** Reads everything about a batch, and locks its alerts in the order of their identities. */
export async function readFacts(
  tx: StoreTransaction,
  catalog: Catalog,
  arrivals: readonly Arrival[],
  recent: RecentEvents,
): Promise<IntakeFacts> {
  const touched = itemsByIdentity(arrivals);
  const states = await tx.alerts.findStates([...touched.values()].map(({ identity }) => identity));
  const alerts = new Map<string, StoredAlert>();
  const turning: string[] = [];
  const groupIds = new Set<string>();
  [...touched].forEach(([key, { source, items }], place) => {
    const stored = states[place];
    if (stored !== undefined) {
      alerts.set(key, stored);
      if (!mayTurn(stored, items)) return;
      turning.push(stored.id);
    }
    if (source.grouping !== null) addGroups(groupIds, source, items);
  });
  const opensSome = turning.length > 0 || alerts.size < touched.size;
  const [briefs, keyed, contentHashes, runMinutes] = await allDone([
    turning.length === 0 ? [] : tx.runs.briefsOfAlerts(turning, earliestRun(arrivals)),
    keyedOf(tx, arrivals),
    hashesOf(tx, arrivals, alerts, recent),
    opensSome ? runMinutesOf(tx, arrivals) : new Map<string, RunMinute>(),
  ]);
  // After the alerts: everybody locks in this order.
  const groups = groupIds.size === 0 ? new Map<string, KnownGroup>() : await tx.groups.find([...groupIds]);
  const runs = Map.groupBy(briefs, ({ alertId }) => alertId ?? '');
  return { alerts, runs, groups, plans: await plansOf(tx, catalog, briefs), keyed, contentHashes, runMinutes };
}

function addGroups(ids: Set<string>, source: CatalogSource, items: readonly AlertItem[]): void {
  for (const item of items) {
    const group = item.status === 'firing' ? groupOf(source, matchLabels(item)) : null;
    if (group !== null) ids.add(group.id);
  }
}

interface Touched {
  readonly source: CatalogSource;
  readonly identity: AlertIdentity;
  readonly items: AlertItem[];
}

function itemsByIdentity(arrivals: readonly Arrival[]): ReadonlyMap<string, Touched> {
  const touched = new Map<string, Touched>();
  for (const { source, notification } of arrivals) {
    for (const item of notification.items) {
      const identity = identityOf(source, item.fingerprint);
      const key = identityKey(identity);
      const known = touched.get(key);
      if (known === undefined) touched.set(key, { source, identity, items: [item] });
      else known.items.push(item);
    }
  }
  return touched;
}

/** Whether these items may open or close the alert, on a first look: false only where each is a plain repeat. */
function mayTurn(stored: StoredAlert, items: readonly AlertItem[]): boolean {
  const isOpen = stored.status !== 'resolved';
  return items.some(({ status, severity, startsAt }) => {
    if ((status === 'firing') !== isOpen) return true;
    return isOpen && (severity !== stored.severity || (startsAt !== null && startsAt !== stored.startsAt));
  });
}

/** Runs from then on count for the flap cap of one of these Sources. */
function earliestRun(arrivals: readonly Arrival[]): Timestamp {
  const earliest = arrivals.map(({ now }) => now).reduce((one, other) => (one < other ? one : other));
  return arrivals.some(({ source }) => source.flapCapPerHour > 0) ? addMs(earliest, -flapWindowMs) : earliest;
}

async function plansOf(
  tx: StoreTransaction,
  catalog: Catalog,
  briefs: readonly RunBrief[],
): Promise<ReadonlyMap<string, Plan>> {
  const plans = new Map<string, Plan>();
  const missing = briefs.filter((run) => run.planHash !== null && !hasCatalogPlan(catalog, run));
  for (const hash of new Set(missing.map((run) => run.planHash ?? ''))) {
    const plan = await tx.runs.plan(hash);
    if (plan !== undefined) plans.set(hash, plan);
  }
  return plans;
}

async function runMinutesOf(
  tx: StoreTransaction,
  arrivals: readonly Arrival[],
): Promise<ReadonlyMap<string, RunMinute>> {
  const capped = new Map<string, { readonly namespace: string; readonly source: string }>();
  for (const { source } of arrivals) {
    const { namespace, name, stormCapPerMinute } = source;
    if (stormCapPerMinute > 0) capped.set(`${namespace}/${name}`, { namespace, source: name });
  }
  return tx.events.runMinutes([...capped.values()]);
}

async function keyedOf(tx: StoreTransaction, arrivals: readonly Arrival[]): Promise<ReadonlyMap<string, KeyedEvent>> {
  const named = arrivals.filter(({ notification }) => notification.deliveryKey !== null);
  const found = await tx.events.findKeyed(
    named.map(({ source: { namespace, name: source }, notification }) => ({
      namespace,
      source,
      key: notification.deliveryKey ?? '',
    })),
  );
  const keyed = new Map<string, KeyedEvent>();
  named.forEach((arrival, place) => {
    const event = found[place];
    if (event !== undefined) keyed.set(deliveryKeyOf(arrival) ?? '', event);
  });
  return keyed;
}

async function hashesOf(
  tx: StoreTransaction,
  arrivals: readonly Arrival[],
  alerts: ReadonlyMap<string, StoredAlert>,
  recent: RecentEvents,
): Promise<ReadonlyMap<string, string>> {
  const ids = new Set<string>();
  for (const arrival of arrivals) {
    if (arrival.part?.before != null) continue;
    const identity = firstIdentity(arrival);
    const stored = identity === undefined ? undefined : alerts.get(identityKey(identity));
    const id = stored?.sourceId ?? recent.get(arrival.source, arrival.notification.contentHash);
    if (id !== undefined) ids.add(id);
  }
  return tx.events.contentHashes([...ids]);
}
