import { expect, it } from 'vitest';
import { emptyLists, fakeCatalog, fakeSource } from '../../test/support/fake-server.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { addMs } from '../core/time.ts';
import type { Catalog } from '../core/catalog.ts';
import { createMetrics } from '../lib/metrics.ts';
import { countAtScrapes } from './metrics.ts';

const noon = '2026-03-01T12:00:00.000Z';

it('rows and objects are counted at each scrape, and what cannot be counted keeps its last value', async () => {
  const metrics = await createMetrics({ version: 'test' });
  const now = {
    catalog: null as Catalog | null,
    depths: { runs: 1, deliveries: 2 } as Error | { runs: number; deliveries: number },
  };
  const lists = {
    ...emptyLists(),
    async depths() {
      if (now.depths instanceof Error) throw now.depths;
      return now.depths;
    },
  };
  countAtScrapes({ metrics, reader: { lists }, catalog: { current: () => now.catalog }, clock: createFakeClock(noon) });
  const scrape = async () =>
    (await metrics.render()).body
      .split('\n')
      .filter((line) => /^fist_(?:queue_depth|resources)\{/.test(line) && !line.endsWith(' 0'));
  expect(await scrape()).toEqual(['fist_queue_depth{queue="runs"} 1', 'fist_queue_depth{queue="deliveries"} 2']);
  now.catalog = fakeCatalog([fakeSource(), fakeSource({ name: 'b', ready: false })]);
  now.depths = new Error('the store is away');
  expect(await scrape()).toEqual([
    'fist_queue_depth{queue="runs"} 1',
    'fist_queue_depth{queue="deliveries"} 2',
    'fist_resources{kind="Source",ready="true"} 1',
    'fist_resources{kind="Source",ready="false"} 1',
  ]);
});

it('how long the oldest delivery of a Sink is due, and 0 once it has gone', async () => {
  const metrics = await createMetrics({ version: 'test' });
  const clock = createFakeClock(noon);
  let oldest: ReadonlyMap<string, string> = new Map([['shop/out', addMs(noon, -90_000)]]);
  const lists = { ...emptyLists(), oldestDeliveries: async () => oldest };
  countAtScrapes({ metrics, reader: { lists }, catalog: { current: () => null }, clock });
  const scrape = async () =>
    (await metrics.render()).body.split('\n').filter((line) => line.startsWith('fist_deliveries_oldest_due_seconds{'));
  expect(await scrape()).toEqual(['fist_deliveries_oldest_due_seconds{sink="shop/out"} 90']);
  oldest = new Map();
  expect(await scrape()).toEqual(['fist_deliveries_oldest_due_seconds{sink="shop/out"} 0']);
});
