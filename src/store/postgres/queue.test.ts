import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { createEngineWorld, planOf, step } from '../../../test/support/engine.ts';
import { sharedPostgres, startPostgres } from '../../../test/support/postgres.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { systemClock } from '../../lib/clock.ts';
import { openRunQueue } from './queue.ts';
import type { PostgresRunQueue } from './queue.ts';
import { openPostgresStore } from './store.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());
const clock = systemClock();
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `run-${index}`);

async function open(url: string): Promise<PostgresRunQueue> {
  const queue = await openRunQueue({ url, onError: () => undefined });
  cleanup.defer(() => queue.close());
  return queue;
}

describe('the queue of runs', () => {
  let url: string;
  let jobs: () => Promise<unknown>;
  beforeEach(async () => {
    const server = await sharedPostgres();
    url = await server.createDatabase();
    jobs = () =>
      server.query(
        'SELECT state, count(*)::int FROM punchingfist_jobs.job GROUP BY state',
        url.slice(url.lastIndexOf('/') + 1),
      );
  });

  test('is made by whoever comes first: five open it at a time', async () => {
    const queues = await Promise.all(Array.from({ length: 5 }, () => open(url)));
    await queues[0]?.send(ids(1));
    expect(await queues[4]?.take(8)).toEqual(ids(1));
  });

  test('keeps one job for each run, and leaves none behind', async () => {
    const queue = await open(url);
    await Promise.all([queue.send(ids(20)), queue.send(ids(20).toReversed()), queue.send(ids(10))]);
    expect(await jobs()).toEqual([{ state: 'created', count: 20 }]);
    const taken: string[] = [];
    for (;;) {
      const some = await queue.take(7);
      expect(some.length).toBeLessThanOrEqual(7);
      if (some.length === 0) break;
      taken.push(...some);
    }
    expect(taken.toSorted()).toEqual(ids(20).toSorted());
    expect(await jobs()).toEqual([]);
  });

  test('gives each job to one of those who take at a time', async () => {
    const queues = await Promise.all([open(url), open(url), open(url)]);
    await queues[0]?.send(ids(60));
    const taken = await Promise.all(queues.flatMap((queue) => [queue.take(16), queue.take(16)]));
    expect(new Set(taken.flat()).size).toBe(taken.flat().length);
    expect(taken.flat().length).toBeGreaterThanOrEqual(16);
  });

  test('tells every replica of a commit that made a run due, and of nothing that was rolled back', async () => {
    const [queue, other] = [await open(url), await open(url)];
    const store = await openPostgresStore({ url, clock, onError: () => undefined, sendJobs: queue.sendJobs });
    cleanup.defer(() => store.close());
    const world = createEngineWorld({ store, clock: store.clock });
    await waitFor('both listen', async () => {
      const rows = await (
        await sharedPostgres()
      ).query(
        "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'punching-fist listener' AND query <> '' AND datname = current_database()",
        url.slice(url.lastIndexOf('/') + 1),
      );
      return rows[0]?.['count'] === 2;
    });
    let heard = 0;
    other.onSent(() => (heard += 1));
    const plan = planOf([step('one')]);
    await world.addRun(plan, { wakeAt: new Date(store.clock.now() + 60_000).toISOString() });
    await expect(
      store.transaction('intake', async (tx) => {
        await tx.runs.releaseLeases(new Date(store.clock.now()).toISOString());
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await jobs()).toEqual([]);
    const id = await world.addRun(plan);
    await waitFor('the other one hears of it', () => heard > 0);
    expect(await other.take(4)).toEqual([id]);
  });
});

test('a server that goes away and comes back takes nothing from the queue, and is listened to again', async () => {
  const server = await startPostgres();
  cleanup.defer(() => server.remove());
  const url = await server.createDatabase();
  const errors: unknown[] = [];
  const queue = await openRunQueue({ url, onError: (error) => errors.push(error) });
  cleanup.defer(() => queue.close());
  await queue.send(ids(3));
  await server.stop();
  await expect(queue.take(1)).rejects.toMatchObject({ code: 'StoreUnavailable' });
  await expect(queue.send(ids(1))).rejects.toMatchObject({ code: 'StoreUnavailable' });
  let heard = 0;
  queue.onSent(() => (heard += 1));
  await server.start();
  await waitFor('it listens again', () => heard > 0);
  expect(errors.length).toBeGreaterThan(0);
  expect((await queue.take(4)).length).toBe(3);
});
