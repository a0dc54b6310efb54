import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn, failure, longDeed, never, threeSteps } from '../../../test/support/engine-tests.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import type { Deed } from '../../../test/support/engine.ts';
import { AppError } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import type { Store } from '../../core/store.ts';
import { addMs } from '../../core/time.ts';
import { succeeded } from '../steps/define.ts';

describe.each(contractStores)('claims and leases on $name', (database) => {
  const on = engineOn(database);

  test('3.1.4 after 60 s a worker gives the run back, due at once', async () => {
    const it = on.world({
      one: async () => {
        await on.clock.sleep(61_000);
        return succeeded({});
      },
    });
    const id = await it.addRun(threeSteps);
    const advancing = it.engine.advance(id, never);
    await on.clock.advance(61_000);
    await advancing;
    expect(await it.journal(id)).toEqual(['1#1 succeeded']);
    expect(await it.run(id)).toMatchObject({
      status: 'running',
      leaseOwner: null,
      waitingFor: null,
      wakeAt: on.now(),
      stepsCompleted: 1,
    });
    await it.runAll();
    expect(await it.run(id)).toMatchObject({ status: 'succeeded', fence: 2 });
  });

  test('3.1.16 a run that is given back due at once keeps its place in the Workflow', async () => {
    const it = on.world({
      one: async () => {
        await on.clock.sleep(61_000);
        return succeeded({});
      },
    });
    const plan = planOf([step('one'), step('two')], { maxConcurrent: 1 });
    const [first, other] = [await it.addRun(plan), await it.addRun(plan)];
    const advancing = it.engine.advance(first, never);
    await on.clock.advance(0);
    await it.engine.advance(other, never);
    await on.clock.advance(61_000);
    await advancing;
    expect(await it.run(first)).toMatchObject({ waitingFor: null, wakeAt: on.now() });
    expect(await it.run(other)).toMatchObject({ waitingFor: 'slot', wakeAt: null });
  });

  test('3.1.5 two workers: one claims it, the other finds nothing and that is no error', async () => {
    const long = longDeed();
    const it = on.world({ one: long.deed });
    const id = await it.addRun(threeSteps);
    const first = it.engine.advance(id, never);
    await on.clock.advance(0);
    expect(await it.run(id)).toMatchObject({
      status: 'running',
      fence: 1,
      leaseOwner: 'test',
      leaseUntil: addMs(on.now(), 30_000),
      wakeAt: addMs(on.now(), 30_000),
      startedAt: on.now(),
      currentStep: 'one',
    });
    await it.engine.advance(id, never);
    expect((await it.run(id)).fence).toBe(1);
    long.finish();
    await first;
    expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 succeeded', '3#1 succeeded']);
  });

  test('3.1.6 the lease is renewed every 10 s', async () => {
    const long = longDeed();
    const it = on.world({ one: long.deed });
    const id = await it.addRun(threeSteps);
    const advancing = it.engine.advance(id, never);
    await on.clock.advance(9_000);
    expect((await it.run(id)).leaseUntil).toBe('2026-01-01T00:00:30.000Z');
    await on.clock.advance(2_000);
    expect((await it.run(id)).leaseUntil).toBe('2026-01-01T00:00:40.000Z');
    await on.clock.advance(40_000);
    expect((await it.run(id)).leaseUntil).toBe('2026-01-01T00:01:20.000Z');
    long.finish();
    await advancing;
    expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 succeeded', '3#1 succeeded']);
  });

  test('3.1.6 not renewed for 20 s by the monotonic clock: the worker aborts its own work', async () => {
    const long = longDeed();
    const broken: Store = {
      ...on.store,
      transaction: (name, work) =>
        name === 'renew' ? Promise.reject(new Error('disk full')) : on.store.transaction(name, work),
    };
    const it = on.world({ one: long.deed }, { store: broken });
    const id = await it.addRun(threeSteps);
    const advancing = it.engine.advance(id, never);
    await on.clock.advance(19_000);
    expect(long.seen[0]?.signal.aborted).toBe(false);
    await on.clock.advance(1_500);
    expect(long.seen[0]?.signal.aborted).toBe(true);
    await advancing;
    expect(await it.journal(id)).toEqual(['1#1 running']);
    expect(it.counted).toContain('fist_stale_writes_total run');
    await on.clock.advance(10_000);
    const next = on.world();
    await next.runAll();
    expect(await it.journal(id)).toEqual(['1#1 failed Interrupted', '1#2 succeeded', '2#1 succeeded', '3#1 succeeded']);
  });

  /** The store, with something that happens as soon as a claim is committed. */
  function afterClaim(happens: () => Promise<void> | void): Store {
    return {
      ...on.store,
      async transaction(name, work) {
        const result = await on.store.transaction(name, work);
        if (name === 'claim') await happens();
        return result;
      },
    };
  }

  test('3.1.6 a worker that stood still between its claim and the attempt aborts it at once', async () => {
    const seen: boolean[] = [];
    const one: Deed = (io) => {
      seen.push(io.signal.aborted);
      return succeeded({});
    };
    const it = on.world({ one }, { store: afterClaim(() => on.clock.advance(20_000)) });
    const id = await it.addRun(threeSteps);
    await it.engine.advance(id, never);
    expect(seen).toEqual([true]);
    expect(await it.journal(id)).toEqual(['1#1 running']);
    expect(it.counted).toContain('fist_stale_writes_total run');
  });

  test('an attempt leaves nothing on the signal that all attempts of a server share', async () => {
    const stopping = new AbortController();
    const it = on.world();
    await it.engine.advance(await it.addRun(threeSteps), stopping.signal);
    expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
  });

  test('3.1.10 a stop that comes with the claim is heard by the first attempt', async () => {
    const stopping = new AbortController();
    const long = longDeed();
    const one: Deed = (io) => (io.signal.aborted ? failure() : long.deed(io));
    const it = on.world({ one }, { store: afterClaim(() => stopping.abort()) });
    const id = await it.addRun(threeSteps);
    await it.engine.advance(id, stopping.signal);
    expect(await it.journal(id)).toEqual(['1#1 failed Stopped']);
    expect(await it.run(id)).toMatchObject({ status: 'running', leaseOwner: null, wakeAt: on.now() });
  });

  test('a run that this program cannot take up is put off, and is not in the way of others; one whose store is away is not', async () => {
    let error: Error = new Error('Unexpected token in the plan');
    const failing: Store = {
      ...on.store,
      transaction: (name, work) => (name === 'claim' ? Promise.reject(error) : on.store.transaction(name, work)),
    };
    const it = on.world({}, { store: failing });
    const id = await it.addRun(threeSteps);
    await expect(it.engine.advance(id, never)).rejects.toThrow('Unexpected token');
    expect(await it.run(id)).toMatchObject({ status: 'pending', wakeAt: addMs(on.now(), 30_000) });
    const other = await it.addRun(threeSteps);
    error = new AppError('StoreUnavailable', 'the disk is full');
    await expect(it.engine.advance(other, never)).rejects.toThrow('the disk is full');
    expect(await it.run(other)).toMatchObject({ wakeAt: on.now() });
  });

  test('a run whose plan is of a newer version is left to who knows it, with nothing of it done', async () => {
    const it = on.world();
    const newer = { ...threeSteps, version: 2 } as unknown as Plan;
    const id = await it.addRun(newer);
    await expect(it.engine.advance(id, never)).rejects.toMatchObject({
      code: 'Internal',
      message: expect.stringMatching(
        /is of version 2, and this program knows version 1: a newer one wrote it$/,
      ) as string,
    });
    expect(await it.run(id)).toMatchObject({ status: 'pending', leaseOwner: null, wakeAt: addMs(on.now(), 30_000) });
    expect(await it.journal(id)).toEqual([]);
  });

  test('3.1.7 a result of a worker whose fence is old is not written', async () => {
    const long = longDeed();
    const it = on.world({ one: long.deed });
    const id = await it.addRun(threeSteps);
    const advancing = it.engine.advance(id, never);
    await on.clock.advance(0);
    await on.store.transaction('recover', (tx) => tx.runs.releaseLeases(on.now()));
    const other = on.world({ one: () => succeeded({ by: 'other' }) });
    await other.runAll();
    long.finish(succeeded({ by: 'first' }));
    await advancing;
    expect(it.counted.filter((name) => name.startsWith('fist_stale'))).toEqual(['fist_stale_writes_total run']);
    expect(await it.journal(id)).toEqual(['1#1 failed Interrupted', '1#2 succeeded', '2#1 succeeded', '3#1 succeeded']);
    expect((await on.store.read.runs.steps(id))[1]?.result).toEqual({ by: 'other' });
  });

  test('3.1.9 a cancel that comes while the worker gives the run back is not lost', async () => {
    const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 60_000, maxBackoffMs: 60_000 } })]);
    const it = on.world({
      one: async (io) => {
        await on.control().cancel(io.runId, 'changed my mind');
        return failure();
      },
    });
    const id = await it.addRun(plan);
    await it.runAll();
    expect(await it.run(id)).toMatchObject({ status: 'cancelled', error: 'changed my mind', errorCode: 'Cancelled' });
  });
});
