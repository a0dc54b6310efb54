import { describe, expect, test } from 'vitest';
import type { DeliveryEvent } from '../../src/core/delivery.ts';
import { sortKeyOf } from '../../src/core/delivery.ts';
import { createDeliveryStore } from '../../src/store/deliveries/store.ts';
import { noHints } from '../../src/store/commit/hints.ts';
import { readPostgresMigrations } from '../../src/store/postgres/migrate.ts';
import { readSqliteMigrations } from '../../src/store/sqlite/migrate.ts';
import { deliveryFixture } from '../support/deliveries.ts';
import { contractStores } from './stores.ts';

describe.each(contractStores)('deliveries of before on $name', ({ name, openRows }) => {
  test('the migration gives those that are pending the place that new ones have in the order of their alert', async () => {
    const opened = await openRows();
    try {
      const row = (id: string, event: DeliveryEvent, data: { readonly episode?: number }) =>
        deliveryFixture({ id, event, data, alertId: 'a', idempotencyKey: id });
      const started = row('d1', 'run-started', { episode: 12 });
      const deliveries = createDeliveryStore(opened.query, noHints());
      await deliveries.insert([
        started,
        row('d2', 'alert-resolved', { episode: 12 }),
        row('d3', 'run-finished', {}),
        { ...started, id: 'd4', idempotencyKey: 'd4', alertId: null },
        { ...started, id: 'd5', idempotencyKey: 'd5', status: 'sent', wakeAt: null },
      ]);
      const migrations = name === 'SQLite' ? readSqliteMigrations() : readPostgresMigrations();
      const sql = migrations.find(({ version }) => version === 4)?.sql ?? '';
      await opened.execute(/^UPDATE sink_outputs[^;]+/m.exec(sql)?.[0] ?? '');
      const keys: Record<string, string | null | undefined> = {};
      for (const id of ['d1', 'd2', 'd3', 'd4', 'd5']) keys[id] = (await deliveries.find(id))?.sortKey;
      expect(keys).toEqual({
        d1: sortKeyOf(12, 'run-started', 'd1'),
        d2: sortKeyOf(12, 'alert-resolved', 'd2'),
        d3: sortKeyOf(0, 'run-finished', 'd3'),
        d4: null,
        d5: null,
      });
    } finally {
      await opened.close();
    }
  });
});
