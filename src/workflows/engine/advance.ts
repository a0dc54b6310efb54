import { toAppError } from '../../core/errors.ts';
import type { StepRecord } from '../../core/run.ts';
import type { RunProgress, RunWait, StoreTransaction, TransactionName } from '../../core/store.ts';
import { addMs } from '../../core/time.ts';
import { runAttempt } from './attempt.ts';
import type { AttemptEnd } from './attempt.ts';
import { claimRun, leaseMs } from './claim.ts';
import type { Claim } from './claim.ts';
import { endRun } from './end.ts';
import { renewEveryMs } from './watch.ts';
import { createContext, lookAhead, stale, workflowSlot } from './work.ts';
import type { Ahead, EngineContext, EngineOptions, Work } from './work.ts';

/** After so long a worker gives its run back, so that no run keeps others waiting (design 3.1.4). */
const sliceMs = 60_000;

export interface Engine {
  /**
   * Takes the run if it is due, does what is due until it waits, ends or 60 s have passed. Somebody else's run is no
   * error. An aborted signal means that the server stops: the attempt in work is checkpointed and left to be repeated.
   * Rejects where the store fails; the lease then runs out and the run is found again.
   */
  advance(runId: string, signal: AbortSignal): Promise<void>;
}

/** The engine: the only writer of runs between their claim and their end. */
export function createEngine(options: EngineOptions): Engine {
  const context = createContext(options);
  return {
    async advance(runId, signal) {
      if (signal.aborted) return;
      try {
        const claim = await claimRun(context, runId);
        if (claim !== undefined) await carryOn(context, claim, signal);
      } catch (thrown) {
        if (toAppError(thrown).code !== 'StaleFence') throw thrown;
        context.metrics.increment('fist_stale_writes_total', { kind: 'run' });
        context.log.warn({ run: runId }, 'run-taken-over');
      }
    },
  };
}

async function carryOn(context: EngineContext, claim: Claim, signal: AbortSignal): Promise<void> {
  await killLeftovers(context, claim);
  if (claim.startedNow) noteStart(context, claim.work);
  if (claim.ahead === null) return;
  let state: State = { work: claim.work, ahead: claim.ahead };
  if (state.ahead.rows.length > 0) state = await commitNext(context, state.work, null, signal, state.ahead);
  for (;;) {
    const { work, ahead } = state;
    if (ahead.due.kind === 'wait') return;
    if (ahead.due.kind === 'end') return endRun(context, work, ahead.due, ahead.completed);
    const attempt = await runAttempt(context, work, ahead.due.step, ahead.due.row, signal);
    state = await commitNext(context, work, attempt, signal);
  }
}

function noteStart({ metrics, log }: EngineContext, { run }: Work): void {
  metrics.increment('fist_runs_total', { workflow: run.name, phase: 'running' });
  log.info({ run: run.id, workflow: `${run.namespace}/${run.name}`, alert: run.alertId }, 'run-started');
}

interface State {
  readonly work: Work;
  readonly ahead: Ahead;
}

/**
 * Ends an attempt, if there is one, and starts the next step or waits, in one transaction. What is due is computed
 * before it from the journal that only this worker may write, and anew inside it where a cancel came. Throws StaleFence.
 */
async function commitNext(
  context: EngineContext,
  work: Work,
  attempt: AttemptEnd | null,
  signal: AbortSignal,
  prepared: Ahead | null = null,
): Promise<State> {
  const { run, plan } = work;
  const nowMs = context.clock.monotonic();
  const pause = signal.aborted || nowMs - work.takenAtMs >= sliceMs;
  const journal = attempt === null ? work.journal : withEnd(work.journal, attempt);
  const expected = prepared === null || pause ? lookAhead(context, run, plan, journal, pause) : prepared;
  const renews = nowMs - work.heldSinceMs >= renewEveryMs;
  const { lock, ahead } = await context.store.transaction(transactionName(attempt, expected), async (tx) => {
    const lock = await tx.runs.lock(run.id, run.fence, progress(expected));
    if (lock === undefined) throw stale();
    if (renews) await tx.runs.renew(run.id, run.fence, addMs(context.now(), leaseMs));
    const ahead =
      lock.cancelRequestedAt === null ? expected : lookAhead(context, { ...run, ...lock }, plan, journal, pause);
    if (attempt !== null) await writeEnd(tx, attempt);
    for (const row of ahead.rows) await tx.runs.insertStep(row);
    if (ahead.due.kind === 'wait') await giveBack(context, tx, work, ahead.due.wait);
    return { lock, ahead };
  });
  const evidence = attempt?.evidence.length ?? 0;
  const next: Work = {
    ...work,
    run: { ...run, ...lock },
    journal: [...journal, ...ahead.rows],
    nextEvidence: work.nextEvidence + evidence,
    heldSinceMs: renews ? nowMs : work.heldSinceMs,
  };
  return { work: next, ahead };
}

/** A step end after which the run waits is a run-wait. */
function transactionName(attempt: AttemptEnd | null, ahead: Ahead): TransactionName {
  if (ahead.due.kind === 'wait') return 'run-wait';
  return attempt === null ? 'step-start' : 'step-end';
}

function progress(ahead: Ahead): RunProgress {
  return { stepsCompleted: ahead.completed, currentStep: ahead.due.kind === 'run' ? ahead.due.step.name : null };
}

async function writeEnd(tx: StoreTransaction, { row, end, evidence }: AttemptEnd): Promise<void> {
  await tx.runs.endStep(row.id, end);
  await tx.runs.addEvidence(row.runId, row.path, evidence);
}

function withEnd(journal: readonly StepRecord[], { row, end }: AttemptEnd): readonly StepRecord[] {
  return journal.map((other) => (other.id === row.id ? { ...row, ...end } : other));
}

/** Gives the lease back. A run that waits for something frees its place in the Workflow, not its alert's slot. */
async function giveBack(context: EngineContext, tx: StoreTransaction, work: Work, wait: RunWait): Promise<void> {
  const { run, plan } = work;
  await tx.runs.release(run.id, wait);
  const key = workflowSlot(run, plan);
  if (key === null || wait.waitingFor === null) return;
  await tx.runs.freeSlots(run.id, key);
  await tx.runs.wakeWaiter(key, context.now());
}

/** Design 3.1.11: what an interrupted attempt left alive must not run beside its repetition. */
async function killLeftovers(context: EngineContext, claim: Claim): Promise<void> {
  for (const process of claim.leftovers) {
    if (context.commands === null) continue;
    const killed = await context.commands.killLeftover(process);
    if (killed) context.log.warn({ run: claim.work.run.id, pid: process.pid }, 'leftover-process-killed');
  }
}
