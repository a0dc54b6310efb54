import type { AlertRecord } from '../core/alert.ts';
import { answerOf } from '../core/group-answer.ts';
import type { GroupAnswer } from '../core/group-answer.ts';
import { isFinal } from '../core/run.ts';
import type { StoreTransaction } from '../core/store.ts';

/** What has become of alerts that wait for the run of their group, by the id of the alert. */
export interface GroupWaits {
  /** Their run has ended. */
  readonly answers: ReadonlyMap<string, GroupAnswer>;
  /** It is still to come to its end. */
  readonly atWork: ReadonlySet<string>;
}

/** Alerts that are in neither began to fire too late for the run that they wait for, or it said nothing. */
export async function readGroupWaits(tx: StoreTransaction, alerts: readonly AlertRecord[]): Promise<GroupWaits> {
  const answers = new Map<string, GroupAnswer>();
  const atWork = new Set<string>();
  const waiting = alerts.filter(({ mutedReason, workflowId }) => mutedReason === 'Grouped' && workflowId !== null);
  if (waiting.length === 0) return { answers, atWork };
  const episodes = new Map(waiting.map(({ id, episode }) => [id, episode]));
  const joined = await tx.groups.joined(
    waiting.map(({ id, workflowId }) => ({ alertId: id, runId: workflowId ?? '' })),
  );
  const members = joined.filter(({ alertId, episode }) => episodes.get(alertId) === episode);
  for (const [runId, ofRun] of Map.groupBy(members, (member) => member.runId)) {
    const run = await tx.runs.find(runId);
    if (run === undefined) continue;
    const answer = isFinal(run.status) ? answerOf(run, await tx.runs.steps(runId)) : null;
    for (const { alertId } of ofRun) {
      if (answer !== null) answers.set(alertId, answer);
      else if (!isFinal(run.status)) atWork.add(alertId);
    }
  }
  return { answers, atWork };
}
