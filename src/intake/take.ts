import { matchLabels } from '../core/alert.ts';
import type { AlertItem, AlertTransition, Labels, StoredAlert } from '../core/alert.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { NewRun } from '../core/run-store.ts';
import { toEpochMs } from '../core/time.ts';
import type { RunAlert } from '../core/group-store.ts';
import { groupOf } from './groups.ts';
import type { AlertGroup, GroupRuns } from './groups.ts';
import { decideIdentity } from './identity.ts';
import type { Folded, IdentityDecision } from './identity.ts';
import type { IntakeFacts } from './facts.ts';
import { contentHash, snapshotOf, transitionRecord } from './records.ts';
import { countInFlapWindow, decideMute } from './policies.ts';
import type { Mute } from './policies.ts';
import type { TrackedAlert } from './tracked-alerts.ts';
import { decideEnd, decideStart } from './trigger.ts';
import type { EpisodeEnd, RunCancel, RunStart, TriggerContext } from './trigger.ts';

/** Counts by reason; what `source_events.outcome` keeps. */
export type Counts = Record<string, number>;

/** What is written beside alerts and events, in the order in which it was decided. */
export interface IntakeWrites {
  readonly transitions: readonly AlertTransition[];
  readonly runs: readonly NewRun[];
  readonly cancels: readonly RunCancel[];
  readonly deliveries: readonly DeliveryRecord[];
}

/** One notification within its batch. */
export interface Taking extends TriggerContext {
  readonly facts: IntakeFacts;
  /** Runs of the Source in the current minute. */
  readonly runsOfSource: () => number;
  readonly groups: Pick<GroupRuns, 'answering'>;
  /** How long a run waits for other alerts of its group. Milliseconds. */
  readonly groupWaitMs: number;
  readonly groupKey: string | null;
  readonly eventId: string;
}

/** What becomes of one alert of the notification. */
export interface Taken {
  /** Its next state, and the item whose content it has; null where every item was refused. */
  readonly state: { readonly next: StoredAlert; readonly item: AlertItem } | null;
  readonly writes: IntakeWrites;
  /** The group that the run which is made is for; null = none is, or it is for this alert alone. */
  readonly startOf: AlertGroup | null;
  /** The run of its group that answers for it; null = none does. */
  readonly join: RunAlert | null;
  readonly counts: Counts;
}

/** What it depends on of an alert. */
type TakenAlert = Pick<TrackedAlert, 'id' | 'state' | 'runs'>;

const noWrites: IntakeWrites = { transitions: [], runs: [], cancels: [], deliveries: [] };

/** Everything for one alert of the notification: decides, mutes, and says the row, its history, its run and its notices. */
export function takeIdentity(taking: Taking, alert: TakenAlert, items: readonly AlertItem[]): Taken {
  const { state: stored } = alert;
  const decision = decideIdentity(stored, items, taking.source.accepts, taking.now);
  const counts = countOf(decision.reasons);
  const item = decision.content ?? decision.folded[0]?.item;
  if (item === undefined) return { state: null, writes: noWrites, startOf: null, join: null, counts };
  const enqueued = enqueue(taking, alert, decision);
  if (enqueued.reason !== null) counts[enqueued.reason] = 1;
  const next = nextState(taking, alert, decision, enqueued);
  const end = announceClosings(taking, alert, decision, enqueued);
  const { start, mute } = enqueued;
  const writes: IntakeWrites = {
    transitions: transitionsOf(taking, alert.id, decision, enqueued),
    runs: start === null ? [] : [start],
    cancels: start === null ? end.cancels : [...start.cancels, ...end.cancels],
    deliveries: start === null ? end.deliveries : [...start.deliveries, ...end.deliveries],
  };
  const startOf = start === null ? null : enqueued.group;
  const join = mute?.run?.joins === true ? { runId: mute.run.id, alertId: alert.id, episode: next.episode } : null;
  return { state: { next, item }, writes, startOf, join, counts };
}

function countOf(reasons: readonly string[]): Counts {
  const counts: Counts = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

function transitionsOf(
  { eventId, now }: Taking,
  id: string,
  { folded }: IdentityDecision,
  { start }: Enqueued,
): readonly AlertTransition[] {
  const transitions = folded.flatMap(({ verdict }) =>
    verdict.transitions.map((transition) => transitionRecord(id, transition, eventId)),
  );
  const last = folded.at(-1)?.verdict.next;
  if (!isBornFailed(start) || last === undefined || last.status === 'resolved') return transitions;
  const escalated = {
    episode: last.episode,
    fromStatus: 'received',
    toStatus: 'escalated',
    reason: 'WorkflowNotReady',
    at: now,
  } as const;
  return [...transitions, transitionRecord(id, escalated, eventId)];
}

interface Enqueued {
  readonly start: RunStart | null;
  readonly mute: Mute | null;
  readonly group: AlertGroup | null;
  /** The word for it in the counts; null where no run was due. */
  readonly reason: string | null;
}

const nothingEnqueued: Enqueued = { start: null, mute: null, group: null, reason: null };

function enqueue(taking: Taking, alert: TakenAlert, { opening }: IdentityDecision): Enqueued {
  if (opening === null || taking.source.triggerWorkflow === '') return nothingEnqueued;
  const labels = matchLabels(opening.item);
  const group = groupOf(taking.source, labels);
  const mute = muteOf(taking, alert, { opening, labels, group });
  if (mute !== null) return { start: null, mute, group, reason: mute.reason };
  const snapshot = snapshotOf(opening.item, { id: alert.id, ...opening.verdict.next });
  const wait = group === null ? null : { group, waitMs: taking.groupWaitMs };
  const start = decideStart(taking, snapshot, alert.runs, wait);
  return start === null
    ? nothingEnqueued
    : { start, mute: null, group, reason: isBornFailed(start) ? 'WorkflowNotReady' : 'RunCreated' };
}

/** Its Workflow is not ready. */
function isBornFailed(start: RunStart | null): boolean {
  return start?.run.status === 'failed';
}

interface Due {
  readonly opening: Folded;
  readonly labels: Labels;
  readonly group: AlertGroup | null;
}

function muteOf(
  { source, now, runsOfSource, groups }: Taking,
  { state, runs }: TakenAlert,
  { opening, labels, group }: Due,
): Mute | null {
  const nowMs = toEpochMs(now);
  return decideMute({
    source,
    labels,
    nowMs,
    group: groups.answering(source, group, nowMs),
    lastRunEndedAt: state?.triageCompletedAt ?? null,
    runsOfAlert: countInFlapWindow(runs, source, now),
    runsOfSource: runsOfSource(),
    raised: opening.verdict.reason === 'SeverityRaised',
  });
}

/** The fold's state with what it does not know: ids, and what sinks were told. */
function nextState(
  { eventId, groupKey }: Taking,
  { id, state: stored }: TakenAlert,
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
    status: isBornFailed(enqueued.start) && open ? 'escalated' : state.status,
    contentHash: changed ?? stored?.contentHash ?? '',
    sourceId: eventId,
    workflowId: enqueued.start?.run.id ?? enqueued.mute?.run?.id ?? stored?.workflowId ?? null,
    triageCompletedAt: stored?.triageCompletedAt ?? null,
    announced: toldAfter(stored, decision, enqueued).at(-1)?.announced ?? stored?.announced ?? false,
    ...muted(stored, decision, enqueued, open),
  };
}

function muted(
  stored: StoredAlert | null,
  { opening }: IdentityDecision,
  { mute }: Enqueued,
  open: boolean,
): Pick<StoredAlert, 'mutedUntil' | 'mutedReason'> {
  if (!open) return { mutedUntil: null, mutedReason: null };
  if (opening !== null) return { mutedUntil: mute?.until ?? null, mutedReason: mute?.reason ?? null };
  return { mutedUntil: stored?.mutedUntil ?? null, mutedReason: stored?.mutedReason ?? null };
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
  { start }: Enqueued,
): readonly Told[] {
  let told = toldBefore(stored);
  return folded.map((step) => {
    if (step === opening && start !== null) told = { announced: true, runId: start.run.id };
    if (step.verdict.closes) told = { ...told, announced: false };
    return told;
  });
}

function announceClosings(
  taking: Taking,
  { id: alertId, state: stored, runs }: TakenAlert,
  decision: IdentityDecision,
  enqueued: Enqueued,
): EpisodeEnd {
  const deliveries: DeliveryRecord[] = [];
  const cancels: RunCancel[] = [];
  if (!decision.folded.some(({ verdict }) => verdict.closes)) return { deliveries, cancels };
  const told = toldAfter(stored, decision, enqueued);
  const allRuns = enqueued.start === null ? runs : [...runs, enqueued.start.run];
  for (const [place, { verdict }] of decision.folded.entries()) {
    if (!verdict.closes) continue;
    const { episode, startsAt, endsAt } = verdict.next;
    const { announced, runId } = told[place - 1] ?? toldBefore(stored);
    const closed = { alertId, runId, episode, startsAt, endsAt, announced };
    const end = decideEnd(taking, closed, allRuns, taking.facts.plans);
    deliveries.push(...end.deliveries);
    cancels.push(...end.cancels);
  }
  return { deliveries, cancels };
}
