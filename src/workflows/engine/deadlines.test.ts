import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn, failure, longDeed, never, threeSteps } from '../../../test/support/engine-tests.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import { AppError } from '../../core/errors.ts';
import type { Store } from '../../core/store.ts';
import { addMs } from '../../core/time.ts';

describe.each(contractStores)('time on $name', (database) => {
  const on = engineOn(database);

  test('3.1.12 retries wait for their moment without a worker, then end', async () => {
    const plan = planOf([step('one', { retry: { limit: 2, backoffMs: 1000, maxBackoffMs: 60_000 } })]);
    const it = on.world({ one: () => failure() }, { jitter: 0.5 });
    const id = await it.addRun(plan);
    await it.runAll();
    expect((await it.run(id)).wakeAt).toBe(addMs(on.now(), 500));
    await on.clock.advance(499);
    await it.runAll();
    expect(await it.journal(id)).toHaveLength(1);
    await on.clock.advance(1);
    await it.runAll();
    expect((await it.run(id)).wakeAt).toBe(addMs(on.now(), 1000));
    await on.clock.advance(1000);
    await it.runAll();
    expect(await it.journal(id)).toEqual([1, 2, 3].map((attempt) => `1#${attempt} failed CommandFailed`));
    expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'CommandFailed' });
  });

  test('3.1.13 a wall clock that jumped ahead times out no run that could not run: deadlines move by the jump, once', async () => {
    const long = longDeed();
    const it = on.world({ held: long.deed });
    const held = await it.addRun(planOf([step('held'), step('last')], { deadlineMs: 120_000 }));
    const waiting = await it.addRun(planOf([step('one')], { deadlineMs: 120_000 }));
    const done = await it.addRun(planOf([step('one')], { deadlineMs: 120_000 }));
    await it.engine.advance(done, never);
    const { deadlineAt } = await it.run(waiting);
    const working = it.engine.advance(held, never);
    await on.clock.advance(10_000);
    on.clock.shiftWallClock(3_600_000);
    const later = await it.addRun(planOf([step('later')], { deadlineMs: 120_000 }));
    await on.clock.advance(5_000);
    expect(long.seen[0]?.signal.aborted).toBe(false);
    await it.engine.advance(waiting, never);
    long.finish();
    await working;
    for (const id of [held, waiting]) expect(await it.run(id)).toMatchObject({ status: 'succeeded' });
    expect(await it.journal(held)).toEqual(['1#1 succeeded', '2#1 succeeded']);
    expect((await it.run(waiting)).deadlineAt).toBe(addMs(deadlineAt, 3_600_000));
    expect((await it.run(done)).deadlineAt).toBe(deadlineAt);
    // Of the new time, so it did not move, and time that passes counts as ever.
    const { deadlineAt: ofLater } = await it.run(later);
    await on.clock.advance(110_000);
    await it.engine.advance(await it.addRun(threeSteps), never);
    expect((await it.run(later)).deadlineAt).toBe(ofLater);
    await on.clock.advance(10_000);
    await it.runAll();
    expect(await it.run(later)).toMatchObject({ status: 'failed', errorCode: 'RunTimeout' });
  });

  test('3.1.13 a jump that the store could not note is noted by the next worker, before it takes a run', async () => {
    let fails = true;
    const failing: Store = {
      ...on.store,
      transaction: (name, work) =>
        name === 'recover' && fails
          ? Promise.reject(new AppError('StoreUnavailable', 'the disk is full'))
          : on.store.transaction(name, work),
    };
    const it = on.world({}, { store: failing });
    const id = await it.addRun(planOf([step('one')], { deadlineMs: 120_000 }));
    on.clock.shiftWallClock(3_600_000);
    await expect(it.engine.advance(id, never)).rejects.toMatchObject({ code: 'StoreUnavailable' });
    fails = false;
    await it.engine.advance(id, never);
    expect(await it.run(id)).toMatchObject({ status: 'succeeded' });
  });

  test('3.1.13 where others could work meanwhile, a jump moves no deadline; nor does a correction of the time', async () => {
    const shared = on.world({}, { isAlone: false });
    const alone = on.world();
    const plan = planOf([step('one')], { deadlineMs: 30_000 });
    const [one, other] = [await shared.addRun(plan), await alone.addRun(plan)];
    on.clock.shiftWallClock(60_000);
    await alone.engine.advance(other, never);
    expect(await alone.run(other)).toMatchObject({ errorCode: 'RunTimeout' });
    on.clock.shiftWallClock(3_600_000);
    await shared.engine.advance(one, never);
    expect(await shared.run(one)).toMatchObject({ errorCode: 'RunTimeout' });
  });

  test('3.1.13 a step is timed by the monotonic clock', async () => {
    const long = longDeed();
    const it = on.world({ one: long.deed });
    const id = await it.addRun(planOf([step('one', { timeoutMs: 60_000 })]));
    const working = it.engine.advance(id, never);
    await on.clock.advance(10_000);
    on.clock.shiftWallClock(3_600_000);
    await on.clock.advance(49_000);
    expect(long.seen[0]?.signal.aborted).toBe(false);
    await on.clock.advance(1_000);
    await working;
    expect(await it.journal(id)).toEqual(['1#1 failed Timeout']);
  });

  test('3.1.13 an attempt past its time-out is aborted: failed/Timeout', async () => {
    const long = longDeed();
    const it = on.world({ one: long.deed });
    const id = await it.addRun(planOf([step('one', { timeoutMs: 1500 })]));
    const advancing = it.engine.advance(id, never);
    await on.clock.advance(1499);
    expect(long.seen[0]?.signal.aborted).toBe(false);
    await on.clock.advance(1);
    await advancing;
    expect(await it.journal(id)).toEqual(['1#1 failed Timeout']);
    expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'Timeout' });
  });

  test('3.1.13 a step that does not heed the abort does not hold its run', async () => {
    const it = on.world({ one: () => new Promise(() => undefined) });
    const id = await it.addRun(planOf([step('one', { timeoutMs: 1000 })]));
    const advancing = it.engine.advance(id, never);
    await on.clock.advance(7_000);
    await advancing;
    expect(await it.journal(id)).toEqual(['1#1 failed Timeout']);
  });

  test('3.1.13 a run past its deadline is failed/RunTimeout, in a step and in a wait', async () => {
    const long = longDeed();
    const it = on.world({ one: long.deed, two: () => failure() });
    const inStep = await it.addRun(planOf([step('one')], { deadlineMs: 5000 }));
    const inWait = await it.addRun(
      planOf([step('two', { retry: { limit: 9, backoffMs: 60_000, maxBackoffMs: 60_000 } })], { deadlineMs: 5000 }),
    );
    const advancing = it.engine.advance(inStep, never);
    await it.engine.advance(inWait, never);
    await on.clock.advance(5000);
    await advancing;
    await it.runAll();
    expect(await it.run(inStep)).toMatchObject({ status: 'failed', errorCode: 'RunTimeout' });
    expect(await it.journal(inStep)).toEqual(['1#1 failed RunTimeout']);
    expect(await it.run(inWait)).toMatchObject({ status: 'failed', errorCode: 'RunTimeout' });
    expect(await it.journal(inWait)).toEqual(['1#1 failed CommandFailed']);
  });

  test('3.1.19 time is the injected clock', async () => {
    const it = on.world();
    const id = await it.addRun(threeSteps, { wakeAt: addMs(on.now(), 3_600_000) });
    await it.runAll();
    expect((await it.run(id)).status).toBe('pending');
    await on.clock.advance(3_600_000);
    await it.runAll();
    expect(await it.run(id)).toMatchObject({
      startedAt: '2026-01-01T01:00:00.000Z',
      completedAt: '2026-01-01T01:00:00.000Z',
    });
  });
});
