import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../core/errors.ts';
import { compileAuthentication } from '../sources/authentication/index.ts';
import { fakeServer, fakeSource, sourceToken } from '../../test/support/fake-server.ts';
import type { ServerOptions } from './options.ts';
import type { Server } from './server.ts';

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function start(changes: Partial<ServerOptions> = {}, sources = [fakeSource()]) {
  const fake = await fakeServer(changes, sources);
  open.push(fake.server);
  return fake;
}

type Request = { method?: string; url?: string; headers?: Record<string, string>; body?: string | Buffer };

function post(
  server: Server,
  { method = 'POST', url = '/webhook/alerts', headers = {}, body = '{"alerts":[{},{}]}' }: Request = {},
) {
  const defaults = { authorization: `Bearer ${sourceToken}`, 'content-type': 'application/json' };
  return server.inject({ method: method as 'POST', url, headers: { ...defaults, ...headers }, payload: body });
}

/** Sums a counter over its labels. */
async function refused(metrics: { render(): Promise<{ body: string }> }, reason: string): Promise<number> {
  const { body } = await metrics.render();
  const line = body
    .split('\n')
    .find((text) => text.startsWith('fist_webhook_refused_total') && text.includes(`reason="${reason}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

function exhaustedSecrets(): ServerOptions['secrets'] {
  return {
    get() {
      throw new AppError('ResourcesExhausted', 'a Secret could not be read: this process may open no more files');
    },
  };
}

describe('a notification', () => {
  it('is answered with the counts after the commit', async () => {
    const { server, reached } = await start();
    const response = await post(server);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(response.json()).toEqual({ received: 2, opened: 2, repeated: 0, resolved: 0, ignored: 0, runs: 0 });
    expect(reached.accepted[0]?.source.name).toBe('alertmanager');
    expect(reached.accepted[0]?.notification.body).toBe('{"alerts":[{},{}]}');
  });

  it('may be 16 MiB, not more', async () => {
    const { server, reached } = await start();
    const body = `{"alerts":[],"pad":"${'x'.repeat(16 * 1024 * 1024 - 22)}"}`;
    expect(Buffer.byteLength(body)).toBe(16 * 1024 * 1024);
    expect((await post(server, { body })).statusCode).toBe(200);
    const larger = await post(server, { body: `${body} ` });
    expect(larger.statusCode).toBe(413);
    expect(larger.json()).toMatchObject({ code: 'InvalidInput' });
    expect(reached.accepted).toHaveLength(1);
    expect(reached.deadLetters).toEqual([]);
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'application/json ; charset=utf8',
  ])('may have the content type %s', async (type) => {
    const { server } = await start();
    expect((await post(server, { headers: { 'content-type': type } })).statusCode).toBe(200);
  });

  it.each([
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'multipart/form-data; boundary=x' },
    { 'content-type': 'application/json; charset=latin1' },
    { 'content-type': 'application/jsonx' },
    { 'content-type': 'text/plain, application/json' },
    { 'content-type': '' },
    { 'content-encoding': 'deflate' },
    { 'content-encoding': 'br' },
  ] as Record<string, string>[])('is refused with %j', async (headers) => {
    const { server, reached } = await start();
    const response = await post(server, { headers });
    expect(response.statusCode).toBe(415);
    expect(reached).toMatchObject({ accepted: [], deadLetters: [] });
  });
});

describe('a packed body', () => {
  const body = '{"alerts":[{},{}]}';

  it.each(['gzip', 'x-gzip'])('with content encoding %s is unpacked', async (encoding) => {
    const { server, reached } = await start();
    const response = await post(server, { headers: { 'content-encoding': encoding }, body: gzipSync(body) });
    expect(response.json()).toMatchObject({ received: 2 });
    expect(reached.accepted[0]?.notification.body).toBe(body);
  });

  it('that is none is malformed, and kept', async () => {
    const { server, reached } = await start();
    const response = await post(server, { headers: { 'content-encoding': 'gzip' }, body });
    expect(response.statusCode).toBe(400);
    expect(reached.deadLetters).toMatchObject([{ reason: 'Malformed', body }]);
  });

  it('that would be larger than a body may be is refused, and nothing is kept of it', async () => {
    const { server, reached } = await start();
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024, 0x20));
    const response = await post(server, { headers: { 'content-encoding': 'gzip' }, body: bomb });
    expect(response.statusCode).toBe(413);
    expect(reached).toMatchObject({ accepted: [], deadLetters: [] });
  });
});

it('a notification may be sent with PUT, as Grafana can', async () => {
  const { server } = await start();
  expect((await post(server, { method: 'PUT' })).statusCode).toBe(200);
});

describe('what stands behind the path of a Source', () => {
  it('is told to it where it takes that; any other is unknown', async () => {
    const { server } = await start({}, [fakeSource({ subpaths: ['/api/v2/alerts'] })]);
    expect((await post(server, { url: '/webhook/alerts/api/v2/alerts' })).statusCode).toBe(200);
    for (const url of [
      '/webhook/alerts/',
      '/webhook/alerts/alerts',
      '/webhook/api/v2/alerts',
      '/webhook//api/v2/alerts',
    ])
      expect((await post(server, { url })).statusCode).toBe(404);
  });

  it('is the path of another Source where one has it', async () => {
    const own = fakeSource({ name: 'own', path: 'alerts/api/v2/alerts' });
    const { server, reached } = await start({}, [fakeSource({ subpaths: ['/api/v2/alerts'] }), own]);
    await post(server, { url: '/webhook/alerts/api/v2/alerts' });
    expect(reached.accepted[0]?.source.name).toBe('own');
  });
});

describe('the path of a namespace', () => {
  it('is that of its Source, however its @ is written, and so is what stands behind it', async () => {
    const other = fakeSource({ namespace: 'green', subpaths: ['/api/v2/alerts'] });
    const blue = fakeSource({ name: 'blue' });
    const { server, reached } = await start({}, [blue, { ...other, addresses: ['/webhook/@green/alerts'] }]);
    const urls = ['@green/alerts', '%40green/alerts', '@green/alerts/api/v2/alerts', '@shop/alerts', 'alerts'];
    for (const url of urls) expect((await post(server, { url: `/webhook/${url}` })).statusCode).toBe(200);
    expect(reached.accepted.map(({ source }) => source.namespace)).toEqual(['green', 'green', 'green', 'shop', 'shop']);
    for (const url of [
      'green/alerts',
      '@red/alerts',
      '@/alerts',
      '@green',
      '@green/',
      '@green//alerts',
      '@GREEN/alerts',
    ])
      expect((await post(server, { url: `/webhook/${url}` })).statusCode).toBe(404);
  });
});

describe('a Source that asks a cluster who calls', () => {
  it('answers 503 where it cannot be asked, which every sender repeats, and tells the address of who asks', async () => {
    const shown: unknown[] = [];
    const failures = [
      new AppError('RateLimited', 'the API server is asked about too many callers just now'),
      new AppError('ClusterUnavailable', 'https://10.0.0.1 did not answer', { next: 'kubectl get --raw /readyz' }),
    ];
    const check = (token: object) => {
      shown.push(token);
      return Promise.reject(failures.shift() ?? new Error('asked too often'));
    };
    const authentication = compileAuthentication({ type: 'kubernetes' });
    const { server, metrics } = await start({ identities: { check } }, [fakeSource({ authentication })]);
    for (const code of ['RateLimited', 'ClusterUnavailable']) {
      const response = await post(server);
      expect([response.statusCode, response.json()]).toMatchObject([503, { code }]);
      expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    expect(shown).toEqual(Array.from({ length: 2 }, () => ({ token: sourceToken, from: '127.0.0.1' })));
    expect([await refused(metrics, 'IdentityBusy'), await refused(metrics, 'IdentityUnavailable')]).toEqual([1, 1]);
  });
});

describe('a body that is no notification', () => {
  it('is answered 400, kept as a dead letter and counted', async () => {
    const { server, reached, metrics } = await start();
    const response = await post(server, { body: '{"alerts":7}' });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({ code: 'InvalidInput', message: 'alerts is missing', field: 'alerts' });
    expect(reached.deadLetters).toEqual([
      { source: 'shop/alertmanager', reason: 'Malformed', message: 'alerts is missing', body: '{"alerts":7}' },
    ]);
    expect(reached.accepted).toEqual([]);
    expect(await refused(metrics, 'Malformed')).toBe(1);
  });

  it('is answered 503 where the dead letter could not be stored', async () => {
    const fail = async () => {
      throw new AppError('StoreUnavailable', 'disk full');
    };
    const { server } = await start({ intake: { accept: fail, deadLetter: fail } });
    const response = await post(server, { body: 'x' });
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toMatch(/^[1-5]$/);
  });

  it('is kept although it made the source fail', async () => {
    const { server, reached } = await start();
    const response = await post(server, { body: '{"alerts":[],"crash":true}' });
    expect(response.statusCode).toBe(400);
    expect(reached.deadLetters).toHaveLength(1);
    expect(reached.logged[0]).toMatchObject({ level: 'error', message: 'a source failed to read a body' });
    expect((await post(server)).statusCode).toBe(200);
  });

  it('is never kept before authentication', async () => {
    const { server, reached } = await start();
    expect((await post(server, { body: 'x', headers: { authorization: 'Bearer no' } })).statusCode).toBe(401);
    expect(reached.deadLetters).toEqual([]);
  });
});

describe('the order of decisions', () => {
  it('starting up and draining come before everything', async () => {
    let state: 'starting' | 'draining' = 'starting';
    const { server } = await start({ state: () => state });
    for (const url of ['/webhook/alerts', '/webhook/unknown']) {
      const response = await post(server, { url, headers: { authorization: '' } });
      expect(response.statusCode).toBe(503);
      expect(response.headers['retry-after']).toMatch(/^[1-5]$/);
      expect(response.json()).toMatchObject({ code: 'Draining', message: 'the server is starting' });
    }
    state = 'draining';
    expect((await post(server)).headers['connection']).toBe('close');
  });

  it('no path is unknown before the catalog was read', async () => {
    const { server } = await start({ catalog: { current: () => null } });
    const response = await post(server, { url: '/webhook/unknown' });
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toMatch(/^[1-5]$/);
  });

  it('the path comes before the method, the method before authentication', async () => {
    const { server } = await start();
    expect((await post(server, { url: '/webhook/unknown', method: 'GET' })).statusCode).toBe(404);
    for (const method of ['GET', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
      const response = await post(server, { method, headers: { authorization: '' } });
      expect(response.statusCode).toBe(405);
      expect(response.headers['allow']).toBe('POST, PUT');
    }
  });

  it('authentication comes before the content type and the size', async () => {
    const { server } = await start();
    const headers = { authorization: 'Bearer wrong', 'content-type': 'text/plain' };
    const response = await post(server, { headers, body: 'x'.repeat(4 * 1024 * 1024) });
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Bearer realm="punching-fist", error="invalid_token"');
    const absent = await server.inject({ method: 'POST', url: '/webhook/alerts' });
    expect(absent.headers['www-authenticate']).toBe('Bearer realm="punching-fist"');
  });

  it('a query does not change the path', async () => {
    const { server } = await start();
    expect((await post(server, { url: '/webhook/alerts?x=%2F..' })).statusCode).toBe(200);
  });
});

describe('failures of our side', () => {
  it.each([
    ['missing', () => null],
    ['empty', () => ''],
    ['blank', () => ' \n'],
  ])('a Secret that is %s fails closed with 503', async (_name, get) => {
    const { server, reached } = await start({ secrets: { get } });
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer null', 'Bearer undefined', `Bearer ${sourceToken}`]) {
      const response = await post(server, { headers: { authorization } });
      expect(response.statusCode).toBe(503);
      expect(response.json()).toMatchObject({ code: 'SecretMissing' });
    }
    expect(reached.accepted).toEqual([]);
    // Once, however often anybody asks.
    expect(reached.logged).toEqual([
      {
        level: 'error',
        fields: { source: 'shop/alertmanager', secretName: 'am', secretPath: 'token' },
        message: 'a Source names a Secret that is missing or empty',
      },
    ]);
  });

  it('a line break at the end of a Secret is not part of it', async () => {
    const { server } = await start({ secrets: { get: () => `${sourceToken}\n` } });
    expect((await post(server)).statusCode).toBe(200);
  });

  it.each([
    [new AppError('StoreUnavailable', 'the database is slow'), 503],
    [new AppError('StoreConflict', 'another replica was first, again and again'), 503],
    [new AppError('Draining', 'the store is closed'), 503],
    [new AppError('InvalidInput', 'odd'), 503],
    [new Error('bug with a secret detail'), 500],
  ])('%s of the intake is answered %i', async (error, status) => {
    const accept = async () => {
      throw error;
    };
    const { server, reached } = await start({ intake: { accept, deadLetter: async () => undefined } });
    const response = await post(server);
    expect(response.statusCode).toBe(status);
    if (status === 503) expect(response.headers['retry-after']).toMatch(/^[1-5]$/);
    else expect(response.headers).not.toHaveProperty('retry-after');
    expect(response.body).not.toContain('secret detail');
    expect(reached.logged.some((entry) => entry.level === 'error')).toBe(true);
  });

  it('a commit that takes too long is answered 503', async () => {
    const { server, metrics } = await start({
      limits: { acceptTimeoutMs: 20 },
      intake: { accept: () => new Promise(() => undefined), deadLetter: async () => undefined },
    });
    const response = await post(server);
    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({ code: 'StoreUnavailable' });
    expect(await refused(metrics, 'StoreSlow')).toBe(1);
  });

  it('overload is answered 503, never 429, and every place is given back', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const answer = { received: 0, opened: 0, repeated: 0, resolved: 0, ignored: 0, runs: 0 };
    const all = Promise.withResolvers<void>();
    let begun = 0;
    const accept = () => {
      begun += 1;
      if (begun === 3) all.resolve();
      return held.then(() => answer);
    };
    const { server, metrics } = await start({
      limits: { maxWebhooks: 6 },
      intake: { accept, deadLetter: async () => undefined },
    });
    const waiting = [post(server), post(server), post(server)];
    await all.promise;
    const extra = await Promise.all([post(server), post(server)]);
    expect(extra.map((response) => response.statusCode)).toEqual([503, 503]);
    expect(extra[0]?.headers['retry-after']).toMatch(/^[1-5]$/);
    expect(await refused(metrics, 'Overloaded')).toBe(2);
    release();
    expect((await Promise.all(waiting)).map((response) => response.statusCode)).toEqual([200, 200, 200]);
    for (let n = 0; n < 10; n++) expect((await post(server)).statusCode).toBe(200);
  });

  it('bodies together are bounded too', async () => {
    const { server } = await start({ limits: { maxWebhookBytes: 100 } });
    expect((await post(server, { body: `{"alerts":[]}${' '.repeat(200)}` })).statusCode).toBe(503);
    expect((await post(server)).statusCode).toBe(200);
  });
});

describe('senders that are refused', () => {
  const full = {
    intake: { accept: async () => Promise.reject(new Error('unused')), deadLetter: async () => undefined },
  };
  const refusing = () => new AppError('StoreUnavailable', 'too much waits', { reason: 'StoreSlow' });
  it.each<[string, Request, Partial<ServerOptions>, number]>([
    ['Unauthenticated', { headers: { authorization: 'Bearer wrong' } }, {}, 401],
    ['UnsupportedMediaType', { headers: { 'content-type': 'text/plain' } }, {}, 415],
    ['MethodNotAllowed', { method: 'GET' }, {}, 405],
    ['TooLarge', { body: 'x'.repeat(16 * 1024 * 1024 + 1) }, {}, 413],
    ['Malformed', { body: '{"alerts":7}' }, {}, 400],
    ['StoreSlow', {}, { intake: { ...full.intake, refusal: refusing } }, 503],
    ['Overloaded', {}, { limits: { maxWebhooks: 0 } }, 503],
    ['ResourcesExhausted', {}, { secrets: exhaustedSecrets() }, 503],
  ])('are told once a minute, with the count, whatever the reason: %s', async (reason, request, changes, status) => {
    const { server, reached, metrics } = await start(changes);
    for (let n = 0; n < 3; n++) expect((await post(server, request)).statusCode).toBe(status);
    expect(reached.logged).toMatchObject([
      {
        level: 'warn',
        fields: { source: 'shop/alertmanager', reason, status, from: '127.0.0.1', why: expect.any(String) },
        message: 'a Source refuses requests',
      },
    ]);
    expect(await refused(metrics, reason)).toBe(3);
  });

  it('are told although their path is no Source', async () => {
    const { server, reached } = await start();
    for (let n = 0; n < 3; n++) await post(server, { url: '/webhook/alertz?token=canary' });
    expect(reached.logged).toMatchObject([
      { level: 'warn', fields: { path: '/webhook/alertz', reason: 'UnknownPath', from: '127.0.0.1' } },
    ]);
    expect(JSON.stringify(reached.logged)).not.toContain('canary');
  });

  it('for want of descriptors are not told that a Secret is missing', async () => {
    const { server } = await start({ secrets: exhaustedSecrets() });
    const response = await post(server);
    expect(response.json()).toMatchObject({ code: 'ResourcesExhausted' });
    expect(response.headers['retry-after']).toMatch(/^[1-5]$/);
  });
});

describe('a Source that vanished from the resources a moment ago', () => {
  it('answers its senders 503, so that they keep their alerts; others learn nothing', async () => {
    const { server, reached } = await start({}, [fakeSource({ leaving: true })]);
    const response = await post(server);
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toMatch(/^[1-5]$/);
    expect(response.json()).toMatchObject({ code: 'InvalidResource', message: expect.stringContaining('vanished') });
    expect((await post(server, { headers: { authorization: 'Bearer wrong' } })).statusCode).toBe(401);
    expect(reached.accepted).toEqual([]);
    expect(reached.logged[0]).toMatchObject({ level: 'warn', fields: { reason: 'SourceVanished' } });
  });
});

describe('a Source without authentication', () => {
  const sources = [fakeSource({ authentication: null })];

  it('is served on loopback', async () => {
    for (const host of ['127.0.0.1', '127.5.0.1', '::1', 'localhost']) {
      const { server } = await start({ host }, sources);
      expect(
        (await server.inject({ method: 'POST', url: '/webhook/alerts', payload: { alerts: [] } })).statusCode,
      ).toBe(200);
    }
  });

  it('is not served elsewhere, unless it is allowed', async () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com']) {
      const { server, reached } = await start({ host }, sources);
      const response = await post(server);
      expect(response.statusCode).toBe(503);
      expect(response.json()).toMatchObject({ next: expect.stringContaining('--allow-insecure-sources') });
      expect(reached.accepted).toEqual([]);
    }
    const { server } = await start({ host: '0.0.0.0', allowInsecureSources: true }, sources);
    expect((await post(server)).statusCode).toBe(200);
  });

  it('takes nothing from pages in a browser', async () => {
    const { server, reached } = await start({}, sources);
    expect((await post(server, { headers: { origin: 'http://127.0.0.1:8080' } })).statusCode).toBe(403);
    expect(reached.accepted).toEqual([]);
  });
});
