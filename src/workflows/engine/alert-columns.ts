import { isOpen } from '../../core/alert.ts';
import type { AlertRecord } from '../../core/alert.ts';
import type { JsonObject } from '../../core/json.ts';
import type { RunRecord } from '../../core/run.ts';
import type { StoreTransaction } from '../../core/store.ts';
import type { Timestamp } from '../../core/time.ts';

/** The alert's columns at the start of a run. An alert that has gone on to another episode is left alone. */
export async function beginTriage(tx: StoreTransaction, run: RunRecord, now: Timestamp): Promise<void> {
  const alert = await alertOfRun(tx, run);
  if (alert === undefined) return;
  const status = isOpen(alert.status) ? 'triaging' : alert.status;
  await tx.alerts.update(alert.id, {
    status,
    workflowId: run.id,
    triageStartedAt: now,
    triageCompletedAt: null,
    updatedAt: now,
  });
  await addTransition(tx, alert, status, 'RunStarted', now);
}

/** The alert's columns at the end of a run: escalated while it still fires, and what was found. */
export async function endTriage(
  tx: StoreTransaction,
  run: RunRecord,
  report: JsonObject | null,
  now: Timestamp,
): Promise<void> {
  const alert = await alertOfRun(tx, run);
  if (alert === undefined) return;
  const status = isOpen(alert.status) ? 'escalated' : alert.status;
  const confidence = report?.['confidence'];
  await tx.alerts.update(alert.id, {
    status,
    workflowId: run.id,
    triageCompletedAt: now,
    updatedAt: now,
    ...(report === null ? {} : { aiAnalysis: report }),
    ...(typeof confidence === 'number' ? { aiConfidence: confidence } : {}),
  });
  await addTransition(tx, alert, status, 'RunEnded', now);
}

async function alertOfRun(tx: StoreTransaction, run: RunRecord): Promise<AlertRecord | undefined> {
  const alert = run.alertId === null ? undefined : await tx.alerts.findById(run.alertId);
  return alert?.episode === run.episode ? alert : undefined;
}

async function addTransition(
  tx: StoreTransaction,
  alert: AlertRecord,
  toStatus: AlertRecord['status'],
  reason: string,
  at: Timestamp,
): Promise<void> {
  if (alert.status === toStatus) return;
  const { id: alertId, episode, status: fromStatus } = alert;
  await tx.alerts.addTransition({ alertId, episode, fromStatus, toStatus, reason, at, sourceEventId: null });
}
