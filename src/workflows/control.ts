import type { CatalogWorkflow } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import type { CatalogHolder, Clock, Control, Log } from '../core/ports.ts';
import { isFinal } from '../core/run.ts';
import type { RunRecord } from '../core/run.ts';
import type { RunReader } from '../core/run-store.ts';
import type { Store } from '../core/store.ts';
import { addMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { newId } from '../lib/id.ts';

export interface ControlOptions {
  readonly store: Store;
  readonly catalog: CatalogHolder;
  readonly clock: Clock;
  readonly log: Log;
}

/** What people ask of runs and deliveries. */
export function createControl({ store, catalog, clock, log }: ControlOptions): Control {
  return {
    cancel: (runId, reason) =>
      store.transaction('cancel', async (tx) => {
        const run = await findRun(tx.runs, runId);
        if (!(await tx.runs.requestCancel(runId, toTimestamp(clock.now()), reason))) {
          throw new AppError('Conflict', `run ${runId} has ended already: ${run.status}`);
        }
      }),
    retry: (runId) =>
      store.transaction('retry', async (tx) => {
        const old = await findRun(tx.runs, runId);
        if (!isFinal(old.status)) {
          throw new AppError('Conflict', `run ${runId} has not ended: ${old.status}`, {
            next: `fist cancel run/${runId}`,
          });
        }
        const { plan, hash } = await planFor(tx.runs, old, catalog.current().workflow(old.namespace, old.name));
        const now = toTimestamp(clock.now());
        const run = repetition(old, hash, plan.steps.length, now, addMs(now, plan.deadlineMs));
        await tx.runs.insert({ run, plan });
        return run.id;
      }),
    async retryDelivery(deliveryId) {
      const delivery = await store.transaction('retry', async (tx) => {
        const found = await tx.deliveries.find(deliveryId);
        if (found === undefined) {
          throw new AppError('NotFound', `there is no delivery ${deliveryId}`, { next: 'fist get deliveries' });
        }
        if (await tx.deliveries.retry(deliveryId, toTimestamp(clock.now()))) return found;
        throw new AppError('Conflict', `delivery ${deliveryId} has not failed: ${found.status}`, {
          next: 'fist get deliveries --status failed',
        });
      });
      const { runId, namespace, sinkName, attempts, error } = delivery;
      log.info(
        { delivery: deliveryId, run: runId, sink: `${namespace}/${sinkName}`, attempts, error },
        'delivery-retried-by-person',
      );
    },
  };
}

async function findRun(runs: RunReader, runId: string): Promise<RunRecord> {
  const run = await runs.find(runId);
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
    `Workflow ${old.namespace}/${old.name} is absent or invalid, so the run cannot be repeated`,
    {
      next: 'fist get workflows',
    },
  );
}

/** The same alert as it was then, as a run of its own. */
function repetition(
  old: RunRecord,
  planHash: string,
  totalSteps: number,
  now: Timestamp,
  deadlineAt: Timestamp,
): RunRecord {
  return {
    id: newId(),
    name: old.name,
    namespace: old.namespace,
    triggerSource: old.triggerSource,
    status: 'pending',
    alertId: old.alertId,
    episode: old.episode,
    planHash,
    stepsCompleted: 0,
    totalSteps,
    currentStep: null,
    input: old.input,
    outputs: {},
    error: null,
    errorCode: null,
    retryOf: old.id,
    fence: 0,
    leaseOwner: null,
    leaseUntil: null,
    wakeAt: now,
    waitingFor: null,
    deadlineAt,
    cancelRequestedAt: null,
    cancelReason: null,
    startedAt: null,
    completedAt: null,
    createdAt: now,
  };
}
