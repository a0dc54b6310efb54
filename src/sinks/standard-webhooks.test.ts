import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import type { StrictVendor } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { VendorAnswer } from '../../test/support/vendor.ts';
import { signatureHeaders } from './standard-webhooks.ts';
import { webhook } from './webhook.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const next = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describe('a signature of Standard Webhooks', () => {
  test('is the one of its specification, one for each secret', () => {
    const io = {
      secret: ({ name }: { name: string }) => (name === 'old' ? secret : next),
      now: () => 1_614_265_330_456,
    };
    const body = '{"test": 2432232314}';
    const message = { idempotencyKey: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body };
    const headers = signatureHeaders(io, { secretRefs: ['old', 'new'] }, message);
    expect(headers).toMatchObject({ 'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'webhook-timestamp': '1614265330' });
    const [first, second, ...others] = headers['webhook-signature']?.split(' ') ?? [];
    // The vector of the reference libraries (standard-webhooks: libraries/).
    expect(first).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
    expect(second).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
    expect(second).not.toBe(first);
    expect(others).toEqual([]);
  });

  test('has an id without dots, because these stand between what is signed', () => {
    const io = { secret: () => secret, now: () => 0 };
    const message = { idempotencyKey: 'r1/out.team.shop/run-finished', body: '' };
    expect(signatureHeaders(io, { secretRefs: ['a'] }, message)['webhook-id']).toBe('r1/out_team_shop/run-finished');
  });

  test.each(['', 'whsec_', 'whsec_c2hvcnQ=', 'not base64 at all!', `whsec_${Buffer.alloc(65).toString('base64')}`])(
    'with %j as its secret is not made, and the reason does not tell it',
    (value) => {
      const io = { secret: () => value, now: () => 0 };
      const message = { idempotencyKey: 'r1', body: '' };
      const make = () => signatureHeaders(io, { secretRefs: ['sign/key'] }, message);
      expect(make).toThrow(/^key key of the Secret sign is no signing secret: it needs whsec_ and 24 to 64 bytes/);
      if (value.length > 6) expect(make).not.toThrow(value);
    },
  );
});

interface CloudEvent {
  readonly specversion?: unknown;
  readonly id?: unknown;
  readonly source?: unknown;
  readonly type?: unknown;
  readonly time?: unknown;
  readonly subject?: unknown;
  readonly data?: unknown;
}

/** Takes CloudEvents in structured mode that are signed, each once (cloudevents/spec: spec.md, bindings/http-protocol-binding.md). */
async function startReceiver(): Promise<StrictVendor> {
  const seen = new Set<string>();
  const shown: string[] = [];
  const vendor = await startVendor(({ method, path, headers, text, json }): VendorAnswer => {
    if (method !== 'POST' || path !== '/events') return { status: 404 };
    if (headers.authorization !== 'Basic dGVhbTpzM2NyZXQ=') return { status: 401 };
    if (headers['content-type'] !== 'application/cloudevents+json; charset=utf-8') return { status: 415 };
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`;
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    const wanted = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
    if (!String(headers['webhook-signature']).split(' ').includes(wanted)) return { status: 403 };
    const { specversion, id, source, type, time, subject, data } = json as CloudEvent;
    const texts = [id, source, type, subject ?? 'x'];
    if (specversion !== '1.0' || texts.some((one) => typeof one !== 'string' || one === '')) return { status: 400 };
    if (!URL.canParse(String(source), 'http://base.invalid') || !(Date.parse(String(time)) > 0)) return { status: 400 };
    if (/\p{Cc}|\p{Cs}/u.test(String(subject))) return { status: 400 };
    if (/\s/.test(String(source)) || typeof data !== 'object') return { status: 400 };
    seen.add(JSON.stringify([source, id]));
    shown.push(text);
    return { status: 202 };
  });
  // Each delivery is an event of its own; they are told apart by source and id.
  return { vendor, effects: () => Math.min(seen.size, 1), shown: () => shown };
}

const secrets = { 'sign/token': secret, 'next/token': next, 'team/token': 's3cret' };
const config = (url: string) => ({
  endpoint: `${url}/events`,
  format: 'cloudevents',
  authentication: { type: 'basic', username: 'team', secretRef: 'team' },
  signature: { secretRefs: ['next', 'sign'] },
});
testSink({ backend: webhook, config, secrets, start: startReceiver, isIdempotent: false, forbidden: [] });

test('a CloudEvent is the same in all attempts, and holds the payload', async () => {
  const { vendor } = await startReceiver();
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => vendor.stop());
  vendor.fail('503');
  for (const isRepeat of [false, true])
    await attemptOf(webhook, world.io, config(vendor.url), sinkDelivery({ isRepeat }));
  vendor.fail('none');
  await attemptOf(webhook, world.io, config(vendor.url), sinkDelivery({ isRepeat: true }));
  const [first, second] = vendor.requests;
  expect(second?.text).toBe(first?.text);
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect(first?.json).toEqual({
    specversion: '1.0',
    id: 'r1/out/run-finished',
    source: '/punching-fist/shop/triage',
    type: 'io.punchingfist.run-finished.v1',
    time: payload.timestamp,
    subject: 'shop/web-1',
    datacontenttype: 'application/json',
    data: payload,
  });
});

test('a format of another type, and headers of the signature, are refused', () => {
  const accepts = (more: object) => webhook.config.safeParse({ endpoint: 'https://hooks.example', ...more }).success;
  expect(accepts({ format: 'plain' })).toBe(true);
  expect(accepts({ format: 'yaml' })).toBe(false);
  expect(accepts({ headers: { 'Webhook-Signature': 'v1,x' } })).toBe(false);
  expect(accepts({ signature: { secretRefs: [] } })).toBe(false);
});
