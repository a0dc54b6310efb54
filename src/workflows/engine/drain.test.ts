import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn, longDeed, threeSteps } from '../../../test/support/engine-tests.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import type { StepOutcome } from '../../core/run.ts';
import { succeeded } from '../steps/define.ts';

describe.each(contractStores)('a graceful stop on $name', (database) => {
  const on = engineOn(database);

  /** A run of two steps whose first is under way; `end` ends it, an abort does as well. */
  async function begun() {
    const held = Promise.withResolvers<StepOutcome>();
    const deeds = {
      one: (io: { readonly signal: AbortSignal }) => {
        io.signal.addEventListener('abort', () => held.reject(io.signal.reason), { once: true });
        return held.promise;
      },
    };
    const world = on.world(deeds);
    const id = await world.addRun(planOf([step('one'), step('two')]));
    const aborting = new AbortController();
    const pausing = new AbortController();
    const working = world.engine.advance(id, aborting.signal, pausing.signal);
    await on.clock.advance(0);
    return { world, id, aborting, pausing, working, end: () => held.resolve(succeeded({ done: true })) };
  }

  test('a server that drains lets the step under way end, and begins no further one', async () => {
    const { world, id, pausing, working, end } = await begun();
    pausing.abort();
    await on.clock.advance(5000);
    expect(await world.journal(id)).toEqual(['1#1 running']);
    end();
    await working;
    expect(await world.journal(id)).toEqual(['1#1 succeeded']);
    expect(await world.run(id)).toMatchObject({ status: 'running', leaseOwner: null, waitingFor: null });
    await world.engine.advance(id, new AbortController().signal);
    expect(await world.journal(id)).toEqual(['1#1 succeeded', '2#1 succeeded']);
  });

  test('a step that does not end in time is aborted and runs again', async () => {
    const { world, id, pausing, aborting, working } = await begun();
    pausing.abort();
    await on.clock.advance(5000);
    aborting.abort();
    await working;
    expect(await world.journal(id)).toEqual(['1#1 failed Stopped']);
    expect(await world.run(id)).toMatchObject({ status: 'running', leaseOwner: null });
  });

  test('a server that drains begins no run', async () => {
    const world = on.world();
    const id = await world.addRun(planOf([step('one')]));
    await world.engine.advance(id, new AbortController().signal, AbortSignal.abort());
    expect(await world.run(id)).toMatchObject({ status: 'pending', fence: 0 });
  });

  test('a graceful stop aborts the step, leaves its attempt to be repeated, and gives the run back at once', async () => {
    const long = longDeed();
    const it = on.world({ two: long.deed });
    const id = await it.addRun(threeSteps);
    const stopping = new AbortController();
    const working = it.engine.advance(id, stopping.signal);
    await on.clock.advance(0);
    stopping.abort();
    await working;
    expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 failed Stopped']);
    expect(await it.run(id)).toMatchObject({ status: 'running', leaseOwner: null, wakeAt: on.now(), waitingFor: null });
    await on.world().runAll();
    expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 failed Stopped', '2#2 succeeded', '3#1 succeeded']);
  });

  test('a stop takes nothing new and keeps a result that came', async () => {
    const stopping = new AbortController();
    const it = on.world({
      one: () => {
        stopping.abort();
        return succeeded({ kept: true });
      },
    });
    const id = await it.addRun(threeSteps);
    await it.engine.advance(id, stopping.signal);
    expect(await it.journal(id)).toEqual(['1#1 succeeded']);
    expect(await it.run(id)).toMatchObject({ leaseOwner: null, wakeAt: on.now() });
    const untouched = await it.addRun(threeSteps);
    await it.engine.advance(untouched, stopping.signal);
    expect((await it.run(untouched)).fence).toBe(0);
  });
});
