import { describe, expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import type { HttpRequest, HttpResponse } from '../core/ports.ts';
import { HttpError } from '../lib/http.ts';
import { noConnection, sinkDelivery } from '../../test/support/sink-world.ts';
import type { SinkIo } from './define.ts';
import { webhook } from './webhook.ts';

const delivery = sinkDelivery({ payload: { event: 'run-finished' }, idempotencyKey: 'r1/out/run-finished' });
const config = { endpoint: 'https://hooks.example/secret-path?token=abc' };

function io(answer: Partial<HttpResponse> | AppError, requests: HttpRequest[] = []): SinkIo {
  return {
    connect: noConnection,
    http: {
      send(request) {
        requests.push(request);
        if (answer instanceof Error) return Promise.reject(answer);
        return Promise.resolve({ status: 200, headers: {}, body: 'body of the answer', truncated: false, ...answer });
      },
    },
    secret({ name, key }) {
      if (name === 'missing') throw new AppError('SecretMissing', 'there is no Secret missing');
      return `${name}:${key}`;
    },
    write: () => Promise.reject(new Error('must not write')),
    events: null,
    folder: '/nowhere',
    othersFireAt: () => Promise.resolve(false),
    startRun: () => Promise.reject(new Error('must start no run')),
    now: () => Date.parse('2026-03-01T10:00:00Z'),
    signal: new AbortController().signal,
    timeoutMs: 1234,
  };
}

function deliver(world: SinkIo, settings: object = config) {
  const verdict = webhook.deliver?.(world, settings as never, delivery);
  if (verdict === undefined) throw new Error('webhook cannot deliver');
  return verdict;
}

describe('webhook', () => {
  test('posts the payload with its idempotency key and the bearer token', async () => {
    const requests: HttpRequest[] = [];
    const settings = {
      ...config,
      headers: { 'X-Team': 'shop' },
      authentication: { type: 'bearer', secretRef: 'hook/key' },
    };
    expect(await deliver(io({}, requests), settings)).toEqual({ ok: true, reference: null });
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: config.endpoint,
      body: '{"event":"run-finished"}',
      timeoutMs: 1234,
      headers: {
        'X-Team': 'shop',
        'content-type': 'application/json',
        'idempotency-key': 'r1/out/run-finished',
        authorization: 'Bearer hook:key',
      },
    });
  });

  test.each([408, 409, 425, 429, 501, 503])('%i may pass later: nothing was done', async (status) => {
    expect(await deliver(io({ status }))).toEqual({
      ok: false,
      retry: true,
      reason: `hooks.example answered ${status}`,
    });
  });

  test.each([500, 502, 504])('%i may pass later, and nobody knows what was done', async (status) => {
    expect(await deliver(io({ status }))).toEqual({
      ok: false,
      retry: true,
      reason: `hooks.example answered ${status}`,
      ambiguous: true,
    });
  });

  test.each([400, 401, 403, 404, 410, 413, 422])('%i is final', async (status) => {
    expect(await deliver(io({ status }))).toEqual({
      ok: false,
      retry: false,
      reason: `hooks.example answered ${status}`,
    });
  });

  test('a redirect is not followed and final', async () => {
    const verdict = await deliver(io({ status: 302, headers: { location: 'http://169.254.169.254/' } }));
    expect(verdict).toMatchObject({ ok: false, retry: false, reason: expect.stringContaining('redirects') as string });
  });

  test('Retry-After counts in seconds and as a date', async () => {
    expect(await deliver(io({ status: 429, headers: { 'retry-after': '7' } }))).toMatchObject({ retryAfterMs: 7000 });
    const headers = { 'retry-after': 'Sun, 01 Mar 2026 10:01:00 GMT', date: 'Sun, 01 Mar 2026 10:00:00 GMT' };
    expect(await deliver(io({ status: 503, headers }))).toMatchObject({ retryAfterMs: 60_000 });
    const alone = { 'retry-after': 'Sun, 01 Mar 2026 10:00:30 GMT' };
    expect(await deliver(io({ status: 503, headers: alone }))).toMatchObject({ retryAfterMs: 30_000 });
    expect(await deliver(io({ status: 503, headers: { 'retry-after': 'soon' } }))).not.toHaveProperty('retryAfterMs');
  });

  test('no answer after the request was sent is ambiguous', async () => {
    const sent = new HttpError('Timeout', 'hooks.example did not answer', true, null);
    expect(await deliver(io(sent))).toMatchObject({ ok: false, retry: true, ambiguous: true });
    const unsent = new HttpError('Unreachable', 'hooks.example could not be reached', false, null);
    expect(await deliver(io(unsent))).toMatchObject({ ok: false, retry: true, ambiguous: false });
  });

  test('a missing secret is waited for; nothing is sent', async () => {
    const requests: HttpRequest[] = [];
    const settings = { ...config, authentication: { type: 'bearer', secretKeyRef: { name: 'missing' } } };
    await expect(deliver(io({}, requests), settings)).rejects.toMatchObject({ code: 'SecretMissing', retryable: true });
    expect(requests).toEqual([]);
  });

  test('a refused destination is final', async () => {
    expect(await deliver(io(new AppError('Forbidden', 'not allowed')))).toMatchObject({ ok: false, retry: false });
  });

  test('no verdict tells the path, the query or the body', async () => {
    for (const answer of [{ status: 500 }, { status: 404 }, { status: 301 }]) {
      expect(JSON.stringify(await deliver(io(answer)))).not.toMatch(/secret-path|token=abc|body of/);
    }
  });

  test('config: both forms of the secret at once, wrong URLs and header names are refused', () => {
    const accepts = (settings: object) => webhook.config.safeParse(settings).success;
    expect(accepts(config)).toBe(true);
    expect(accepts({})).toBe(false);
    expect(accepts({ endpoint: 'file:///etc/passwd' })).toBe(false);
    expect(accepts({ ...config, headers: { 'bad name': 'x' } })).toBe(false);
    for (const name of [
      'Host',
      'HOST',
      'content-length',
      'Content-Type',
      'CONTENT-ENCODING',
      'Transfer-Encoding',
      'connection',
      'Keep-Alive',
      'Proxy-Connection',
      'proxy-authorization',
      'TE',
      'Trailer',
      'Upgrade',
      'Expect',
      'idempotency-KEY',
      'Authorization',
      'AUTHORIZATION',
    ])
      expect(accepts({ ...config, headers: { [name]: 'x' } }), name).toBe(false);
    for (const name of ['X-Team', 'Accept', 'X-Api-Key', 'hostname', 'X-Content-Type', 'Test'])
      expect(accepts({ ...config, headers: { [name]: 'x' } }), name).toBe(true);
    expect(accepts({ ...config, headers: { good: 'a\r\nb: c' } })).toBe(false);
    expect(accepts({ ...config, authentication: { type: 'bearer' } })).toBe(false);
    expect(
      accepts({ ...config, authentication: { type: 'bearer', secretRef: 'a', secretKeyRef: { name: 'a' } } }),
    ).toBe(false);
  });
});
