import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toTimestamp } from '../../src/core/time.ts';
import { alertRecord } from '../support/engine.ts';
import { createFakeClock } from '../support/clock.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

describe.each(contractStores)('a contract store on $name', ({ open }) => {
  let opened: ContractStore;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.close());

  test.each([1, 2])('is empty at first, again and again: %i', async () => {
    const alert = alertRecord(toTimestamp(opened.clock.now()));
    expect(await opened.query.selectFrom('alerts').select('id').execute()).toEqual([]);
    await opened.store.transaction('intake', (tx) => tx.alerts.insertAll([alert]));
    expect(await opened.query.selectFrom('alerts').select('id').execute()).toEqual([{ id: alert.id }]);
    expect(await opened.execute('SELECT count(*) AS count FROM alerts')).toEqual([{ count: 1 }]);
    expect(await opened.store.read.lists.alert(alert.id)).toEqual(alert);
  });

  test('has the time that it was given', async () => {
    const clock = createFakeClock();
    const other = await open({ clock });
    expect(other.clock.now()).toBe(Date.parse('2026-01-01T00:00:00.000Z'));
    await clock.advance(1000);
    expect(other.clock.now()).toBe(Date.parse('2026-01-01T00:00:01.000Z'));
    await other.close();
  });
});
