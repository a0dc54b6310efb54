import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import type { FakeClock } from '../../test/support/clock.ts';
import { createEngineWorld, planOf, silentLog, step } from '../../test/support/engine.ts';
import type { Store } from '../core/store.ts';
import { startPump } from '../lib/pump.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { enginePump } from './pump.ts';

let clock: FakeClock;
let store: Store;
beforeEach(() => {
  clock = createFakeClock();
  store = openSqliteStore({ path: ':memory:' });
});
afterEach(() => store.close());

const failing = {
  ok: false,
  code: 'CommandFailed',
  message: 'x',
  retryable: true,
  result: null,
  evidence: [],
} as const;

test('3.1.18 the pump wakes on a commit’s hint, at the next wake-up, and by itself at most 1 s later', async () => {
  const world = createEngineWorld({ store, clock, deeds: { one: () => failing } });
  const pump = startPump(enginePump({ store, engine: world.engine, concurrency: 4, clock, log: silentLog }));
  const unsubscribe = store.onCommit(({ runs }) => {
    if (runs) pump.hint();
  });
  await clock.advance(0);
  const retry = { limit: 1, backoffMs: 300, maxBackoffMs: 300 };
  const id = await world.addRun(planOf([step('one', { retry })]));
  await clock.advance(0);
  expect(await world.run(id)).toMatchObject({ waitingFor: 'retry', fence: 1 });
  await clock.advance(299);
  expect((await world.run(id)).fence).toBe(1);
  await clock.advance(1);
  expect(await world.run(id)).toMatchObject({ status: 'failed', fence: 2 });

  unsubscribe();
  const unheard = await world.addRun(planOf([step('two')]));
  await clock.advance(1000);
  expect((await world.run(unheard)).status).toBe('succeeded');
  expect(await pump.stop(1000)).toBe(true);
});

test('a stop checkpoints what runs and ends within its time', async () => {
  const world = createEngineWorld({
    store,
    clock,
    deeds: {
      one: (io) =>
        new Promise((_, reject) => {
          io.signal.addEventListener('abort', () => reject(io.signal.reason as Error), { once: true });
        }),
    },
  });
  const pump = startPump(enginePump({ store, engine: world.engine, concurrency: 4, clock, log: silentLog }));
  const ids = [await world.addRun(planOf([step('one')])), await world.addRun(planOf([step('one')]))];
  pump.hint();
  await clock.advance(0);
  expect(pump.active()).toBe(2);
  expect(await pump.stop(10_000)).toBe(true);
  for (const id of ids) {
    expect(await world.journal(id)).toEqual(['1#1 failed Stopped']);
    expect(await world.run(id)).toMatchObject({ leaseOwner: null, wakeAt: '2026-01-01T00:00:00.000Z' });
  }
});
