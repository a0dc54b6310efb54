import type { Catalog } from '../core/catalog.ts';
import type { BadItem, DeadLetterRecord } from '../core/event.ts';
import type { StoreTransaction } from '../core/store.ts';
import { allDone } from '../lib/all-done.ts';
import { newId } from '../lib/id.ts';
import { groupByIdentity } from './identity.ts';
import { createEventLog } from './events.ts';
import type { Counts, EventLog, EventWithoutAlert } from './events.ts';
import { readFacts } from './facts.ts';
import type { Arrival, IntakeFacts, RecentEvents } from './facts.ts';
import { viewStorm } from './policies.ts';
import type { StormCounter, StormView } from './policies.ts';
import { count, takeIdentity } from './take.ts';
import type { IntakeWrites, Taking } from './take.ts';
import { trackAlerts } from './tracked-alerts.ts';
import type { TrackedAlerts } from './tracked-alerts.ts';

/** What the notifications of a batch have in common. */
export interface BatchContext {
  readonly catalog: Catalog;
  readonly storm: StormCounter;
  readonly recent: RecentEvents;
}

/** What became of a notification. */
export interface Outcome {
  readonly counts: Counts;
  /** It came before, with the same delivery key; nothing was done now. */
  readonly isKnown: boolean;
}

/** What is to be told outside once the batch is committed. */
export interface TakenBatch {
  /** In the order of the arrivals. */
  readonly outcomes: readonly Outcome[];
  readonly withoutAlert: readonly EventWithoutAlert[];
  readonly storm: StormView;
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
  await writeBatch(tx, batch);
  return { outcomes, withoutAlert: batch.events.withoutAlert(), storm: batch.storm };
}

/** All that a batch decided so far. */
interface Batch {
  readonly catalog: Catalog;
  readonly facts: IntakeFacts;
  readonly storm: StormView;
  readonly alerts: TrackedAlerts;
  readonly events: EventLog;
  readonly writes: IntakeWrites;
  readonly letters: DeadLetterRecord[];
}

function beginBatch({ catalog, storm, recent }: BatchContext, facts: IntakeFacts): Batch {
  return {
    catalog,
    facts,
    storm: viewStorm(storm),
    alerts: trackAlerts(facts),
    events: createEventLog(facts, recent),
    writes: { transitions: [], runs: [], cancels: [], deliveries: [] },
    letters: [],
  };
}

function takeNotification(batch: Batch, arrival: Arrival): Outcome {
  const { source, notification, now } = arrival;
  const known = batch.events.outcomeOf(arrival);
  if (known !== null) return { counts: known, isKnown: true };
  const groups = groupByIdentity(notification.items).map(
    ([fingerprint, items]) => [batch.alerts.of(source, fingerprint), items] as const,
  );
  const event = batch.events.eventOf(arrival, groups[0]?.[0].state?.sourceId ?? null);
  const { catalog, facts, storm, writes } = batch;
  const { groupKey } = notification;
  const counts: Counts = {};
  const taking: Taking = { catalog, source, now, facts, storm, writes, groupKey, eventId: event.id, counts };
  const runsBefore = writes.runs.length;
  let alerts = 0;
  for (const [alert, items] of groups) alerts += Number(takeIdentity(taking, alert, items));
  for (const item of notification.bad) {
    count(counts, 'BadItem');
    // The bad items of a repeated body are kept already.
    if (!event.isRepeated) batch.letters.push(deadLetter(arrival, item));
  }
  batch.events.keep(arrival, event, counts, { alerts, runs: writes.runs.length - runsBefore });
  return { counts, isKnown: false };
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

/** PostgreSQL gets the statements together, without waiting for an answer in between; their order stays. */
async function writeBatch(tx: StoreTransaction, { alerts, events, writes, letters }: Batch): Promise<void> {
  await allDone([
    alerts.write(tx),
    tx.alerts.addTransitions(writes.transitions),
    events.write(tx),
    tx.events.addDeadLetters(letters),
    tx.runs.insertAll(writes.runs),
    tx.deliveries.insert(writes.deliveries),
  ]);
  for (const { id, at, reason } of writes.cancels) await tx.runs.requestCancel(id, at, reason);
  await events.writeActivity(tx);
}
