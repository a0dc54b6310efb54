import type { AlertItem, AlertTransition } from '../core/alert.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { NewRun, RunBrief } from '../core/run-store.ts';
import type { StoredAlert } from '../core/store.ts';
import { addMs, toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { decideIdentity } from './identity.ts';
import type { IdentityDecision } from './identity.ts';
import type { Counts } from './events.ts';
import type { IntakeFacts } from './facts.ts';
import { contentHash, snapshotOf, transitionRecord } from './records.ts';
import { decideMute, flapWindowMs } from './policies.ts';
import type { Mute, StormCounter } from './policies.ts';
import type { TrackedAlert } from './tracked-alerts.ts';
import { decideEnd, decideStart } from './trigger.ts';
import type { RunCancel, TriggerContext } from './trigger.ts';

/** What a batch writes beside alerts and events, in the order in which it was decided. */
export interface IntakeWrites {
  readonly transitions: AlertTransition[];
  readonly runs: NewRun[];
  readonly cancels: RunCancel[];
  readonly deliveries: DeliveryRecord[];
}

/** One notification within its batch. */
export interface Taking extends TriggerContext {
  readonly facts: IntakeFacts;
  readonly storm: StormCounter;
  readonly writes: IntakeWrites;
  readonly groupKey: string | null;
  readonly eventId: string;
  readonly counts: Counts;
}

export function count(counts: Counts, reason: string): void {
  counts[reason] = (counts[reason] ?? 0) + 1;
}

/**
 * Everything for one alert of the notification: decides, mutes, and notes the row, its history, its run and its notices.
 * False where every item was refused. Writes nothing itself.
 */
export function takeIdentity(taking: Taking, alert: TrackedAlert, items: readonly AlertItem[]): boolean {
  const { source, now, writes, counts, eventId } = taking;
  const stored = alert.state;
  const decision = decideIdentity(stored, items, source.accepts, now);
  for (const reason of decision.reasons) count(counts, reason);
  const item = decision.content ?? decision.folded[0]?.item;
  if (item === undefined) return false;
  const enqueued = enqueue(taking, alert, decision);
  const state = nextState(taking, alert, decision, enqueued);
  const { id } = alert;
  for (const { verdict } of decision.folded)
    for (const transition of verdict.transitions) writes.transitions.push(transitionRecord(id, transition, eventId));
  if (state.status === 'escalated' && enqueued.failed) {
    const ended = {
      episode: state.episode,
      fromStatus: 'received',
      toStatus: state.status,
      reason: 'WorkflowNotReady',
      at: now,
    } as const;
    writes.transitions.push(transitionRecord(id, ended, eventId));
  }
  announceClosings(taking, alert, decision, enqueued);
  alert.keep(state, item, taking.groupKey, now);
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

function enqueue(taking: Taking, alert: TrackedAlert, { opening }: IdentityDecision): Enqueued {
  const { source, counts, now, writes } = taking;
  if (opening === null || source.triggerWorkflow === '') return nothingEnqueued;
  const mute = muteOf(taking, alert, opening.verdict.reason === 'SeverityRaised');
  if (mute !== null) {
    count(counts, mute.reason);
    return { ...nothingEnqueued, mute };
  }
  const start = decideStart(taking, snapshotOf(opening.item, { id: alert.id, ...opening.verdict.next }), alert.runs);
  if (start === null) return nothingEnqueued;
  const { run, plan, deliveries, cancels } = start;
  writes.runs.push({ run, plan });
  writes.deliveries.push(...deliveries);
  writes.cancels.push(...cancels);
  alert.addRun(run);
  taking.storm.add(`${source.namespace}/${source.name}`, toEpochMs(now));
  const failed = run.status === 'failed';
  count(counts, failed ? 'WorkflowNotReady' : 'RunCreated');
  return { runId: run.id, failed, mute: null };
}

function muteOf({ source, now, storm }: Taking, { state, runs }: TrackedAlert, raised: boolean): Mute | null {
  const nowMs = toEpochMs(now);
  return decideMute({
    source,
    nowMs,
    lastRunEndedAt: state?.triageCompletedAt ?? null,
    runsOfAlert: countSince(runs, source.triggerWorkflow, now),
    runsOfSource: storm.count(`${source.namespace}/${source.name}`, nowMs),
    raised,
  });
}

function countSince(runs: readonly RunBrief[], workflow: string, now: Timestamp): number {
  if (runs.length === 0) return 0;
  const since = addMs(now, -flapWindowMs);
  return runs.filter(({ name, createdAt }) => name === workflow && createdAt >= since).length;
}

/** The fold's state with what it does not know: ids, and what sinks were told. */
function nextState(
  { eventId, groupKey }: Taking,
  { id, state: stored }: TrackedAlert,
  decision: IdentityDecision,
  enqueued: Enqueued,
): StoredAlert {
  const { folded, content } = decision;
  const state = folded.at(-1)?.verdict.next ?? stored;
  if (state === null) throw new Error('an identity without state was not refused');
  const open = state.status !== 'resolved';
  const changed = content === null ? undefined : contentHash(content, groupKey);
  return {
    id,
    ...state,
    status: enqueued.failed && open ? 'escalated' : state.status,
    contentHash: changed ?? stored?.contentHash ?? '',
    sourceId: eventId,
    workflowId: enqueued.runId ?? stored?.workflowId ?? null,
    triageCompletedAt: stored?.triageCompletedAt ?? null,
    announced: toldAfter(stored, decision, enqueued).at(-1)?.announced ?? stored?.announced ?? false,
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

/** Have sinks been told that the alert fires, and by which run? */
interface Told {
  readonly announced: boolean;
  readonly runId: string | null;
}

function toldBefore(stored: StoredAlert | null): Told {
  return { announced: stored?.announced ?? false, runId: stored?.workflowId ?? null };
}

/** What sinks were told after each folded item. */
function toldAfter(
  stored: StoredAlert | null,
  { folded, opening }: IdentityDecision,
  { runId }: Enqueued,
): readonly Told[] {
  let told = toldBefore(stored);
  return folded.map((step) => {
    if (step === opening && runId !== null) told = { announced: true, runId };
    if (step.verdict.closes) told = { ...told, announced: false };
    return told;
  });
}

function announceClosings(
  taking: Taking,
  { id: alertId, state: stored, runs }: TrackedAlert,
  decision: IdentityDecision,
  enqueued: Enqueued,
): void {
  if (!decision.folded.some(({ verdict }) => verdict.closes)) return;
  const told = toldAfter(stored, decision, enqueued);
  for (const [place, { verdict }] of decision.folded.entries()) {
    if (!verdict.closes) continue;
    const { episode, startsAt, endsAt } = verdict.next;
    const { announced, runId } = told[place - 1] ?? toldBefore(stored);
    const end = decideEnd(taking, { alertId, runId, episode, startsAt, endsAt, announced }, runs, taking.facts.plans);
    taking.writes.deliveries.push(...end.deliveries);
    taking.writes.cancels.push(...end.cancels);
  }
}
