import { openStatuses } from '../../core/alert.ts';
import type { AlertRecord } from '../../core/alert.ts';
import { answered, answeredTransition, answerOf } from '../../core/group-answer.ts';
import type { AlertSnapshot, RunGroup, RunRecord } from '../../core/run.ts';
import type { StoreTransaction } from '../../core/store.ts';
import type { EngineContext } from './work.ts';

// What a run does for the other alerts of its group.

/** So many alerts are looked at beside the run's own: an investigation looks at no more, and a larger group says no more. */
const mostOthers = 19;
/** They are kept with the run, so they have this length together at most; in UTF-16 units of JSON. */
const mostText = 128 * 1024;
/** Alerts whose rows are written in one transaction. */
const alertsPerTransaction = 100;

/** The run with the alerts that it answers for, as they are now: it begins, and others come too late. */
export async function withGroup(tx: StoreTransaction, run: RunRecord): Promise<RunRecord> {
  const { group } = run.input;
  if (group === undefined || group.alerts !== undefined) return run;
  const { count, alerts } = await tx.groups.alertsOf(run, mostOthers);
  const known: RunGroup = { ...group, alerts: count, others: fitting(alerts.map(snapshotOf)) };
  return { ...run, input: { ...run.input, group: known } };
}

/** Keeps that with the run. */
export async function keepGroup(tx: StoreTransaction, { id, input }: RunRecord): Promise<void> {
  if (input.group !== undefined) await tx.runs.update(id, { input });
}

/** The first of them that have no more text than that together. */
function fitting(others: readonly AlertSnapshot[]): readonly AlertSnapshot[] {
  let length = 0;
  return others.filter((other) => (length += JSON.stringify(other).length) <= mostText);
}

function snapshotOf(alert: AlertRecord): AlertSnapshot {
  const { id, name, fingerprint, severity, status, episode, labels, annotations } = alert;
  const { summary, description, generatorUrl, startsAt, endsAt } = alert;
  const isOpen = (openStatuses as readonly string[]).includes(status);
  const what = { id, name, fingerprint, severity, episode, labels, annotations, summary, description, generatorUrl };
  return { ...what, startsAt, status: isOpen ? 'firing' : 'resolved', endsAt: isOpen ? null : endsAt };
}

/**
 * Tells the other alerts of an ended run what it found, many at a time. What is left undone here (the process died, an alert was
 * locked), the sweep does; so it does with all of them where the run said nothing.
 */
export async function answerGroup({ store, now }: EngineContext, runId: string): Promise<void> {
  const run = await store.read.runs.find(runId);
  const answer = run === undefined ? null : answerOf(run, await store.read.runs.steps(runId));
  if (answer === null) return;
  let after: string | null = '';
  while (after !== null) {
    const from = after;
    after = await store.transaction('run-end', async (tx) => {
      const { alerts, next } = await tx.groups.page(runId, from, alertsPerTransaction);
      const at = now();
      await tx.alerts.addTransitions(alerts.flatMap((alert) => answeredTransition(alert, at) ?? []));
      await tx.alerts.saveAnswers(alerts.map((alert) => answered(alert, answer, at)));
      return next;
    });
  }
}
