import { workflowFor } from '../core/access.ts';
import { grantedPlacement } from '../core/announce.ts';
import type { Catalog, CatalogWorkflow } from '../core/catalog.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import type { Metrics } from '../core/metrics.ts';
import type { CatalogHolder, Clock, Control, Log } from '../core/ports.ts';
import type { Plan } from '../core/plan.ts';
import { fullName, isFinal, pendingRun } from '../core/run.ts';
import type { RunRecord } from '../core/run.ts';
import type { RunReader } from '../core/run-store.ts';
import type { Store, StoreTransaction } from '../core/store.ts';
import type { DeliveryReader, FailedPage } from '../core/delivery-store.ts';
import { addMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { newId } from '../lib/id.ts';
import { askOn } from './ask.ts';
import { judgeRun } from './judge.ts';

export interface ControlOptions {
  readonly store: Store;
  readonly catalog: CatalogHolder;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'increment'>;
}

/** What people ask of runs and deliveries. */
export function createControl({ store, catalog, clock, log, metrics }: ControlOptions): Control {
  return {
    cancel: (runId, reason) =>
      store.transaction('cancel', async (tx) => {
        const run = foundRun(await tx.runs.find(runId), runId);
        if (!(await tx.runs.requestCancel(runId, toTimestamp(clock.now()), reason))) {
          throw new AppError('Conflict', `run ${runId} has ended already: ${run.status}`);
        }
      }),
    retry: (runId) =>
      store.transaction('retry', async (tx) => {
        const old = foundRun(await tx.runs.findLocked(runId), runId);
        if (!isFinal(old.status)) {
          throw new AppError('Conflict', `run ${runId} has not ended: ${old.status}`, {
            next: `fist cancel run/${runId}`,
          });
        }
        const { plan, hash } = await planFor(tx.runs, old, workflowFor(catalog.current(), old.namespace, old.name));
        const now = toTimestamp(clock.now());
        const run = repetition(old, plan, hash, now);
        await tx.runs.insert({ run, plan });
        if (old.input.group !== undefined) await tx.groups.copy(old.id, run.id);
        return run.id;
      }),
    ask: (question) => store.transaction('retry', (tx) => askOn(tx, question, toTimestamp(clock.now()))),
    async judge(said) {
      const { record, isNew } = await store.transaction('verdict', (tx) =>
        judgeRun(tx, said, toTimestamp(clock.now())),
      );
      const { runId, verdict, by, judged } = record;
      const category = judged.cause?.category ?? 'none';
      if (isNew) metrics.increment('fist_run_verdicts_total', { verdict, category });
      if (isNew) log.info({ run: runId, verdict, category, by }, 'run-judged-by-person');
      return record;
    },
    async retryDelivery(deliveryId) {
      const delivery = await store.transaction('retry', async (tx) => {
        const found = await findDelivery(tx.deliveries, deliveryId);
        const isRetried = await tx.deliveries.retry(deliveryId, toTimestamp(clock.now()));
        if (isRetried) return placeWhereGranted(tx, catalog.current(), found);
        // It may have gone, or been retried, since it was found.
        const { status } = await findDelivery(tx.deliveries, deliveryId);
        throw new AppError('Conflict', `delivery ${deliveryId} has not failed: ${status}`, {
          next: 'fist get deliveries --status failed',
        });
      });
      const { runId, namespace, sinkName, attempts, error } = delivery;
      log.info(
        { delivery: deliveryId, run: runId, sink: `${namespace}/${sinkName}`, attempts, error },
        'delivery-retried-by-person',
      );
    },
    async retryDeliveries(namespace, sinkName) {
      const now = toTimestamp(clock.now());
      let after = '';
      let retried = 0;
      // Along the ids, so that one that fails again meanwhile is not sent a third time.
      for (let ids: readonly string[] = [after]; ids.length > 0; retried += ids.length) {
        const page = { namespace, sinkName, after, limit: changedAtOnce };
        ids = await store.transaction('retry', (tx) => retryPage(tx, catalog.current(), page, now));
        after = ids.reduce((last, id) => (id > last ? id : last), after);
      }
      const sink = `${namespace}/${sinkName}`;
      if (retried === 0) refuseUnknownSink(catalog, namespace, sinkName, 'failed');
      log.info({ sink, deliveries: retried }, 'deliveries-retried-by-person');
      return retried;
    },
    async cancelDeliveries(namespace, sinkName, reason) {
      const query = { namespace, sink: sinkName, status: 'pending', limit: changedAtOnce };
      let cancelled = 0;
      for (let more = true; more;) {
        const { items } = await store.read.lists.deliveries(query);
        const now = toTimestamp(clock.now());
        const ended = await store.transaction('cancel', async (tx) => {
          let count = 0;
          for (const { id } of items) if (await tx.deliveries.cancel(id, reason, now)) count += 1;
          return count;
        });
        cancelled += ended;
        more = ended > 0;
      }
      if (cancelled === 0) refuseUnknownSink(catalog, namespace, sinkName, 'pending');
      log.info({ sink: `${namespace}/${sinkName}`, deliveries: cancelled, reason }, 'deliveries-cancelled-by-person');
      return cancelled;
    },
    async cancelDelivery(deliveryId, reason) {
      const { runId, namespace, sinkName, attempts } = await store.transaction('cancel', async (tx) => {
        const found = await findDelivery(tx.deliveries, deliveryId);
        if (await tx.deliveries.cancel(deliveryId, reason, toTimestamp(clock.now()))) return found;
        throw new AppError('Conflict', `delivery ${deliveryId} has ended already: ${found.status}`);
      });
      log.info(
        { delivery: deliveryId, run: runId, sink: `${namespace}/${sinkName}`, attempts, reason },
        'delivery-cancelled-by-person',
      );
    },
  };
}

/** Of one transaction, so that intake goes on between them. */
const changedAtOnce = 500;

/** Where nothing was done for it, a name is wrong. */
function refuseUnknownSink(catalog: CatalogHolder, namespace: string, name: string, status: string): void {
  if (catalog.current().sink(namespace, name) !== undefined) return;
  throw new AppError('NotFound', `there is no Sink ${namespace}/${name}, and no ${status} delivery to it`, {
    next: 'fist get sinks',
  });
}

/** What was refused its Sink when it was written, and is granted it by now, is that Sink's from here on. */
async function placeWhereGranted(
  tx: StoreTransaction,
  catalog: Catalog,
  delivery: DeliveryRecord,
): Promise<DeliveryRecord> {
  const placement = grantedPlacement(catalog, delivery);
  if (placement === null) return delivery;
  await tx.deliveries.place(delivery.id, placement);
  return { ...delivery, ...placement };
}

async function retryPage(
  tx: StoreTransaction,
  catalog: Catalog,
  page: FailedPage,
  now: Timestamp,
): Promise<readonly string[]> {
  const ids = await tx.deliveries.retryPage(page, now);
  // Only what was refused its Sink has such a name.
  for (const id of page.sinkName.includes('/') ? ids : [])
    await placeWhereGranted(tx, catalog, await findDelivery(tx.deliveries, id));
  return ids;
}

async function findDelivery(deliveries: DeliveryReader, deliveryId: string): Promise<DeliveryRecord> {
  const found = await deliveries.find(deliveryId);
  if (found !== undefined) return found;
  throw new AppError('NotFound', `there is no delivery ${deliveryId}`, { next: 'fist get deliveries' });
}

function foundRun(run: RunRecord | undefined, runId: string): RunRecord {
  if (run === undefined) throw new AppError('NotFound', `there is no run ${runId}`, { next: 'fist get runs' });
  return run;
}

/** The Workflow as it is now, or else as it was. */
async function planFor(runs: RunReader, old: RunRecord, workflow: CatalogWorkflow | undefined) {
  if (workflow?.plan != null && workflow.planHash !== null) return { plan: workflow.plan, hash: workflow.planHash };
  const plan = old.planHash === null ? undefined : await runs.plan(old.planHash);
  if (plan !== undefined && old.planHash !== null) return { plan, hash: old.planHash };
  throw new AppError(
    'WorkflowNotReady',
    `Workflow ${fullName(old)} is absent or invalid, so the run cannot be repeated`,
    {
      next: 'fist get workflows',
    },
  );
}

/** The same alert as it was then, as a run of its own; of the Workflow that is its Source's to start by now, where it was refused. */
function repetition(old: RunRecord, plan: Plan, planHash: string, now: Timestamp): RunRecord {
  return pendingRun(
    {
      id: newId(),
      name: plan.name,
      namespace: plan.namespace,
      triggerSource: old.triggerSource,
      alertId: old.alertId,
      episode: old.episode,
      planHash,
      totalSteps: plan.steps.length,
      input: old.input,
      retryOf: old.id,
      requestedBy: null,
      deadlineAt: addMs(now, plan.deadlineMs),
    },
    now,
  );
}
