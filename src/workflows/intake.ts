import { hash } from 'node:crypto';
import { foldCategory } from '../core/alert-fold.ts';
import type { CatalogSource } from '../core/catalog.ts';
import type { BadItem, IntakeAnswer, Notification } from '../core/event.ts';
import type { CatalogHolder, Clock, Intake, Log, Metrics } from '../core/ports.ts';
import type { Store, StoredAlert, StoreTransaction } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import { newId } from '../lib/id.ts';
import { groupByIdentity } from './identity.ts';
import { createStormCounter } from './policies.ts';
import type { StormCounter } from './policies.ts';
import { count, takeIdentity } from './take-identity.ts';
import type { Batch, Counts } from './take-identity.ts';

export interface IntakeOptions {
  readonly store: Store;
  readonly catalog: CatalogHolder;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Shared with the sweep, so that both respect one cap. */
  readonly storm?: StormCounter;
}

/**
 * Takes notifications in: match filters, deduplicate (design 3.2), mute, enqueue. What is decided is pure; everything is
 * written in one transaction, and the answer comes after its commit. Rejects with StoreUnavailable or Draining.
 */
export function createIntake(options: IntakeOptions): Intake {
  const { store, clock } = options;
  const storm = options.storm ?? createStormCounter();
  const withoutAlert = createRecentEvents();
  return {
    async accept(source, notification) {
      const now = toTimestamp(clock.now());
      const contentHash = hash('sha256', notification.body);
      const catalog = options.catalog.current();
      const outcome = await store.transaction('intake', async (tx) => {
        const known = await storedOutcome(tx, source, notification.deliveryKey);
        if (known !== null) return { counts: known, first: false };
        const { groupKey } = notification;
        const batch: Batch = { tx, catalog, source, now, storm, groupKey, eventId: newId(), counts: {} };
        return { counts: await writeAll(batch, notification, contentHash, withoutAlert), first: true };
      });
      if (outcome.first) report(options, source, notification, outcome.counts);
      return answerOf(outcome.counts);
    },
    async deadLetter(source, reason, message, body) {
      const receivedAt = toTimestamp(clock.now());
      const { namespace, name: sourceName } = source;
      await store.transaction('intake', (tx) =>
        tx.events.addDeadLetter({ id: newId(), namespace, sourceName, reason, message, body, receivedAt }),
      );
      options.metrics.increment('fist_dead_letters_total', { source: sourceName, reason });
    },
  };
}

/** Events that left no alert (all refused), so that their repeats are found: an alert knows its own event. */
interface RecentEvents {
  get(source: CatalogSource, contentHash: string): string | undefined;
  add(source: CatalogSource, contentHash: string, eventId: string): void;
}

function createRecentEvents(): RecentEvents {
  const most = 1000;
  const events = new Map<string, string>();
  const keyOf = ({ namespace, name }: CatalogSource, contentHash: string) => `${namespace}/${name} ${contentHash}`;
  return {
    get: (source, contentHash) => events.get(keyOf(source, contentHash)),
    add(source, contentHash, eventId) {
      const key = keyOf(source, contentHash);
      events.delete(key);
      events.set(key, eventId);
      if (events.size > most) events.delete(events.keys().next().value ?? '');
    },
  };
}

/** The answer of a notification that came before with the same delivery key: it is given again, without effect. */
async function storedOutcome(
  tx: StoreTransaction,
  source: CatalogSource,
  deliveryKey: string | null,
): Promise<Counts | null> {
  if (deliveryKey === null) return null;
  const event = await tx.events.findByDeliveryKey(source.namespace, source.name, deliveryKey);
  return event === undefined ? null : (event.outcome as Counts);
}

async function writeAll(
  begun: Batch,
  notification: Notification,
  contentHash: string,
  withoutAlert: RecentEvents,
): Promise<Counts> {
  const { tx, source, now } = begun;
  const { items, bad, deliveryKey, truncatedAlerts } = notification;
  const groups = groupByIdentity(items);
  const stored: (StoredAlert | null)[] = [];
  for (const [fingerprint] of groups) {
    stored.push((await tx.alerts.findState(source.namespace, source.name, fingerprint)) ?? null);
  }
  // A delivery key names its own event, so that each key is answered; without one, the same body again is the same event.
  const earlierId = deliveryKey === null ? (stored[0]?.sourceId ?? withoutAlert.get(source, contentHash)) : undefined;
  const isRepeated = earlierId !== undefined && (await tx.events.hasContent(earlierId, contentHash));
  const batch: Batch = isRepeated ? { ...begun, eventId: earlierId } : begun;
  let alerts = 0;
  for (const [place, [, sameAlert]] of groups.entries()) {
    alerts += Number(await takeIdentity(batch, stored[place] ?? null, sameAlert));
  }
  // The bad items of a repeated body are kept already.
  for (const item of bad) await keepBadItem(batch, item, !isRepeated);
  await writeEvent(batch, notification, contentHash, isRepeated);
  if (alerts === 0) withoutAlert.add(source, contentHash, batch.eventId);
  const problem =
    truncatedAlerts > 0 ? `TruncatedAlerts: the sender left out ${truncatedAlerts} alerts (max_alerts)` : null;
  await tx.events.countActivity(source.namespace, source.name, now, problem);
  return batch.counts;
}

/** Stores the notification as it came, or counts it where the same one is stored already. */
async function writeEvent(
  { tx, source, now, eventId, counts }: Batch,
  { body, deliveryKey }: Notification,
  contentHash: string,
  isRepeated: boolean,
): Promise<void> {
  const workflowTriggered = runsIn(counts) > 0 ? source.triggerWorkflow : null;
  if (isRepeated) {
    await tx.events.bump(eventId, now);
    if (workflowTriggered !== null) await tx.events.update(eventId, { outcome: counts, workflowTriggered });
    return;
  }
  await tx.events.insert({
    id: eventId,
    namespace: source.namespace,
    sourceName: source.name,
    sourceType: source.type,
    eventData: body,
    contentHash,
    deliveryKey,
    workflowTriggered,
    outcome: counts,
    receiveCount: 1,
    receivedAt: now,
    lastReceivedAt: now,
  });
}

/** Keeps a bad item, once. */
async function keepBadItem(
  { tx, source, now, counts }: Batch,
  { field, message, body }: BadItem,
  isNew: boolean,
): Promise<void> {
  count(counts, 'BadItem');
  if (!isNew) return;
  const { namespace, name: sourceName } = source;
  const letter = {
    id: newId(),
    namespace,
    sourceName,
    reason: 'BadItem',
    message: `${field}: ${message}`,
    body,
    receivedAt: now,
  };
  await tx.events.addDeadLetter(letter);
}

/** Reasons that speak of runs; all others are of items. */
const runReasons: ReadonlySet<string> = new Set([
  'RunCreated',
  'WorkflowNotReady',
  'Suspended',
  'Cooldown',
  'FlapCap',
  'StormGuard',
]);

function runsIn(counts: Counts): number {
  return (counts['RunCreated'] ?? 0) + (counts['WorkflowNotReady'] ?? 0);
}

/** The answer follows from the stored counts alone, so that it can be given again. */
function answerOf(counts: Counts): IntakeAnswer {
  const answer = { received: 0, opened: 0, repeated: 0, resolved: 0, ignored: 0 };
  for (const [reason, times] of Object.entries(counts)) {
    if (runReasons.has(reason)) continue;
    answer.received += times;
    answer[foldCategory(reason)] += times;
  }
  return { ...answer, runs: runsIn(counts) };
}

function report(
  { metrics, log }: IntakeOptions,
  source: CatalogSource,
  notification: Notification,
  counts: Counts,
): void {
  for (const [reason, times] of Object.entries(counts)) {
    if (!runReasons.has(reason)) {
      metrics.increment('fist_alerts_received_total', { source: source.name, result: reason }, times);
      if (foldCategory(reason) === 'repeated')
        metrics.increment('fist_alerts_deduplicated_total', { source: source.name }, times);
      if (reason === 'BadItem') metrics.increment('fist_dead_letters_total', { source: source.name, reason }, times);
    } else if (reason === 'RunCreated' || reason === 'WorkflowNotReady') {
      const phase = reason === 'RunCreated' ? 'pending' : 'failed';
      metrics.increment('fist_runs_total', { workflow: source.triggerWorkflow, phase }, times);
    } else {
      metrics.increment('fist_runs_muted_total', { source: source.name, reason }, times);
    }
  }
  const fields = { source: `${source.namespace}/${source.name}`, groupKey: notification.groupKey, ...counts };
  if (notification.truncatedAlerts > 0) {
    metrics.increment('fist_alerts_truncated_total', { source: source.name }, notification.truncatedAlerts);
    log.warn(
      { ...fields, truncatedAlerts: notification.truncatedAlerts },
      'the sender left alerts out of its notification',
    );
  }
  if (counts['WorkflowNotReady'] !== undefined)
    log.warn({ ...fields, workflow: source.triggerWorkflow }, 'the Workflow is not ready');
  log.debug(fields, 'notification taken in');
}
