import type { AlertRecord } from '../core/alert.ts';
import { foldExpired } from '../core/alert-fold.ts';
import type { StoreTransaction } from '../core/store.ts';
import { addMs, toEpochMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { snapshotOf, transitionRecord } from './intake-records.ts';
import type { IntakeOptions } from './intake.ts';
import { createStormCounter, decideMute, flapWindowMs } from './policies.ts';
import type { StormCounter } from './policies.ts';
import { startRun } from './trigger.ts';

/** Alerts of one transaction: a long one would keep notifications waiting. */
const alertsPerTransaction = 100;
/** Alerts whose Source is gone, or that no Source accepted, expire after the default of `expireAfter`. */
const orphanExpireAfterMs = 24 * 60 * 60_000;

export interface AlertSweep {
  /** Closes open alerts that are no longer received (design 3.2.16): no notice, no run. Returns how many. */
  expire(): Promise<number>;
  /**
   * Decides anew about alerts whose run a policy put off, if they still fire, so that the last state of a flapping
   * alert is always told (3.2.20). Returns how many runs began.
   */
  resume(): Promise<number>;
}

/** What happens to alerts by time alone. Called each minute on one replica. */
export function createAlertSweep(options: IntakeOptions): AlertSweep {
  const { store, catalog, clock } = options;
  const storm = options.storm ?? createStormCounter();
  return {
    async expire() {
      const current = catalog.current();
      const sources = await store.transaction('expire', (tx) => tx.alerts.sourcesWithOpen());
      let expired = 0;
      for (const { namespace, source } of sources) {
        const expireAfterMs = current.source(namespace, source)?.expireAfterMs ?? orphanExpireAfterMs;
        if (expireAfterMs > 0) expired += await expireOf(options, namespace, source, expireAfterMs);
      }
      return expired;
    },
    async resume() {
      const now = toTimestamp(clock.now());
      let resumed = 0;
      let looked = alertsPerTransaction;
      while (looked === alertsPerTransaction) {
        const batch = await store.transaction('expire', async (tx) => {
          const alerts = await tx.alerts.findMuted(now, alertsPerTransaction);
          let started = 0;
          for (const alert of alerts) started += Number(await resumeAlert(options, tx, storm, alert, now));
          return { looked: alerts.length, started };
        });
        looked = batch.looked;
        resumed += batch.started;
      }
      return resumed;
    },
  };
}

async function expireOf(
  { store, clock, metrics, log }: IntakeOptions,
  namespace: string,
  source: string,
  expireAfterMs: number,
): Promise<number> {
  const now = toTimestamp(clock.now());
  const before = addMs(now, -expireAfterMs);
  let expired = 0;
  let closed = alertsPerTransaction;
  while (closed === alertsPerTransaction) {
    closed = await store.transaction('expire', async (tx) => {
      const alerts = await tx.alerts.findExpired(namespace, source, before, alertsPerTransaction);
      for (const alert of alerts) {
        const { next, transition } = foldExpired(alert, now);
        await tx.alerts.saveState({ ...alert, ...next, announced: false, mutedUntil: null }, now);
        await tx.alerts.addTransition(transitionRecord(alert.id, transition, null));
      }
      return alerts.length;
    });
    expired += closed;
  }
  if (expired > 0) {
    metrics.increment('fist_alerts_received_total', { source, result: 'Expired' }, expired);
    log.info({ source: `${namespace}/${source}`, alerts: expired }, 'alerts expired');
  }
  return expired;
}

async function resumeAlert(
  { catalog, metrics }: IntakeOptions,
  tx: StoreTransaction,
  storm: StormCounter,
  alert: AlertRecord,
  now: Timestamp,
): Promise<boolean> {
  const current = catalog.current();
  const source = current.source(alert.namespace, alert.source);
  if (source === undefined || source.triggerWorkflow === '') {
    await tx.alerts.saveState({ ...alert, mutedUntil: null }, now);
    return false;
  }
  const nowMs = toEpochMs(now);
  const key = `${source.namespace}/${source.name}`;
  const mute = decideMute({
    source,
    nowMs,
    lastRunEndedAt: alert.triageCompletedAt,
    runsOfAlert: await tx.runs.countSince(alert.id, source.triggerWorkflow, addMs(now, -flapWindowMs)),
    runsOfSource: storm.count(key, nowMs),
    raised: false,
  });
  if (mute !== null) {
    await tx.alerts.saveState({ ...alert, mutedUntil: mute.until }, now);
    return false;
  }
  const run = await startRun(tx, { catalog: current, source, now }, snapshotOf(alert, alert));
  await tx.alerts.saveState(
    { ...alert, mutedUntil: null, announced: true, workflowId: run?.id ?? alert.workflowId },
    now,
  );
  if (run?.status === 'failed') await escalate(tx, alert, now);
  if (run === null) return false;
  storm.add(key, nowMs);
  metrics.increment('fist_runs_total', { workflow: run.name, phase: run.status });
  return true;
}

/** The run was born failed: its Workflow is not ready. */
async function escalate(
  tx: StoreTransaction,
  { id, episode, status: fromStatus }: AlertRecord,
  now: Timestamp,
): Promise<void> {
  await tx.alerts.update(id, { status: 'escalated' });
  const transition = { episode, fromStatus, toStatus: 'escalated', reason: 'WorkflowNotReady', at: now } as const;
  await tx.alerts.addTransition(transitionRecord(id, transition, null));
}
