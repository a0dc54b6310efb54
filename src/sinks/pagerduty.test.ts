import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import type { StrictVendor } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { VendorAnswer } from '../../test/support/vendor.ts';
import { pagerduty } from './pagerduty.ts';

const key = 'R0123456789abcdef0123456789abcde';
const secrets = { 'pd/token': key };

interface Event {
  readonly routing_key?: unknown;
  readonly event_action?: unknown;
  readonly dedup_key?: unknown;
  readonly payload?: { readonly [name: string]: unknown };
  readonly links?: readonly { readonly href: string }[];
}

/** Events API v2 (PagerDuty/api-schema: reference/events-v2/openapiv3.json). */
async function startPagerDuty(): Promise<StrictVendor & { readonly open: ReadonlySet<string> }> {
  const open = new Set<string>();
  const shown: string[] = [];
  let incidents = 0;
  const vendor = await startVendor(({ method, path, headers, text, json }): VendorAnswer => {
    if (method !== 'POST' || path !== '/v2/enqueue') return { status: 404 };
    if (headers['content-type'] !== 'application/json') return { status: 415 };
    if (Buffer.byteLength(text) > 512 * 1024) return { status: 413 };
    const event = json as Event;
    const errors = problemsOf(event);
    if (errors.length > 0)
      return { status: 400, body: { status: 'invalid event', message: 'Event object is invalid', errors } };
    const dedupKey = String(event.dedup_key);
    if (event.event_action === 'resolve') open.delete(dedupKey);
    else if (!open.has(dedupKey)) {
      open.add(dedupKey);
      incidents += 1;
    }
    if (event.payload !== undefined) shown.push(String(event.payload['summary']));
    return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key: dedupKey } };
  });
  return { vendor, effects: () => incidents, shown: () => shown, open };
}

function problemsOf({ routing_key, event_action, dedup_key, payload, links = [] }: Event): readonly string[] {
  const problems: string[] = [];
  if (routing_key !== key) problems.push("'routing_key' is invalid");
  if (!['trigger', 'acknowledge', 'resolve'].includes(String(event_action))) problems.push("'event_action' is invalid");
  if (event_action !== 'trigger') return dedup_key === undefined ? [...problems, "'dedup_key' is missing"] : problems;
  if (typeof dedup_key === 'string' && dedup_key.length > 255) problems.push("'dedup_key' is too long");
  const { summary, source, severity, timestamp } = payload ?? {};
  if (typeof summary !== 'string' || summary === '' || summary.length > 1024) problems.push("'summary' is wrong");
  if (typeof source !== 'string' || source === '') problems.push("'source' is missing or blank");
  if (!['critical', 'error', 'warning', 'info'].includes(String(severity))) problems.push("'severity' is invalid");
  if (timestamp !== undefined && !(typeof timestamp === 'string' && Date.parse(timestamp) > 0))
    problems.push("'timestamp' is invalid");
  for (const { href } of links) if (!/^https?:/.test(href)) problems.push("'href' is invalid");
  return problems;
}

const config = (url: string) => ({ endpoint: `${url}/v2/enqueue`, routingKey: 'pd' });
testSink({ backend: pagerduty, config, secrets, start: startPagerDuty, isIdempotent: true, forbidden: [] });

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start(more: object = {}) {
  const pd = await startPagerDuty();
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => pd.vendor.stop());
  const deliver = (changes: Parameters<typeof sinkDelivery>[0]) =>
    attemptOf(pagerduty, world.io, { ...config(pd.vendor.url), ...more }, sinkDelivery(changes));
  return { ...pd, deliver };
}

test('an incident says what, where, why and where to go on', async () => {
  const { vendor, deliver } = await start({ details: { team: 'team of {{ .alert.labels.namespace }}' } });
  await deliver({});
  expect(vendor.requests[0]?.json).toMatchObject({
    event_action: 'trigger',
    client_url: payload.run.url,
    links: [
      { href: payload.run.url, text: 'Run' },
      { href: 'https://runbooks.example/crash', text: 'Runbook' },
      { href: payload.alert.generatorURL, text: 'Query' },
    ],
    payload: {
      summary: 'KubePodCrashLooping shop/web-1: Container web was OOMKilled.',
      source: 'shop/web-1',
      severity: 'critical',
      timestamp: payload.alert.startsAt,
      group: 'shop',
      class: 'KubePodCrashLooping',
      custom_details: { cause: 'Container web was OOMKilled.', confidence: 0.95, team: 'team of shop' },
    },
  });
});

test('the end resolves it; a report that comes after it does not open it again', async () => {
  const { vendor, open, deliver } = await start();
  await deliver({});
  expect(open.size).toBe(1);
  await deliver({ event: 'alert-resolved', payload: resolvedPayload });
  expect(open.size).toBe(0);
  await deliver({ payload: { ...payload, alert: { ...payload.alert, status: 'resolved' } } });
  expect(open.size).toBe(0);
  expect(vendor.refusals).toEqual([]);
});

test.each([
  ['trigger', 1, 1],
  ['resolve', 1, 0],
])('with action %s it sends nothing else', async (action, requests, stillOpen) => {
  const { vendor, open, deliver } = await start({ action });
  await deliver({});
  await deliver({ event: 'alert-resolved', payload: resolvedPayload });
  expect(vendor.requests).toHaveLength(requests);
  expect(open.size).toBe(stillOpen);
});

test('what is too large for an event is left out, and said', async () => {
  const { vendor, deliver } = await start();
  const labels = Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`label_${n}`, 'x'.repeat(1024)]));
  expect(await deliver({ payload: { ...payload, alert: { ...payload.alert, labels } } })).toMatchObject({ ok: true });
  expect(vendor.requests[0]?.json).toMatchObject({
    payload: { custom_details: { error: expect.any(String) as string } },
  });
});

test('what PagerDuty refuses is final', async () => {
  const { vendor, deliver } = await start();
  const odd = { ...payload, alert: { ...payload.alert, startsAt: 'no time' } };
  const reason = expect.stringMatching(/ answered 400$/) as string;
  expect(await deliver({ payload: odd })).toMatchObject({ ok: false, retry: false, reason });
  expect(vendor.refusals).toHaveLength(1);
});

test('it goes to PagerDuty where no endpoint is named', () => {
  expect(pagerduty.config.parse({ routingKey: 'pd' })).toMatchObject({
    endpoint: 'https://events.pagerduty.com/v2/enqueue',
  });
});
