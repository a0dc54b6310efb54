import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defaultSinkLimits } from '../core/catalog.ts';
import { HttpError } from '../lib/http.ts';
import { systemClock } from '../lib/clock.ts';
import { startPump } from '../lib/pump.ts';
import { contractStores } from '../../test/contract/stores.ts';
import { createdAt, deliveryFixture } from '../../test/support/deliveries.ts';
import { never, outboxOn, webhookSink } from '../../test/support/outbox.ts';
import { waitFor } from '../../test/support/wait.ts';
import { leaseMs, startOutbox } from './outbox.ts';

// Several processes on the same deliveries, those that die or stand still, and their order.

/** For pumps that really run: the time of the rows stands still. */
const polling = { clock: systemClock(), pollMs: 50, nextDueAt: async () => null };

describe.each(contractStores)('workers of the outbox on $name', (database) => {
  const on = outboxOn(database);

  test('an attempt whose process died is found when its lease ends, and marked', async () => {
    await on.insert();
    const now = new Date(on.clock.now()).toISOString();
    const leaseUntil = new Date(on.clock.now() + 60_000).toISOString();
    const limits = defaultSinkLimits;
    await on.store.transaction('delivery-claim', (tx) =>
      tx.deliveries.claim({
        delivery: deliveryFixture({ alertId: null }),
        owner: 'dead',
        now,
        leaseUntil,
        limits,
        sends: true,
      }),
    );
    await on.handle();
    expect(on.requests).toEqual([]);
    await on.clock.advance(60_000);
    expect(await on.handle()).toMatchObject({ status: 'sent', attempts: 2, interruptions: 1, ambiguous: true });
  });

  test('one that ends every process that sends it is given up after ten of them', async () => {
    await on.insert();
    const { store: whole } = on;
    const dead = new Error('the process died');
    on.store = {
      ...whole,
      transaction: (name, work) => (name === 'delivery-end' ? Promise.reject(dead) : whole.transaction(name, work)),
    };
    const dying = on.outboxOf('dying');
    for (let life = 0; life < 12; life += 1) {
      await dying.handle('d1', never, never).catch(() => undefined);
      await on.clock.advance(leaseMs);
    }
    on.store = whole;
    expect(on.requests).toHaveLength(10);
    expect(await on.row()).toMatchObject({
      status: 'failed',
      error: '10 attempts in a row were interrupted',
      ambiguous: true,
    });
  });

  test('two outboxes send one delivery once', async () => {
    await on.insert();
    await Promise.all([
      on.outbox.handle('d1', never, never),
      on.outboxOf('two').handle('d1', never, never),
      on.outboxOf('three').handle('d1', never, never),
    ]);
    expect(on.requests).toHaveLength(1);
    expect((await on.row()).status).toBe('sent');
  });

  test('a send that the stop of the server cuts off is due at once, and marked', async () => {
    await on.insert();
    const stop = new AbortController();
    const slow = on.outboxOf('slow', async ({ signal }) => {
      stop.abort();
      expect(signal?.aborted).toBe(true);
      throw new HttpError('Cancelled', 'the request was aborted', true, null);
    });
    await slow.handle('d1', stop.signal, stop.signal);
    expect(await on.row()).toMatchObject({ status: 'pending', ambiguous: true, wakeAt: createdAt, leaseOwner: null });
  });

  test('what another worker sent since this one read the row is sent again, not rendered anew', async () => {
    await on.insert();
    const bodies: (string | undefined)[] = [];
    const stop = new AbortController();
    const first = on.outboxOf('first', async ({ body }) => {
      bodies.push(body);
      stop.abort();
      throw new HttpError('Cancelled', 'the request was aborted', true, null);
    });
    const { store: whole } = on;
    const find = async (id: string) => {
      const read = await whole.read.deliveries.find(id);
      await first.handle(id, stop.signal, stop.signal);
      on.sinks = [{ ...webhookSink, config: { ...webhookSink.config, template: 'other' } }];
      return read;
    };
    on.store = { ...whole, read: { ...whole.read, deliveries: { ...whole.read.deliveries, find } } };
    const second = on.outboxOf('second', async ({ body }) => {
      bodies.push(body);
      return { status: 200, headers: {}, body: '', truncated: false };
    });
    await second.handle('d1', never, never);
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toBe(bodies[0]);
    const sent = await whole.read.deliveries.find('d1');
    expect(sent).toMatchObject({ status: 'sent', attempts: 2, payload: JSON.parse(bodies[0] ?? '') });
  });

  test('a process that stood still after its claim sends nothing, because another may have taken over', async () => {
    await on.insert();
    const { store: whole } = on;
    on.store = {
      ...whole,
      async transaction(name, work) {
        const value = await whole.transaction(name, work);
        if (name === 'delivery-claim') await on.clock.advance(31_000);
        return value;
      },
    };
    const late = on.outboxOf('late');
    await late.handle('d1', never, never);
    expect(on.requests).toEqual([]);
    expect(await on.row()).toMatchObject({ status: 'pending', ambiguous: false, leaseOwner: null, attempts: 1 });
  });

  test('the result of a worker that lost its lease in mid-send is refused; the delivery is sent once by the other and marked', async () => {
    await on.insert();
    let second: Promise<unknown> = Promise.resolve();
    const stale = on.outboxOf('stale', async () => {
      await on.clock.advance(10_000);
      await on.opened.query.updateTable('sink_outputs').set({ lease_until: createdAt, wake_at: createdAt }).execute();
      second = on.outbox.handle('d1', never, never);
      await second;
      return { status: 410, headers: {}, body: '', truncated: false };
    });
    await stale.handle('d1', never, never);
    expect(await on.row()).toMatchObject({ status: 'sent', ambiguous: true, attempts: 2, fence: 2 });
    expect(on.counted).toEqual(['fist_sink_deliveries_total sent', 'fist_stale_writes_total delivery']);
    expect((await on.store.read.lists.activity()).sinks.get('shop/out')?.messagesSent).toBe(1);
  });

  test('a commit that writes a delivery has it sent, with no wait and until the stop', async () => {
    const outbox = startOutbox({ ...on.options(), isAlone: true });
    for (const id of ['d1', 'd2']) {
      await on.insert({ id });
      await waitFor(id, async () => (await on.row(id)).status === 'sent');
    }
    expect(await outbox.stop(5_000)).toBe(true);
    await on.insert({ id: 'd3' });
    expect(on.requests).toHaveLength(2);
    expect(await on.row('d3')).toMatchObject({ status: 'pending' });
  });

  test('a slow Sink that has all its places leaves room for others', async () => {
    on.sinks = [
      { ...webhookSink, limits: { maxConcurrent: 2, ratePerMinute: null } },
      { ...webhookSink, name: 'quick', config: { endpoint: 'https://quick.example/x' } },
    ];
    for (let index = 0; index < 40; index += 1) await on.insert({ id: `a${100 + index}`, runId: null });
    await on.insert({ id: 'q1', runId: null, sinkName: 'quick' });
    let hanging = 0;
    const release = new AbortController();
    const pump = startPump({
      ...on.outboxOf('one', async ({ url }) => {
        if (!url.includes('quick')) {
          hanging += 1;
          await new Promise<void>((done) => release.signal.addEventListener('abort', () => done()));
        }
        return { status: 200, headers: {}, body: '', truncated: false };
      }),
      ...polling,
      concurrency: 4,
    });
    try {
      await waitFor('the quick one', async () => (await on.row('q1')).status === 'sent');
      expect(hanging).toBe(2);
    } finally {
      release.abort();
      await pump.stop(5_000);
    }
  });

  test('three replicas together keep to the limits of a Sink and to the order of an alert', async () => {
    on.sinks = [{ ...webhookSink, limits: { maxConcurrent: 2, ratePerMinute: null } }];
    const ids = Array.from({ length: 24 }, (_, index) => `d${10 + index}`);
    for (const [index, id] of ids.entries()) await on.insert({ id, alertId: `a${index % 5}`, runId: null });
    let [open, most] = [0, 0];
    const order: string[] = [];
    const pumps = ['one', 'two', 'three'].map((owner) => {
      const replica = on.outboxOf(owner, async ({ headers }) => {
        order.push(headers['idempotency-key'] ?? '');
        open += 1;
        most = Math.max(most, open);
        await sleep(5);
        open -= 1;
        return { status: 200, headers: {}, body: '', truncated: false };
      });
      return startPump({ ...replica, ...polling });
    });
    const unsubscribe = on.store.onCommit(() => pumps.forEach((pump) => pump.hint()));
    try {
      await waitFor('all of them', async () => (await on.store.read.lists.depths()).deliveries === 0);
    } finally {
      unsubscribe();
      await Promise.all(pumps.map((pump) => pump.stop(5_000)));
    }
    expect(most).toBeLessThanOrEqual(2);
    expect([...order].sort()).toEqual(ids.map((id) => `key-${id}`));
    for (let alert = 0; alert < 5; alert += 1) {
      const wanted = ids.filter((_, index) => index % 5 === alert).map((id) => `key-${id}`);
      expect(order.filter((key) => wanted.includes(key))).toEqual(wanted);
    }
  });

  test('deliveries of one alert to one Sink go out in the order in which they were written, others between them', async () => {
    for (const id of ['d1', 'd2', 'd3']) await on.insert({ id, alertId: 'a1' });
    await on.insert({ id: 'd4', alertId: 'a2' });
    on.answers = [503];
    for (let round = 0; round < 10; round += 1) {
      await on.handle();
      await on.clock.advance(1_000);
    }
    expect(on.requests.map(({ headers }) => headers['idempotency-key'])).toEqual([
      'key-d1',
      'key-d4',
      'key-d1',
      'key-d2',
      'key-d3',
    ]);
  });

  test('a sink that never answers does not hold its place for ever', async () => {
    await on.insert();
    on.sinks = [{ ...webhookSink, type: 'stdout', config: {} }];
    const hanging = on.outboxOf('hanging', undefined, { writeStdout: () => new Promise(() => undefined) });
    const work = hanging.handle('d1', never, never);
    await waitFor('the send', () => on.clock.sleeping() > 0);
    await on.clock.advance(12_000);
    await work;
    expect(await on.row()).toMatchObject({ status: 'pending', ambiguous: true, error: 'no result within 12 s' });
  });
});
