import type { ErrorCode } from '../../core/errors.ts';
import type { Plan, PlanStep } from '../../core/plan.ts';
import type { RunRecord, StepRecord } from '../../core/run.ts';
import { toEpochMs, toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';

/** What a run does next (design 3.1.4). `completed` counts the done steps of the plan's first level. */
export type Decision = (
  | { readonly kind: 'start'; readonly step: PlanStep; readonly path: string; readonly attempt: number }
  /** `when` is false. */
  | { readonly kind: 'skip'; readonly step: PlanStep; readonly path: string }
  | { readonly kind: 'wait'; readonly until: Timestamp; readonly waitingFor: 'retry' }
  | RunEnding
) & { readonly completed: number };

export interface RunEnding {
  readonly kind: 'end';
  readonly status: 'succeeded' | 'failed' | 'cancelled';
  readonly errorCode: ErrorCode | null;
  readonly error: string | null;
}

/** What the plan cannot know by itself; pure as well. */
export interface PlanRules {
  /** Whether the step's `when` holds. A condition that cannot be evaluated holds: its attempt then fails and says why. */
  holds(step: PlanStep): boolean;
  /** From 0 to 1, the same for the same attempt, so that a run that is woken too early waits for the same moment. */
  jitter(path: string, attempt: number): number;
  /** When the cluster last answered anybody; null = not yet. Later than an attempt that could not read it: it is back. */
  clusterAnsweredAt(): Timestamp | null;
}

/** As many interrupted attempts in a row are a crash loop (design 3.1.10). */
export const crashLoopLimit = 5;

interface Pause {
  /** Before the first repetition; `factor` times as long before each further one, at most {@link maximumPauseMs}. */
  readonly firstMs: number;
  readonly factor: number;
  /** Repetitions of one path outside its retry limit; what fails after them is an ordinary failure. */
  readonly limit: number;
}

const maximumPauseMs = 300_000;

/** What says nothing about the step and takes its time: want of descriptors, a cluster that is away (design 3.1.10). */
const pauses: Readonly<Partial<Record<ErrorCode, Pause>>> = {
  ResourcesExhausted: { firstMs: 5_000, factor: 2, limit: Number.POSITIVE_INFINITY },
  ClusterUnavailable: { firstMs: 15_000, factor: 5, limit: 3 },
};

type StepDecision =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly step: PlanStep; readonly path: string; readonly row: StepRecord }
  | { readonly kind: 'start'; readonly step: PlanStep; readonly path: string; readonly attempt: number }
  | { readonly kind: 'skip'; readonly step: PlanStep; readonly path: string }
  | { readonly kind: 'wait'; readonly until: Timestamp; readonly waitingFor: 'retry' };

/** Says what is due. Pure: the same journal at the same time gives the same answer. */
export function next(
  run: Pick<RunRecord, 'deadlineAt' | 'cancelRequestedAt' | 'cancelReason'>,
  plan: Plan,
  journal: readonly StepRecord[],
  now: Timestamp,
  rules: PlanRules,
): Decision {
  const attempts = attemptsByPath(journal);
  let completed = 0;
  let due: StepDecision = { kind: 'done' };
  for (const [index, step] of plan.steps.entries()) {
    due = decideStep(step, String(index + 1), attempts, now, rules);
    if (due.kind === 'failed' && step.continueOnError) due = { kind: 'done' };
    if (due.kind !== 'done') break;
    completed += 1;
  }
  if (run.cancelRequestedAt !== null) return { ...cancelled(run.cancelReason), completed };
  if (journal.some((row) => row.errorCode === 'RunTimeout')) return { ...runTimeout(run.deadlineAt), completed };
  if (due.kind === 'done') return { kind: 'end', status: 'succeeded', errorCode: null, error: null, completed };
  if (due.kind === 'failed') return { ...stepFailure(due), completed };
  if (now >= run.deadlineAt) return { ...runTimeout(run.deadlineAt), completed };
  if (due.kind === 'wait' && due.until > run.deadlineAt) return { ...due, until: run.deadlineAt, completed };
  return { ...due, completed };
}

function attemptsByPath(journal: readonly StepRecord[]): ReadonlyMap<string, readonly StepRecord[]> {
  const attempts = new Map<string, StepRecord[]>();
  for (const row of journal) {
    const rows = attempts.get(row.path);
    if (rows === undefined) attempts.set(row.path, [row]);
    else rows.push(row);
  }
  for (const rows of attempts.values()) if (rows.length > 1) rows.sort((one, other) => one.attempt - other.attempt);
  return attempts;
}

function decideStep(
  step: PlanStep,
  path: string,
  attempts: ReadonlyMap<string, readonly StepRecord[]>,
  now: Timestamp,
  rules: PlanRules,
): StepDecision {
  const rows = attempts.get(path) ?? [];
  const last = rows.at(-1);
  if (last === undefined) {
    return step.when === null || rules.holds(step)
      ? { kind: 'start', step, path, attempt: 1 }
      : { kind: 'skip', step, path };
  }
  if (last.status === 'skipped') return { kind: 'done' };
  if (last.status === 'succeeded') return decideBranch(step, path, last, attempts, now, rules);
  return decideAgain(step, path, rows, last, now, rules);
}

/** A step with branches says in its result which one the run goes on with. */
function decideBranch(
  step: PlanStep,
  path: string,
  row: StepRecord,
  attempts: ReadonlyMap<string, readonly StepRecord[]>,
  now: Timestamp,
  rules: PlanRules,
): StepDecision {
  const name = chosenBranch(row);
  const branch = name === null || !Object.hasOwn(step.branches, name) ? undefined : step.branches[name];
  if (branch === undefined) return { kind: 'done' };
  const due = decideStep(branch, `${path}.${name}`, attempts, now, rules);
  return due.kind === 'failed' && branch.continueOnError ? { kind: 'done' } : due;
}

/** The name of the branch that a step's result chose, if any. */
export function chosenBranch(row: StepRecord): string | null {
  const { result } = row;
  if (result === null || typeof result !== 'object' || Array.isArray(result)) return null;
  const name = result['branch'];
  return typeof name === 'string' ? name : null;
}

/**
 * After a failed attempt: an interrupted one is due again at once, one whose error has a pause after it, both outside the
 * retry limit; others as `retry` says.
 */
function decideAgain(
  step: PlanStep,
  path: string,
  rows: readonly StepRecord[],
  last: StepRecord,
  now: Timestamp,
  rules: PlanRules,
): StepDecision {
  const again = { kind: 'start', step, path, attempt: last.attempt + 1 } as const;
  const counted = countedFailures(rows);
  if (counted.at(-1) !== last) {
    const pause = pauseOf(last);
    if (pause === undefined) return again;
    const before = isBack(last, rules) ? 0 : rows.filter((row) => row.errorCode === last.errorCode).length - 1;
    return waitOrStart(again, last, Math.min(maximumPauseMs, pause.firstMs * pause.factor ** before), now);
  }
  const failures = counted.length;
  if (last.status !== 'failed' || !last.retryable || failures > step.retry.limit)
    return { kind: 'failed', step, path, row: last };
  const ceilingMs = Math.min(step.retry.maxBackoffMs, step.retry.backoffMs * 2 ** (failures - 1));
  return waitOrStart(again, last, Math.floor(ceilingMs * rules.jitter(path, last.attempt)), now);
}

/** The cluster that the attempt could not read answered somebody since. */
function isBack(last: StepRecord, rules: PlanRules): boolean {
  if (last.errorCode !== 'ClusterUnavailable') return false;
  const answeredAt = rules.clusterAnsweredAt();
  return answeredAt !== null && last.completedAt !== null && answeredAt > last.completedAt;
}

function waitOrStart(
  again: StepDecision & { readonly kind: 'start' },
  last: StepRecord,
  delayMs: number,
  now: Timestamp,
): StepDecision {
  const until = toTimestamp(toEpochMs(last.completedAt ?? last.createdAt) + delayMs);
  return until <= now ? again : { kind: 'wait', until, waitingFor: 'retry' };
}

/** The attempts of a path that its retry limit counts, the last one too if it does. */
function countedFailures(rows: readonly StepRecord[]): readonly StepRecord[] {
  const paused = new Map<ErrorCode | null, number>();
  return rows.filter((row) => {
    if (wasCutShort(row)) return false;
    const pause = pauseOf(row);
    if (pause === undefined) return true;
    const times = (paused.get(row.errorCode) ?? 0) + 1;
    paused.set(row.errorCode, times);
    return times > pause.limit;
  });
}

/** Its process ended, by a crash or a stop (design 3.1.10). */
function wasCutShort(row: StepRecord): boolean {
  return row.status === 'failed' && row.retryable && (row.errorCode === 'Interrupted' || row.errorCode === 'Stopped');
}

function pauseOf(row: StepRecord): Pause | undefined {
  return row.status === 'failed' && row.retryable && row.errorCode !== null ? pauses[row.errorCode] : undefined;
}

/** It is over, and what its work came to is known: a stop, a crash or a cluster that was away leaves that open. */
export function hasKnownEnd(row: StepRecord): boolean {
  return row.status !== 'running' && !wasCutShort(row) && pauseOf(row) === undefined;
}

/** How an attempt is written whose worker ended it because the server stops. */
export function stopped(interrupted: PlanStep['interrupted']): {
  readonly errorCode: ErrorCode;
  readonly error: string;
  readonly retryable: boolean;
} {
  if (interrupted === 'fail') return interruption([], interrupted);
  return { errorCode: 'Stopped', error: 'the server stopped; the attempt runs again', retryable: true };
}

/** How an attempt that its worker did not end is written (design 3.1.10). `rows` are the earlier attempts of its path. */
export function interruption(
  rows: readonly StepRecord[],
  interrupted: PlanStep['interrupted'],
): { readonly errorCode: ErrorCode; readonly error: string; readonly retryable: boolean } {
  if (interrupted === 'fail') {
    const error = 'the process that ran this attempt ended, and the step says `interrupted: fail`';
    return { errorCode: 'Interrupted', error, retryable: false };
  }
  let inRow = 1;
  for (const row of [...rows].reverse()) {
    // A deployment is no crash, nor is a want of descriptors: they neither count nor begin the count anew.
    if (row.errorCode === 'Stopped' || row.errorCode === 'ResourcesExhausted') continue;
    if (!wasCutShort(row)) break;
    inRow += 1;
  }
  if (inRow >= crashLoopLimit) {
    return { errorCode: 'CrashLoop', error: `${inRow} attempts in a row were interrupted`, retryable: false };
  }
  return { errorCode: 'Interrupted', error: 'the process that ran this attempt ended; it runs again', retryable: true };
}

/** The step at a path such as `2.then`, or undefined. */
export function findStep(plan: Plan, path: string): PlanStep | undefined {
  const [first, ...branches] = path.split('.');
  let step = plan.steps[Number(first) - 1];
  for (const branch of branches)
    step = step !== undefined && Object.hasOwn(step.branches, branch) ? step.branches[branch] : undefined;
  return step;
}

/** Steps of the first level that never started, for their `skipped` rows at the end of a run that did not succeed. */
export function neverStarted(
  plan: Plan,
  journal: readonly StepRecord[],
): readonly { readonly step: PlanStep; readonly path: string }[] {
  const seen = new Set(journal.map((row) => row.path));
  return plan.steps.map((step, index) => ({ step, path: String(index + 1) })).filter(({ path }) => !seen.has(path));
}

function cancelled(reason: string | null): RunEnding {
  return { kind: 'end', status: 'cancelled', errorCode: 'Cancelled', error: reason ?? 'cancelled' };
}

function runTimeout(deadlineAt: Timestamp): RunEnding {
  return { kind: 'end', status: 'failed', errorCode: 'RunTimeout', error: `the run passed its deadline ${deadlineAt}` };
}

function stepFailure(failure: { readonly step: PlanStep; readonly path: string; readonly row: StepRecord }): RunEnding {
  const { step, path, row } = failure;
  const error = `step "${step.name}" (${path}) failed: ${row.error ?? row.status}`;
  return { kind: 'end', status: 'failed', errorCode: row.errorCode ?? 'StepFailed', error };
}
