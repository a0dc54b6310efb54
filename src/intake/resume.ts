import { matchLabels } from '../core/alert.ts';
import type { AlertRecord } from '../core/alert.ts';
import type { Catalog, CatalogSource } from '../core/catalog.ts';
import { answered, answeredTransition } from '../core/group-answer.ts';
import type { GroupAnswer } from '../core/group-answer.ts';
import type { AlertAnswer } from '../core/group-store.ts';
import type { RunRecord } from '../core/run.ts';
import type { RunBrief } from '../core/run-store.ts';
import type { SourceActivity, StoreTransaction } from '../core/store.ts';
import { addMs, toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { readGroupWaits } from './group-waits.ts';
import type { GroupWaits } from './group-waits.ts';
import { createGroupRuns, groupOf, holdMs } from './groups.ts';
import type { GroupRuns } from './groups.ts';
import { snapshotOf, transitionRecord } from './records.ts';
import { countInFlapWindow, createRunMinutes, decideMute, flapWindowMs, recheckMs } from './policies.ts';
import type { Mute, RunMinutes } from './policies.ts';
import { startRun } from './trigger.ts';

// Alerts whose run a policy put off, and whose time has come.

/** What is to be told outside once the batch is committed. */
interface ResumedBatch {
  readonly looked: number;
  readonly started: readonly RunRecord[];
  readonly putOff: ReadonlyMap<string, number>;
}

interface ResumeContext {
  readonly catalog: Catalog;
  /** How many alerts of each Source this sweep has put off for the storm cap. */
  readonly putOff: ReadonlyMap<string, number>;
  /** Alerts that were put off until then. */
  readonly due: Timestamp;
  readonly now: Timestamp;
  /** Alerts at most; as many say that there may be more. */
  readonly limit: number;
}

interface Resuming {
  readonly catalog: Catalog;
  /** Those of the last hour and those that have not ended, by alert. */
  readonly runs: ReadonlyMap<string, readonly RunBrief[]>;
  readonly minutes: RunMinutes;
  readonly groups: GroupRuns;
  readonly waits: GroupWaits;
  /** More come at once. */
  readonly hasMore: boolean;
  readonly putOff: Map<string, number>;
  readonly now: Timestamp;
}

/** Of an alert that no policy keeps from a run. */
export const notMuted = { mutedUntil: null, mutedReason: null } as const;

/** Decides about alerts whose time has come. May be run again on other rows; changes nothing but `tx`. */
export async function resumeBatch(tx: StoreTransaction, context: ResumeContext): Promise<ResumedBatch> {
  const { catalog, due, now, limit } = context;
  const alerts = await tx.alerts.findMuted(due, limit);
  if (alerts.length === 0) return { looked: 0, started: [], putOff: context.putOff };
  const sources = new Map<string, CatalogSource>();
  for (const { namespace, source } of alerts) {
    const known = catalog.source(namespace, source);
    if (known !== undefined) sources.set(`${namespace}/${source}`, known);
  }
  const capped = [...sources.values()].filter(({ stormCapPerMinute }) => stormCapPerMinute > 0);
  const stored = await tx.events.runMinutes(capped.map(({ namespace, name: source }) => ({ namespace, source })));
  const briefs = await tx.runs.briefsOfAlerts(
    alerts.map(({ id }) => id),
    addMs(now, -flapWindowMs),
  );
  const runs = Map.groupBy(briefs, ({ alertId }) => alertId ?? '');
  const resuming: Resuming = {
    catalog,
    runs,
    minutes: createRunMinutes(stored),
    groups: createGroupRuns(await tx.groups.find(groupIdsOf(catalog, alerts))),
    waits: await readGroupWaits(tx, alerts),
    hasMore: alerts.length === limit,
    putOff: new Map(context.putOff),
    now,
  };
  const resumed: Resumed[] = [];
  for (const alert of alerts) resumed.push(await resumeAlert(tx, resuming, alert));
  await tx.alerts.saveStates(alerts.map((alert, place) => ({ ...alert, ...resumed[place]?.changes, updatedAt: now })));
  const answers = resumed.flatMap(({ answer }) => answer ?? []);
  if (answers.length > 0) await tx.alerts.saveAnswers(answers);
  await resuming.groups.write(tx, resuming.hasMore ? now : null);
  const started = resumed.flatMap(({ run }) => run ?? []);
  await tx.events.countActivity([...sources.values()].flatMap((source) => startedRuns(resuming, source)));
  return { looked: alerts.length, started, putOff: resuming.putOff };
}

function groupIdsOf(catalog: Catalog, alerts: readonly AlertRecord[]): readonly string[] {
  const ids = alerts.flatMap((alert) => {
    const source = catalog.source(alert.namespace, alert.source);
    return source === undefined ? [] : (groupOf(source, matchLabels(alert))?.id ?? []);
  });
  return [...new Set(ids)];
}

function startedRuns({ minutes, now }: Resuming, source: CatalogSource): readonly SourceActivity[] {
  const { namespace, name, stormCapPerMinute: cap } = source;
  const added = minutes.added(source, toEpochMs(now));
  return added.runs === 0
    ? []
    : [{ namespace, source: name, events: 0, at: now, problem: null, runs: { ...added, cap } }];
}

/** What becomes of an alert, and the run that began, if one did. */
interface Resumed {
  readonly changes: Partial<AlertRecord>;
  readonly run: RunRecord | null;
  /** What the run of its group said; absent = nothing yet. */
  readonly answer?: AlertAnswer;
}

async function resumeAlert(tx: StoreTransaction, resuming: Resuming, alert: AlertRecord): Promise<Resumed> {
  const { catalog, minutes, groups, waits, hasMore, now } = resuming;
  const answer = waits.answers.get(alert.id);
  if (answer !== undefined) return answerAlert(tx, alert, answer, now);
  if (waits.atWork.has(alert.id)) return { changes: { mutedUntil: addMs(now, recheckMs) }, run: null };
  const runs = resuming.runs.get(alert.id) ?? [];
  const source = catalog.source(alert.namespace, alert.source);
  if (source === undefined || isAway(source)) {
    return { changes: { mutedUntil: addMs(now, recheckMs), mutedReason: 'SourceUnavailable' }, run: null };
  }
  // There is a Source, and it is one that begins no runs.
  if (source.triggerWorkflow === '') return { changes: notMuted, run: null };
  const nowMs = toEpochMs(now);
  const group = groupOf(source, matchLabels(alert));
  const mute = decideMute({
    source,
    labels: matchLabels(alert),
    nowMs,
    group: groups.answering(source, group, nowMs),
    lastRunEndedAt: alert.triageCompletedAt,
    runsOfAlert: countInFlapWindow(runs, source, now),
    runsOfSource: minutes.count(source, nowMs),
    raised: false,
  });
  if (mute !== null) {
    if (mute.run?.joins === true) groups.join({ runId: mute.run.id, alertId: alert.id, episode: alert.episode });
    const workflowId = mute.run?.id ?? alert.workflowId;
    return {
      changes: { mutedUntil: inTurn(resuming, source, mute), mutedReason: mute.reason, workflowId },
      run: null,
    };
  }
  const waitMs = Math.max(source.grouping?.waitMs ?? 0, hasMore ? holdMs : 0);
  const wait = group === null ? null : { group, waitMs };
  const run = await startRun(tx, { catalog, source, now }, snapshotOf(alert, alert), runs, wait);
  if (run !== null && group !== null) groups.start(group, run);
  const workflowId = run?.id ?? alert.workflowId;
  // Born failed: its Workflow is not ready.
  const isEscalated = run?.status === 'failed';
  const status = isEscalated ? 'escalated' : alert.status;
  if (isEscalated) await addEscalation(tx, alert, now);
  if (run !== null) minutes.add(source, nowMs);
  return { changes: { status, ...notMuted, announced: true, workflowId }, run };
}

async function answerAlert(
  tx: StoreTransaction,
  alert: AlertRecord,
  answer: GroupAnswer,
  now: Timestamp,
): Promise<Resumed> {
  const changes = answered(alert, answer, now);
  const transition = answeredTransition(alert, now);
  if (transition !== null) await tx.alerts.addTransitions([transition]);
  return { changes, run: null, answer: changes };
}

/**
 * It vanished a moment ago, or what is declared cannot be used: nobody knows what it would begin. Its alerts keep their
 * claim to a run, because most of what vanishes is a mistake.
 */
function isAway({ leaving, ready, triggerWorkflow }: CatalogSource): boolean {
  return leaving === true || (!ready && triggerWorkflow === '');
}

const minuteMs = 60_000;
const longestTurn = 60;

/**
 * Of many that wait for room under the storm cap, each is decided again in the minute in which it may have some, an hour
 * later at most: or all of them would be written again each minute.
 */
function inTurn({ putOff }: Resuming, { namespace, name, stormCapPerMinute }: CatalogSource, mute: Mute) {
  if (mute.reason !== 'StormGuard') return mute.until;
  const source = `${namespace}/${name}`;
  const before = putOff.get(source) ?? 0;
  putOff.set(source, before + 1);
  return addMs(mute.until, Math.min(Math.floor(before / stormCapPerMinute), longestTurn) * minuteMs);
}

async function addEscalation(
  tx: StoreTransaction,
  { id, episode, status: fromStatus }: AlertRecord,
  now: Timestamp,
): Promise<void> {
  const transition = { episode, fromStatus, toStatus: 'escalated', reason: 'WorkflowNotReady', at: now } as const;
  await tx.alerts.addTransitions([transitionRecord(id, transition, null)]);
}
