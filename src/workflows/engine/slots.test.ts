import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn, failure, longDeed, never } from '../../../test/support/engine-tests.ts';
import { planOf, runRecord, step } from '../../../test/support/engine.ts';
import { succeeded } from '../steps/define.ts';

describe.each(contractStores)('slots on $name', (database) => {
  const on = engineOn(database);

  test('3.1.16 one per alert, held to the final state; the next waiter is woken then', async () => {
    const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 5000, maxBackoffMs: 5000 } })]);
    const it = on.world({ one: (io) => (io.attempt === 1 ? failure() : succeeded({})) });
    const alert = await it.addAlert();
    const first = await it.addRun(plan, {}, alert);
    const second = await it.addRun(plan, { episode: 2 }, alert);
    const third = await it.addRun(plan, { episode: 3 }, alert);
    // Of runs that are due at one moment, none is the first.
    await it.engine.advance(first, never);
    await it.runAll();
    expect(await it.run(first)).toMatchObject({ waitingFor: 'retry' });
    for (const id of [second, third]) {
      expect(await it.run(id)).toMatchObject({
        status: 'pending',
        waitingFor: 'slot',
        wakeAt: null,
        startedAt: null,
        leaseOwner: null,
      });
    }
    await on.clock.advance(5000);
    await it.engine.advance(first, never);
    expect((await it.run(second)).wakeAt).toBe(on.now());
    expect((await it.run(third)).wakeAt).toBeNull();
    await it.runAll();
    expect(await it.run(second)).toMatchObject({ waitingFor: 'retry' });
    for (let life = 0; life < 4; life += 1) {
      await on.clock.advance(5000);
      await it.runAll();
    }
    for (const id of [first, second, third]) expect((await it.run(id)).status).toBe('succeeded');
  });

  test('3.1.16 a run that a Sink led to in another namespace does not hold up those of the alert', async () => {
    const long = longDeed();
    const it = on.world({ long: long.deed });
    const alert = await it.addAlert();
    const plan = planOf([step('long')], { namespace: 'oncall' });
    const { input } = runRecord(plan, on.now(), {}, alert);
    const parent = { runId: 'parent', workflows: ['default/triage'] };
    const other = await it.addRun(plan, { input: { ...input, parent } }, alert);
    const working = it.engine.advance(other, never);
    await on.clock.advance(0);
    expect(long.seen).toHaveLength(1);
    const own = await it.addRun(planOf([step('one')]), {}, alert);
    await it.engine.advance(own, never);
    expect((await it.run(own)).status).toBe('succeeded');
    long.finish();
    await working;
    expect((await it.run(other)).status).toBe('succeeded');
  });

  test('3.1.16 maxConcurrent per Workflow, freed while waiting', async () => {
    const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 5000, maxBackoffMs: 5000 } })], {
      maxConcurrent: 2,
    });
    const deeds = [longDeed(), longDeed(), longDeed()] as const;
    let next = 0;
    const it = on.world({ one: (io) => (io.attempt === 1 ? (deeds[next++] ?? deeds[0]).deed(io) : succeeded({})) });
    const ids = [await it.addRun(plan), await it.addRun(plan), await it.addRun(plan)];
    const working: Promise<void>[] = [];
    for (const id of ids) {
      working.push(it.engine.advance(id, never));
      await on.clock.advance(0);
    }
    expect(await Promise.all(ids.map(async (id) => (await it.run(id)).waitingFor))).toEqual([null, null, 'slot']);
    deeds[0].finish(failure());
    await on.clock.advance(0);
    expect(await it.run(ids[0] ?? '')).toMatchObject({ waitingFor: 'retry' });
    expect((await it.run(ids[2] ?? '')).wakeAt).toBe(on.now());
    void it.engine.advance(ids[2] ?? '', never);
    await on.clock.advance(0);
    expect(deeds[2].seen).toHaveLength(1);
    // The retry is due, and both places are taken.
    await on.clock.advance(5000);
    await it.engine.advance(ids[0] ?? '', never);
    expect(await it.run(ids[0] ?? '')).toMatchObject({ status: 'running', waitingFor: 'slot', wakeAt: null });
    deeds[1].finish();
    deeds[2].finish();
    await on.clock.advance(0);
    await it.runAll();
    await Promise.all(working);
    for (const id of ids) expect((await it.run(id)).status).toBe('succeeded');
  });

  test('3.1.16 a waiter whose own limit is lower does not keep the place from the next one', async () => {
    const wide = planOf([step('one')], { maxConcurrent: 3 });
    const narrow = planOf([step('one')], { maxConcurrent: 1 });
    const deeds = Array.from({ length: 5 }, longDeed);
    let begun = 0;
    const it = on.world({ one: (io) => deeds[begun++]?.deed(io) ?? succeeded({}) });
    const begin = async (id: string): Promise<void> => {
      void it.engine.advance(id, never);
      await on.clock.advance(0);
    };
    const waitingFor = (ids: readonly string[]) =>
      Promise.all(ids.map(async (id) => (await it.run(id)).waitingFor ?? 'nothing'));
    for (const id of [await it.addRun(wide), await it.addRun(wide), await it.addRun(wide)]) await begin(id);
    const waiters = [await it.addRun(wide), await it.addRun(narrow), await it.addRun(wide)] as const;
    for (const id of waiters) await begin(id);
    expect(await waitingFor(waiters)).toEqual(['slot', 'slot', 'slot']);
    // Each of the two that end wakes one, the second of which wants to be alone.
    for (const deed of deeds.slice(0, 2)) deed.finish();
    await on.clock.advance(0);
    await begin(waiters[0]);
    await begin(waiters[1]);
    expect((await it.run(waiters[2])).wakeAt).toBe(on.now());
    await begin(waiters[2]);
    expect(await waitingFor(waiters)).toEqual(['nothing', 'slot', 'nothing']);
    expect(begun).toBe(5);
    for (const deed of deeds) deed.finish();
    await on.clock.advance(0);
    await it.runAll();
    expect(await it.run(waiters[1])).toMatchObject({ status: 'succeeded' });
  });

  test('3.1.16 a waiter that was woken and then cancelled hands its wake-up on', async () => {
    const long = longDeed();
    const it = on.world({ one: long.deed });
    const alert = await it.addAlert();
    const plan = planOf([step('one')]);
    const holder = await it.addRun(plan, {}, alert);
    const second = await it.addRun(plan, { episode: 2 }, alert);
    const third = await it.addRun(planOf([step('other')]), { episode: 3 }, alert);
    const working = it.engine.advance(holder, never);
    await on.clock.advance(0);
    await it.engine.advance(second, never);
    await it.engine.advance(third, never);
    long.finish();
    await working;
    await on.control().cancel(second, 'Superseded');
    await it.engine.advance(second, never);
    expect((await it.run(second)).status).toBe('cancelled');
    await it.runAll();
    expect((await it.run(third)).status).toBe('succeeded');
  });

  test('3.1.17 a superseded run that waits ends at once; an executing one may finish only where nobody cancels it', async () => {
    const long = longDeed();
    const it = on.world({ one: long.deed });
    const alert = await it.addAlert();
    const plan = planOf([step('one')], { sinks: ['chat'] });
    const executing = await it.addRun(plan, {}, alert);
    const waiting = await it.addRun(plan, { episode: 2 }, alert);
    const working = it.engine.advance(executing, never);
    await on.clock.advance(0);
    await it.engine.advance(waiting, never);
    await on.store.transaction('intake', (tx) => tx.runs.requestCancel(waiting, on.now(), 'Superseded'));
    await it.runAll();
    expect(await it.run(waiting)).toMatchObject({ status: 'cancelled', error: 'Superseded' });
    expect((await on.store.read.lists.deliveries({ limit: 10, runId: waiting })).items).toEqual([]);
    long.finish();
    await working;
    expect((await it.run(executing)).status).toBe('succeeded');
  });
});
