import type { AlertRecord, AlertTransition } from './alert.ts';
import type { AlertAnswer } from './group-store.ts';
import { isFinal } from './run.ts';
import type { RunRecord, StepRecord } from './run.ts';
import { lastReport, shortCause } from './stored-report.ts';
import type { Timestamp } from './time.ts';

// What a run that answers for a group means for the alerts that are not its own.

/** What the run of a group found. */
export interface GroupAnswer {
  readonly runId: string;
  /** Of the run. */
  readonly namespace: string;
  readonly startedAt: Timestamp;
  readonly completedAt: Timestamp;
  /** As in an alert. */
  readonly cause: string | null;
  readonly confidence: number | null;
}

/**
 * What an ended run says for all alerts of its group; null where it says nothing: it made no report and did not succeed, or it
 * never knew them. Then they are due for another one.
 */
export function answerOf(run: RunRecord, steps: readonly StepRecord[]): GroupAnswer | null {
  const { id: runId, namespace, status, startedAt, completedAt, input } = run;
  if (!isFinal(status) || completedAt === null || input.group?.alerts === undefined) return null;
  const report = lastReport(steps);
  if (report === null && status !== 'succeeded') return null;
  const confidence = report?.['confidence'];
  return {
    runId,
    namespace,
    // A run without a step to do never begins.
    startedAt: startedAt ?? completedAt,
    completedAt,
    cause: report === null ? null : shortCause(report),
    confidence: typeof confidence === 'number' ? confidence : null,
  };
}

/** An alert whose group's run has ended, as if the run had been its own. The report stays with the run. Pure. */
export function answered(
  alert: AlertRecord,
  { runId, namespace, startedAt, completedAt, cause, confidence }: GroupAnswer,
  now: Timestamp,
): AlertAnswer {
  return {
    id: alert.id,
    status: alert.status === 'resolved' ? alert.status : 'escalated',
    workflowId: runId,
    // Of this episode, whichever clock was a little ahead.
    triageStartedAt: startedAt < alert.receivedAt ? alert.receivedAt : startedAt,
    triageCompletedAt: completedAt < alert.receivedAt ? alert.receivedAt : completedAt,
    aiAnalysis: null,
    aiConfidence: confidence,
    cause,
    reportNamespace: namespace,
    mutedUntil: null,
    mutedReason: null,
    updatedAt: now,
  };
}

/** The history of that; null = its status stays. */
export function answeredTransition(
  { id: alertId, episode, status: fromStatus }: AlertRecord,
  now: Timestamp,
): AlertTransition | null {
  if (fromStatus === 'resolved' || fromStatus === 'escalated') return null;
  return { alertId, episode, fromStatus, toStatus: 'escalated', reason: 'RunEnded', at: now, sourceEventId: null };
}
