import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { sharedPostgres } from '../../../test/support/postgres.ts';
import { systemClock } from '../../lib/clock.ts';
import { openPostgresStore } from './store.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

test('opens an empty database, migrates it, and opens it again', async () => {
  const server = await sharedPostgres();
  const url = await server.createDatabase();
  const options = { url, clock: systemClock(), onError: () => undefined };
  const store = await openPostgresStore(options);
  cleanup.defer(() => store.close());
  const second = await openPostgresStore(options);
  cleanup.defer(() => second.close());
  expect(await store.read.lists.depths()).toEqual({ runs: 0, deliveries: 0 });
  expect(Math.abs(store.clock.now() - second.clock.now())).toBeLessThan(100);
});
