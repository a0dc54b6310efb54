import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { planOf, runRecord, step } from '../../../test/support/engine.ts';
import { sharedPostgres } from '../../../test/support/postgres.ts';
import { waitFor } from '../../../test/support/wait.ts';
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
  const server = await sharedPostgres();
  const url = await server.createDatabase();
  const isBlocked = async () => {
    const rows = await server.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = '${new URL(url).pathname.slice(1)}' AND wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  };
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

  const [found, mayWait, mayLetGo, late] = [gate(), gate(), gate(), gate()];
  // The waiter is claimed and finds no slot,
  const waiting = store.transaction('claim', async (tx) => {
    await tx.runs.claim(waiter.id, 'first', now, later);
    await tx.runs.takeSlot(key, 1, waiter.id, now);
    found.open();
    await mayWait.opened;
    await tx.runs.release(waiter.id, { status: 'pending', wakeAt: null, waitingFor: 'slot', slotKey: key });
  });
  await found.opened;
  // another replica claims it at the same time, and keeps the row that it did not get until its commit,
  const tooLate = store.transaction('claim', async (tx) => {
    const claimed = await tx.runs.claim(waiter.id, 'second', now, later);
    late.open();
    await mayLetGo.opened;
    return claimed;
  });
  await waitFor('it to wait for that row', isBlocked);
  mayWait.open();
  await waiting;
  await late.opened;
  // and just then the slot is freed.
  const freeing = store.transaction('run-end', async (tx) => {
    await tx.runs.freeAllSlots(holder.id, [key], now);
  });
  // It waits for the row too; or, where it does not, it has ended.
  await Promise.race([freeing, waitFor('it to wait for that row', isBlocked)]);
  mayLetGo.open();
  expect(await tooLate).toBeUndefined();
  await freeing;
  expect((await store.read.runs.find(waiter.id))?.wakeAt).toBe(now);
});
