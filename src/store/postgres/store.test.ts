import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { sharedPostgres } from '../../../test/support/postgres.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { Clock } from '../../core/ports.ts';
import { systemClock } from '../../lib/clock.ts';
import { openPostgresStore } from './store.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

test('opens an empty database, migrates it, and opens it again', async () => {
  const server = await sharedPostgres();
  const url = await server.createDatabase();
  const clock = systemClock();
  const ahead = { ...clock, now: () => clock.now() + 3_600_000 };
  const opened = async (of: Clock) => {
    const store = await openPostgresStore({ url, clock: of, onError: () => undefined });
    cleanup.defer(() => store.close());
    return store;
  };
  const store = await opened(clock);
  expect(await store.read.lists.depths()).toEqual({ runs: 0, deliveries: 0 });
  // A clock is off by as much as a busy machine delays its comparison: then two others are opened.
  await waitFor('two clocks that agree', async () => {
    const [one, other] = [await opened(clock), await opened(ahead)];
    return Math.abs(one.clock.now() - other.clock.now()) < 100;
  });
});
