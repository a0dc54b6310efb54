import { expect, test } from 'vitest';
import { alertRecord, branchesOf, journalRow, planOf, runRecord, step } from '../../test/support/engine.ts';
import type { StepRecord } from '../core/run.ts';
import { stepsJson, templateRoots } from './view.ts';

const start = '2026-01-01T00:00:00.000Z';

const row = (path: string, changes: Partial<StepRecord> = {}) => journalRow(path, start, changes);

test('the roots are source, alert, steps, workflow and env; env is the runtime’s environment only', () => {
  process.env['FIST_TEST_CANARY'] = 'canary';
  const plan = planOf([step('one')]);
  const alert = alertRecord(start);
  const run = runRecord(plan, start, { status: 'running', startedAt: start }, alert);
  const roots = templateRoots(run, plan, [row('1', { result: { x: 1 } })], '2026-01-01T00:00:01.500Z');
  delete process.env['FIST_TEST_CANARY'];
  expect(Object.keys(roots)).toEqual(['source', 'alert', 'steps', 'workflow', 'env']);
  expect(roots['env']).toEqual({ TEAM: 'shop' });
  expect(roots['alert']).toMatchObject({ alertname: 'PodCrashLooping', labels: { pod: 'checkout' } });
  expect(roots['source']).toMatchObject({
    name: 'prometheus',
    data: {
      alertname: 'PodCrashLooping',
      alert: { labels: { pod: 'checkout' } },
      alerts: [{ labels: { pod: 'checkout' } }],
      labels: { pod: 'checkout' },
    },
  });
  expect(roots['workflow']).toEqual({
    name: 'triage',
    namespace: 'default',
    runId: run.id,
    status: 'running',
    outputs: {},
    startedAt: start,
    completedAt: null,
    duration: '1.5',
  });
});

test('at the end the status, the outputs and the time are those of the end', () => {
  const plan = planOf([]);
  const roots = templateRoots(runRecord(plan, start), plan, [], start, { status: 'failed', outputs: { a: '1' } });
  expect(roots['workflow']).toMatchObject({ status: 'failed', outputs: { a: '1' }, completedAt: start, duration: '0' });
  expect(roots['alert']).toEqual({});
});

test('a step shows its last attempt, in whatever order the rows come', () => {
  const rows = [row('1', { attempt: 2, result: 'second' }), row('1', { status: 'failed', error: 'exit code 1' })];
  expect(stepsJson(planOf([step('get-logs')]), rows)).toEqual({
    'get-logs': { result: 'second', success: true, error: null, status: 'succeeded' },
  });
});

test('5.9.7 a failed step is not a success', () => {
  const rows = [row('1', { status: 'failed', error: 'exit code 1', result: { exit_code: 1 } })];
  expect(stepsJson(planOf([step('one')]), rows)['one']).toEqual({
    result: { exit_code: 1 },
    success: false,
    error: 'exit code 1',
    status: 'failed',
  });
});

test('a conditional has the fields of its branch beside its own, and succeeds only where the branch does', () => {
  const plan = planOf([step('ask', { type: 'conditional', branches: branchesOf(['then', step('ask-then')]) })]);
  const own = { condition_met: true, branch: 'then', message: 'condition is met' };
  const asked = row('1', { result: own });
  const fixed = row('1.then', { result: { summary: 'fixed', message: 'of the branch' } });
  expect(stepsJson(plan, [asked, fixed])).toEqual({
    ask: { result: { summary: 'fixed', ...own }, success: true, error: null, status: 'succeeded' },
    'ask-then': {
      result: { summary: 'fixed', message: 'of the branch' },
      success: true,
      error: null,
      status: 'succeeded',
    },
  });
  const broken = row('1.then', { status: 'failed', error: 'no', result: null });
  expect(stepsJson(plan, [asked, broken])['ask']).toEqual({
    result: own,
    success: false,
    error: 'no',
    status: 'failed',
  });
  expect(stepsJson(plan, [row('1', { result: { ...own, branch: null } })])['ask']).toMatchObject({
    success: false,
    status: 'succeeded',
  });
});

test('a step that is called __proto__ is a name like any other', () => {
  const steps = stepsJson(planOf([step('__proto__')]), [row('1', { result: 'x' })]);
  expect(Object.keys(steps)).toEqual(['__proto__']);
  expect(Object.getPrototypeOf(steps)).toBe(Object.prototype);
});
