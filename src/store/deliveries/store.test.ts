import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { created, deliveriesOn, leaseMs, delivery, sent } from '../../../test/support/delivery-store.ts';
import type { SinkLimits } from '../../core/catalog.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import type { DeliveryEnd } from '../../core/delivery-store.ts';
import { addMs } from '../../core/time.ts';

describe.each(contractStores)('deliveries on $name', (database) => {
  const on = deliveriesOn(database);

  test('a row comes back as it went in, and the commit announces it', async () => {
    await on.insert();
    expect(on.hinted()).toBe(0);
    const full = delivery({
      payload: 'text "quoted"',
      ambiguous: true,
      reference: 'r',
      sentAt: created,
      status: 'sent',
      retriedAt: created,
      waitingFor: 'place',
    });
    await on.insert(full, delivery({ id: 'd2', payload: { a: [1, null] } }));
    expect(on.hinted()).toBe(1);
    expect(await on.reader().find('d1')).toEqual(full);
    expect((await on.row('d2')).payload).toEqual({ a: [1, null] });
    expect(await on.reader().find('absent')).toBeUndefined();
  });

  test('the same announcement is kept once', async () => {
    await on.insert(delivery());
    await on.insert(delivery({ id: 'd9', idempotencyKey: 'key-d1' }));
    expect(await on.reader().find('d9')).toBeUndefined();
  });

  test('due rows come oldest first; final ones and later ones do not', async () => {
    await on.insert(
      delivery({ id: 'late', wakeAt: addMs(created, 1000) }),
      delivery({ id: 'now' }),
      delivery({ id: 'done', status: 'sent', wakeAt: null }),
    );
    expect(await on.due()).toEqual(['now']);
    await on.clock.advance(1000);
    expect(await on.due()).toEqual(['now', 'late']);
    expect(await on.due(1)).toEqual(['now']);
    expect(await on.reader().nextWakeAt()).toBe(created);
  });

  describe('sending again', () => {
    test('a failed one is pending and due, attempts counted anew; key, payload and mark stay', async () => {
      await on.insert(delivery({ alertId: 'a1' }));
      await on.claim('d1', { keep: { sinkType: 'webhook', rendered: { payload: { text: 'x' }, report: null } } });
      const end: DeliveryEnd = {
        status: 'failed',
        error: 'e',
        errorCode: 'DeliveryFailed',
        ambiguous: true,
        wakeAt: null,
      };
      await on.finish('d1', end);
      await on.clock.advance(1000);
      const before = on.hinted();
      expect(await on.write((store) => store.retry('d1', on.now()))).toBe(true);
      expect(on.hinted()).toBe(before + 1);
      expect(await on.row('d1')).toMatchObject({
        status: 'pending',
        attempts: 0,
        error: null,
        errorCode: null,
        ambiguous: true,
        idempotencyKey: 'key-d1',
        payload: { text: 'x' },
        retriedAt: on.now(),
        createdAt: created,
        wakeAt: on.now(),
        fence: 1,
      });
      expect(await on.claim('d1')).toMatchObject({ attempts: 1, fence: 2 });
    });

    test.each(['pending', 'sent', 'skipped'] as const)('not one that is %s', async (status) => {
      await on.insert(delivery({ status, wakeAt: null }));
      expect(await on.write((store) => store.retry('d1', on.now()))).toBe(false);
      expect(await on.write((store) => store.retry('absent', on.now()))).toBe(false);
      expect(await on.row('d1')).toMatchObject({ status, retriedAt: null });
    });
  });

  describe('sending all failed ones of a Sink again', () => {
    const page = { namespace: 'shop', sinkName: 'out', after: '', limit: 2 };
    const failed = (id: string, changes: Partial<DeliveryRecord> = {}) =>
      delivery({
        id,
        status: 'failed',
        wakeAt: null,
        attempts: 9,
        error: 'e',
        errorCode: 'DeliveryFailed',
        ...changes,
      });

    test('along their ids, a page at a time; others are left alone', async () => {
      await on.insert(failed('d1'), failed('d2'), failed('d3'), delivery({ id: 'd4', status: 'sent', wakeAt: null }));
      await on.insert(failed('d5', { sinkName: 'other' }), failed('d6', { namespace: 'else' }));
      const before = on.hinted();
      expect([...(await on.write((store) => store.retryPage(page, on.now())))].sort()).toEqual(['d1', 'd2']);
      expect(on.hinted()).toBe(before + 1);
      expect(await on.write((store) => store.retryPage({ ...page, after: 'd2' }, on.now()))).toEqual(['d3']);
      expect(await on.write((store) => store.retryPage({ ...page, after: 'd3' }, on.now()))).toEqual([]);
      expect(on.hinted()).toBe(before + 2);
      const reset = {
        status: 'pending',
        attempts: 0,
        error: null,
        errorCode: null,
        retriedAt: on.now(),
        wakeAt: on.now(),
      };
      for (const id of ['d1', 'd2', 'd3']) expect(await on.row(id)).toMatchObject(reset);
      expect((await on.row('d4')).status).toBe('sent');
      for (const id of ['d5', 'd6']) expect(await on.row(id)).toMatchObject({ status: 'failed', attempts: 9 });
    });
  });

  describe('calling it off', () => {
    test('a pending one is skipped with the reason, and who waited for it or its place goes on', async () => {
      const one: SinkLimits = { maxConcurrent: 1, ratePerMinute: null };
      await on.insert(delivery({ alertId: 'a1' }), delivery({ id: 'd2', alertId: 'a1' }), delivery({ id: 'd3' }));
      await on.claim('d1', { limits: one });
      await on.claim('d2', { limits: one });
      await on.claim('d3', { limits: one });
      expect(await on.due()).toEqual([]);
      const before = on.hinted();
      expect(await on.write((store) => store.cancel('d1', 'not wanted', on.now()))).toBe(true);
      expect(on.hinted()).toBe(before + 1);
      expect(await on.row('d1')).toMatchObject({
        status: 'skipped',
        error: 'not wanted',
        errorCode: 'Cancelled',
        ambiguous: true,
        wakeAt: null,
        leaseOwner: null,
        leaseUntil: null,
      });
      expect([...(await on.due())].sort()).toEqual(['d2', 'd3']);
      expect(await on.finish('d1')).toBe(false);
      expect(await on.claim('d1')).toBeUndefined();
    });

    test('one that was never tried was certainly not sent; what has ended stays as it is', async () => {
      await on.insert(delivery(), delivery({ id: 'd2', status: 'failed', error: 'e', wakeAt: null }));
      expect(await on.write((store) => store.cancel('d1', 'not wanted', on.now()))).toBe(true);
      expect(await on.row('d1')).toMatchObject({ status: 'skipped', ambiguous: false });
      expect(await on.write((store) => store.cancel('d1', 'again', on.now()))).toBe(false);
      expect(await on.write((store) => store.cancel('d2', 'x', on.now()))).toBe(false);
      expect(await on.write((store) => store.cancel('absent', 'x', on.now()))).toBe(false);
      expect(await on.row('d2')).toMatchObject({ status: 'failed', error: 'e' });
    });
  });

  test('what nothing else would wake is found; what waits its time is not', async () => {
    await on.insert(
      delivery({ id: 'lost', wakeAt: null }),
      delivery({ id: 'far', wakeAt: addMs(created, 86_400_000) }),
      delivery({ id: 'backoff', wakeAt: addMs(created, 3_600_000) }),
      delivery({
        id: 'held',
        leaseOwner: 'x',
        leaseUntil: addMs(created, 90_000),
        wakeAt: addMs(created, 90_000),
      }),
      delivery({
        id: 'in work',
        leaseOwner: 'x',
        leaseUntil: addMs(created, leaseMs),
        wakeAt: addMs(created, leaseMs),
      }),
      delivery({ id: 'done', status: 'failed', wakeAt: null }),
    );
    const before = on.hinted();
    const latest = { wakeUp: addMs(on.now(), 3_660_000), lease: addMs(on.now(), 80_000) };
    const stuck = await on.write((store) => store.wakeStuck(on.now(), latest, addMs(on.now(), leaseMs)));
    expect(on.hinted()).toBe(before + 1);
    expect([...stuck].sort((one, other) => (one.id < other.id ? -1 : 1))).toEqual([
      { id: 'far', reason: 'ClockPutBack' },
      { id: 'held', reason: 'ClockPutBack' },
      { id: 'lost', reason: 'NoWakeUp' },
    ]);
    expect([...(await on.due())].sort()).toEqual(['far', 'lost']);
    expect(await on.row('held')).toMatchObject({ leaseUntil: addMs(on.now(), leaseMs), leaseOwner: 'x' });
    await on.clock.advance(leaseMs);
    expect(await on.claim('held')).toMatchObject({ ambiguous: true });
  });

  test('the oldest that has not ended is known for each Sink: since it was due, or was asked for again', async () => {
    const again = addMs(created, 5000);
    await on.insert(
      delivery({ createdAt: addMs(created, 1000) }),
      delivery({ id: 'd2' }),
      delivery({ id: 'd3', sinkName: 'other', retriedAt: again }),
      delivery({ id: 'd4', sinkName: 'done', status: 'sent', wakeAt: null }),
    );
    const oldest = await on.store.read.lists.oldestDeliveries();
    expect(Object.fromEntries(oldest)).toEqual({ 'shop/other': again, 'shop/out': created });
  });

  test('sent and failed deliveries are counted for the Sink', async () => {
    await on.insert(delivery(), delivery({ id: 'd2' }), delivery({ id: 'd3' }), delivery({ id: 'd4' }));
    const activity = async () => (await on.store.read.lists.activity()).sinks.get('shop/out');
    const later = addMs(created, 1000);
    await on.finish('d1', { ...sent, sentAt: later });
    await on.finish('d2', { status: 'skipped', wakeAt: null });
    await on.finish('d3', { status: 'failed', error: 'refused', wakeAt: null });
    expect(await activity()).toEqual({ messagesSent: 1, lastSentTime: later, lastError: 'refused' });
    await on.finish('d4', { ...sent, sentAt: addMs(later, 1) });
    expect(await activity()).toEqual({ messagesSent: 2, lastSentTime: addMs(later, 1), lastError: null });
  });
});
