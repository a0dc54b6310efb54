import { describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { deliveryFixture } from '../../test/support/deliveries.ts';
import { engineOn } from '../../test/support/engine-tests.ts';
import { planOf, step } from '../../test/support/engine.ts';
import type { Log } from '../core/ports.ts';
import { addMs } from '../core/time.ts';
import { createControl } from './control.ts';
import { silentLog } from '../lib/silent-log.ts';

describe.each(contractStores)('control on $name', (database) => {
  const on = engineOn(database);

  const plan = planOf([step('one')]);
  const metrics = { increment: () => undefined };

  test('cancel: the first reason stays, and an absent run is not found', async () => {
    const world = on.world();
    const id = await world.addRun(plan);
    await on.control().cancel(id, 'first');
    await on.clock.advance(1000);
    await on.control().cancel(id, 'second');
    expect(await world.run(id)).toMatchObject({ cancelReason: 'first', cancelRequestedAt: '2026-01-01T00:00:00.000Z' });
    await expect(on.control().cancel('nobody', 'x')).rejects.toMatchObject({ code: 'NotFound', next: 'fist get runs' });
  });

  test('cancel tells the engine of a run that waits', async () => {
    const world = on.world();
    const id = await world.addRun(plan, { wakeAt: null });
    const hints: boolean[] = [];
    on.store.onCommit(({ runs }) => hints.push(runs));
    await on.control().cancel(id, 'x');
    expect(hints).toEqual([true]);
  });

  test('retry uses the Workflow as it is now', async () => {
    const world = on.world();
    const alert = await world.addAlert();
    const id = await world.addRun(plan, {}, alert);
    await world.runAll();
    await on.clock.advance(60_000);
    const newer = planOf([step('one'), step('two')], { deadlineMs: 1000 });
    const again = await on.control({ plan: newer, planHash: 'newer' }).retry(id);
    const now = on.now();
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
    expect(await on.store.read.runs.plan('newer')).toEqual(newer);
  });

  test('retry of a run that has not ended is a conflict; without any plan it cannot be done', async () => {
    const world = on.world();
    const unfinished = await world.addRun(plan);
    await expect(on.control().retry(unfinished)).rejects.toMatchObject({ code: 'Conflict' });
    const planless = await world.addRun(plan, { planHash: null, status: 'failed', wakeAt: null });
    await expect(on.control().retry(planless)).rejects.toMatchObject({ code: 'WorkflowNotReady' });
    await expect(on.control().retry('nobody')).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('a run that failed because its Workflow was missing can be repeated once that is there', async () => {
    const world = on.world();
    const id = await world.addRun(plan, {
      planHash: null,
      status: 'failed',
      errorCode: 'WorkflowNotReady',
      wakeAt: null,
    });
    const again = await on.control({ plan, planHash: 'there' }).retry(id);
    await world.runAll();
    expect((await world.run(again)).status).toBe('succeeded');
  });

  test('a failed delivery is sent again, with a log line and a hint; others are a conflict', async () => {
    const failed = deliveryFixture({ id: 'd1', status: 'failed', attempts: 10, error: 'gave up', wakeAt: null });
    const done = deliveryFixture({ id: 'd2', status: 'sent', wakeAt: null });
    await on.store.transaction('run-end', (tx) => tx.deliveries.insert([failed, done]));
    const logged: unknown[] = [];
    const log: Log = { ...silentLog, info: (fields, message) => void logged.push([message, fields]) };
    const hints: boolean[] = [];
    on.store.onCommit(({ deliveries }) => hints.push(deliveries));
    const asked = createControl({
      store: on.store,
      clock: on.clock,
      log,
      metrics,
      catalog: { current: () => ({}) as never },
    });
    await asked.retryDelivery('d1');
    const now = on.now();
    expect(await on.store.read.deliveries.find('d1')).toMatchObject({ status: 'pending', attempts: 0, retriedAt: now });
    expect(hints).toEqual([true]);
    const fields = { delivery: 'd1', run: 'r1', sink: 'shop/out', attempts: 10, error: 'gave up' };
    expect(logged).toEqual([['delivery-retried-by-person', fields]]);
    await expect(asked.retryDelivery('d1')).rejects.toMatchObject({ code: 'Conflict' });
    await expect(asked.retryDelivery('d2')).rejects.toMatchObject({
      code: 'Conflict',
      message: 'delivery d2 has not failed: sent',
      next: 'fist get deliveries --status failed',
    });
    await expect(asked.retryDelivery('absent')).rejects.toMatchObject({
      code: 'NotFound',
      next: 'fist get deliveries',
    });
    expect(logged).toHaveLength(1);
  });

  function controlWithLog(logged: unknown[]) {
    const log: Log = { ...silentLog, info: (fields, message) => void logged.push([message, fields]) };
    const sink = (namespace: string, name: string) => (`${namespace}/${name}` === 'shop/out' ? {} : undefined);
    return createControl({
      store: on.store,
      clock: on.clock,
      log,
      metrics,
      catalog: { current: () => ({ sink }) as never },
    });
  }

  test('all failed deliveries of a Sink are sent again, however many there are', async () => {
    const failed = Array.from({ length: 1001 }, (_, index) =>
      deliveryFixture({ id: `d${10_000 + index}`, status: 'failed', attempts: 3, wakeAt: null }),
    );
    const other = deliveryFixture({ id: 'e1', sinkName: 'other', status: 'failed', wakeAt: null });
    await on.store.transaction('run-end', (tx) => tx.deliveries.insert([...failed, other]));
    const logged: unknown[] = [];
    const asked = controlWithLog(logged);
    expect(await asked.retryDeliveries('shop', 'out')).toBe(1001);
    expect((await on.store.read.deliveries.due(on.now(), 2000)).length).toBe(1001);
    expect(await asked.retryDeliveries('shop', 'out')).toBe(0);
    expect(logged[0]).toEqual(['deliveries-retried-by-person', { sink: 'shop/out', deliveries: 1001 }]);
    await expect(asked.retryDeliveries('shop', 'typo')).rejects.toMatchObject({ code: 'NotFound' });
    expect((await on.store.read.deliveries.find('e1'))?.status).toBe('failed');
  });

  test('all that wait for a Sink are called off, also for one that is gone', async () => {
    const loose = { runId: null, alertId: null };
    const waiting = Array.from({ length: 1001 }, (_, index) =>
      deliveryFixture({ id: `d${index}`, ...loose, sinkName: 'gone', idempotencyKey: `d${index}` }),
    );
    const sent = deliveryFixture({
      id: 'e1',
      ...loose,
      sinkName: 'gone',
      status: 'sent',
      wakeAt: null,
      idempotencyKey: 'e1',
    });
    const other = deliveryFixture({ id: 'f1', ...loose, idempotencyKey: 'f1' });
    await on.store.transaction('run-end', (tx) => tx.deliveries.insert([...waiting, sent, other]));
    const logged: unknown[] = [];
    const asked = controlWithLog(logged);
    expect(await asked.cancelDeliveries('shop', 'gone', 'the channel is gone')).toBe(1001);
    expect(logged).toEqual([
      ['deliveries-cancelled-by-person', { sink: 'shop/gone', deliveries: 1001, reason: 'the channel is gone' }],
    ]);
    const statusOf = async (id: string) => (await on.store.read.deliveries.find(id))?.status;
    expect([await statusOf('d0'), await statusOf('e1'), await statusOf('f1')]).toEqual(['skipped', 'sent', 'pending']);
    await expect(asked.cancelDeliveries('shop', 'gone', 'again')).rejects.toMatchObject({
      code: 'NotFound',
      message: 'there is no Sink shop/gone, and no pending delivery to it',
    });
  });

  test('a pending delivery is called off, with a log line; one that has ended is a conflict', async () => {
    await on.store.transaction('run-end', (tx) => tx.deliveries.insert([deliveryFixture({ attempts: 2 })]));
    const logged: unknown[] = [];
    const asked = controlWithLog(logged);
    await asked.cancelDelivery('d1', 'the receiver is gone');
    const fields = { delivery: 'd1', run: 'r1', sink: 'shop/out', attempts: 2, reason: 'the receiver is gone' };
    expect(logged).toEqual([['delivery-cancelled-by-person', fields]]);
    expect(await on.store.read.deliveries.find('d1')).toMatchObject({
      status: 'skipped',
      error: 'the receiver is gone',
    });
    await expect(asked.cancelDelivery('d1', 'x')).rejects.toMatchObject({
      code: 'Conflict',
      message: 'delivery d1 has ended already: skipped',
    });
    await expect(asked.cancelDelivery('absent', 'x')).rejects.toMatchObject({ code: 'NotFound' });
    expect(logged).toHaveLength(1);
  });
});
