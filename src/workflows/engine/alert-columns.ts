import { isOpen } from '../../core/alert.ts';
import type { AlertStatus } from '../../core/alert.ts';
import type { JsonObject } from '../../core/json.ts';
import type { RunRecord } from '../../core/run.ts';
import type { StoreTransaction } from '../../core/store.ts';
import type { Timestamp } from '../../core/time.ts';
import { allDone } from '../../lib/all-done.ts';

/** The alert of a run as it is now, locked; null = it is gone, or has gone on to another episode. */
export type AlertOfRun = { readonly id: string; readonly status: AlertStatus } | null;

/**
 * Locks the run's alert. Intake locks alerts before runs, so who writes to both and knows the alert does the same: two that
 * wait for each other cost a second.
 */
export async function lockAlertOf(tx: StoreTransaction, run: RunRecord): Promise<AlertOfRun> {
  if (run.alertId === null) return null;
  const alert = await tx.alerts.lockStatus(run.alertId);
  return alert?.episode === run.episode ? { id: run.alertId, status: alert.status } : null;
}

/** The alert's columns at the start of a run. */
export async function beginTriage(
  tx: StoreTransaction,
  run: RunRecord,
  alert: AlertOfRun,
  now: Timestamp,
): Promise<void> {
  if (alert === null) return;
  const status = isOpen(alert.status) ? 'triaging' : alert.status;
  await allDone([
    tx.alerts.beginTriage(alert.id, status, run.id, now),
    addTransition(tx, run, alert, status, 'RunStarted', now),
  ]);
}

/** The alert's columns at the end of a run: escalated while it still fires, and what was found. */
export async function endTriage(
  tx: StoreTransaction,
  run: RunRecord,
  alert: AlertOfRun,
  report: JsonObject | null,
  now: Timestamp,
): Promise<void> {
  if (alert === null) return;
  const status = isOpen(alert.status) ? 'escalated' : alert.status;
  await allDone([
    tx.alerts.endTriage(alert.id, status, run.id, now, report),
    addTransition(tx, run, alert, status, 'RunEnded', now),
  ]);
}

async function addTransition(
  tx: StoreTransaction,
  { episode }: RunRecord,
  { id: alertId, status: fromStatus }: NonNullable<AlertOfRun>,
  toStatus: AlertStatus,
  reason: string,
  at: Timestamp,
): Promise<void> {
  if (fromStatus === toStatus) return;
  await tx.alerts.addTransitions([{ alertId, episode, fromStatus, toStatus, reason, at, sourceEventId: null }]);
}
