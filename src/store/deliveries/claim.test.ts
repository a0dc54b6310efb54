import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { created, deliveriesOn, leaseMs, delivery, sent } from '../../../test/support/delivery-store.ts';
import { defaultSinkLimits } from '../../core/catalog.ts';
import type { SinkLimits } from '../../core/catalog.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import { addMs } from '../../core/time.ts';
import { noHints } from '../commit/hints.ts';
import { openDatabase } from '../sqlite/open.ts';
import { createDeliveryStore } from './store.ts';

describe.each(contractStores)('claims of deliveries on $name', (database) => {
  const on = deliveriesOn(database);

  describe('leases', () => {
    test('one claimer wins; after the lease another does, and the result of the first is refused', async () => {
      await on.insert(delivery());
      const first = await on.claim('d1');
      expect(first).toMatchObject({ fence: 1, attempts: 1, leaseOwner: 'one', ambiguous: false });
      if (first === undefined) return;
      expect(await on.claim('d1', { owner: 'two' })).toBeUndefined();
      await on.clock.advance(leaseMs);
      expect(await on.claim('d1', { owner: 'two' })).toMatchObject({ fence: 2, attempts: 2, ambiguous: true });
      expect(await on.write((store) => store.finish(first, sent, on.now(), defaultSinkLimits))).toBe(false);
      expect(await on.row('d1')).toMatchObject({ status: 'pending', fence: 2, payload: null });
      expect(await on.finish('d1')).toBe(true);
      expect(await on.finish('d1')).toBe(false);
      expect(await on.claim('d1')).toBeUndefined();
      expect((await on.store.read.lists.activity()).sinks.get('shop/out')?.messagesSent).toBe(1);
    });

    test('many claimers at once: one wins', async () => {
      await on.insert(delivery());
      const owners = ['a', 'b', 'c', 'd', 'e', 'f'];
      const claims = await Promise.all(owners.map((owner) => on.claim('d1', { owner })));
      expect(claims.filter((claimed) => claimed !== undefined)).toHaveLength(1);
      expect(await on.row('d1')).toMatchObject({ fence: 1, attempts: 1 });
    });

    test('a lease that was given back does not make the next attempt ambiguous', async () => {
      await on.insert(delivery());
      await on.claim('d1');
      const before = on.hinted();
      await on.finish('d1', { error: 'no', wakeAt: on.now() });
      expect(on.hinted()).toBe(before + 1);
      expect(await on.claim('d1')).toMatchObject({ attempts: 2, ambiguous: false });
    });

    test('interruptions are counted in a row: an end that was recorded begins anew', async () => {
      await on.insert(delivery());
      await on.claim('d1');
      await on.clock.advance(leaseMs);
      expect(await on.claim('d1')).toMatchObject({ interruptions: 1 });
      await on.clock.advance(leaseMs);
      expect(await on.claim('d1')).toMatchObject({ interruptions: 2 });
      await on.finish('d1', { error: 'no', wakeAt: on.now() });
      expect(await on.claim('d1')).toMatchObject({ attempts: 4, interruptions: 0 });
    });

    test('at the start of the only server leased rows are due at once, and their last attempt is of unknown result', async () => {
      await on.insert(delivery(), delivery({ id: 'd2', wakeAt: addMs(created, 1000) }));
      await on.claim('d1');
      const before = on.hinted();
      await on.write((store) => store.releaseLeases(on.now()));
      expect(on.hinted()).toBe(before + 1);
      expect(await on.due()).toEqual(['d1']);
      expect(await on.claim('d1', { owner: 'two' })).toMatchObject({ fence: 2, ambiguous: true });
    });
  });

  describe('places at a Sink', () => {
    const two: SinkLimits = { maxConcurrent: 2, ratePerMinute: null };

    test('no more are claimed than there are places; who waits has made no attempt and is woken by an end', async () => {
      await on.insert(...['d1', 'd2', 'd3', 'd4', 'd5'].map((id) => delivery({ id })));
      expect(await on.claimAll(two)).toEqual(['d1', 'd2']);
      expect(await on.row('d3')).toMatchObject({ waitingFor: 'place', attempts: 0, fence: 0, status: 'pending' });
      expect(await on.due()).toEqual([]);
      const before = on.hinted();
      await on.finish('d2', sent, two);
      expect(on.hinted()).toBe(before + 1);
      expect(await on.due()).toEqual(['d3']);
      expect(await on.claim('d3', { limits: two })).toMatchObject({ waitingFor: null, attempts: 1, ambiguous: false });
      await on.finish('d1', { error: 'answered 503', wakeAt: addMs(on.now(), 5000) }, two);
      expect(await on.claimAll(two)).toEqual(['d4']);
      await on.finish('d3', sent, two);
      await on.finish('d4', sent, two);
      expect(await on.claimAll(two)).toEqual(['d5']);
    });

    test('places hold also when all claim at once', async () => {
      const ids = Array.from({ length: 12 }, (_, index) => `d${index}`);
      await on.insert(...ids.map((id) => delivery({ id })));
      const claimed = await Promise.all(ids.map((id) => on.claim(id, { limits: two })));
      expect(claimed.filter((one) => one !== undefined)).toHaveLength(2);
      expect(await on.due()).toEqual([]);
    });

    test('another Sink has places of its own, and is not kept waiting by many that wait', async () => {
      const waiting = Array.from({ length: 60 }, (_, index) => delivery({ id: `a${100 + index}` }));
      await on.insert(...waiting, delivery({ id: 'z1', sinkName: 'other', wakeAt: addMs(created, 1) }));
      await on.clock.advance(1);
      const first = await on.due(4);
      for (const id of first) await on.claim(id, { limits: two });
      expect(first).not.toContain('z1');
      expect(await on.due(4)).toEqual(['z1']);
      expect(await on.claim('z1', { limits: two })).toBeDefined();
    });

    test('a place of a holder that died is free when its lease ends', async () => {
      const one = { ...two, maxConcurrent: 1 };
      await on.insert(delivery(), delivery({ id: 'd2' }));
      expect(await on.claimAll(one)).toEqual(['d1']);
      await on.clock.advance(leaseMs);
      expect(await on.claimAll(one)).toEqual(['d1']);
      await on.finish('d1', sent, one);
      expect(await on.claimAll(one)).toEqual(['d2']);
    });

    test('nor does a dead holder keep another one out until it is taken over itself', async () => {
      const one = { ...two, maxConcurrent: 1 };
      await on.insert(delivery());
      await on.claim('d1', { limits: one });
      await on.clock.advance(leaseMs - 1);
      await on.insert(delivery({ id: 'd2' }));
      expect(await on.claim('d2', { limits: one })).toBeUndefined();
      await on.clock.advance(1);
      await on.insert(delivery({ id: 'd3' }));
      expect(await on.claim('d3', { limits: one })).toMatchObject({ attempts: 1 });
    });

    test('when the limit is raised, the next end lets more of them in', async () => {
      await on.insert(...['d1', 'd2', 'd3', 'd4'].map((id) => delivery({ id })));
      expect(await on.claimAll({ ...two, maxConcurrent: 1 })).toEqual(['d1']);
      const more = { ...two, maxConcurrent: 3 };
      await on.finish('d1', sent, more);
      expect([...(await on.claimAll(more))].sort()).toEqual(['d2', 'd3', 'd4']);
    });

    test('what ends without a send needs no place', async () => {
      await on.insert(delivery(), delivery({ id: 'd2' }), delivery({ id: 'd3' }));
      await on.claim('d1', { limits: two });
      await on.claim('d2', { limits: two });
      expect(await on.claim('d3', { limits: two, sends: false })).toMatchObject({ fence: 1 });
    });

    test('a rate spreads attempts evenly, also over replicas', async () => {
      const slow: SinkLimits = { maxConcurrent: 4, ratePerMinute: 6 };
      await on.insert(...['d1', 'd2', 'd3'].map((id) => delivery({ id })));
      expect(await on.claimAll(slow)).toEqual(['d1']);
      expect(await on.row('d2')).toMatchObject({ waitingFor: 'place', attempts: 0, wakeAt: addMs(created, 10_000) });
      await on.finish('d1', sent, slow);
      await on.clock.advance(9_999);
      expect(await on.claimAll(slow)).toEqual([]);
      await on.clock.advance(1);
      expect(await on.claimAll(slow)).toEqual(['d2']);
      await on.clock.advance(10_000);
      expect(await on.claimAll(slow)).toEqual(['d3']);
    });

    test('a rate does not wait for a last time that lies ahead, of a clock that was put back', async () => {
      const slow: SinkLimits = { maxConcurrent: 4, ratePerMinute: 6 };
      await on.insert(...['d1', 'd2'].map((id) => delivery({ id })));
      expect(await on.claimAll(slow)).toEqual(['d1']);
      await on.query
        .updateTable('sink_lanes')
        .set({ last_claimed_at: addMs(on.now(), 86_400_000) })
        .execute();
      await on.query.updateTable('sink_outputs').set({ wake_at: on.now() }).where('id', '=', 'd2').execute();
      expect(await on.claimAll(slow)).toEqual([]);
      expect((await on.row('d2')).wakeAt).toBe(addMs(on.now(), 10_000));
    });

    test('a rate lets no one in while there is no place', async () => {
      const one: SinkLimits = { maxConcurrent: 1, ratePerMinute: 60 };
      await on.insert(...['d1', 'd2', 'd3'].map((id) => delivery({ id })));
      expect(await on.claimAll(one)).toEqual(['d1']);
      await on.clock.advance(1000);
      await on.finish('d1', sent, one);
      expect(await on.claimAll(one)).toEqual(['d2']);
      await on.clock.advance(1000);
      expect(await on.due()).toEqual([]);
    });

    test('a rate that is taken away lets all in', async () => {
      const slow: SinkLimits = { maxConcurrent: 4, ratePerMinute: 1 };
      await on.insert(...['d1', 'd2', 'd3', 'd4'].map((id) => delivery({ id })));
      expect(await on.claimAll(slow)).toEqual(['d1']);
      await on.clock.advance(60_000);
      expect(await on.claimAll(defaultSinkLimits)).toEqual(['d1', 'd2']);
      await on.finish('d2');
      expect([...(await on.claimAll(defaultSinkLimits))].sort()).toEqual(['d3', 'd4']);
    });
  });

  describe('order', () => {
    const of = (id: string, changes: Partial<DeliveryRecord> = {}) => delivery({ id, alertId: 'a1', ...changes });

    test('a later one of the same alert and Sink waits until the earlier one has ended, then goes at once', async () => {
      await on.insert(of('d1', { runId: 'r1' }), of('d2', { runId: 'r2' }), of('d3'));
      expect(await on.claim('d3')).toBeUndefined();
      expect(await on.claim('d2')).toBeUndefined();
      expect(await on.row('d2')).toMatchObject({ waitingFor: 'order', attempts: 0, fence: 0 });
      expect(await on.claimAll(defaultSinkLimits)).toEqual(['d1']);
      await on.finish('d1', { error: 'answered 503', wakeAt: addMs(on.now(), 5000) });
      expect(await on.due()).toEqual([]);
      await on.clock.advance(5000);
      expect(await on.claimAll(defaultSinkLimits)).toEqual(['d1']);
      await on.finish('d1', { status: 'failed', error: 'gave up', wakeAt: null });
      expect(await on.due()).toEqual(['d2']);
      expect(await on.claim('d2')).toMatchObject({ waitingFor: null, attempts: 1 });
      expect(await on.due()).toEqual([]);
      await on.finish('d2', { status: 'skipped', wakeAt: null });
      expect(await on.due()).toEqual(['d3']);
    });

    test('other Sinks, other alerts and what belongs to none do not wait; without an alert the run counts', async () => {
      const loose = { alertId: null, runId: null };
      await on.insert(of('d1'), of('d2', { sinkName: 'other' }), of('d3', { alertId: 'a2' }), of('d4', loose));
      await on.insert(
        of('d5', loose),
        of('d6', { alertId: null, runId: 'r1' }),
        of('d7', { alertId: null, runId: 'r1' }),
      );
      const many = { maxConcurrent: 16, ratePerMinute: null };
      expect([...(await on.claimAll(many))].sort()).toEqual(['d1', 'd2', 'd3', 'd4', 'd5', 'd6']);
      expect((await on.row('d7')).waitingFor).toBe('order');
    });

    test('a place that one cannot use, because it must wait for its turn, goes to the next', async () => {
      const one: SinkLimits = { maxConcurrent: 1, ratePerMinute: null };
      await on.insert(of('d1'), of('d2'), of('d3', { alertId: 'a2' }));
      expect(await on.claimAll(one)).toEqual(['d1']);
      await on.finish('d1', { error: 'answered 503', wakeAt: addMs(on.now(), 5000) }, one);
      expect(await on.claimAll(one)).toEqual(['d3']);
    });

    test('a claim that meets the end of the earlier one is never left waiting', async () => {
      for (let round = 0; round < 20; round += 1) {
        const [earlier, later] = [`d${round}-1`, `d${round}-2`];
        await on.insert(of(earlier), of(later));
        await on.claim(earlier);
        const [, claimed] = await Promise.all([on.finish(earlier), on.claim(later)]);
        if (claimed === undefined) expect(await on.due()).toEqual([later]);
        else expect(await on.due()).toEqual([]);
        if (claimed === undefined) await on.claim(later);
        await on.finish(later);
      }
    });
  });
});

test('a claim asks about runs before it asks what is earlier: what a run writes at its end is then seen', async () => {
  const { query, raw, close } = openDatabase(':memory:');
  try {
    const asked: string[] = [];
    const prepare = raw.prepare.bind(raw);
    raw.prepare = (text) => {
      asked.push(text);
      return prepare(text);
    };
    const end = delivery({ event: 'alert-resolved', alertId: 'a', data: { episode: 1 } });
    const claim = { delivery: end, owner: 'one', now: created, leaseUntil: created, limits: defaultSinkLimits };
    await createDeliveryStore(query, noHints()).claim({ ...claim, sends: true });
    const places = [/from "workflows"/, /sort_key/].map((part) => asked.findIndex((text) => part.test(text)));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((one, other) => one - other));
  } finally {
    close();
  }
});
