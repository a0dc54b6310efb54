import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { sinkFixture } from '../../test/support/deliveries.ts';
import { startVendor } from '../../test/support/vendor.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { Vendor } from '../../test/support/vendor.ts';
import type { Catalog, CatalogSink, CatalogWorkflow } from '../core/catalog.ts';
import type { JsonObject } from '../core/json.ts';
import { createConnect } from '../lib/connect.ts';
import { createHttpClient } from '../lib/http.ts';
import { findSink, sinks } from './index.ts';
import { createSinkTester } from './tester.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const key = 'R0123456789abcdef0123456789abcde';

async function start(status = 202): Promise<Vendor> {
  const vendor = await startVendor(() => ({ status }));
  cleanup.defer(() => vendor.stop());
  return vendor;
}

/** Tests the Sink `shop/out`. */
function run(changes: Partial<CatalogSink>, secret: string | null = key, workflows: readonly string[] = []) {
  const sink = sinkFixture({ namespace: 'shop', name: 'out', ...changes });
  const http = createHttpClient();
  cleanup.defer(() => http.close());
  const catalog = {
    sink: (namespace: string, name: string) => (namespace === 'shop' && name === 'out' ? sink : undefined),
    workflow: (namespace: string, name: string) =>
      workflows.includes(name) ? ({ namespace, ready: true } as CatalogWorkflow) : undefined,
  } as Catalog;
  const written: string[] = [];
  const clock = createFakeClock('2026-03-01T10:00:00.000Z');
  const tester = createSinkTester({
    catalog: { current: () => catalog },
    http,
    connect: createConnect(),
    secrets: { get: () => secret },
    clock,
    dataFolder: cleanup.temporaryFolder('sinks'),
    eventsOf: () => null,
    writeStdout: async (text) => void written.push(text),
  });
  return { tester, written, clock, result: tester.test('shop', 'out') };
}

const configOf = (type: string, config: object) => findSink(type)?.config.parse(config) as JsonObject;

test('what a receiver takes and does later is waited for', async () => {
  let looks = 0;
  const vendor = await startVendor(({ method }) => {
    if (method === 'POST') return { status: 202, body: { requestId: 'q-1' } };
    looks += 1;
    return looks === 1 ? { status: 404 } : { status: 200, body: { data: { success: true } } };
  });
  cleanup.defer(() => vendor.stop());
  const { result, clock } = run({
    type: 'opsgenie',
    config: configOf('opsgenie', { endpoint: vendor.url, apiKey: 'og' }),
  });
  await waitFor('the first look', () => looks === 1);
  await waitFor('the pause', () => clock.sleeping() === 1);
  await clock.advance(2000);
  expect(await result).toMatchObject({ sent: true, messages: [{ sent: true }, { sent: true }] });
  expect(vendor.requests.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET', 'POST', 'GET']);
});

test('a pager is told of something that ends at once, and each text says that it is a test', async () => {
  const vendor = await start();
  const config = configOf('pagerduty', { endpoint: vendor.url, routingKey: 'pd' });
  const { messages, ...others } = await run({ type: 'pagerduty', config }).result;
  expect(others).toEqual({ sent: true, conditionHolds: null });
  const reference = expect.stringMatching(/^fist\//) as string;
  expect(messages).toEqual([
    { event: 'run-finished', sent: true, reference, reason: null },
    { event: 'alert-resolved', sent: true, reference, reason: null },
  ]);
  const [trigger, resolve] = vendor.requests.map(({ json }) => json as JsonObject);
  expect(trigger).toMatchObject({
    event_action: 'trigger',
    payload: { summary: expect.stringMatching(/^TEST of Punching Fist/) as string, severity: 'info' },
  });
  expect(JSON.stringify(trigger)).toContain('Nothing is wrong');
  expect(resolve).toMatchObject({ event_action: 'resolve', dedup_key: trigger?.['dedup_key'] });
});

test('it says what the receiver answered, and sends no end of what did not begin', async () => {
  const vendor = await start(404);
  const config = configOf('webhook', { endpoint: vendor.url });
  expect(await run({ type: 'webhook', config }).result).toMatchObject({
    sent: false,
    messages: [{ event: 'run-finished', sent: false, reason: expect.stringMatching(/answered 404$/) as string }],
  });
  expect(vendor.requests).toHaveLength(1);
});

test('what may be there without an answer is ended too', async () => {
  const vendor = await start(504);
  const config = configOf('pagerduty', { endpoint: vendor.url, routingKey: 'pd' });
  const answer = await run({ type: 'pagerduty', config }).result;
  expect(answer).toMatchObject({ sent: false, messages: [{ sent: false }, { sent: false }] });
  expect(vendor.requests.map(({ json }) => (json as JsonObject)['event_action'])).toEqual(['trigger', 'resolve']);
});

test.each<[string, Partial<CatalogSink>, string | null, RegExp]>([
  [
    'a receiver that is away',
    { type: 'webhook', config: { endpoint: 'http://127.0.0.1:1' } },
    null,
    /could not be reached/,
  ],
  [
    'no Secret',
    { type: 'pagerduty', config: configOf('pagerduty', { routingKey: 'pd' }) },
    null,
    /no Secret shop\/pd with key token/,
  ],
  ['a wrong template', { type: 'stdout', config: { template: '{{ index .alert.labels 7 }}' } }, null, /template/],
  [
    'a Sink that is not ready',
    {
      ready: false,
      conditions: [{ type: 'Ready', status: 'False', reason: 'Invalid', message: 'spec.config is required' }],
    },
    null,
    /Sink shop\/out is not ready: spec.config is required/,
  ],
])('%s is said', async (_, changes, secret, reason) => {
  expect(await run(changes, secret).result).toMatchObject({
    sent: false,
    messages: [{ sent: false, reason: expect.stringMatching(reason) as string }],
  });
});

test('a Workflow is looked at, not started', async () => {
  const sink = { type: 'workflow', config: { workflowName: 'more', context: {} } };
  expect(await run(sink, null, ['more']).result).toMatchObject({
    sent: true,
    messages: [{ reference: 'Workflow shop/more (not started)' }, {}],
  });
  expect(await run(sink).result).toMatchObject({
    sent: false,
    messages: [{ reason: 'there is no Workflow shop/more' }],
  });
});

test('a condition that is false for it is told; the message goes out all the same', async () => {
  const { result, written } = run({ type: 'stdout', config: {}, condition: '{{ .alert.severity }} == critical' });
  expect(await result).toMatchObject({ sent: true, conditionHolds: false });
  expect(written.join('')).toContain('TEST');
});

test('a Sink that is not there is not found', async () => {
  const { tester, result } = run({ type: 'stdout', config: {} });
  await result;
  await expect(tester.test('shop', 'absent')).rejects.toMatchObject({ code: 'NotFound', next: 'fist get sinks' });
});

test('no message that it is a test is missing in what any sink sends', async () => {
  for (const { type, example } of sinks) {
    const bodies: string[] = [];
    const vendor = await startVendor(({ text }) => {
      bodies.push(text);
      return { status: 400 };
    });
    cleanup.defer(() => vendor.stop());
    const config = configOf(type, Object.hasOwn(example, 'endpoint') ? { ...example, endpoint: vendor.url } : example);
    const { result, written } = run({
      type,
      config: { ...config, ...('endpoint' in config ? { endpoint: vendor.url } : {}) },
    });
    await result;
    const sent = [...bodies.filter((body) => body !== ''), ...written];
    // Searches and looks ask for nothing that people see.
    for (const text of sent.filter((one) => /summary|text|title|content/.test(one)))
      expect([type, text]).toEqual([type, expect.stringContaining('TEST')]);
  }
});
