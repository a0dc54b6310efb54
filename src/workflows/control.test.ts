import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import type { FakeClock } from '../../test/support/clock.ts';
import { createEngineWorld, planOf, step } from '../../test/support/engine.ts';
import type { CatalogWorkflow } from '../core/catalog.ts';
import { addMs, toTimestamp } from '../core/time.ts';
import type { Store } from '../core/store.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { createControl } from './control.ts';

let clock: FakeClock;
let store: Store;
beforeEach(() => {
  clock = createFakeClock();
  store = openSqliteStore({ path: ':memory:' });
});
afterEach(() => store.close());

function control(workflow?: Partial<CatalogWorkflow>) {
  return createControl({ store, clock, catalog: { current: () => ({ workflow: () => workflow }) as never } });
}

const plan = planOf([step('one')]);

test('cancel: the first reason stays, and an absent run is not found', async () => {
  const world = createEngineWorld({ store, clock });
  const id = await world.addRun(plan);
  await control().cancel(id, 'first');
  await clock.advance(1000);
  await control().cancel(id, 'second');
  expect(await world.run(id)).toMatchObject({ cancelReason: 'first', cancelRequestedAt: '2026-01-01T00:00:00.000Z' });
  await expect(control().cancel('nobody', 'x')).rejects.toMatchObject({ code: 'NotFound', next: 'fist get runs' });
});

test('cancel tells the engine of a run that waits', async () => {
  const world = createEngineWorld({ store, clock });
  const id = await world.addRun(plan, { wakeAt: null });
  const hints: boolean[] = [];
  store.onCommit(({ runs }) => hints.push(runs));
  await control().cancel(id, 'x');
  expect(hints).toEqual([true]);
});

test('retry uses the Workflow as it is now', async () => {
  const world = createEngineWorld({ store, clock });
  const alert = await world.addAlert();
  const id = await world.addRun(plan, {}, alert);
  await world.runAll();
  await clock.advance(60_000);
  const newer = planOf([step('one'), step('two')], { deadlineMs: 1000 });
  const again = await control({ plan: newer, planHash: 'newer' }).retry(id);
  const now = toTimestamp(clock.now());
  expect(await world.run(again)).toMatchObject({
    retryOf: id,
    planHash: 'newer',
    totalSteps: 2,
    alertId: alert.id,
    episode: 1,
    status: 'pending',
    wakeAt: now,
    deadlineAt: addMs(now, 1000),
    fence: 0,
    error: null,
  });
  expect(await store.read.runs.plan('newer')).toEqual(newer);
});

test('retry of a run that has not ended is a conflict; without any plan it cannot be done', async () => {
  const world = createEngineWorld({ store, clock });
  const unfinished = await world.addRun(plan);
  await expect(control().retry(unfinished)).rejects.toMatchObject({ code: 'Conflict' });
  const planless = await world.addRun(plan, { planHash: null, status: 'failed', wakeAt: null });
  await expect(control().retry(planless)).rejects.toMatchObject({ code: 'WorkflowNotReady' });
  await expect(control().retry('nobody')).rejects.toMatchObject({ code: 'NotFound' });
});

test('a run that failed because its Workflow was missing can be repeated once that is there', async () => {
  const world = createEngineWorld({ store, clock });
  const id = await world.addRun(plan, {
    planHash: null,
    status: 'failed',
    errorCode: 'WorkflowNotReady',
    wakeAt: null,
  });
  const again = await control({ plan, planHash: 'there' }).retry(id);
  await world.runAll();
  expect((await world.run(again)).status).toBe('succeeded');
});
