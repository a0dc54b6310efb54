import { describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { created, delivery, deliveriesOn, sent } from '../../test/support/delivery-store.ts';
import { alertFixture } from '../../test/support/rows.ts';
import { runFixture } from '../../test/support/deliveries.ts';
import { sortKeyOf } from '../core/delivery.ts';
import type { DeliveryEvent, DeliveryRecord } from '../core/delivery.ts';
import { knownReferences, nothingKnown } from './known.ts';

describe.each(contractStores)('what a Sink knows on $name', (database) => {
  const on = deliveriesOn(database);

  async function add(
    id: string,
    episode: number,
    reference: string | null,
    changes: Partial<DeliveryRecord> = {},
  ): Promise<DeliveryRecord> {
    const event: DeliveryEvent = changes.event ?? 'run-finished';
    const row = delivery({ id, alertId: 'a1', sortKey: sortKeyOf(episode, event, id), ...changes, event });
    await on.insert(row);
    await on.claim(id);
    if (reference !== null) await on.finish(id, { ...sent, reference });
    return on.row(id);
  }

  const known = (row: DeliveryRecord, payload = {}) => knownReferences(on.reader(), row, { payload });

  async function resolve(episode: number): Promise<void> {
    const end = { alertId: 'a1', episode, fromStatus: 'received', toStatus: 'resolved', reason: 'Resolved' } as const;
    await on.store.transaction('intake', (tx) =>
      tx.alerts.addTransitions([{ ...end, at: created, sourceEventId: null }]),
    );
  }

  test('nothing of before', async () => {
    expect(await known(await add('d1', 1, null))).toEqual(nothingKnown);
  });

  test('the thread of the alert since it fires, also through a rise of its severity, and no other Sink or alert', async () => {
    await on.store.transaction('intake', (tx) => tx.alerts.insertAll([alertFixture({ id: 'a1' })]));
    await add('d1', 1, 'other', { sinkName: 'another' });
    await add('d2', 1, 'other', { alertId: 'a2' });
    await add('d3', 1, 'thread-1');
    const second = await add('d4', 2, null);
    expect(await known(second)).toEqual({ ...nothingKnown, open: 'thread-1' });
    await resolve(1);
    expect(await known(second)).toEqual({ ...nothingKnown, closed: 'thread-1' });
  });

  test('the end that was told closes the thread', async () => {
    await add('d1', 1, 'thread-1');
    const end = await add('d2', 1, 'thread-1', { event: 'alert-resolved' });
    expect(await known(end)).toEqual({ ...nothingKnown, own: 'thread-1', open: 'thread-1' });
    expect(await known(await add('d3', 2, null))).toEqual({ ...nothingKnown, closed: 'thread-1' });
  });

  test('an attempt that came part of the way', async () => {
    await add('d1', 1, null);
    await on.finish('d1', { wakeAt: created, error: 'e', errorCode: 'DeliveryFailed', reference: 'half' });
    expect(await known(await on.row('d1'))).toEqual({ ...nothingKnown, own: 'half' });
  });

  describe('whether others fire at a place', () => {
    const fires = (place: string, alertId = 'a1') =>
      on.reader().othersFireAt({ namespace: 'shop', sinkName: 'out', alertId }, place);

    async function addAlerts(): Promise<void> {
      const alerts = ['a1', 'a2'].map((id) => alertFixture({ id, fingerprint: id }));
      await on.store.transaction('intake', (tx) => tx.alerts.insertAll(alerts));
      await add('d1', 1, '#1');
      await add('d2', 1, '#1', { alertId: 'a2' });
    }

    async function end(id: string): Promise<void> {
      const alert = await on.store.read.lists.alert(id);
      if (alert === undefined) throw new Error('there is no alert');
      await on.store.transaction('intake', (tx) => tx.alerts.saveStates([{ ...alert, status: 'resolved' }]));
    }

    test('one that was told there and has not ended since', async () => {
      await addAlerts();
      expect([await fires('#1'), await fires('#1', 'a2')]).toEqual([true, true]);
      expect([await fires('#2'), await fires('#'), await fires('#10')]).toEqual([false, false, false]);
      expect(await on.reader().othersFireAt({ namespace: 'shop', sinkName: 'other', alertId: 'a1' }, '#1')).toBe(false);
      await end('a2');
      expect([await fires('#1'), await fires('#1', 'a2')]).toEqual([false, true]);
    });

    test('not one that ended and fires again, of which nothing was told there since', async () => {
      await addAlerts();
      await resolve(1);
      expect([await fires('#1'), await fires('#1', 'a2')]).toEqual([true, false]);
    });

    test('not one that was told elsewhere since', async () => {
      await addAlerts();
      await add('d3', 1, '#2', { alertId: 'a2' });
      expect([await fires('#1'), await fires('#2')]).toEqual([false, true]);
    });

    test('one that has ended, while others fire for which its run answers', async () => {
      await addAlerts();
      const row = runFixture({ id: 'r2', alertId: 'a2' });
      await on.store.transaction('intake', async (tx) => {
        await tx.runs.insert({ run: row, plan: null });
        await tx.alerts.insertAll([alertFixture({ id: 'a3', fingerprint: 'a3' })]);
        await tx.groups.join([{ runId: 'r2', alertId: 'a3', episode: 1 }]);
      });
      await add('d3', 1, '#1', { alertId: 'a2', runId: 'r2' });
      await end('a2');
      expect(await fires('#1')).toBe(true);
      await end('a3');
      expect(await fires('#1')).toBe(false);
    });

    test('below a place', async () => {
      await addAlerts();
      await add('d3', 1, 'C1/17.2/0/run-finished/critical/1', { alertId: 'a2' });
      expect([await fires('C1/17.2'), await fires('C1/17')]).toEqual([true, false]);
    });
  });

  test('the report that told the same cause', async () => {
    await on.store.transaction('intake', (tx) => tx.runs.insert({ run: runFixture({ id: 'r7' }), plan: null }));
    await add('d1', 1, 'thread-7', { alertId: 'a7', runId: 'r7' });
    const row = await add('d2', 1, null);
    expect(await known(row, { sameAs: { run: { id: 'r7', url: null } } })).toEqual({
      ...nothingKnown,
      incident: 'thread-7',
    });
    for (const sameAs of [null, {}, { run: null }, { run: { id: 'r8' } }])
      expect((await known(row, { sameAs })).incident).toBeNull();
  });
});
