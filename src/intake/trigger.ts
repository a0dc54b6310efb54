import { isOpenTo, placeOf, sinkFor, sinkPlaces, workflowFor } from '../core/access.ts';
import type { Catalog, CatalogSource, CatalogWorkflow } from '../core/catalog.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { Plan } from '../core/plan.ts';
import type { AlertSnapshot, RunRecord } from '../core/run.ts';
import type { NewRun, RunBrief } from '../core/run-store.ts';
import type { StoreTransaction } from '../core/store.ts';
import type { Timestamp } from '../core/time.ts';
import { newIdAt } from '../lib/id.ts';
import { deliveriesOf, runDeliveries } from '../core/announce.ts';
import type { GroupWait } from './groups.ts';
import { newRun } from './records.ts';

/** What starting and ending the work on an alert depends on, beside the alert. */
export interface TriggerContext {
  readonly catalog: Catalog;
  readonly source: CatalogSource;
  readonly now: Timestamp;
}

/** A run that is asked to stop. */
export interface RunCancel {
  readonly id: string;
  readonly at: Timestamp;
  readonly reason: 'Superseded' | 'Resolved';
}

/** What the start of an episode's run writes. */
export interface RunStart extends NewRun {
  readonly deliveries: readonly DeliveryRecord[];
  readonly cancels: readonly RunCancel[];
}

/** What the end of an episode writes. */
export interface EpisodeEnd {
  readonly deliveries: readonly DeliveryRecord[];
  readonly cancels: readonly RunCancel[];
}

/**
 * Makes the run of an episode. Of `earlier`, the alert's runs, those of the same Workflow that have not begun or only
 * wait are told to end (`Superseded`, design 3.1.17). With a group it answers for that. Null where the episode has its run already
 * (3.2.18). Pure.
 */
export function decideStart(
  { catalog, source, now }: TriggerContext,
  alert: AlertSnapshot,
  earlier: readonly RunBrief[],
  wait: GroupWait | null,
): RunStart | null {
  const workflow = workflowFor(catalog, source.namespace, source.triggerWorkflow);
  const run = newRun(source, workflow, { alert }, now, wait);
  const same = earlier.filter(
    ({ name, namespace, retryOf, requestedBy }) =>
      name === run.name && namespace === run.namespace && retryOf === null && requestedBy === null,
  );
  if (same.some(({ episode }) => episode === run.episode)) return null;
  const plan = workflow?.plan ?? null;
  return {
    run,
    plan,
    deliveries: bornFailed(catalog, run, plan, now),
    cancels: same
      .filter((older) => older.episode < run.episode && isUnfinished(older) && onlyWaits(older))
      .map(({ id }) => ({ id, at: now, reason: 'Superseded' })),
  };
}

/** Sinks hear of a run that has failed before it began. */
export function bornFailed(
  catalog: Catalog,
  run: RunRecord,
  plan: Plan | null,
  now: Timestamp,
): readonly DeliveryRecord[] {
  if (run.status !== 'failed') return [];
  const sinks = sinkPlaces(catalog, run.namespace, plan?.sinks ?? []);
  return runDeliveries(run, 'run-finished', sinks, now, { workflow: run.name }, newIdAt);
}

/** Decides and writes the start of a run. Null where the episode has its run already. */
export async function startRun(
  tx: StoreTransaction,
  context: TriggerContext,
  alert: AlertSnapshot,
  earlier: readonly RunBrief[],
  wait: GroupWait | null,
): Promise<RunRecord | null> {
  const start = decideStart(context, alert, earlier, wait);
  if (start === null || !(await tx.runs.insert(start))) return null;
  await tx.deliveries.insert(start.deliveries);
  for (const { id, at, reason } of start.cancels) await tx.runs.requestCancel(id, at, reason);
  return start.run;
}

function isUnfinished({ status }: RunBrief): boolean {
  return status === 'pending' || status === 'running';
}

/** Not begun, or waiting for a slot, an approval or a timer. One that waits for a retry or a child is in the middle of its work. */
function onlyWaits(run: RunBrief): boolean {
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

/**
 * Design 3.2.19: cancels the runs whose plan wants that, and tells the sinks that want to hear of it. `plans` has those of
 * `runs`, the alert's, that are not the catalog's. Where the Source groups alerts a run may answer for others, and goes on. Pure.
 */
export function decideEnd(
  { catalog, source, now }: TriggerContext,
  closed: ClosedEpisode,
  runs: readonly RunBrief[],
  plans: ReadonlyMap<string, Plan>,
): EpisodeEnd {
  const { alertId, runId, episode, startsAt, endsAt } = closed;
  const cancels = runs
    .filter(
      (run) =>
        source.grouping === null &&
        isUnfinished(run) &&
        run.episode <= episode &&
        planOf(catalog, run, plans)?.onResolve === 'cancel',
    )
    .map(({ id }) => ({ id, at: now, reason: 'Resolved' }) as const);
  if (!closed.announced) return { cancels, deliveries: [] };
  const workflow = workflowOfEnd(catalog, source, runs);
  if (workflow === undefined) return { cancels, deliveries: [] };
  const { namespace, name } = workflow;
  const wanted = (workflow.plan?.sinks ?? []).filter(
    (sink) => sinkFor(catalog, namespace, sink)?.sendResolved === true,
  );
  const sinks = sinkPlaces(catalog, namespace, wanted);
  const data = { workflow: name, startsAt, endsAt };
  const key = `${alertId}/${episode}/alert-resolved`;
  return {
    cancels,
    deliveries: deliveriesOf(
      { event: 'alert-resolved', namespace, runId, alertId, episode, key, data, now },
      sinks,
      newIdAt,
    ),
  };
}

/** One that was granted when it began a run ends what that began. */
function workflowOfEnd(
  catalog: Catalog,
  { namespace: from, triggerWorkflow }: CatalogSource,
  runs: readonly RunBrief[],
): CatalogWorkflow | undefined {
  const { namespace, name } = placeOf(triggerWorkflow, from);
  const workflow = catalog.workflow(namespace, name);
  if (workflow === undefined || isOpenTo(workflow, from)) return workflow;
  return runs.some((run) => run.namespace === namespace && run.name === name) ? workflow : undefined;
}

/** Whether the plan of a run is the one that the catalog has for its Workflow. */
export function hasCatalogPlan(catalog: Catalog, { namespace, name, planHash }: RunBrief): boolean {
  return catalog.workflow(namespace, name)?.planHash === planHash;
}

function planOf(catalog: Catalog, run: RunBrief, plans: ReadonlyMap<string, Plan>): Plan | null {
  if (run.planHash === null) return null;
  const current = hasCatalogPlan(catalog, run) ? catalog.workflow(run.namespace, run.name)?.plan : null;
  return current ?? plans.get(run.planHash) ?? null;
}
