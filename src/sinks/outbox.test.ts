import { describe, expect, test } from 'vitest';
import { HttpError } from '../lib/http.ts';
import { contractStores } from '../../test/contract/stores.ts';
import { createdAt } from '../../test/support/deliveries.ts';
import { never, outboxOn, webhookSink } from '../../test/support/outbox.ts';

describe.each(contractStores)('outbox on $name', (database) => {
  const on = outboxOn(database);

  test('sends what is due once, and keeps what was sent', async () => {
    await on.insert();
    expect(await on.handle()).toMatchObject({
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
    await on.handle();
    expect(on.requests).toHaveLength(1);
    expect(JSON.parse(on.requests[0]?.body ?? '')).toEqual((await on.row()).payload);
    expect(on.counted).toEqual(['fist_sink_deliveries_total sent']);
    expect(on.observed).toEqual(['fist_sink_delivery_duration_seconds webhook']);
    expect((await on.store.read.lists.activity()).sinks.get('shop/out')).toEqual({
      messagesSent: 1,
      lastSentTime: createdAt,
      lastError: null,
    });
  });

  test('tries again after a failure with the same key and the same payload, and only when it is due', async () => {
    await on.insert();
    on.answers = [503, 200];
    expect(await on.handle()).toMatchObject({
      status: 'pending',
      attempts: 1,
      error: 'hooks.example answered 503',
      errorCode: 'DeliveryFailed',
    });
    expect(await on.outbox.nextDueAt()).toBe(on.clock.now() + 5000);
    on.sinks = [{ ...webhookSink, condition: 'false', config: { ...webhookSink.config, template: 'other' } }];
    await on.handle();
    expect(on.requests).toHaveLength(1);
    await on.clock.advance(5000);
    expect(await on.handle()).toMatchObject({ status: 'sent', attempts: 2, error: null });
    expect(on.requests[1]?.body).toBe(on.requests[0]?.body);
    expect(on.requests[1]?.headers['idempotency-key']).toBe(on.requests[0]?.headers['idempotency-key']);
  });

  test('a template that was rendered is not rendered again over what is kept, which has less', async () => {
    // `.source.data` is no part of the payload.
    const template = 'of {{ required "no data" .source.data.alertname }}';
    on.sinks = [{ ...webhookSink, config: { ...webhookSink.config, template } }];
    await on.insert();
    on.answers = [503, 200];
    expect(await on.handle()).toMatchObject({ status: 'pending', attempts: 1 });
    await on.clock.advance(5000);
    expect(await on.handle()).toMatchObject({ status: 'sent', attempts: 2 });
    expect(JSON.parse(on.requests[1]?.body ?? '')).toMatchObject({ text: expect.stringMatching(/^of ./) as string });
    expect(on.requests[1]?.body).toBe(on.requests[0]?.body);
  });

  test('a receiver that is away for 23 hours gets it; one that is away for longer fails it, with the reason', async () => {
    await on.insert();
    on.answers = Array(1000).fill(503);
    for (let minutes = 0; minutes < 23 * 60; minutes += 5) {
      expect((await on.handle()).status).toBe('pending');
      await on.clock.advance(300_000);
    }
    expect(on.requests.length).toBeGreaterThan(50);
    const kept = on.answers;
    on.answers = [];
    await on.clock.advance(600_000);
    expect((await on.handle()).status).toBe('sent');
    on.answers = kept;
    await on.insert({ id: 'd2', createdAt: new Date(on.clock.now() - 23 * 3_600_000).toISOString() });
    await on.handle();
    expect((await on.row('d2')).status).toBe('pending');
    for (let minutes = 0; minutes < 61; minutes += 1) {
      await on.clock.advance(60_000);
      await on.handle();
    }
    const failed = await on.row('d2');
    expect(failed).toMatchObject({ status: 'failed', errorCode: 'DeliveryFailed', wakeAt: null });
    expect(failed.error).toBe(`gave up after ${failed.attempts} attempts: hooks.example answered 503`);
    expect((await on.store.read.lists.activity()).sinks.get('shop/out')?.lastError).toContain('gave up');
  });

  test('a refusal is final', async () => {
    await on.insert();
    on.answers = [410];
    expect(await on.handle()).toMatchObject({
      status: 'failed',
      attempts: 1,
      errorCode: 'DeliveryRefused',
      error: 'hooks.example answered 410',
    });
  });

  test('a lost answer is marked, also after the next attempt was sent', async () => {
    await on.insert();
    on.answers = [new HttpError('Timeout', 'no answer', true, null), 200];
    expect(await on.handle()).toMatchObject({ status: 'pending', ambiguous: true });
    await on.clock.advance(5000);
    expect(await on.handle()).toMatchObject({ status: 'sent', ambiguous: true });
  });

  test('a false condition skips; a true one with text is sent', async () => {
    on.sinks = [{ ...webhookSink, condition: '{{ .workflow.outputs.auto_resolved }}' }];
    await on.insert();
    expect(await on.handle()).toMatchObject({
      status: 'skipped',
      wakeAt: null,
      error: 'the condition of the Sink is false',
      errorCode: null,
    });
    expect((await on.store.read.lists.activity()).sinks.get('shop/out')).toBeUndefined();
    expect(on.requests).toEqual([]);
    expect(on.counted).toEqual(['fist_sink_deliveries_total skipped']);
  });

  test('a template is rendered once into text', async () => {
    const template =
      '{{ .workflow.name }}: {{ .source.data.labels.pod }} {{ .source.data.alerts[0].labels.pod }} {{ .report.summary }}';
    on.sinks = [
      { ...webhookSink, condition: '{{ .alert.severity }} == critical', config: { ...webhookSink.config, template } },
    ];
    await on.insert();
    await on.handle();
    expect(JSON.parse(on.requests[0]?.body ?? '')).toMatchObject({ text: 'triage: checkout-1 checkout-1 OOM' });
  });

  test('a template error fails the delivery at once', async () => {
    on.sinks = [{ ...webhookSink, config: { ...webhookSink.config, template: '{{ index .alert.labels 1 2 }}' } }];
    await on.insert();
    expect(await on.handle()).toMatchObject({ status: 'failed', errorCode: 'TemplateInvalid', attempts: 1 });
    expect(on.requests).toEqual([]);
  });

  test('an absent Sink is waited for and fails in the end', async () => {
    on.sinks = [];
    await on.insert();
    expect(await on.handle()).toMatchObject({
      status: 'pending',
      errorCode: 'SinkNotReady',
      error: 'there is no Sink shop/out',
    });
    await on.clock.advance(5000);
    on.sinks = [webhookSink];
    expect((await on.handle()).status).toBe('sent');
    on.sinks = [];
    await on.insert({ id: 'd2' });
    for (let hours = 0; hours < 25; hours += 1) {
      await on.handle();
      await on.clock.advance(3_600_000);
    }
    expect(await on.store.read.deliveries.find('d2')).toMatchObject({ status: 'failed', errorCode: 'SinkNotReady' });
  });

  test('a Sink that is not ready is waited for', async () => {
    const conditions = [
      { type: 'Ready', status: 'False', reason: 'InvalidSpec', message: 'spec.config.endpoint is required' },
    ] as const;
    on.sinks = [{ ...webhookSink, ready: false, conditions }];
    await on.insert();
    expect(await on.handle()).toMatchObject({
      status: 'pending',
      error: expect.stringContaining('endpoint is required') as string,
    });
  });

  test('a missing secret is waited for, with its code', async () => {
    on.sinks = [
      { ...webhookSink, config: { ...webhookSink.config, authentication: { type: 'bearer', secretRef: 'absent' } } },
    ];
    await on.insert();
    expect(await on.handle()).toMatchObject({
      status: 'pending',
      error: 'there is no Secret shop/absent with key token',
      ambiguous: false,
    });
    expect(on.requests).toEqual([]);
  });

  test('a backend that breaks off is tried again, and what it sent is unknown', async () => {
    await on.insert();
    const broken = on.outboxOf('broken', () => Promise.reject(new TypeError('oops')));
    await broken.handle('d1', never, never);
    expect(await on.row()).toMatchObject({ status: 'pending', errorCode: 'Internal', ambiguous: true });
  });

  test('stdout prints with the name of the Sink', async () => {
    on.sinks = [{ ...webhookSink, type: 'stdout', config: { format: 'text', template: '{{ .workflow.status }}' } }];
    await on.insert();
    expect((await on.handle()).status).toBe('sent');
    expect(on.written).toEqual(['[out] succeeded\n']);
  });
});
