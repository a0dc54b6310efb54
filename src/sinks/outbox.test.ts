import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultRetryForMs, defaultSinkLimits } from '../core/catalog.ts';
import type { Catalog, CatalogSink } from '../core/catalog.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import type { HttpClient, HttpRequest, Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { HttpError } from '../lib/http.ts';
import { systemClock } from '../lib/clock.ts';
import { startPump } from '../lib/pump.ts';
import type { PumpOptions } from '../lib/pump.ts';
import { contractStores } from '../../test/contract/stores.ts';
import type { ContractStore } from '../../test/contract/stores.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import type { FakeClock } from '../../test/support/clock.ts';
import { createdAt, deliveryFixture, runFixture, stepFixture } from '../../test/support/deliveries.ts';
import { waitFor } from '../../test/support/wait.ts';
import { createOutbox, leaseMs } from './outbox.ts';

const webhookSink: CatalogSink = {
  namespace: 'shop',
  name: 'out',
  type: 'webhook',
  ready: true,
  conditions: [],
  origin: '',
  config: { endpoint: 'https://hooks.example/x' },
  condition: null,
  sendResolved: false,
  sendStarted: false,
  limits: defaultSinkLimits,
  retryForMs: defaultRetryForMs,
};

let opened: ContractStore;
let store: Store;
let clock: FakeClock;
let sinks: CatalogSink[];
let answers: (number | AppError)[];
let requests: HttpRequest[];
let counted: string[];
let observed: string[];
let written: string[];
let outbox: PumpOptions;

const never = new AbortController().signal;
/** For pumps that really run: the time of the rows stands still. */
const polling = { clock: systemClock(), pollMs: 50, nextDueAt: async () => null };

const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => log,
};

async function begin(database: (typeof contractStores)[number]): Promise<void> {
  clock = createFakeClock(createdAt);
  opened = await database.open({ clock });
  store = opened.store;
  sinks = [webhookSink];
  answers = [];
  requests = [];
  counted = [];
  observed = [];
  written = [];
  outbox = outboxOf('one');
  await store.transaction('intake', async (tx) => {
    await tx.runs.insert({ run: runFixture(), plan: null });
    await tx.runs.writeSteps([stepFixture()]);
  });
}

function outboxOf(owner: string, send?: HttpClient['send']): PumpOptions {
  const sink = (namespace: string, name: string) =>
    sinks.find((one) => one.namespace === namespace && one.name === name);
  return createOutbox({
    store,
    catalog: { current: () => ({ sink }) as Catalog },
    http: {
      async send(request) {
        if (send !== undefined) return send(request);
        requests.push(request);
        const answer = answers.shift() ?? 200;
        if (answer instanceof Error) throw answer;
        return { status: answer, headers: {}, body: '', truncated: false };
      },
    },
    secrets: { get: () => null },
    clock,
    log,
    metrics: {
      increment(name, labels: Readonly<Record<string, string>>) {
        counted.push(`${name} ${labels['result'] ?? labels['kind']}`);
      },
      observe: (name, labels) => void observed.push(`${name} ${Object.values(labels).join(' ')}`),
      set: () => undefined,
    },
    owner,
    random: () => 1,
    publicUrl: null,
    writeStdout: (text) => Promise.resolve(void written.push(text)),
    stepsView: () => ({}),
  });
}

async function insert(changes: Partial<DeliveryRecord> = {}): Promise<void> {
  await store.transaction('run-end', (tx) => tx.deliveries.insert([deliveryFixture({ alertId: null, ...changes })]));
}

async function handle(signal: AbortSignal = never, from: PumpOptions = outbox): Promise<DeliveryRecord> {
  for (const id of await from.due(10, 10)) await from.handle(id, signal, signal);
  return await row();
}

async function row(id = 'd1'): Promise<DeliveryRecord> {
  const found = await store.read.deliveries.find(id);
  if (found === undefined) throw new Error('the delivery is gone');
  return found;
}

describe.each(contractStores)('outbox on $name', (database) => {
  beforeEach(() => begin(database));
  afterEach(() => opened.close());

  test('sends what is due once, and keeps what was sent', async () => {
    await insert();
    expect(await handle()).toMatchObject({
      status: 'sent',
      sinkType: 'webhook',
      attempts: 1,
      sentAt: createdAt,
      leaseOwner: null,
      wakeAt: null,
      ambiguous: false,
      payload: {
        event: 'run-finished',
        report: { summary: 'OOM' },
        workflow: { outputs: { summary: 'memory limit reached' } },
      },
    });
    await handle();
    expect(requests).toHaveLength(1);
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual((await row()).payload);
    expect(counted).toEqual(['fist_sink_deliveries_total sent']);
    expect(observed).toEqual(['fist_sink_delivery_duration_seconds webhook']);
    expect((await store.read.lists.activity()).sinks.get('shop/out')).toEqual({
      messagesSent: 1,
      lastSentTime: createdAt,
      lastError: null,
    });
  });

  test('tries again after a failure with the same key and the same payload, and only when it is due', async () => {
    await insert();
    answers = [503, 200];
    expect(await handle()).toMatchObject({
      status: 'pending',
      attempts: 1,
      error: 'hooks.example answered 503',
      errorCode: 'DeliveryFailed',
    });
    expect(await outbox.nextDueAt()).toBe(clock.now() + 5000);
    sinks = [{ ...webhookSink, condition: 'false', config: { ...webhookSink.config, template: 'other' } }];
    await handle();
    expect(requests).toHaveLength(1);
    await clock.advance(5000);
    expect(await handle()).toMatchObject({ status: 'sent', attempts: 2, error: null });
    expect(requests[1]?.body).toBe(requests[0]?.body);
    expect(requests[1]?.headers['idempotency-key']).toBe(requests[0]?.headers['idempotency-key']);
  });

  test('a receiver that is away for 23 hours gets it; one that is away for longer fails it, with the reason', async () => {
    await insert();
    answers = Array(1000).fill(503);
    for (let minutes = 0; minutes < 23 * 60; minutes += 5) {
      expect((await handle()).status).toBe('pending');
      await clock.advance(300_000);
    }
    expect(requests.length).toBeGreaterThan(50);
    const kept = answers;
    answers = [];
    await clock.advance(600_000);
    expect((await handle()).status).toBe('sent');
    answers = kept;
    await insert({ id: 'd2', createdAt: new Date(clock.now() - 23 * 3_600_000).toISOString() });
    await handle();
    expect((await row('d2')).status).toBe('pending');
    for (let minutes = 0; minutes < 61; minutes += 1) {
      await clock.advance(60_000);
      await handle();
    }
    const failed = await row('d2');
    expect(failed).toMatchObject({ status: 'failed', errorCode: 'DeliveryFailed', wakeAt: null });
    expect(failed.error).toBe(`gave up after ${failed.attempts} attempts: hooks.example answered 503`);
    expect((await store.read.lists.activity()).sinks.get('shop/out')?.lastError).toContain('gave up');
  });

  test('a refusal is final', async () => {
    await insert();
    answers = [410];
    expect(await handle()).toMatchObject({
      status: 'failed',
      attempts: 1,
      errorCode: 'DeliveryRefused',
      error: 'hooks.example answered 410',
    });
  });

  test('a lost answer is marked, also after the next attempt was sent', async () => {
    await insert();
    answers = [new HttpError('Timeout', 'no answer', true, null), 200];
    expect(await handle()).toMatchObject({ status: 'pending', ambiguous: true });
    await clock.advance(5000);
    expect(await handle()).toMatchObject({ status: 'sent', ambiguous: true });
  });

  test('an attempt whose process died is found when its lease ends, and marked', async () => {
    await insert();
    const now = new Date(clock.now()).toISOString();
    const leaseUntil = new Date(clock.now() + 60_000).toISOString();
    const limits = defaultSinkLimits;
    await store.transaction('delivery-claim', (tx) =>
      tx.deliveries.claim({
        delivery: deliveryFixture({ alertId: null }),
        owner: 'dead',
        now,
        leaseUntil,
        limits,
        sends: true,
      }),
    );
    await handle();
    expect(requests).toEqual([]);
    await clock.advance(60_000);
    expect(await handle()).toMatchObject({ status: 'sent', attempts: 2, interruptions: 1, ambiguous: true });
  });

  test('one that ends every process that sends it is given up after ten of them', async () => {
    await insert();
    const { store: whole } = opened;
    const dead = new Error('the process died');
    store = {
      ...whole,
      transaction: (name, work) => (name === 'delivery-end' ? Promise.reject(dead) : whole.transaction(name, work)),
    };
    const dying = outboxOf('dying');
    for (let life = 0; life < 12; life += 1) {
      await dying.handle('d1', never, never).catch(() => undefined);
      await clock.advance(leaseMs);
    }
    store = whole;
    expect(requests).toHaveLength(10);
    expect(await row()).toMatchObject({
      status: 'failed',
      error: '10 attempts in a row were interrupted',
      ambiguous: true,
    });
  });

  test('two outboxes send one delivery once', async () => {
    await insert();
    await Promise.all([
      outbox.handle('d1', never, never),
      outboxOf('two').handle('d1', never, never),
      outboxOf('three').handle('d1', never, never),
    ]);
    expect(requests).toHaveLength(1);
    expect((await row()).status).toBe('sent');
  });

  test('a false condition skips; a true one with text is sent', async () => {
    sinks = [{ ...webhookSink, condition: '{{ .workflow.outputs.auto_resolved }}' }];
    await insert();
    expect(await handle()).toMatchObject({
      status: 'skipped',
      wakeAt: null,
      error: 'the condition of the Sink is false',
      errorCode: null,
    });
    expect((await store.read.lists.activity()).sinks.get('shop/out')).toBeUndefined();
    expect(requests).toEqual([]);
    expect(counted).toEqual(['fist_sink_deliveries_total skipped']);
  });

  test('a template is rendered once into text', async () => {
    const template =
      '{{ .workflow.name }}: {{ .source.data.labels.pod }} {{ .source.data.alerts[0].labels.pod }} {{ .report.summary }}';
    sinks = [
      { ...webhookSink, condition: '{{ .alert.severity }} == critical', config: { ...webhookSink.config, template } },
    ];
    await insert();
    await handle();
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({ text: 'triage: checkout-1 checkout-1 OOM' });
  });

  test('a template error fails the delivery at once', async () => {
    sinks = [{ ...webhookSink, config: { ...webhookSink.config, template: '{{ index .alert.labels 1 2 }}' } }];
    await insert();
    expect(await handle()).toMatchObject({ status: 'failed', errorCode: 'TemplateInvalid', attempts: 1 });
    expect(requests).toEqual([]);
  });

  test('an absent Sink is waited for and fails in the end', async () => {
    sinks = [];
    await insert();
    expect(await handle()).toMatchObject({
      status: 'pending',
      errorCode: 'SinkNotReady',
      error: 'there is no Sink shop/out',
    });
    await clock.advance(5000);
    sinks = [webhookSink];
    expect((await handle()).status).toBe('sent');
    sinks = [];
    await insert({ id: 'd2' });
    for (let hours = 0; hours < 25; hours += 1) {
      await handle();
      await clock.advance(3_600_000);
    }
    expect(await store.read.deliveries.find('d2')).toMatchObject({ status: 'failed', errorCode: 'SinkNotReady' });
  });

  test('a type without delivery fails and is never sent', async () => {
    sinks = [{ ...webhookSink, type: 'slack', ready: false, config: { channel: '#x' } }];
    await insert();
    expect(await handle()).toMatchObject({
      status: 'failed',
      sinkType: 'slack',
      errorCode: 'SinkNotReady',
      attempts: 1,
    });
  });

  test('a Sink that is not ready is waited for', async () => {
    const conditions = [
      { type: 'Ready', status: 'False', reason: 'InvalidSpec', message: 'spec.config.endpoint is required' },
    ] as const;
    sinks = [{ ...webhookSink, ready: false, conditions }];
    await insert();
    expect(await handle()).toMatchObject({
      status: 'pending',
      error: expect.stringContaining('endpoint is required') as string,
    });
  });

  test('a missing secret is waited for, with its code', async () => {
    sinks = [
      { ...webhookSink, config: { ...webhookSink.config, authentication: { type: 'bearer', secretRef: 'absent' } } },
    ];
    await insert();
    expect(await handle()).toMatchObject({
      status: 'pending',
      error: 'there is no Secret shop/absent with key token',
      ambiguous: false,
    });
    expect(requests).toEqual([]);
  });

  test('a send that the stop of the server cuts off is due at once, and marked', async () => {
    await insert();
    const stop = new AbortController();
    const slow = outboxOf('slow', async ({ signal }) => {
      stop.abort();
      expect(signal?.aborted).toBe(true);
      throw new HttpError('Cancelled', 'the request was aborted', true, null);
    });
    await slow.handle('d1', stop.signal, stop.signal);
    expect(await row()).toMatchObject({ status: 'pending', ambiguous: true, wakeAt: createdAt, leaseOwner: null });
  });

  test('what another worker sent since this one read the row is sent again, not rendered anew', async () => {
    await insert();
    const bodies: (string | undefined)[] = [];
    const stop = new AbortController();
    const first = outboxOf('first', async ({ body }) => {
      bodies.push(body);
      stop.abort();
      throw new HttpError('Cancelled', 'the request was aborted', true, null);
    });
    const { store: whole } = opened;
    const find = async (id: string) => {
      const read = await whole.read.deliveries.find(id);
      await first.handle(id, stop.signal, stop.signal);
      sinks = [{ ...webhookSink, config: { ...webhookSink.config, template: 'other' } }];
      return read;
    };
    store = { ...whole, read: { ...whole.read, deliveries: { ...whole.read.deliveries, find } } };
    const second = outboxOf('second', async ({ body }) => {
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
    await insert();
    const { store: whole } = opened;
    store = {
      ...whole,
      async transaction(name, work) {
        const value = await whole.transaction(name, work);
        if (name === 'delivery-claim') await clock.advance(31_000);
        return value;
      },
    };
    const late = outboxOf('late');
    await late.handle('d1', never, never);
    expect(requests).toEqual([]);
    expect(await row()).toMatchObject({ status: 'pending', ambiguous: false, leaseOwner: null, attempts: 1 });
  });

  test('the result of a worker that lost its lease in mid-send is refused; the delivery is sent once by the other and marked', async () => {
    await insert();
    let second: Promise<unknown> = Promise.resolve();
    const stale = outboxOf('stale', async () => {
      await clock.advance(10_000);
      await opened.query.updateTable('sink_outputs').set({ lease_until: createdAt, wake_at: createdAt }).execute();
      second = outbox.handle('d1', never, never);
      await second;
      return { status: 410, headers: {}, body: '', truncated: false };
    });
    await stale.handle('d1', never, never);
    expect(await row()).toMatchObject({ status: 'sent', ambiguous: true, attempts: 2, fence: 2 });
    expect(counted).toEqual(['fist_sink_deliveries_total sent', 'fist_stale_writes_total delivery']);
    expect((await store.read.lists.activity()).sinks.get('shop/out')?.messagesSent).toBe(1);
  });

  test('a backend that breaks off is tried again, and what it sent is unknown', async () => {
    await insert();
    const broken = outboxOf('broken', () => Promise.reject(new TypeError('oops')));
    await broken.handle('d1', never, never);
    expect(await row()).toMatchObject({ status: 'pending', errorCode: 'Internal', ambiguous: true });
  });

  test('a slow Sink that has all its places leaves room for others', async () => {
    sinks = [
      { ...webhookSink, limits: { maxConcurrent: 2, ratePerMinute: null } },
      { ...webhookSink, name: 'quick', config: { endpoint: 'https://quick.example/x' } },
    ];
    for (let index = 0; index < 40; index += 1) await insert({ id: `a${100 + index}`, runId: null });
    await insert({ id: 'q1', runId: null, sinkName: 'quick' });
    let hanging = 0;
    const release = new AbortController();
    const pump = startPump({
      ...outboxOf('one', async ({ url }) => {
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
      await waitFor('the quick one', async () => (await row('q1')).status === 'sent');
      expect(hanging).toBe(2);
    } finally {
      release.abort();
      await pump.stop(5_000);
    }
  });

  test('three replicas together keep to the limits of a Sink and to the order of an alert', async () => {
    sinks = [{ ...webhookSink, limits: { maxConcurrent: 2, ratePerMinute: null } }];
    const ids = Array.from({ length: 24 }, (_, index) => `d${10 + index}`);
    for (const [index, id] of ids.entries()) await insert({ id, alertId: `a${index % 5}`, runId: null });
    let [open, most] = [0, 0];
    const order: string[] = [];
    const pumps = ['one', 'two', 'three'].map((owner) => {
      const replica = outboxOf(owner, async ({ headers }) => {
        order.push(headers['idempotency-key'] ?? '');
        open += 1;
        most = Math.max(most, open);
        await sleep(5);
        open -= 1;
        return { status: 200, headers: {}, body: '', truncated: false };
      });
      return startPump({ ...replica, ...polling });
    });
    const unsubscribe = store.onCommit(() => pumps.forEach((pump) => pump.hint()));
    try {
      await waitFor('all of them', async () => (await store.read.lists.depths()).deliveries === 0);
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
    for (const id of ['d1', 'd2', 'd3']) await insert({ id, alertId: 'a1' });
    await insert({ id: 'd4', alertId: 'a2' });
    answers = [503];
    for (let round = 0; round < 10; round += 1) {
      await handle();
      await clock.advance(1_000);
    }
    expect(requests.map(({ headers }) => headers['idempotency-key'])).toEqual([
      'key-d1',
      'key-d4',
      'key-d1',
      'key-d2',
      'key-d3',
    ]);
  });

  test('a sink that never answers does not hold its place for ever', async () => {
    await insert();
    const hanging = createOutboxThatHangs();
    const work = hanging.handle('d1', never, never);
    await waitFor('the send', () => clock.sleeping() > 0);
    await clock.advance(12_000);
    await work;
    expect(await row()).toMatchObject({ status: 'pending', ambiguous: true, error: 'no result within 12 s' });
  });

  test('stdout prints with the name of the Sink', async () => {
    sinks = [{ ...webhookSink, type: 'stdout', config: { format: 'text', template: '{{ .workflow.status }}' } }];
    await insert();
    expect((await handle()).status).toBe('sent');
    expect(written).toEqual(['[out] succeeded\n']);
  });

  function createOutboxThatHangs(): PumpOptions {
    sinks = [{ ...webhookSink, type: 'stdout', config: {} }];
    const sink = () => sinks[0];
    return createOutbox({
      store,
      catalog: { current: () => ({ sink }) as unknown as Catalog },
      http: { send: () => Promise.reject(new Error('not used')) },
      secrets: { get: () => null },
      clock,
      log,
      metrics: { increment: () => undefined, observe: () => undefined, set: () => undefined },
      owner: 'hanging',
      random: () => 0,
      publicUrl: null,
      writeStdout: () => new Promise<void>(() => undefined),
      stepsView: () => ({}),
    });
  }
});
