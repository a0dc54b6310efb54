import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { createFakeClock } from '../../../test/support/clock.ts';
import type { FakeClock } from '../../../test/support/clock.ts';
import { createEngineWorld, planOf, step } from '../../../test/support/engine.ts';
import type { StepOutcome } from '../../core/run.ts';
import type { Store } from '../../core/store.ts';
import { succeeded } from '../steps/define.ts';

describe.each(contractStores)('a graceful stop on $name', ({ open }) => {
  let clock: FakeClock;
  let store: Store;
  beforeEach(async () => {
    clock = createFakeClock();
    const opened = await open({ clock });
    store = opened.store;
    return () => opened.close();
  });

  /** A run of two steps whose first is under way; `end` ends it, an abort does as well. */
  async function begun() {
    const held = Promise.withResolvers<StepOutcome>();
    const deeds = {
      one: (io: { readonly signal: AbortSignal }) => {
        io.signal.addEventListener('abort', () => held.reject(io.signal.reason), { once: true });
        return held.promise;
      },
    };
    const world = createEngineWorld({ store, clock, deeds });
    const id = await world.addRun(planOf([step('one'), step('two')]));
    const aborting = new AbortController();
    const pausing = new AbortController();
    const working = world.engine.advance(id, aborting.signal, pausing.signal);
    await clock.advance(0);
    return { world, id, aborting, pausing, working, end: () => held.resolve(succeeded({ done: true })) };
  }

  test('a server that drains lets the step under way end, and begins no further one', async () => {
    const { world, id, pausing, working, end } = await begun();
    pausing.abort();
    await clock.advance(5000);
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
    await clock.advance(5000);
    aborting.abort();
    await working;
    expect(await world.journal(id)).toEqual(['1#1 failed Stopped']);
    expect(await world.run(id)).toMatchObject({ status: 'running', leaseOwner: null });
  });

  test('a server that drains begins no run', async () => {
    const world = createEngineWorld({ store, clock, deeds: {} });
    const id = await world.addRun(planOf([step('one')]));
    await world.engine.advance(id, new AbortController().signal, AbortSignal.abort());
    expect(await world.run(id)).toMatchObject({ status: 'pending', fence: 0 });
  });
});
