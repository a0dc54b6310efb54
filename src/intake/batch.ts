import type { AlertItem } from '../core/alert.ts';
import type { Catalog } from '../core/catalog.ts';
import type { BadItem, DeadLetterRecord } from '../core/event.ts';
import type { SourceActivity, StoreTransaction } from '../core/store.ts';
import { toEpochMs } from '../core/time.ts';
import { allDone } from '../lib/all-done.ts';
import { newId } from '../lib/id.ts';
import { groupByIdentity } from './identity.ts';
import { createEventLog } from './events.ts';
import type { EventLog, EventOfArrival, EventWithoutAlert, Kept } from './events.ts';
import { readFacts } from './facts.ts';
import { createGroupRuns, holdMs } from './groups.ts';
import type { GroupRuns } from './groups.ts';
import type { Arrival, IntakeFacts, PartOutcome, RecentEvents } from './facts.ts';
import { createRunMinutes } from './policies.ts';
import type { RunMinutes } from './policies.ts';
import { takeIdentity } from './take.ts';
import type { Counts, IntakeWrites, Taking } from './take.ts';
import { trackAlerts } from './tracked-alerts.ts';
import type { TrackedAlert, TrackedAlerts } from './tracked-alerts.ts';

/** What the notifications of a batch have in common. */
export interface BatchContext {
  readonly catalog: Catalog;
  readonly recent: RecentEvents;
}

/** What became of a notification, or of a part of one. */
export interface Outcome {
  /** Of this part alone. */
  readonly counts: Counts;
  /** It came before, with the same delivery key; nothing was done now. */
  readonly isKnown: boolean;
  /** With the parts before it. */
  readonly soFar: PartOutcome;
}

/** What is to be told outside once the batch is committed. */
export interface TakenBatch {
  /** In the order of the arrivals. */
  readonly outcomes: readonly Outcome[];
  readonly withoutAlert: readonly EventWithoutAlert[];
}

/**
 * Takes notifications in, in one transaction: reads what they depend on, decides in memory, one after the other as if each
 * had been committed before the next, and writes all rows. May be run again on other rows; changes nothing but `tx`.
 */
export async function takeBatch(
  tx: StoreTransaction,
  context: BatchContext,
  arrivals: readonly Arrival[],
): Promise<TakenBatch> {
  const facts = await readFacts(tx, context.catalog, arrivals, context.recent);
  const batch = beginBatch(context, facts);
  const outcomes = arrivals.map((arrival) => takeNotification(batch, arrival));
  await writeBatch(tx, batch, arrivals);
  await tx.events.countActivity(activityOf(batch, arrivals));
  return { outcomes, withoutAlert: batch.events.withoutAlert() };
}

/** All that a batch decided so far. */
interface Batch {
  readonly catalog: Catalog;
  readonly facts: IntakeFacts;
  readonly minutes: RunMinutes;
  readonly groups: GroupRuns;
  readonly alerts: TrackedAlerts;
  readonly events: EventLog;
  readonly writes: CollectedWrites;
  readonly letters: DeadLetterRecord[];
}

type CollectedWrites = { readonly [Name in keyof IntakeWrites]: IntakeWrites[Name][number][] };

function beginBatch({ catalog, recent }: BatchContext, facts: IntakeFacts): Batch {
  return {
    catalog,
    facts,
    minutes: createRunMinutes(facts.runMinutes),
    groups: createGroupRuns(facts.groups),
    alerts: trackAlerts(facts),
    events: createEventLog(facts, recent),
    writes: { transitions: [], runs: [], cancels: [], deliveries: [] },
    letters: [],
  };
}

function takeNotification(batch: Batch, sent: Arrival): Outcome {
  const isLast = sent.part?.isLast ?? true;
  const before = sent.part?.before ?? null;
  const keyed = batch.events.keyed(sent);
  if (keyed?.isSame === true) return known(keyed.counts);
  const arrival = keyed === null ? sent : withoutKey(sent);
  const { source, notification } = arrival;
  const groups = groupByIdentity(notification.items).map(
    ([fingerprint, items]) => [batch.alerts.of(source, fingerprint), items] as const,
  );
  const event = before?.event ?? batch.events.eventOf(arrival, groups[0]?.[0].state?.sourceId ?? null);
  const counts: Counts = isLast && keyed !== null ? { DeliveryKeyReused: 1 } : {};
  const kept = takeIdentities(batch, arrival, event.id, groups, counts);
  // What says that the notification was here comes with its last part: until then its repeat is a new one.
  if (isLast) keepBad(batch, arrival, event, counts);
  const soFar = before === null ? { event, counts, kept } : together(before, counts, kept);
  if (isLast) batch.events.keep(arrival, event, soFar.counts, soFar.kept);
  return { counts, isKnown: false, soFar };
}

function known(counts: Counts): Outcome {
  return {
    counts,
    isKnown: true,
    soFar: { event: { id: '', isRepeated: true }, counts, kept: { alerts: 0, runs: 0 } },
  };
}

function keepBad({ letters }: Batch, arrival: Arrival, { isRepeated }: EventOfArrival, counts: Counts): void {
  const { bad, moreBad } = arrival.notification;
  if (bad.length + moreBad > 0) counts['BadItem'] = bad.length + moreBad;
  // The bad items of a repeated body are kept already.
  if (!isRepeated) letters.push(...bad.map((item) => deadLetter(arrival, item)));
}

function together(before: PartOutcome, counts: Counts, { alerts, runs }: Kept): PartOutcome {
  const { event, kept } = before;
  return {
    event,
    counts: addCounts({ ...before.counts }, counts),
    kept: { alerts: kept.alerts + alerts, runs: kept.runs + runs },
  };
}

/** Adds to `counts`. */
function addCounts(counts: Counts, more: Counts): Counts {
  for (const [reason, times] of Object.entries(more)) counts[reason] = (counts[reason] ?? 0) + times;
  return counts;
}

/** The key is another notification's. */
function withoutKey(arrival: Arrival): Arrival {
  return { ...arrival, notification: { ...arrival.notification, deliveryKey: null } };
}

function takeIdentities(
  { catalog, facts, minutes, groups: groupRuns, writes }: Batch,
  { source, notification: { groupKey }, now, part }: Arrival,
  eventId: string,
  groups: readonly (readonly [TrackedAlert, readonly AlertItem[]])[],
  counts: Counts,
): Kept {
  const nowMs = toEpochMs(now);
  const runsOfSource = (): number => minutes.count(source, nowMs);
  const groupWaitMs = Math.max(source.grouping?.waitMs ?? 0, isCutShort(part) ? holdMs : 0);
  const shared = { catalog, source, now, facts, groupKey, eventId };
  const taking: Taking = { ...shared, runsOfSource, groups: groupRuns, groupWaitMs };
  const kept = { alerts: 0, runs: 0 };
  for (const [alert, items] of groups) {
    const taken = takeIdentity(taking, alert, items);
    addCounts(counts, taken.counts);
    if (taken.state === null) continue;
    alert.keep(taken.state.next, taken.state.item, groupKey, now);
    kept.alerts += 1;
    for (const { run } of taken.writes.runs) {
      alert.addRun(run);
      if (taken.startOf !== null) groupRuns.start(taken.startOf, run);
      minutes.add(source, nowMs);
      kept.runs += 1;
    }
    if (taken.join !== null) groupRuns.join(taken.join);
    collect(writes, taken.writes);
  }
  return kept;
}

/** The rest of the notification comes at once. */
function isCutShort(part: Arrival['part']): boolean {
  return part !== null && !part.isLast;
}

function collect(writes: CollectedWrites, { transitions, runs, cancels, deliveries }: IntakeWrites): void {
  for (const transition of transitions) writes.transitions.push(transition);
  for (const { run, plan } of runs) writes.runs.push({ run, plan });
  for (const cancel of cancels) writes.cancels.push(cancel);
  for (const delivery of deliveries) writes.deliveries.push(delivery);
}

function deadLetter({ source, now }: Arrival, { field, message, body }: BadItem): DeadLetterRecord {
  const { namespace, name: sourceName } = source;
  return {
    id: newId(),
    namespace,
    sourceName,
    reason: 'BadItem',
    message: `${field}: ${message}`,
    body,
    receivedAt: now,
  };
}

/** A part of a notification that is not its last is no event yet, but its runs count. */
function activityOf({ events, minutes }: Batch, arrivals: readonly Arrival[]): readonly SourceActivity[] {
  const counted = new Map(events.activity().map((entry) => [`${entry.namespace}/${entry.source}`, entry]));
  const activity = new Map<string, SourceActivity>();
  for (const { source, now } of arrivals) {
    const { namespace, name, stormCapPerMinute: cap } = source;
    const key = `${namespace}/${name}`;
    const runs = { ...minutes.added(source, toEpochMs(now)), cap };
    const entry = counted.get(key) ?? { namespace, source: name, events: 0, at: now, problem: null };
    if (entry.events > 0 || runs.runs > 0) activity.set(key, { ...entry, runs });
  }
  return [...activity.values()];
}

/** PostgreSQL gets the statements together, without waiting for an answer in between; their order stays. */
async function writeBatch(
  tx: StoreTransaction,
  { alerts, events, groups, writes, letters }: Batch,
  arrivals: readonly Arrival[],
): Promise<void> {
  await allDone([
    alerts.write(tx),
    tx.alerts.addTransitions(writes.transitions),
    events.write(tx),
    tx.events.addDeadLetters(letters),
    tx.runs.insertAll(writes.runs),
    tx.deliveries.insert(writes.deliveries),
    groups.write(tx, arrivals.find(({ part }) => isCutShort(part))?.now ?? null),
  ]);
  for (const { id, at, reason } of writes.cancels) await tx.runs.requestCancel(id, at, reason);
}
