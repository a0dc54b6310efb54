import { describe, expect, test } from 'vitest';
import { branchesOf, journalRow, planOf, runRecord, step } from '../../../test/support/engine.ts';
import type { Plan } from '../../core/plan.ts';
import type { RunRecord, StepRecord } from '../../core/run.ts';
import { addMs, toEpochMs } from '../../core/time.ts';
import { findStep, interruption, neverStarted, next, stopped } from './plan.ts';
import type { PlanRules } from './plan.ts';

const start = '2026-01-01T00:00:00.000Z';
const rules: PlanRules = { holds: (step) => step.when !== 'false', jitter: () => 1, clusterAnsweredAt: () => null };

const row = (path: string, changes: Partial<StepRecord> = {}) => journalRow(path, start, changes);

function failed(path: string, attempt: number, changes: Partial<StepRecord> = {}): StepRecord {
  return row(path, {
    attempt,
    status: 'failed',
    errorCode: 'CommandFailed',
    error: 'exit code 1',
    retryable: true,
    ...changes,
  });
}

const interrupted = (path: string, attempt: number) => failed(path, attempt, { errorCode: 'Interrupted' });

function decide(plan: Plan, journal: readonly StepRecord[], now = start, changes: Partial<RunRecord> = {}) {
  return next(runRecord(plan, start, changes), plan, journal, now, rules);
}

const three = planOf([step('one'), step('two'), step('three')]);

describe('next', () => {
  test('3.1.4 says the first step, the next one, and the end', () => {
    expect(decide(three, [])).toMatchObject({ kind: 'start', path: '1', attempt: 1, completed: 0 });
    expect(decide(three, [row('1')])).toMatchObject({ kind: 'start', path: '2', attempt: 1, completed: 1 });
    expect(decide(three, [row('1'), row('2'), row('3')])).toMatchObject({
      kind: 'end',
      status: 'succeeded',
      completed: 3,
    });
    expect(decide(planOf([]), [])).toMatchObject({ kind: 'end', status: 'succeeded', completed: 0 });
  });

  test('3.1.4 is pure: the same journal gives the same answer and is not changed', () => {
    const journal = Object.freeze([Object.freeze(row('1')), Object.freeze(failed('2', 1))]);
    const plan = planOf([step('one'), step('two', { retry: { limit: 1, backoffMs: 1000, maxBackoffMs: 9000 } })]);
    expect(decide(plan, journal)).toEqual(decide(plan, journal));
  });

  test('a step whose `when` does not hold is skipped, and a skipped one is done', () => {
    const plan = planOf([step('one', { when: 'false' }), step('two')]);
    expect(decide(plan, [])).toMatchObject({ kind: 'skip', path: '1' });
    expect(decide(plan, [row('1', { status: 'skipped' })])).toMatchObject({ kind: 'start', path: '2' });
  });

  test('3.1.3 a branch is the sub-path that the result names, and only then', () => {
    const branches = branchesOf(['then', step('fix')], ['else', step('tell', { when: 'false' })]);
    const plan = planOf([step('ask', { type: 'conditional', branches }), step('last')]);
    const chose = (branch: string | null) => row('1', { result: { condition_met: true, branch } });
    expect(decide(plan, [chose('then')])).toMatchObject({ kind: 'start', path: '1.then', attempt: 1, completed: 0 });
    expect(decide(plan, [chose('else')])).toMatchObject({ kind: 'skip', path: '1.else' });
    expect(decide(plan, [chose('then'), row('1.then')])).toMatchObject({ kind: 'start', path: '2', completed: 1 });
    expect(decide(plan, [chose(null)])).toMatchObject({ kind: 'start', path: '2' });
    expect(decide(plan, [chose('constructor')])).toMatchObject({ kind: 'start', path: '2' });
  });

  test('3.1.3 branches nest', () => {
    const inner = step('inner', { type: 'conditional', branches: branchesOf(['then', step('deep')]) });
    const plan = planOf([step('outer', { type: 'conditional', branches: { else: inner } })]);
    const journal = [row('1', { result: { branch: 'else' } }), row('1.else', { result: { branch: 'then' } })];
    expect(decide(plan, journal)).toMatchObject({ kind: 'start', path: '1.else.then' });
    expect(findStep(plan, '1.else.then')?.name).toBe('deep');
    expect(findStep(plan, '1.then')).toBeUndefined();
  });

  test('5.9.7 a failing branch fails the run, unless it or its step continues on error', () => {
    const planWith = (own: boolean, branch: boolean) =>
      planOf([
        step('ask', {
          type: 'conditional',
          continueOnError: own,
          branches: branchesOf(['then', step('fix', { continueOnError: branch })]),
        }),
        step('last'),
      ]);
    const journal = [row('1', { result: { branch: 'then' } }), failed('1.then', 1)];
    expect(decide(planWith(false, false), journal)).toMatchObject({
      kind: 'end',
      status: 'failed',
      errorCode: 'CommandFailed',
      error: 'step "fix" (1.then) failed: exit code 1',
    });
    expect(decide(planWith(true, false), journal)).toMatchObject({ kind: 'start', path: '2' });
    expect(decide(planWith(false, true), journal)).toMatchObject({ kind: 'start', path: '2' });
  });

  test('3.1.14 a failure without continueOnError ends the run; with it the run goes on', () => {
    expect(decide(three, [failed('1', 1)])).toMatchObject({ kind: 'end', status: 'failed', completed: 0 });
    const tolerant = planOf([step('one', { continueOnError: true }), step('two')]);
    expect(decide(tolerant, [failed('1', 1)])).toMatchObject({ kind: 'start', path: '2', completed: 1 });
  });

  test('3.1.12 retries as often as the limit says, with a growing and bounded delay', () => {
    const plan = planOf([step('one', { retry: { limit: 3, backoffMs: 1000, maxBackoffMs: 3000 } })]);
    const waits = (journal: StepRecord[]) => decide(plan, journal);
    expect(waits([failed('1', 1)])).toMatchObject({ kind: 'wait', waitingFor: 'retry', until: addMs(start, 1000) });
    expect(waits([failed('1', 1), failed('1', 2)])).toMatchObject({ until: addMs(start, 2000) });
    expect(waits([1, 2, 3].map((attempt) => failed('1', attempt)))).toMatchObject({ until: addMs(start, 3000) });
    expect(waits([1, 2, 3, 4].map((attempt) => failed('1', attempt)))).toMatchObject({ kind: 'end', status: 'failed' });
    expect(decide(plan, [failed('1', 1)], addMs(start, 1000))).toMatchObject({ kind: 'start', path: '1', attempt: 2 });
  });

  test('3.1.12 the default limit is none, and only retryable errors are repeated', () => {
    expect(decide(three, [failed('1', 1)])).toMatchObject({ kind: 'end' });
    const plan = planOf([step('one', { retry: { limit: 3, backoffMs: 0, maxBackoffMs: 0 } })]);
    expect(decide(plan, [failed('1', 1, { retryable: false })])).toMatchObject({ kind: 'end', status: 'failed' });
  });

  test('3.1.12 full jitter: the delay is a part of the ceiling', () => {
    const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 1000, maxBackoffMs: 9000 } })]);
    const at = (jitter: number) =>
      next(runRecord(plan, start), plan, [failed('1', 1)], start, { ...rules, jitter: () => jitter });
    expect(at(0.25)).toMatchObject({ kind: 'wait', until: addMs(start, 250) });
    expect(at(0)).toMatchObject({ kind: 'start', attempt: 2 });
  });

  test('3.1.10 an interrupted attempt is due again at once, outside the retry limit', () => {
    expect(decide(three, [interrupted('1', 1)])).toMatchObject({ kind: 'start', path: '1', attempt: 2 });
    const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 0, maxBackoffMs: 0 } })]);
    const journal = [failed('1', 1), interrupted('1', 2), interrupted('1', 3)];
    expect(decide(plan, journal)).toMatchObject({ kind: 'start', attempt: 4 });
    expect(decide(plan, [...journal, failed('1', 4)])).toMatchObject({ kind: 'end', status: 'failed' });
  });

  test('3.1.10 five interruptions in a row are a crash loop; one of another kind breaks the row', () => {
    const four = [1, 2, 3, 4].map((attempt) => interrupted('1', attempt));
    expect(interruption(four.slice(0, 3), 'repeat')).toMatchObject({ errorCode: 'Interrupted', retryable: true });
    expect(interruption(four, 'repeat')).toMatchObject({ errorCode: 'CrashLoop', retryable: false });
    // Graceful stops in between do not count.
    const deployed = [...four.slice(0, 3), failed('1', 4, { errorCode: 'Stopped', retryable: true })];
    expect(interruption(deployed, 'repeat')).toMatchObject({ errorCode: 'Interrupted', retryable: true });
    const broken = [interrupted('1', 1), failed('1', 2), interrupted('1', 3), interrupted('1', 4), interrupted('1', 5)];
    expect(interruption(broken, 'repeat')).toMatchObject({ errorCode: 'Interrupted' });
    expect(decide(three, [...four, failed('1', 5, { errorCode: 'CrashLoop', retryable: false })])).toMatchObject({
      kind: 'end',
      status: 'failed',
      errorCode: 'CrashLoop',
    });
  });

  test('3.1.10 an attempt that could not begin for want of descriptors is made again after a pause, however often', () => {
    const exhausted = (attempt: number) => failed('1', attempt, { errorCode: 'ResourcesExhausted' });
    const rows = Array.from({ length: 20 }, (_, index) => exhausted(index + 1));
    const pauses = [1, 2, 3, 7, 20].map((count) => {
      const due = decide(three, rows.slice(0, count));
      return due.kind === 'wait' ? toEpochMs(due.until) - toEpochMs(start) : due.kind;
    });
    expect(pauses).toEqual([5_000, 10_000, 20_000, 300_000, 300_000]);
    expect(decide(three, [exhausted(1)], addMs(start, 5_000))).toMatchObject({ kind: 'start', path: '1', attempt: 2 });
    // It does not use up the retries of the step, nor count as a crash.
    const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 0, maxBackoffMs: 0 } })]);
    expect(decide(plan, [exhausted(1), exhausted(2), failed('1', 3)])).toMatchObject({ kind: 'start', attempt: 4 });
    expect(decide(plan, [failed('1', 1), exhausted(2)])).toMatchObject({ kind: 'wait', until: addMs(start, 5_000) });
    expect(interruption([1, 2, 3, 4].map(exhausted), 'repeat')).toMatchObject({ errorCode: 'Interrupted' });
    const fails = planOf([step('one', { interrupted: 'fail' })]);
    expect(decide(fails, [exhausted(1)])).toMatchObject({ kind: 'wait' });
  });

  test('3.1.10 a cluster that is away: three repetitions after growing pauses, then the retries of the step, then failed', () => {
    const away = (attempt: number) => failed('1', attempt, { errorCode: 'ClusterUnavailable' });
    const rows = [1, 2, 3, 4, 5].map(away);
    const pauses = [1, 2, 3].map((count) => {
      const due = decide(three, rows.slice(0, count));
      return due.kind === 'wait' ? toEpochMs(due.until) - toEpochMs(start) : due.kind;
    });
    expect(pauses).toEqual([15_000, 75_000, 300_000]);
    expect(decide(three, rows.slice(0, 4))).toMatchObject({ kind: 'end', errorCode: 'ClusterUnavailable' });
    const again = planOf([step('one', { retry: { limit: 1, backoffMs: 1000, maxBackoffMs: 9000 } })]);
    expect(decide(again, rows.slice(0, 4))).toMatchObject({ kind: 'wait', until: addMs(start, 1000) });
    expect(decide(again, rows)).toMatchObject({ kind: 'end' });
    // The pauses are not retries of the step, and what cannot be better later has none.
    expect(decide(again, [away(1), failed('1', 2)])).toMatchObject({ kind: 'wait', until: addMs(start, 1000) });
    expect(decide(three, [failed('1', 1, { errorCode: 'ClusterUnavailable', retryable: false })])).toMatchObject({
      kind: 'end',
    });
    // It is back: the first pause is the longest. What it said before the attempt says nothing.
    const answered = (at: string) =>
      next(runRecord(three, start), three, rows.slice(0, 3), start, { ...rules, clusterAnsweredAt: () => at });
    expect(answered(addMs(start, 1))).toMatchObject({ kind: 'wait', until: addMs(start, 15_000) });
    expect(answered(start)).toMatchObject({ kind: 'wait', until: addMs(start, 300_000) });
    const four = [interrupted('1', 1), interrupted('1', 2), away(3), interrupted('1', 4), interrupted('1', 5)];
    expect(interruption(four, 'repeat')).toMatchObject({ errorCode: 'Interrupted' });
  });

  test('3.1.10 a step with `interrupted: fail` is never repeated', () => {
    const verdict = interruption([], 'fail');
    expect(stopped('fail')).toEqual(verdict);
    expect(stopped('repeat')).toMatchObject({ errorCode: 'Stopped', retryable: true });
    expect(verdict).toMatchObject({ errorCode: 'Interrupted', retryable: false });
    expect(decide(three, [failed('1', 1, verdict)])).toMatchObject({
      kind: 'end',
      status: 'failed',
      errorCode: 'Interrupted',
    });
  });

  test('3.1.13 past its deadline a run fails, and waits no longer than to it', () => {
    const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 60_000, maxBackoffMs: 60_000 } })]);
    const deadlineAt = addMs(start, 10_000);
    expect(decide(plan, [], deadlineAt, { deadlineAt })).toMatchObject({
      kind: 'end',
      status: 'failed',
      errorCode: 'RunTimeout',
    });
    expect(decide(plan, [failed('1', 1)], start, { deadlineAt })).toMatchObject({ kind: 'wait', until: deadlineAt });
    expect(decide(plan, [row('1')], deadlineAt, { deadlineAt })).toMatchObject({ kind: 'end', status: 'succeeded' });
    const tolerant = planOf([step('one', { continueOnError: true })]);
    const cut = failed('1', 1, { errorCode: 'RunTimeout', retryable: false });
    expect(decide(tolerant, [cut], deadlineAt, { deadlineAt })).toMatchObject({
      status: 'failed',
      errorCode: 'RunTimeout',
    });
  });

  test('3.1.15 a cancelled run ends, with its reason, whatever came before', () => {
    const changes = { cancelRequestedAt: start, cancelReason: 'Superseded' };
    expect(decide(three, [row('1')], start, changes)).toMatchObject({
      kind: 'end',
      status: 'cancelled',
      errorCode: 'Cancelled',
      error: 'Superseded',
      completed: 1,
    });
    expect(decide(three, [row('1'), row('2'), row('3')], start, changes)).toMatchObject({
      status: 'cancelled',
      completed: 3,
    });
  });

  test('3.1.14 the steps that never started are the ones to mark as skipped', () => {
    expect(neverStarted(three, [failed('1', 1)]).map(({ path }) => path)).toEqual(['2', '3']);
  });
});
