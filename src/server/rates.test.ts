import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { hmac } from '../sources/authentication/hmac.ts';
import { fakeCatalog, fakeServer, fakeSource, realClock, sourceToken } from '../../test/support/fake-server.ts';
import type { ServerOptions } from './options.ts';
import type { Server } from './server.ts';

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

const twoAMinute = { requestsPerMinute: 2, burst: 2 } as const;

/** A server whose monotonic clock stands still until `pass`, with a Source that takes two requests a minute. */
async function start(changes: Partial<ServerOptions> = {}, sources = [fakeSource({ rateLimit: twoAMinute })]) {
  let nowMs = 0;
  const fake = await fakeServer({ clock: { ...realClock, monotonic: () => nowMs }, ...changes }, sources);
  open.push(fake.server);
  return { ...fake, pass: (ms: number) => void (nowMs += ms) };
}

function post(server: Server, headers: Record<string, string> = {}, body = '{"alerts":[{},{}]}') {
  const defaults = { authorization: `Bearer ${sourceToken}`, 'content-type': 'application/json' };
  return server.inject({ method: 'POST', url: '/webhook/alerts', headers: { ...defaults, ...headers }, payload: body });
}

describe('a Source with a rate limit', () => {
  it('answers what is beyond it 503, before the body is read, and takes it when there is room', async () => {
    const { server, reached, metrics, pass } = await start();
    for (const status of [200, 200, 503, 503]) expect((await post(server)).statusCode).toBe(status);
    const beyond = await post(server, {}, 'x'.repeat(17 * 1024 * 1024));
    expect(beyond.statusCode).toBe(503);
    expect(beyond.headers['retry-after']).toMatch(/^3[0-4]$/);
    expect(beyond.json()).toMatchObject({
      code: 'RateLimited',
      message: expect.stringContaining('2 requests a minute'),
    });
    const counted = (await metrics.render()).body;
    expect(counted).toContain('fist_webhook_refused_total{source="alertmanager",reason="RateLimited"} 3');
    expect(reached.logged).toMatchObject([
      { level: 'warn', fields: { source: 'shop/alertmanager', reason: 'RateLimited', status: 503 } },
    ]);
    pass(29_999);
    expect((await post(server)).statusCode).toBe(503);
    pass(1);
    expect([(await post(server)).statusCode, (await post(server)).statusCode]).toEqual([200, 503]);
    expect(reached.accepted).toHaveLength(3);
  });

  it('counts neither who may not send, nor what finds no room', async () => {
    const { server } = await start({ limits: { maxWebhooks: 0 } });
    for (let n = 0; n < 3; n++) {
      expect((await post(server, { authorization: 'Bearer wrong' })).statusCode).toBe(401);
      expect((await post(server)).json()).toMatchObject({ code: 'StoreUnavailable' });
    }
  });

  it('counts no body with a wrong signature', async () => {
    const authentication = hmac.compile({ preset: 'github', secretRef: 'am' });
    const { server } = await start({}, [fakeSource({ rateLimit: twoAMinute, authentication })]);
    const body = '{"alerts":[]}';
    const send = (secret: string) =>
      post(
        server,
        { 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` },
        body,
      );
    for (let n = 0; n < 5; n++) expect((await send('wrong')).statusCode).toBe(401);
    for (const status of [200, 200, 503]) expect((await send(sourceToken)).statusCode).toBe(status);
  });

  it('leaves other Sources alone', async () => {
    const other = fakeSource({ name: 'other', path: 'other' });
    const { server } = await start({}, [fakeSource({ rateLimit: twoAMinute }), other]);
    for (let n = 0; n < 3; n++) await post(server);
    const headers = { authorization: `Bearer ${sourceToken}` };
    const payload = { alerts: [] };
    expect((await server.inject({ method: 'POST', url: '/webhook/other', headers, payload })).statusCode).toBe(200);
  });

  it('keeps its count over a reload, unless the limit is another one', async () => {
    let source = fakeSource({ rateLimit: twoAMinute });
    const { server } = await start({ catalog: { current: () => fakeCatalog([source]) } });
    for (let n = 0; n < 2; n++) await post(server);
    source = fakeSource({ rateLimit: { ...twoAMinute } });
    expect((await post(server)).statusCode).toBe(503);
    source = fakeSource({ rateLimit: { requestsPerMinute: 3, burst: 1 } });
    expect((await post(server)).statusCode).toBe(200);
  });
});
