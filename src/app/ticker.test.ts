import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { startTicker } from './ticker.ts';
import { silentLog } from '../lib/silent-log.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('of three replicas one does the work of each minute; work that fails is done by the next minute', async () => {
  const clock = createFakeClock('2026-01-01T00:00:10.000Z');
  const store = openSqliteStore({ path: ':memory:' });
  cleanup.defer(() => store.close());
  const done: string[] = [];
  const ticks = [0, 0, 0];
  for (const replica of ticks.keys()) {
    const ticker = startTicker({
      store,
      clock,
      log: silentLog,
      metrics: {
        increment: (name, labels) => {
          expect([name, labels]).toEqual(['fist_ticks_total', { name: 'minute' }]);
          ticks[replica] = (ticks[replica] ?? 0) + 1;
        },
        observe: () => undefined,
        set: () => undefined,
      },
      name: 'minute',
      async work() {
        done.push(new Date(clock.now()).toISOString().slice(11, 16));
        if (done.length === 2) throw new Error('not this time');
      },
    });
    cleanup.defer(() => ticker.stop());
  }
  await clock.advance(0);
  await clock.advance(5 * 60_000);
  expect(done).toEqual(['00:00', '00:01', '00:02', '00:03', '00:04', '00:05']);
  expect(ticks.reduce((sum, count) => sum + count, 0)).toBe(6);
});

test('a timer that rings a moment early skips no minute', async () => {
  const clock = createFakeClock('2026-01-01T00:00:10.000Z');
  const store = openSqliteStore({ path: ':memory:' });
  cleanup.defer(() => store.close());
  const done: string[] = [];
  const ticker = startTicker({
    store: {
      ...store,
      // The minute is over when the answer comes that it was done before.
      async transaction(name, work) {
        await clock.sleep(3);
        return store.transaction(name, work);
      },
    },
    clock: { ...clock, sleep: (milliseconds, signal) => clock.sleep(Math.max(1, milliseconds - 1), signal) },
    log: silentLog,
    metrics: { increment: () => undefined, observe: () => undefined, set: () => undefined },
    name: 'minute',
    work: async () => void done.push(new Date(clock.now()).toISOString().slice(11, 16)),
  });
  cleanup.defer(() => ticker.stop());
  await clock.advance(5 * 60_000);
  expect(done).toEqual(['00:00', '00:01', '00:02', '00:03', '00:04', '00:05']);
});
