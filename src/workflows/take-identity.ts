import type { AlertItem } from '../core/alert.ts';
import type { StoredAlert } from '../core/store.ts';
import { addMs, toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { newId } from '../lib/id.ts';
import { decideIdentity } from './identity.ts';
import type { IdentityDecision } from './identity.ts';
import { contentHash, contentOf, newAlert, snapshotOf, transitionRecord } from './intake-records.ts';
import { decideMute, flapWindowMs } from './policies.ts';
import type { Mute, StormCounter } from './policies.ts';
import { announceResolved, startRun } from './trigger.ts';
import type { TriggerContext } from './trigger.ts';

/** Counts by reason; what `source_events.outcome` keeps. */
export type Counts = Record<string, number>;

/** One notification within its transaction. */
export interface Batch extends TriggerContext {
  readonly storm: StormCounter;
  readonly groupKey: string | null;
  readonly eventId: string;
  readonly counts: Counts;
}

export function count(counts: Counts, reason: string): void {
  counts[reason] = (counts[reason] ?? 0) + 1;
}

/**
 * Everything for one alert of the notification: decide, mute, write the row, its history, its run and its notices.
 * False where every item was refused.
 */
export async function takeIdentity(
  batch: Batch,
  stored: StoredAlert | null,
  items: readonly AlertItem[],
): Promise<boolean> {
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
    const ended = {
      episode: state.episode,
      fromStatus: 'received',
      toStatus: state.status,
      reason: 'WorkflowNotReady',
      at: now,
    } as const;
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

async function enqueue(
  batch: Batch,
  id: string,
  stored: StoredAlert | null,
  { opening }: IdentityDecision,
): Promise<Enqueued> {
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

async function muteOf(
  { tx, source, now, storm }: Batch,
  stored: StoredAlert | null,
  raised: boolean,
): Promise<Mute | null> {
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
function nextState(
  batch: Batch,
  id: string,
  stored: StoredAlert | null,
  decision: IdentityDecision,
  enqueued: Enqueued,
): StoredAlert {
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

function mutedUntil(
  stored: StoredAlert | null,
  { opening }: IdentityDecision,
  { mute }: Enqueued,
  open: boolean,
): Timestamp | null {
  if (!open) return null;
  return opening === null ? (stored?.mutedUntil ?? null) : (mute?.until ?? null);
}

/** After each folded item: have sinks been told, by a run, that the alert fires? */
function announcedAfter(
  stored: StoredAlert | null,
  { folded, opening }: IdentityDecision,
  { runId }: Enqueued,
): readonly boolean[] {
  let announced = stored?.announced ?? false;
  return folded.map((step) => {
    if (step === opening && runId !== null) announced = true;
    if (step.verdict.closes) announced = false;
    return announced;
  });
}

async function writeAlert(
  { tx, source, groupKey, now }: Batch,
  stored: StoredAlert | null,
  state: StoredAlert,
  { folded, content }: IdentityDecision,
): Promise<void> {
  const item = content ?? folded[0]?.item;
  if (item === undefined) return;
  if (stored === null) return tx.alerts.insert(newAlert(source, item, groupKey, state, now));
  await tx.alerts.saveState(state, now);
  if (state.contentHash !== stored.contentHash) await tx.alerts.update(state.id, contentOf(item, groupKey));
}

async function announceClosings(
  batch: Batch,
  alertId: string,
  stored: StoredAlert | null,
  decision: IdentityDecision,
  enqueued: Enqueued,
): Promise<void> {
  const told = announcedAfter(stored, decision, enqueued);
  const runId = enqueued.runId ?? stored?.workflowId ?? null;
  for (const [place, { verdict }] of decision.folded.entries()) {
    if (!verdict.closes) continue;
    const { episode, startsAt, endsAt } = verdict.next;
    const announced = place === 0 ? (stored?.announced ?? false) : (told[place - 1] ?? false);
    await announceResolved(batch, { alertId, runId, episode, startsAt, endsAt, announced });
  }
}
