import { hash } from 'node:crypto';
import type { AlertItem } from '../core/alert.ts';
import { foldCategory } from '../core/alert-fold.ts';
import type { CatalogSource } from '../core/catalog.ts';
import type { BadItem, IntakeAnswer, Notification } from '../core/event.ts';
import type { JsonObject } from '../core/json.ts';
import type { CatalogHolder, Clock, Intake, Log, Metrics } from '../core/ports.ts';
import type { Store, StoredAlert, StoreTransaction } from '../core/store.ts';
import { addMs, toEpochMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { newId } from '../lib/id.ts';
import { decideIdentity, groupByIdentity } from './identity.ts';
import type { IdentityDecision } from './identity.ts';
import { contentHash, contentOf, newAlert, snapshotOf, transitionRecord } from './intake-records.ts';
import { createStormCounter, decideMute, flapWindowMs } from './policies.ts';
import type { Mute, StormCounter } from './policies.ts';
import { announceResolved, startRun } from './trigger.ts';
import type { TriggerContext } from './trigger.ts';

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
        const batch: Batch = { tx, catalog, source, now, storm, withoutAlert, groupKey, eventId: newId(), counts: {} };
        return { counts: await writeAll(batch, notification, contentHash), first: true };
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

/** Counts by reason; what `source_events.outcome` keeps. */
type Counts = Record<string, number>;

/** One notification within its transaction. */
interface Batch extends TriggerContext {
  readonly withoutAlert: RecentEvents;
  readonly storm: StormCounter;
  readonly groupKey: string | null;
  readonly eventId: string;
  readonly counts: Counts;
}

function count(counts: Counts, reason: string): void {
  counts[reason] = (counts[reason] ?? 0) + 1;
}

/** Events that left no alert (all refused), newest last, so that their repeats are found: an alert knows its own event. */
interface RecentEvents {
  get(contentHash: string): string | undefined;
  add(contentHash: string, eventId: string): void;
}

function createRecentEvents(): RecentEvents {
  const most = 1000;
  const events = new Map<string, string>();
  return {
    get: (contentHash) => events.get(contentHash),
    add(contentHash, eventId) {
      events.delete(contentHash);
      events.set(contentHash, eventId);
      if (events.size > most) events.delete(events.keys().next().value ?? '');
    },
  };
}

/** The answer of a notification that came before with the same delivery key: it is given again, without effect. */
async function storedOutcome(tx: StoreTransaction, source: CatalogSource, deliveryKey: string | null): Promise<Counts | null> {
  if (deliveryKey === null) return null;
  const event = await tx.events.findByDeliveryKey(source.namespace, source.name, deliveryKey);
  return event === undefined ? null : (event.outcome as Counts);
}

async function writeAll(begun: Batch, notification: Notification, contentHash: string): Promise<Counts> {
  const { tx, source, now } = begun;
  const { items, bad, deliveryKey } = notification;
  const groups = groupByIdentity(items);
  const stored: (StoredAlert | null)[] = [];
  for (const [fingerprint] of groups) {
    stored.push((await tx.alerts.findState(source.namespace, source.name, fingerprint)) ?? null);
  }
  // A delivery key names its own event, so that each key is answered; without one, the same body again is the same event.
  const earlierId = deliveryKey === null ? (stored[0]?.sourceId ?? begun.withoutAlert.get(contentHash)) : undefined;
  const isRepeated = earlierId !== undefined && (await tx.events.hasContent(earlierId, contentHash));
  const batch: Batch = isRepeated ? { ...begun, eventId: earlierId } : begun;
  let alerts = 0;
  for (const [place, [, sameAlert]] of groups.entries()) alerts += Number(await takeIdentity(batch, stored[place] ?? null, sameAlert));
  // The bad items of a repeated body are kept already.
  for (const item of bad) await keepBadItem(batch, item, !isRepeated);
  const { counts } = batch;
  const workflowTriggered = runsIn(counts) > 0 ? source.triggerWorkflow : null;
  if (alerts === 0) batch.withoutAlert.add(contentHash, batch.eventId);
  if (!isRepeated) {
    await tx.events.insert({
      id: batch.eventId,
      namespace: source.namespace,
      sourceName: source.name,
      sourceType: source.type,
      eventData: notification.body,
      contentHash,
      deliveryKey,
      workflowTriggered,
      outcome: counts,
      receiveCount: 1,
      receivedAt: now,
      lastReceivedAt: now,
    });
  } else {
    await tx.events.bump(batch.eventId, now);
    if (workflowTriggered !== null) await tx.events.update(batch.eventId, { outcome: counts, workflowTriggered });
  }
  const { truncatedAlerts } = notification;
  const problem = truncatedAlerts > 0 ? `TruncatedAlerts: the sender left out ${truncatedAlerts} alerts (max_alerts)` : null;
  await tx.events.countActivity(source.namespace, source.name, now, problem);
  return counts;
}

async function keepBadItem({ tx, source, now, counts }: Batch, { field, message, body }: BadItem, isNew: boolean): Promise<void> {
  count(counts, 'BadItem');
  if (!isNew) return;
  const { namespace, name: sourceName } = source;
  const letter = { id: newId(), namespace, sourceName, reason: 'BadItem', message: `${field}: ${message}`, body, receivedAt: now };
  await tx.events.addDeadLetter(letter);
}

/**
 * Everything for one alert of the notification: decide, mute, write the row, its history, its run and its notices.
 * False where every item was refused.
 */
async function takeIdentity(batch: Batch, stored: StoredAlert | null, items: readonly AlertItem[]): Promise<boolean> {
  const { tx, source, now } = batch;
  const decision = decideIdentity(stored, items, source.accepts, now);
  for (const reason of decision.reasons) count(batch.counts, reason);
  if (decision.folded.length === 0) return false;
  const id = stored?.id ?? newId();
  const enqueued = await enqueue(batch, id, stored, decision);
  const state = nextState(batch, id, stored, decision, enqueued);
  await writeAlert(batch, stored, state, decision);
  const transitions = decision.folded.flatMap(({ verdict }) => verdict.transitions);
  for (const transition of transitions) await tx.alerts.addTransition(transitionRecord(id, transition, batch.eventId));
  if (state.status === 'escalated' && enqueued.failed) {
    const ended = { episode: state.episode, fromStatus: 'received', toStatus: state.status, reason: 'WorkflowNotReady', at: now } as const;
    await tx.alerts.addTransition(transitionRecord(id, ended, batch.eventId));
  }
  await announceClosings(batch, id, stored, decision, enqueued);
  return true;
}

/** What became of the run that a new episode wants. */
interface Enqueued {
  readonly runId: string | null;
  /** The run was born failed: its Workflow is not ready. */
  readonly failed: boolean;
  readonly mute: Mute | null;
}

const nothingEnqueued: Enqueued = { runId: null, failed: false, mute: null };

async function enqueue(batch: Batch, id: string, stored: StoredAlert | null, { opening }: IdentityDecision): Promise<Enqueued> {
  const { source, counts, now } = batch;
  if (opening === null || source.triggerWorkflow === '') return nothingEnqueued;
  const mute = await muteOf(batch, stored, opening.verdict.reason === 'SeverityRaised');
  if (mute !== null) {
    count(counts, mute.reason);
    return { ...nothingEnqueued, mute };
  }
  const snapshot = snapshotOf(opening.item, { id, ...opening.verdict.next });
  const run = await startRun(batch, snapshot, stored !== null && stored.workflowId !== null);
  if (run === null) return nothingEnqueued;
  batch.storm.add(`${source.namespace}/${source.name}`, toEpochMs(now));
  count(counts, run.status === 'failed' ? 'WorkflowNotReady' : 'RunCreated');
  return { runId: run.id, failed: run.status === 'failed', mute: null };
}

async function muteOf({ tx, source, now, storm }: Batch, stored: StoredAlert | null, raised: boolean): Promise<Mute | null> {
  const nowMs = toEpochMs(now);
  const asksRuns = source.flapCapPerHour > 0 && stored !== null;
  return decideMute({
    source,
    nowMs,
    lastRunEndedAt: stored?.triageCompletedAt ?? null,
    runsOfAlert: asksRuns ? await tx.runs.countSince(stored.id, source.triggerWorkflow, addMs(now, -flapWindowMs)) : 0,
    runsOfSource: source.stormCapPerMinute > 0 ? storm.count(`${source.namespace}/${source.name}`, nowMs) : 0,
    raised,
  });
}

/** The fold's state with what it does not know: ids, and what sinks were told. */
function nextState(batch: Batch, id: string, stored: StoredAlert | null, decision: IdentityDecision, enqueued: Enqueued): StoredAlert {
  const { folded, content } = decision;
  const last = folded.at(-1)?.verdict;
  const state = last?.next ?? stored;
  if (state === null) throw new Error('an identity without state was not refused');
  const open = state.status !== 'resolved';
  const changed = content === null ? undefined : contentHash(content, batch.groupKey);
  return {
    id,
    ...state,
    status: enqueued.failed && open ? 'escalated' : state.status,
    contentHash: changed ?? stored?.contentHash ?? '',
    sourceId: batch.eventId,
    workflowId: enqueued.runId ?? stored?.workflowId ?? null,
    triageCompletedAt: stored?.triageCompletedAt ?? null,
    announced: announcedAfter(stored, decision, enqueued).at(-1) ?? stored?.announced ?? false,
    mutedUntil: mutedUntil(stored, decision, enqueued, open),
  };
}

function mutedUntil(stored: StoredAlert | null, { opening }: IdentityDecision, { mute }: Enqueued, open: boolean): Timestamp | null {
  if (!open) return null;
  return opening === null ? (stored?.mutedUntil ?? null) : (mute?.until ?? null);
}

/** After each folded item: have sinks been told, by a run, that the alert fires? */
function announcedAfter(stored: StoredAlert | null, { folded, opening }: IdentityDecision, { runId }: Enqueued): readonly boolean[] {
  let announced = stored?.announced ?? false;
  return folded.map((step) => {
    if (step === opening && runId !== null) announced = true;
    if (step.verdict.closes) announced = false;
    return announced;
  });
}

async function writeAlert({ tx, source, groupKey, now }: Batch, stored: StoredAlert | null, state: StoredAlert, { folded, content }: IdentityDecision): Promise<void> {
  const item = content ?? folded[0]?.item;
  if (item === undefined) return;
  if (stored === null) return tx.alerts.insert(newAlert(source, item, groupKey, state, now));
  await tx.alerts.saveState(state, now);
  if (state.contentHash !== stored.contentHash) await tx.alerts.update(state.id, contentOf(item, groupKey));
}

async function announceClosings(batch: Batch, alertId: string, stored: StoredAlert | null, decision: IdentityDecision, enqueued: Enqueued): Promise<void> {
  const told = announcedAfter(stored, decision, enqueued);
  const runId = enqueued.runId ?? stored?.workflowId ?? null;
  for (const [place, { verdict }] of decision.folded.entries()) {
    if (!verdict.closes) continue;
    const { episode, startsAt, endsAt } = verdict.next;
    const announced = place === 0 ? (stored?.announced ?? false) : (told[place - 1] ?? false);
    await announceResolved(batch, { alertId, runId, episode, startsAt, endsAt, announced });
  }
}

/** Reasons that speak of runs; all others are of items. */
const runReasons: ReadonlySet<string> = new Set(['RunCreated', 'WorkflowNotReady', 'Suspended', 'Cooldown', 'FlapCap', 'StormGuard']);

function runsIn(counts: Counts): number {
  return (counts['RunCreated'] ?? 0) + (counts['WorkflowNotReady'] ?? 0);
}

/** The answer follows from the stored counts alone, so that it can be given again. */
function answerOf(counts: Counts | JsonObject): IntakeAnswer {
  const answer = { received: 0, opened: 0, repeated: 0, resolved: 0, ignored: 0 };
  for (const [reason, times] of Object.entries(counts)) {
    if (runReasons.has(reason)) continue;
    answer.received += Number(times);
    answer[foldCategory(reason)] += Number(times);
  }
  return { ...answer, runs: runsIn(counts as Counts) };
}

function report({ metrics, log }: IntakeOptions, source: CatalogSource, notification: Notification, counts: Counts): void {
  for (const [reason, times] of Object.entries(counts)) {
    if (!runReasons.has(reason)) {
      metrics.increment('fist_alerts_received_total', { source: source.name, result: reason }, times);
      if (foldCategory(reason) === 'repeated') metrics.increment('fist_alerts_deduplicated_total', { source: source.name }, times);
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
    log.warn({ ...fields, truncatedAlerts: notification.truncatedAlerts }, 'the sender left alerts out of its notification');
  }
  if (counts['WorkflowNotReady'] !== undefined) log.warn({ ...fields, workflow: source.triggerWorkflow }, 'the Workflow is not ready');
  log.debug(fields, 'notification taken in');
}
