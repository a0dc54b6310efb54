import { AppError } from '../../core/errors.ts';
import { planVersion } from '../../core/plan.ts';
import type { Plan } from '../../core/plan.ts';
import type { ProcessIdentity, RunRecord, StepRecord } from '../../core/run.ts';
import type { StoreTransaction } from '../../core/store.ts';
import { addMs, toEpochMs } from '../../core/time.ts';
import { allDone } from '../../lib/all-done.ts';
import { newIdAt } from '../../lib/id.ts';
import { sinkFor, sinkPlaces } from '../../core/access.ts';
import { runDeliveries } from '../../core/announce.ts';
import { keepGroup, withGroup } from './group.ts';
import { findStep, interruption } from './plan.ts';
import type { RunEnding } from './plan.ts';
import { alertSlot, lookAhead, progress, tellsOfAlert, workflowSlot } from './work.ts';
import type { Ahead, EngineContext, Work } from './work.ts';

/** Design 3.1.5. */
export const leaseMs = 30_000;

export interface Claim {
  readonly work: Work;
  /** What is due; null = the run waits and the lease was given back. */
  readonly ahead: Ahead | null;
  /** The run got its slots for the first time. */
  readonly startedNow: boolean;
  /** Processes of interrupted attempts that may still be alive. */
  readonly leftovers: readonly ProcessIdentity[];
}

/**
 * The claim transaction: lease, interrupted attempts, slots; of the first claim, what it announces and the first step's
 * start. Undefined: not ours.
 */
export function claimRun(context: EngineContext, runId: string): Promise<Claim | undefined> {
  const { store, clock, owner } = context;
  const takenAtMs = clock.monotonic();
  const offsetMs = takenAtMs - clock.now();
  return store.transaction('claim', async (tx) => {
    const now = context.now();
    const claimed = await tx.runs.claim(runId, owner, now, addMs(now, leaseMs));
    if (claimed === undefined) return undefined;
    const run = await withGroup(tx, claimed);
    const found = run.planHash === null ? undefined : await context.plan(tx.runs, run.planHash);
    if (found !== undefined) refuseNewer(run, found);
    const plan = found ?? planOfNothing(run);
    const steps = run.fence > 1 ? await tx.runs.steps(run.id) : [];
    const journal = await endInterrupted(context, tx, plan, steps);
    const nextEvidence = steps.length === 0 ? 1 : (await tx.runs.lastEvidenceNumber(run.id)) + 1;
    const deadlineMs = toEpochMs(run.deadlineAt) + offsetMs;
    const work: Work = { run, plan, journal, nextEvidence, takenAtMs, heldSinceMs: takenAtMs, deadlineMs };
    const leftovers = journal.flatMap((row) => (wasInterrupted(row) && row.process !== null ? [row.process] : []));
    if (found === undefined) return { work, ahead: endNow(planMissing(run)), startedNow: false, leftovers };
    const taken = await takeUp(context, tx, work);
    if (taken === null) return { work, ahead: null, startedNow: false, leftovers };
    return { ...taken, startedNow: taken.work.run.startedAt !== run.startedAt, leftovers };
  });
}

/** Waits, or has its slots and goes on. What is ahead of a run that begins is written at once, so its first step has begun. */
async function takeUp(
  context: EngineContext,
  tx: StoreTransaction,
  work: Work,
): Promise<{ readonly work: Work; readonly ahead: Ahead } | null> {
  const { run, plan, journal } = work;
  const ahead = lookAhead(context, work, journal, false);
  if (ahead.due.kind === 'end') {
    await keepGroup(tx, run);
    return { work, ahead };
  }
  if (ahead.due.kind === 'wait') {
    await tx.runs.release(run.id, ahead.due.wait);
    return null;
  }
  const isFirst = run.startedAt === null;
  const missing = await takeSlots(context, tx, run, plan);
  if (missing !== null) {
    const status = isFirst ? 'pending' : 'running';
    await tx.runs.release(run.id, { status, wakeAt: null, waitingFor: 'slot', slotKey: missing });
    return null;
  }
  if (!isFirst) return { work, ahead };
  const startedAt = context.now();
  const catalog = context.catalog.current();
  const wanted = plan.sinks.filter((sink) => sinkFor(catalog, run.namespace, sink)?.sendStarted === true);
  const told = sinkPlaces(catalog, run.namespace, wanted);
  await allDone([
    tx.runs.start(run.id, startedAt, progress(ahead)),
    keepGroup(tx, run),
    // Nothing of it was ever executed, so nothing can be in the way of its first step.
    tx.runs.writeSteps(ahead.rows),
    tellsOfAlert(run) && tx.alerts.beginTriage(run, startedAt),
    tx.deliveries.insert(runDeliveries(run, 'run-started', told, startedAt, {}, newIdAt)),
  ]);
  return {
    work: { ...work, run: { ...run, startedAt }, journal: [...journal, ...ahead.rows] },
    ahead: { ...ahead, rows: [] },
  };
}

/** Takes the alert's slot, then the Workflow's: always in this order. Returns the key of the first that is not free. */
async function takeSlots(
  context: EngineContext,
  tx: StoreTransaction,
  run: RunRecord,
  plan: Plan,
): Promise<string | null> {
  const now = context.now();
  const ofAlert = alertSlot(run);
  if (ofAlert !== null && !(await tx.runs.takeSlot(ofAlert, 1, run.id, now)).taken) return ofAlert;
  const ofWorkflow = workflowSlot(run, plan);
  if (ofWorkflow === null) return null;
  const { taken, free } = await tx.runs.takeSlot(ofWorkflow, plan.maxConcurrent ?? 1, run.id, now);
  if (!taken) return ofWorkflow;
  // Limits are of the plans: who was woken before may have a lower one, and left the place to others.
  if (free > 0) await tx.runs.wakeWaiter(ofWorkflow, now);
  return null;
}

/** Marks running rows of older fences (design 3.1.10). Returns the journal as it is then. */
async function endInterrupted(
  context: EngineContext,
  tx: StoreTransaction,
  plan: Plan,
  steps: readonly StepRecord[],
): Promise<readonly StepRecord[]> {
  const journal: StepRecord[] = [];
  const ended: StepRecord[] = [];
  for (const row of steps) {
    if (row.status !== 'running') {
      journal.push(row);
      continue;
    }
    const earlier = steps.filter((other) => other.path === row.path && other.attempt < row.attempt);
    const verdict = interruption(earlier, findStep(plan, row.path)?.interrupted ?? 'repeat');
    const end = { status: 'failed', result: null, completedAt: context.now(), ...verdict } as const;
    ended.push({ ...row, ...end });
    journal.push({ ...row, ...end });
  }
  await tx.runs.writeSteps(ended);
  return journal;
}

function wasInterrupted(row: StepRecord): boolean {
  return row.errorCode === 'Interrupted' || row.errorCode === 'Stopped' || row.errorCode === 'CrashLoop';
}

/** Whoever does not know what a plan says must not do half of it. The run is put off, and a replica of the version that wrote it takes it up. */
function refuseNewer(run: RunRecord, plan: Plan): void {
  const { version }: { readonly version: number } = plan;
  if (version === planVersion) return;
  const what = `the plan of run ${run.id} of Workflow ${run.namespace}/${run.name} is of version ${version}`;
  throw new AppError('Internal', `${what}, and this program knows version ${planVersion}: a newer one wrote it`, {
    next: 'start the version that made it (fist version)',
  });
}

function planMissing(run: RunRecord): RunEnding {
  const error = `the plan of Workflow ${run.namespace}/${run.name} is not in the store`;
  return { kind: 'end', status: 'failed', errorCode: 'WorkflowNotReady', error };
}

function endNow(ending: RunEnding): Ahead {
  return { rows: [], completed: 0, due: ending };
}

function planOfNothing(run: RunRecord): Plan {
  return {
    version: planVersion,
    namespace: run.namespace,
    name: run.name,
    runtime: { image: '', environment: {}, llmConfig: null },
    steps: [],
    outputs: [],
    sinks: [],
    deadlineMs: 0,
    maxConcurrent: null,
    onResolve: 'continue',
  };
}
