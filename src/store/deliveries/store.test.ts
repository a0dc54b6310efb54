import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import type { ContractStore } from '../../../test/contract/stores.ts';
import { deliveryFixture } from '../../../test/support/deliveries.ts';
import { createFakeClock } from '../../../test/support/clock.ts';
import type { FakeClock } from '../../../test/support/clock.ts';
import { defaultSinkLimits } from '../../core/catalog.ts';
import type { SinkLimits } from '../../core/catalog.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import type { DeliveryClaim, DeliveryEnd, StoreTransaction } from '../../core/store.ts';
import { addMs, toTimestamp } from '../../core/time.ts';
import { noHints } from '../commit/hints.ts';
import { openDatabase } from '../sqlite/open.ts';
import { createDeliveryStore } from './store.ts';
import type { Timestamp } from '../../core/time.ts';

const created = '2026-01-01T00:00:00.000Z';
const leaseMs = 60_000;
const sent: DeliveryEnd = { status: 'sent', wakeAt: null, sentAt: created, error: null };

/** Of no alert and no run, so that none waits for another. */
function delivery(changes: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return deliveryFixture({ runId: null, alertId: null, wakeAt: created, createdAt: created, ...changes });
}

describe.each(contractStores)('deliveries on $name', (database) => {
  let opened: ContractStore;
  let clock: FakeClock;
  let hinted: number;
  beforeEach(async () => {
    clock = createFakeClock(created);
    opened = await database.open({ clock });
    hinted = 0;
    opened.store.onCommit(({ deliveries }) => (hinted += Number(deliveries)));
  });
  afterEach(() => opened.close());

  const now = (): Timestamp => toTimestamp(clock.now());
  const reader = () => opened.store.read.deliveries;

  function write<T>(work: (deliveries: StoreTransaction['deliveries']) => Promise<T>): Promise<T> {
    return opened.store.transaction('delivery-claim', (tx) => work(tx.deliveries));
  }

  async function insert(...deliveries: DeliveryRecord[]): Promise<void> {
    await write((store) => store.insert(deliveries));
  }

  async function claim(id: string, changes: Partial<DeliveryClaim> = {}): Promise<DeliveryRecord | undefined> {
    const wanted = await row(id);
    const leaseUntil = addMs(now(), leaseMs);
    const claimed = { delivery: wanted, owner: 'one', now: now(), leaseUntil, limits: defaultSinkLimits, sends: true };
    return write((store) => store.claim({ ...claimed, ...changes }));
  }

  async function finish(id: string, end: DeliveryEnd = sent, limits: SinkLimits = defaultSinkLimits): Promise<boolean> {
    const held = await row(id);
    return write((store) => store.finish(held, end, now(), limits));
  }

  async function row(id: string): Promise<DeliveryRecord> {
    const found = await reader().find(id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    return found;
  }

  const due = (limit = 10) => reader().due(now(), limit);

  /** Claims all that are due, in their order, and again while there are others. */
  async function claimAll(limits: SinkLimits): Promise<readonly string[]> {
    const claimed: string[] = [];
    for (let ids = await due(); ids.length > 0; ids = await due()) {
      for (const id of ids) if ((await claim(id, { limits })) !== undefined) claimed.push(id);
    }
    return claimed;
  }

  test('a row comes back as it went in, and the commit announces it', async () => {
    await insert();
    expect(hinted).toBe(0);
    const full = delivery({
      payload: 'text "quoted"',
      ambiguous: true,
      reference: 'r',
      sentAt: created,
      status: 'sent',
      retriedAt: created,
      waitingFor: 'place',
    });
    await insert(full, delivery({ id: 'd2', payload: { a: [1, null] } }));
    expect(hinted).toBe(1);
    expect(await reader().find('d1')).toEqual(full);
    expect((await row('d2')).payload).toEqual({ a: [1, null] });
    expect(await reader().find('absent')).toBeUndefined();
  });

  test('the same announcement is kept once', async () => {
    await insert(delivery());
    await insert(delivery({ id: 'd9', idempotencyKey: 'key-d1' }));
    expect(await reader().find('d9')).toBeUndefined();
  });

  test('due rows come oldest first; final ones and later ones do not', async () => {
    await insert(
      delivery({ id: 'late', wakeAt: addMs(created, 1000) }),
      delivery({ id: 'now' }),
      delivery({ id: 'done', status: 'sent', wakeAt: null }),
    );
    expect(await due()).toEqual(['now']);
    await clock.advance(1000);
    expect(await due()).toEqual(['now', 'late']);
    expect(await due(1)).toEqual(['now']);
    expect(await reader().nextWakeAt()).toBe(created);
  });

  describe('leases', () => {
    test('one claimer wins; after the lease another does, and the result of the first is refused', async () => {
      await insert(delivery());
      const first = await claim('d1');
      expect(first).toMatchObject({ fence: 1, attempts: 1, leaseOwner: 'one', ambiguous: false });
      if (first === undefined) return;
      expect(await claim('d1', { owner: 'two' })).toBeUndefined();
      await clock.advance(leaseMs);
      expect(await claim('d1', { owner: 'two' })).toMatchObject({ fence: 2, attempts: 2, ambiguous: true });
      expect(await write((store) => store.finish(first, sent, now(), defaultSinkLimits))).toBe(false);
      expect(await row('d1')).toMatchObject({ status: 'pending', fence: 2, payload: null });
      expect(await finish('d1')).toBe(true);
      expect(await finish('d1')).toBe(false);
      expect(await claim('d1')).toBeUndefined();
      expect((await opened.store.read.lists.activity()).sinks.get('shop/out')?.messagesSent).toBe(1);
    });

    test('many claimers at once: one wins', async () => {
      await insert(delivery());
      const owners = ['a', 'b', 'c', 'd', 'e', 'f'];
      const claims = await Promise.all(owners.map((owner) => claim('d1', { owner })));
      expect(claims.filter((claimed) => claimed !== undefined)).toHaveLength(1);
      expect(await row('d1')).toMatchObject({ fence: 1, attempts: 1 });
    });

    test('a lease that was given back does not make the next attempt ambiguous', async () => {
      await insert(delivery());
      await claim('d1');
      const before = hinted;
      await finish('d1', { error: 'no', wakeAt: now() });
      expect(hinted).toBe(before + 1);
      expect(await claim('d1')).toMatchObject({ attempts: 2, ambiguous: false });
    });

    test('interruptions are counted in a row: an end that was recorded begins anew', async () => {
      await insert(delivery());
      await claim('d1');
      await clock.advance(leaseMs);
      expect(await claim('d1')).toMatchObject({ interruptions: 1 });
      await clock.advance(leaseMs);
      expect(await claim('d1')).toMatchObject({ interruptions: 2 });
      await finish('d1', { error: 'no', wakeAt: now() });
      expect(await claim('d1')).toMatchObject({ attempts: 4, interruptions: 0 });
    });

    test('at the start of the only server leased rows are due at once, and their last attempt is of unknown result', async () => {
      await insert(delivery(), delivery({ id: 'd2', wakeAt: addMs(created, 1000) }));
      await claim('d1');
      const before = hinted;
      await write((store) => store.releaseLeases(now()));
      expect(hinted).toBe(before + 1);
      expect(await due()).toEqual(['d1']);
      expect(await claim('d1', { owner: 'two' })).toMatchObject({ fence: 2, ambiguous: true });
    });
  });

  describe('places at a Sink', () => {
    const two: SinkLimits = { maxConcurrent: 2, ratePerMinute: null };

    test('no more are claimed than there are places; who waits has made no attempt and is woken by an end', async () => {
      await insert(...['d1', 'd2', 'd3', 'd4', 'd5'].map((id) => delivery({ id })));
      expect(await claimAll(two)).toEqual(['d1', 'd2']);
      expect(await row('d3')).toMatchObject({ waitingFor: 'place', attempts: 0, fence: 0, status: 'pending' });
      expect(await due()).toEqual([]);
      const before = hinted;
      await finish('d2', sent, two);
      expect(hinted).toBe(before + 1);
      expect(await due()).toEqual(['d3']);
      expect(await claim('d3', { limits: two })).toMatchObject({ waitingFor: null, attempts: 1, ambiguous: false });
      await finish('d1', { error: 'answered 503', wakeAt: addMs(now(), 5000) }, two);
      expect(await claimAll(two)).toEqual(['d4']);
      await finish('d3', sent, two);
      await finish('d4', sent, two);
      expect(await claimAll(two)).toEqual(['d5']);
    });

    test('places hold also when all claim at once', async () => {
      const ids = Array.from({ length: 12 }, (_, index) => `d${index}`);
      await insert(...ids.map((id) => delivery({ id })));
      const claimed = await Promise.all(ids.map((id) => claim(id, { limits: two })));
      expect(claimed.filter((one) => one !== undefined)).toHaveLength(2);
      expect(await due()).toEqual([]);
    });

    test('another Sink has places of its own, and is not kept waiting by many that wait', async () => {
      const waiting = Array.from({ length: 60 }, (_, index) => delivery({ id: `a${100 + index}` }));
      await insert(...waiting, delivery({ id: 'z1', sinkName: 'other', wakeAt: addMs(created, 1) }));
      await clock.advance(1);
      const first = await due(4);
      for (const id of first) await claim(id, { limits: two });
      expect(first).not.toContain('z1');
      expect(await due(4)).toEqual(['z1']);
      expect(await claim('z1', { limits: two })).toBeDefined();
    });

    test('a place of a holder that died is free when its lease ends', async () => {
      const one = { ...two, maxConcurrent: 1 };
      await insert(delivery(), delivery({ id: 'd2' }));
      expect(await claimAll(one)).toEqual(['d1']);
      await clock.advance(leaseMs);
      expect(await claimAll(one)).toEqual(['d1']);
      await finish('d1', sent, one);
      expect(await claimAll(one)).toEqual(['d2']);
    });

    test('nor does a dead holder keep another one out until it is taken over itself', async () => {
      const one = { ...two, maxConcurrent: 1 };
      await insert(delivery());
      await claim('d1', { limits: one });
      await clock.advance(leaseMs - 1);
      await insert(delivery({ id: 'd2' }));
      expect(await claim('d2', { limits: one })).toBeUndefined();
      await clock.advance(1);
      await insert(delivery({ id: 'd3' }));
      expect(await claim('d3', { limits: one })).toMatchObject({ attempts: 1 });
    });

    test('when the limit is raised, the next end lets more of them in', async () => {
      await insert(...['d1', 'd2', 'd3', 'd4'].map((id) => delivery({ id })));
      expect(await claimAll({ ...two, maxConcurrent: 1 })).toEqual(['d1']);
      const more = { ...two, maxConcurrent: 3 };
      await finish('d1', sent, more);
      expect([...(await claimAll(more))].sort()).toEqual(['d2', 'd3', 'd4']);
    });

    test('what ends without a send needs no place', async () => {
      await insert(delivery(), delivery({ id: 'd2' }), delivery({ id: 'd3' }));
      await claim('d1', { limits: two });
      await claim('d2', { limits: two });
      expect(await claim('d3', { limits: two, sends: false })).toMatchObject({ fence: 1 });
    });

    test('a rate spreads attempts evenly, also over replicas', async () => {
      const slow: SinkLimits = { maxConcurrent: 4, ratePerMinute: 6 };
      await insert(...['d1', 'd2', 'd3'].map((id) => delivery({ id })));
      expect(await claimAll(slow)).toEqual(['d1']);
      expect(await row('d2')).toMatchObject({ waitingFor: 'place', attempts: 0, wakeAt: addMs(created, 10_000) });
      await finish('d1', sent, slow);
      await clock.advance(9_999);
      expect(await claimAll(slow)).toEqual([]);
      await clock.advance(1);
      expect(await claimAll(slow)).toEqual(['d2']);
      await clock.advance(10_000);
      expect(await claimAll(slow)).toEqual(['d3']);
    });

    test('a rate does not wait for a last time that lies ahead, of a clock that was put back', async () => {
      const slow: SinkLimits = { maxConcurrent: 4, ratePerMinute: 6 };
      await insert(...['d1', 'd2'].map((id) => delivery({ id })));
      expect(await claimAll(slow)).toEqual(['d1']);
      await opened.query
        .updateTable('sink_lanes')
        .set({ last_claimed_at: addMs(now(), 86_400_000) })
        .execute();
      await opened.query.updateTable('sink_outputs').set({ wake_at: now() }).where('id', '=', 'd2').execute();
      expect(await claimAll(slow)).toEqual([]);
      expect((await row('d2')).wakeAt).toBe(addMs(now(), 10_000));
    });

    test('a rate lets no one in while there is no place', async () => {
      const one: SinkLimits = { maxConcurrent: 1, ratePerMinute: 60 };
      await insert(...['d1', 'd2', 'd3'].map((id) => delivery({ id })));
      expect(await claimAll(one)).toEqual(['d1']);
      await clock.advance(1000);
      await finish('d1', sent, one);
      expect(await claimAll(one)).toEqual(['d2']);
      await clock.advance(1000);
      expect(await due()).toEqual([]);
    });

    test('a rate that is taken away lets all in', async () => {
      const slow: SinkLimits = { maxConcurrent: 4, ratePerMinute: 1 };
      await insert(...['d1', 'd2', 'd3', 'd4'].map((id) => delivery({ id })));
      expect(await claimAll(slow)).toEqual(['d1']);
      await clock.advance(60_000);
      expect(await claimAll(defaultSinkLimits)).toEqual(['d1', 'd2']);
      await finish('d2');
      expect([...(await claimAll(defaultSinkLimits))].sort()).toEqual(['d3', 'd4']);
    });
  });

  describe('order', () => {
    const of = (id: string, changes: Partial<DeliveryRecord> = {}) => delivery({ id, alertId: 'a1', ...changes });

    test('a later one of the same alert and Sink waits until the earlier one has ended, then goes at once', async () => {
      await insert(of('d1', { runId: 'r1' }), of('d2', { runId: 'r2' }), of('d3'));
      expect(await claim('d3')).toBeUndefined();
      expect(await claim('d2')).toBeUndefined();
      expect(await row('d2')).toMatchObject({ waitingFor: 'order', attempts: 0, fence: 0 });
      expect(await claimAll(defaultSinkLimits)).toEqual(['d1']);
      await finish('d1', { error: 'answered 503', wakeAt: addMs(now(), 5000) });
      expect(await due()).toEqual([]);
      await clock.advance(5000);
      expect(await claimAll(defaultSinkLimits)).toEqual(['d1']);
      await finish('d1', { status: 'failed', error: 'gave up', wakeAt: null });
      expect(await due()).toEqual(['d2']);
      expect(await claim('d2')).toMatchObject({ waitingFor: null, attempts: 1 });
      expect(await due()).toEqual([]);
      await finish('d2', { status: 'skipped', wakeAt: null });
      expect(await due()).toEqual(['d3']);
    });

    test('other Sinks, other alerts and what belongs to none do not wait; without an alert the run counts', async () => {
      const loose = { alertId: null, runId: null };
      await insert(of('d1'), of('d2', { sinkName: 'other' }), of('d3', { alertId: 'a2' }), of('d4', loose));
      await insert(of('d5', loose), of('d6', { alertId: null, runId: 'r1' }), of('d7', { alertId: null, runId: 'r1' }));
      const many = { maxConcurrent: 16, ratePerMinute: null };
      expect([...(await claimAll(many))].sort()).toEqual(['d1', 'd2', 'd3', 'd4', 'd5', 'd6']);
      expect((await row('d7')).waitingFor).toBe('order');
    });

    test('a place that one cannot use, because it must wait for its turn, goes to the next', async () => {
      const one: SinkLimits = { maxConcurrent: 1, ratePerMinute: null };
      await insert(of('d1'), of('d2'), of('d3', { alertId: 'a2' }));
      expect(await claimAll(one)).toEqual(['d1']);
      await finish('d1', { error: 'answered 503', wakeAt: addMs(now(), 5000) }, one);
      expect(await claimAll(one)).toEqual(['d3']);
    });

    test('a claim that meets the end of the earlier one is never left waiting', async () => {
      for (let round = 0; round < 20; round += 1) {
        const [earlier, later] = [`d${round}-1`, `d${round}-2`];
        await insert(of(earlier), of(later));
        await claim(earlier);
        const [, claimed] = await Promise.all([finish(earlier), claim(later)]);
        if (claimed === undefined) expect(await due()).toEqual([later]);
        else expect(await due()).toEqual([]);
        if (claimed === undefined) await claim(later);
        await finish(later);
      }
    });
  });

  describe('sending again', () => {
    test('a failed one is pending and due, attempts counted anew; key, payload and mark stay', async () => {
      await insert(delivery({ alertId: 'a1' }));
      await claim('d1', { keep: { sinkType: 'webhook', rendered: { payload: { text: 'x' }, report: null } } });
      const end: DeliveryEnd = {
        status: 'failed',
        error: 'e',
        errorCode: 'DeliveryFailed',
        ambiguous: true,
        wakeAt: null,
      };
      await finish('d1', end);
      await clock.advance(1000);
      const before = hinted;
      expect(await write((store) => store.retry('d1', now()))).toBe(true);
      expect(hinted).toBe(before + 1);
      expect(await row('d1')).toMatchObject({
        status: 'pending',
        attempts: 0,
        error: null,
        errorCode: null,
        ambiguous: true,
        idempotencyKey: 'key-d1',
        payload: { text: 'x' },
        retriedAt: now(),
        createdAt: created,
        wakeAt: now(),
        fence: 1,
      });
      expect(await claim('d1')).toMatchObject({ attempts: 1, fence: 2 });
    });

    test.each(['pending', 'sent', 'skipped'] as const)('not one that is %s', async (status) => {
      await insert(delivery({ status, wakeAt: null }));
      expect(await write((store) => store.retry('d1', now()))).toBe(false);
      expect(await write((store) => store.retry('absent', now()))).toBe(false);
      expect(await row('d1')).toMatchObject({ status, retriedAt: null });
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
      await insert(failed('d1'), failed('d2'), failed('d3'), delivery({ id: 'd4', status: 'sent', wakeAt: null }));
      await insert(failed('d5', { sinkName: 'other' }), failed('d6', { namespace: 'else' }));
      const before = hinted;
      expect([...(await write((store) => store.retryPage(page, now())))].sort()).toEqual(['d1', 'd2']);
      expect(hinted).toBe(before + 1);
      expect(await write((store) => store.retryPage({ ...page, after: 'd2' }, now()))).toEqual(['d3']);
      expect(await write((store) => store.retryPage({ ...page, after: 'd3' }, now()))).toEqual([]);
      expect(hinted).toBe(before + 2);
      const reset = { status: 'pending', attempts: 0, error: null, errorCode: null, retriedAt: now(), wakeAt: now() };
      for (const id of ['d1', 'd2', 'd3']) expect(await row(id)).toMatchObject(reset);
      expect((await row('d4')).status).toBe('sent');
      for (const id of ['d5', 'd6']) expect(await row(id)).toMatchObject({ status: 'failed', attempts: 9 });
    });
  });

  describe('calling it off', () => {
    test('a pending one is skipped with the reason, and who waited for it or its place goes on', async () => {
      const one: SinkLimits = { maxConcurrent: 1, ratePerMinute: null };
      await insert(delivery({ alertId: 'a1' }), delivery({ id: 'd2', alertId: 'a1' }), delivery({ id: 'd3' }));
      await claim('d1', { limits: one });
      await claim('d2', { limits: one });
      await claim('d3', { limits: one });
      expect(await due()).toEqual([]);
      const before = hinted;
      expect(await write((store) => store.cancel('d1', 'not wanted', now()))).toBe(true);
      expect(hinted).toBe(before + 1);
      expect(await row('d1')).toMatchObject({
        status: 'skipped',
        error: 'not wanted',
        errorCode: 'Cancelled',
        ambiguous: true,
        wakeAt: null,
        leaseOwner: null,
        leaseUntil: null,
      });
      expect([...(await due())].sort()).toEqual(['d2', 'd3']);
      expect(await finish('d1')).toBe(false);
      expect(await claim('d1')).toBeUndefined();
    });

    test('one that was never tried was certainly not sent; what has ended stays as it is', async () => {
      await insert(delivery(), delivery({ id: 'd2', status: 'failed', error: 'e', wakeAt: null }));
      expect(await write((store) => store.cancel('d1', 'not wanted', now()))).toBe(true);
      expect(await row('d1')).toMatchObject({ status: 'skipped', ambiguous: false });
      expect(await write((store) => store.cancel('d1', 'again', now()))).toBe(false);
      expect(await write((store) => store.cancel('d2', 'x', now()))).toBe(false);
      expect(await write((store) => store.cancel('absent', 'x', now()))).toBe(false);
      expect(await row('d2')).toMatchObject({ status: 'failed', error: 'e' });
    });
  });

  test('what nothing else would wake is found; what waits its time is not', async () => {
    await insert(
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
    const before = hinted;
    const latest = { wakeUp: addMs(now(), 3_660_000), lease: addMs(now(), 80_000) };
    const stuck = await write((store) => store.wakeStuck(now(), latest, addMs(now(), leaseMs)));
    expect(hinted).toBe(before + 1);
    expect([...stuck].sort((one, other) => (one.id < other.id ? -1 : 1))).toEqual([
      { id: 'far', reason: 'ClockPutBack' },
      { id: 'held', reason: 'ClockPutBack' },
      { id: 'lost', reason: 'NoWakeUp' },
    ]);
    expect([...(await due())].sort()).toEqual(['far', 'lost']);
    expect(await row('held')).toMatchObject({ leaseUntil: addMs(now(), leaseMs), leaseOwner: 'x' });
    await clock.advance(leaseMs);
    expect(await claim('held')).toMatchObject({ ambiguous: true });
  });

  test('the oldest that has not ended is known for each Sink: since it was due, or was asked for again', async () => {
    const again = addMs(created, 5000);
    await insert(
      delivery({ createdAt: addMs(created, 1000) }),
      delivery({ id: 'd2' }),
      delivery({ id: 'd3', sinkName: 'other', retriedAt: again }),
      delivery({ id: 'd4', sinkName: 'done', status: 'sent', wakeAt: null }),
    );
    const oldest = await opened.store.read.lists.oldestDeliveries();
    expect(Object.fromEntries(oldest)).toEqual({ 'shop/other': again, 'shop/out': created });
  });

  test('sent and failed deliveries are counted for the Sink', async () => {
    await insert(delivery(), delivery({ id: 'd2' }), delivery({ id: 'd3' }), delivery({ id: 'd4' }));
    const activity = async () => (await opened.store.read.lists.activity()).sinks.get('shop/out');
    const later = addMs(created, 1000);
    await finish('d1', { ...sent, sentAt: later });
    await finish('d2', { status: 'skipped', wakeAt: null });
    await finish('d3', { status: 'failed', error: 'refused', wakeAt: null });
    expect(await activity()).toEqual({ messagesSent: 1, lastSentTime: later, lastError: 'refused' });
    await finish('d4', { ...sent, sentAt: addMs(later, 1) });
    expect(await activity()).toEqual({ messagesSent: 2, lastSentTime: addMs(later, 1), lastError: null });
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
