import type { CatalogSource, Catalog } from '../core/catalog.ts';
import type { AlertSnapshot, RunRecord } from '../core/run.ts';
import type { StoreTransaction } from '../core/store.ts';
import type { Timestamp } from '../core/time.ts';
import { deliveriesOf, runDeliveries } from './deliveries.ts';
import { newRun, sinksForResolved } from './intake-records.ts';

/** What starting and ending the work on an alert needs of its surroundings. */
export interface TriggerContext {
  readonly tx: StoreTransaction;
  readonly catalog: Catalog;
  readonly source: CatalogSource;
  readonly now: Timestamp;
}

/**
 * Makes the run of an episode. Older runs of the alert and Workflow that have not begun or only wait are told to end
 * (`Superseded`, design 3.1.17). Null where the episode has its run already (3.2.18).
 */
export async function startRun(
  context: TriggerContext,
  alert: AlertSnapshot,
  hasOlder: boolean,
): Promise<RunRecord | null> {
  const { tx, catalog, source, now } = context;
  const workflow = catalog.workflow(source.namespace, source.triggerWorkflow);
  const run = newRun(source, workflow, alert, now);
  if (!(await tx.runs.insert({ run, plan: workflow?.plan ?? null }))) return null;
  if (run.status === 'failed') {
    const data = { workflow: run.name, episode: run.episode };
    await tx.deliveries.insert(runDeliveries(run, 'run-finished', workflow?.plan?.sinks ?? [], now, data));
  }
  if (hasOlder) await supersede(context, run);
  return run;
}

async function supersede({ tx, now }: TriggerContext, newer: RunRecord): Promise<void> {
  for (const run of await tx.runs.unfinishedOfAlert(newer.alertId ?? '')) {
    const same = run.name === newer.name && run.namespace === newer.namespace && run.retryOf === null;
    if (same && run.episode < newer.episode && onlyWaits(run)) await tx.runs.requestCancel(run.id, now, 'Superseded');
  }
}

/** Not begun, or waiting for a slot, an approval or a timer. One that waits for a retry or a child is in the middle of its work. */
function onlyWaits(run: RunRecord): boolean {
  if (run.leaseOwner !== null) return false;
  if (run.status === 'pending') return true;
  return run.waitingFor === 'slot' || run.waitingFor === 'approval' || run.waitingFor === 'timer';
}

/** An episode whose alert was resolved. */
export interface ClosedEpisode {
  readonly alertId: string;
  /** The newest run of the alert, if it ever had one. */
  readonly runId: string | null;
  readonly episode: number;
  readonly startsAt: Timestamp | null;
  readonly endsAt: Timestamp | null;
  /** Sinks were told that it fires, so they are told of its end. */
  readonly announced: boolean;
}

/** Design 3.2.19: cancels the runs whose plan wants that, and tells the sinks that want to hear of it. */
export async function announceResolved(context: TriggerContext, closed: ClosedEpisode): Promise<void> {
  const { tx, catalog, source, now } = context;
  const { alertId, runId, episode, startsAt, endsAt } = closed;
  if (runId !== null) await cancelResolved(context, alertId, episode);
  if (!closed.announced) return;
  const { namespace, triggerWorkflow } = source;
  const sinks = sinksForResolved(catalog.workflow(namespace, triggerWorkflow), (name) => catalog.sink(namespace, name));
  const data = { workflow: triggerWorkflow, episode, startsAt, endsAt };
  const key = `${alertId}/${episode}/alert-resolved`;
  await tx.deliveries.insert(
    deliveriesOf({ event: 'alert-resolved', namespace, runId, alertId, key, data, now }, sinks),
  );
}

async function cancelResolved({ tx, catalog, now }: TriggerContext, alertId: string, episode: number): Promise<void> {
  for (const run of await tx.runs.unfinishedOfAlert(alertId)) {
    if (run.episode > episode || run.planHash === null) continue;
    const workflow = catalog.workflow(run.namespace, run.name);
    const plan = workflow?.planHash === run.planHash ? workflow.plan : await tx.runs.plan(run.planHash);
    if (plan?.onResolve === 'cancel') await tx.runs.requestCancel(run.id, now, 'Resolved');
  }
}
