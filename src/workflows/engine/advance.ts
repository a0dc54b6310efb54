import { toAppError } from '../../core/errors.ts';
import type { RunRecord, StepRecord } from '../../core/run.ts';
import type { RunWait } from '../../core/run-store.ts';
import type { StoreTransaction, TransactionName } from '../../core/store.ts';
import { addMs } from '../../core/time.ts';
import { allDone } from '../../lib/all-done.ts';
import { runAttempt } from './attempt.ts';
import type { AttemptEnd } from './attempt.ts';
import { claimRun, leaseMs } from './claim.ts';
import type { Claim } from './claim.ts';
import { endRun } from './end.ts';
import { renewEveryMs } from './watch.ts';
import { cancelled, createContext, lookAhead, progress, stale, workflowSlot } from './work.ts';
import type { Ahead, EngineContext, EngineOptions, Work } from './work.ts';

/** After so long a worker gives its run back, so that no run keeps others waiting (design 3.1.4). */
const sliceMs = 60_000;
/** So much later a run is tried again that could not be taken up. Less than what the auditor takes for stuck. */
const putOffMs = 30_000;

export interface Engine {
  /**
   * Takes the run if it is due, does what is due until it waits, ends or 60 s have passed. Somebody else's run is no
   * error. The server stops in two stages: with `pausing` aborted the attempt in work may end but no further one begins,
   * with `signal` aborted it is checkpointed and left to be repeated. Rejects where the store fails; the lease then runs
   * out and the run is found again.
   */
  advance(runId: string, signal: AbortSignal, pausing?: AbortSignal): Promise<void>;
}

/** The engine: the only writer of runs between their claim and their end. */
export function createEngine(options: EngineOptions): Engine {
  const context = createContext(options);
  return {
    async advance(runId, signal, pausing = signal) {
      if (pausing.aborted) return;
      try {
        await context.jumps.settle();
        const claim = await claimRun(context, runId);
        if (claim !== undefined) await carryOn(context, claim, { signal, pausing });
      } catch (thrown) {
        const { code } = toAppError(thrown);
        if (code === 'Internal') await putOff(context, runId);
        if (code !== 'StaleFence') throw thrown;
        context.metrics.increment('fist_stale_writes_total', { kind: 'run' });
        context.log.warn({ run: runId }, 'run-taken-over');
      }
    },
  };
}

/** A run whose rows this program cannot take up must not be in the way of the others until one that can is started. */
async function putOff({ store, now }: EngineContext, runId: string): Promise<void> {
  await store.transaction('run-wait', (tx) => tx.runs.postpone(runId, now(), addMs(now(), putOffMs)));
}

/** How this worker is told to stop. */
interface Stopping {
  readonly signal: AbortSignal;
  readonly pausing: AbortSignal;
}

async function carryOn(context: EngineContext, claim: Claim, stopping: Stopping): Promise<void> {
  await killLeftovers(context, claim);
  if (claim.startedNow) noteStart(context, claim.work);
  if (claim.ahead === null) return;
  let state: State | null = { work: claim.work, ahead: claim.ahead };
  if (claim.ahead.rows.length > 0) state = await commitNext(context, claim.work, null, stopping, claim.ahead);
  while (state !== null) {
    const { work, ahead }: State = state;
    if (ahead.due.kind === 'wait') return;
    if (ahead.due.kind === 'end') return endRun(context, work, ahead.due, ahead.completed, null);
    const attempt = await runAttempt(context, work, ahead.due.step, ahead.due.row, stopping.signal);
    state = await commitNext(context, work, attempt, stopping);
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
 * Ends an attempt, if there is one, and starts the next step, waits, or ends the run (then null), in one transaction. What
 * is due is computed before it from the journal that only this worker may write, and anew where a cancel came meanwhile.
 * Throws StaleFence.
 */
async function commitNext(
  context: EngineContext,
  work: Work,
  attempt: AttemptEnd | null,
  stopping: Stopping,
  prepared: Ahead | null = null,
): Promise<State | null> {
  const { run } = work;
  const nowMs = context.clock.monotonic();
  const pause = stopping.signal.aborted || stopping.pausing.aborted || nowMs - work.takenAtMs >= sliceMs;
  const journal = attempt === null ? work.journal : withEnd(work.journal, attempt);
  const expected = prepared === null || pause ? lookAhead(context, work, journal, pause) : prepared;
  const renews = nowMs - work.heldSinceMs >= renewEveryMs;
  const writeRows = (tx: StoreTransaction) => [
    tx.runs.writeSteps([...(attempt === null ? [] : [{ ...attempt.row, ...attempt.end }]), ...expected.rows]),
    attempt === null ? undefined : tx.runs.addEvidence(run.id, attempt.row.path, attempt.evidence),
  ];
  try {
    if (attempt !== null && expected.due.kind === 'end') {
      const ended = { ...work, journal: [...journal, ...expected.rows] };
      await endRun(context, ended, expected.due, expected.completed, writeRows);
      return null;
    }
    await context.store.transaction(transactionName(attempt, expected), async (tx) => {
      const [lock, writes] = await Promise.allSettled([
        tx.runs.lock(run.id, run.fence, progress(expected)),
        // Sent with the lock: where that is refused, all of it is undone.
        allDone([
          renews ? tx.runs.renew(run.id, run.fence, addMs(context.now(), leaseMs)) : true,
          ...writeRows(tx),
          expected.due.kind === 'wait' ? giveBack(context, tx, work, expected.due.wait) : undefined,
        ]),
      ]);
      if (lock.status === 'rejected') throw lock.reason;
      if (lock.value === undefined) throw stale();
      if (writes.status === 'rejected') throw writes.reason;
      if (lock.value.cancelRequestedAt !== run.cancelRequestedAt) throw cancelled();
    });
  } catch (thrown) {
    if (toAppError(thrown).code !== 'Cancelled') throw thrown;
    // The run ends now, so something else is due.
    return commitNext(context, { ...work, run: await withCancel(context, run) }, attempt, stopping);
  }
  if (expected.due.kind === 'wait' && attempt?.end.errorCode === 'ClusterUnavailable')
    context.clusterWatch.waits(run.id);
  const evidence = attempt?.evidence.length ?? 0;
  const next: Work = {
    ...work,
    journal: [...journal, ...expected.rows],
    nextEvidence: work.nextEvidence + evidence,
    heldSinceMs: renews ? nowMs : work.heldSinceMs,
  };
  return { work: next, ahead: expected };
}

async function withCancel({ store }: EngineContext, run: RunRecord): Promise<RunRecord> {
  const found = await store.read.runs.find(run.id);
  return found === undefined
    ? run
    : { ...run, cancelRequestedAt: found.cancelRequestedAt, cancelReason: found.cancelReason };
}

/** A step end after which the run waits is a run-wait. */
function transactionName(attempt: AttemptEnd | null, ahead: Ahead): TransactionName {
  if (ahead.due.kind === 'wait') return 'run-wait';
  return attempt === null ? 'step-start' : 'step-end';
}

function withEnd(journal: readonly StepRecord[], { row, end }: AttemptEnd): readonly StepRecord[] {
  return journal.map((other) => (other.id === row.id ? { ...row, ...end } : other));
}

/** Gives the lease back. A run that waits for something frees its place in the Workflow, not its alert's slot. */
async function giveBack(context: EngineContext, tx: StoreTransaction, work: Work, wait: RunWait): Promise<void> {
  const { run, plan } = work;
  const key = wait.waitingFor === null ? null : workflowSlot(run, plan);
  await allDone([
    tx.runs.release(run.id, wait),
    ...(key === null ? [] : [tx.runs.freeSlot(run.id, key, context.now())]),
  ]);
}

/** Design 3.1.11: what an interrupted attempt left alive must not run beside its repetition. */
async function killLeftovers(context: EngineContext, claim: Claim): Promise<void> {
  for (const process of claim.leftovers) {
    const killed = await context.killLeftover(process);
    if (killed) context.log.warn({ run: claim.work.run.id, pid: process.pid }, 'leftover-process-killed');
  }
}
