import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { planOf, runRecord, step } from '../../../test/support/engine.ts';
import { sharedPostgres } from '../../../test/support/postgres.ts';
import { addMs, toTimestamp } from '../../core/time.ts';
import { systemClock } from '../../lib/clock.ts';
import { openPostgresStore } from './store.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const plan = planOf([step('one')]);
const key = 'alert/a';

/** Steps of transactions that a test lets happen in its order. */
function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

test('a slot that is freed wakes its waiter, also while a claim that came too late has that row', async () => {
  const url = await (await sharedPostgres()).createDatabase();
  const store = await openPostgresStore({ url, clock: systemClock(), onError: () => undefined });
  cleanup.defer(() => store.close());
  const now = toTimestamp(Date.now());
  const later = addMs(now, 30_000);
  const [holder, waiter] = [runRecord(plan, now), runRecord(plan, now)];
  await store.transaction('intake', async (tx) => {
    for (const run of [holder, waiter]) await tx.runs.insert({ run, plan });
  });
  await store.transaction('claim', async (tx) => {
    await tx.runs.claim(holder.id, 'first', now, later);
    await tx.runs.takeSlot(key, 1, holder.id, now);
  });

  const [mayWait, mayLetGo, late] = [gate(), gate(), gate()];
  // The waiter is claimed and finds no slot,
  const waiting = store.transaction('claim', async (tx) => {
    await tx.runs.claim(waiter.id, 'first', now, later);
    await tx.runs.takeSlot(key, 1, waiter.id, now);
    await mayWait.opened;
    await tx.runs.release(waiter.id, { status: 'pending', wakeAt: null, waitingFor: 'slot', slotKey: key });
  });
  await sleep(100);
  // another replica claims it at the same time, and keeps the row that it did not get until its commit,
  const tooLate = store.transaction('claim', async (tx) => {
    const claimed = await tx.runs.claim(waiter.id, 'second', now, later);
    late.open();
    await mayLetGo.opened;
    return claimed;
  });
  await sleep(100);
  mayWait.open();
  await waiting;
  await late.opened;
  // and just then the slot is freed.
  const freeing = store.transaction('run-end', async (tx) => {
    await tx.runs.freeAllSlots(holder.id, [key], now);
  });
  await sleep(100);
  mayLetGo.open();
  expect(await tooLate).toBeUndefined();
  await freeing;
  expect((await store.read.runs.find(waiter.id))?.wakeAt).toBe(now);
});
