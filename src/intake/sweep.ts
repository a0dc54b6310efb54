import { matchLabels } from '../core/alert.ts';
import type { AlertRecord } from '../core/alert.ts';
import { foldExpired } from '../core/alert-fold.ts';
import type { Catalog, CatalogSource } from '../core/catalog.ts';
import type { RunRecord } from '../core/run.ts';
import type { RunBrief } from '../core/run-store.ts';
import type { SourceActivity, StoreTransaction } from '../core/store.ts';
import { addMs, toEpochMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { snapshotOf, transitionRecord } from './records.ts';
import type { IntakeOptions } from './intake.ts';
import { countInFlapWindow, createRunMinutes, decideMute, flapWindowMs, recheckMs } from './policies.ts';
import type { Mute, RunMinutes } from './policies.ts';
import { startRun } from './trigger.ts';

/** Alerts of one transaction: a long one would keep notifications waiting. */
const alertsPerTransaction = 100;
/** Alerts whose Source is gone, or that no Source accepted, expire after the default of `expireAfter`. */
const orphanExpireAfterMs = 24 * 60 * 60_000;

export interface AlertSweep {
  /** Closes open alerts that are no longer received (design 3.2.16): no notice, no run. Returns how many. */
  expire(signal?: AbortSignal): Promise<number>;
  /**
   * Decides anew about alerts whose run a policy put off, if they still fire, so that the last state of a flapping
   * alert is always told (3.2.20). Returns how many runs began.
   */
  resume(signal?: AbortSignal): Promise<number>;
}

/**
 * What happens to alerts by time alone. Called each minute on one replica. Stops between two transactions when the signal
 * is aborted; the next call goes on.
 */
export function createAlertSweep(options: IntakeOptions): AlertSweep {
  const { store, catalog, clock, metrics } = options;
  return {
    async expire(signal) {
      const current = catalog.current();
      const sources = await store.transaction('expire', (tx) => tx.alerts.sourcesWithOpen());
      let expired = 0;
      for (const { namespace, source } of sources) {
        if (isAborted(signal)) break;
        const expireAfterMs = current.source(namespace, source)?.expireAfterMs ?? orphanExpireAfterMs;
        if (expireAfterMs > 0) expired += await expireOf(options, { namespace, source, expireAfterMs }, signal);
      }
      return expired;
    },
    async resume(signal) {
      const beganAt = toTimestamp(clock.now());
      let resumed = 0;
      const putOff = new Map<string, number>();
      let looked = alertsPerTransaction;
      while (looked === alertsPerTransaction && !isAborted(signal)) {
        const batch = await store.transaction('expire', (tx) => {
          const now = toTimestamp(clock.now());
          // What is put off again is later than this, so each alert has one turn and the sweep ends.
          const due = now < beganAt ? now : beganAt;
          return resumeBatch(tx, { catalog: catalog.current(), putOff, due, now });
        });
        for (const [source, alerts] of batch.putOff) putOff.set(source, alerts);
        for (const { name, status } of batch.started)
          metrics.increment('fist_runs_total', { workflow: name, phase: status });
        looked = batch.looked;
        resumed += batch.started.length;
      }
      return resumed;
    },
  };
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

interface ExpiringSource {
  readonly namespace: string;
  readonly source: string;
  readonly expireAfterMs: number;
}

async function expireOf(
  { store, clock, metrics, log }: IntakeOptions,
  { namespace, source, expireAfterMs }: ExpiringSource,
  signal: AbortSignal | undefined,
): Promise<number> {
  let expired = 0;
  let closed = alertsPerTransaction;
  while (closed === alertsPerTransaction && !isAborted(signal)) {
    closed = await store.transaction('expire', async (tx) => {
      const now = toTimestamp(clock.now());
      const before = addMs(now, -expireAfterMs);
      const alerts = await tx.alerts.findExpired(namespace, source, before, alertsPerTransaction);
      const ends = alerts.map((alert) => ({ alert, ...foldExpired(alert, now) }));
      await tx.alerts.saveStates(ends.map(({ alert, next }) => ({ ...alert, ...next, ...notMuted, updatedAt: now })));
      await tx.alerts.addTransitions(ends.map(({ alert, transition }) => transitionRecord(alert.id, transition, null)));
      return alerts.length;
    });
    if (closed > 0) metrics.increment('fist_alerts_received_total', { source, result: 'Expired' }, closed);
    expired += closed;
  }
  if (expired > 0) log.info({ source: `${namespace}/${source}`, alerts: expired }, 'alerts expired');
  return expired;
}

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
}

interface Resuming {
  readonly catalog: Catalog;
  /** Those of the last hour and those that have not ended, by alert. */
  readonly runs: ReadonlyMap<string, readonly RunBrief[]>;
  readonly minutes: RunMinutes;
  readonly putOff: Map<string, number>;
  readonly now: Timestamp;
}

const notMuted = { mutedUntil: null, mutedReason: null } as const;

/** Decides about alerts whose time has come. May be run again on other rows; changes nothing but `tx`. */
async function resumeBatch(tx: StoreTransaction, context: ResumeContext): Promise<ResumedBatch> {
  const { catalog, due, now } = context;
  const alerts = await tx.alerts.findMuted(due, alertsPerTransaction);
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
  const resuming = { catalog, runs, minutes: createRunMinutes(stored), putOff: new Map(context.putOff), now };
  const resumed: Resumed[] = [];
  for (const alert of alerts) resumed.push(await resumeAlert(tx, resuming, alert));
  await tx.alerts.saveStates(alerts.map((alert, place) => ({ ...alert, ...resumed[place]?.changes, updatedAt: now })));
  const started = resumed.flatMap(({ run }) => run ?? []);
  await tx.events.countActivity([...sources.values()].flatMap((source) => startedRuns(resuming, source)));
  return { looked: alerts.length, started, putOff: resuming.putOff };
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
}

async function resumeAlert(tx: StoreTransaction, resuming: Resuming, alert: AlertRecord): Promise<Resumed> {
  const { catalog, minutes, now } = resuming;
  const runs = resuming.runs.get(alert.id) ?? [];
  const source = catalog.source(alert.namespace, alert.source);
  if (source === undefined || isAway(source)) {
    return { changes: { mutedUntil: addMs(now, recheckMs), mutedReason: 'SourceUnavailable' }, run: null };
  }
  // There is a Source, and it is one that begins no runs.
  if (source.triggerWorkflow === '') return { changes: notMuted, run: null };
  const nowMs = toEpochMs(now);
  const mute = decideMute({
    source,
    labels: matchLabels(alert),
    nowMs,
    lastRunEndedAt: alert.triageCompletedAt,
    runsOfAlert: countInFlapWindow(runs, source.triggerWorkflow, now),
    runsOfSource: minutes.count(source, nowMs),
    raised: false,
  });
  if (mute !== null)
    return { changes: { mutedUntil: inTurn(resuming, source, mute), mutedReason: mute.reason }, run: null };
  const run = await startRun(tx, { catalog, source, now }, snapshotOf(alert, alert), runs);
  const workflowId = run?.id ?? alert.workflowId;
  // Born failed: its Workflow is not ready.
  const isEscalated = run?.status === 'failed';
  const status = isEscalated ? 'escalated' : alert.status;
  if (isEscalated) await addEscalation(tx, alert, now);
  if (run !== null) minutes.add(source, nowMs);
  return { changes: { status, ...notMuted, announced: true, workflowId }, run };
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
