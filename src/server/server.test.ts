import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../core/errors.ts';
import {
  apiToken,
  emptyLists,
  fakeCatalog,
  fakeServer,
  fakeSource,
  nothingLearned,
} from '../../test/support/fake-server.ts';
import { verdictFixture } from '../../test/support/rows.ts';
import type { ServerOptions, ServerState } from './options.ts';
import { methodsOf, routes } from './routes.ts';
import type { Server } from './server.ts';

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function start(changes: Partial<ServerOptions> = {}) {
  const fake = await fakeServer(changes);
  open.push(fake.server);
  return fake;
}

const authorized = { authorization: `Bearer ${apiToken}` };
const get = (server: Server, url: string) => server.inject({ method: 'GET', url, headers: authorized });
/** A path of this route. */
const pathOf = (pattern: string) => pattern.replace('/webhook/*', '/webhook/alerts').replaceAll(/:\w+/g, 'abc');

const noEvents = { events: async () => [] };

describe('the table of routes', () => {
  it('names each route once, with what it does', () => {
    expect(new Set(routes.map((route) => `${route.method} ${route.path}`)).size).toBe(routes.length);
    for (const { summary } of routes) expect(summary).toMatch(/^[A-Z].*\.$/);
    const openPaths = routes.filter((route) => route.access === 'open').map((route) => route.path);
    expect(openPaths).toEqual(['/health', '/livez', '/readyz']);
  });

  it.each(routes.filter(({ isStream }) => !isStream))(
    '$method $path is served, and only to those who may',
    async ({ method, path, access }) => {
      const { server } = await start();
      const url = pathOf(path);
      const anonymous = await server.inject({ method, url });
      expect(anonymous.statusCode).toBe(access === 'open' ? 200 : 401);
      if (access !== 'open') {
        expect(anonymous.headers['www-authenticate']).toMatch(/^Bearer /);
        expect(anonymous.json()).toMatchObject({ code: 'Unauthenticated', next: expect.any(String) });
      }
      if (access === 'token') {
        expect(anonymous.json().next).toMatch(/FIST_TOKEN.*DATABASE-token/);
        const response = await server.inject({ method, url, headers: authorized });
        expect(response.statusCode).not.toBe(401);
        expect(response.headers['cache-control']).toBe('no-store');
        expect(response.headers['x-content-type-options']).toBe('nosniff');
        if (response.statusCode === 404) expect(response.json().message).toMatch(/^there is no (?!such route)/);
      }
    },
  );

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'HEAD'] as const)(
    '%s is answered 405 with Allow',
    async (method) => {
      const { server } = await start();
      for (const path of ['/alerts', '/api/v1/runs', '/health', '/metrics']) {
        const response = await server.inject({ method: method as 'PUT', url: path, headers: authorized });
        expect(response.statusCode).toBe(405);
        expect(response.headers['allow']).toBe(methodsOf(path).join(', '));
      }
    },
  );

  it('everything else is answered 404', async () => {
    const { server } = await start();
    for (const url of ['/nothing', '/api/v1', '/api/v2/alerts', '/webhooks/alerts', '/api/v1/alerts/a/b', '/health/']) {
      const response = await get(server, url);
      expect(response.statusCode).toBe(404);
      expect(response.json()).toMatchObject({ code: 'NotFound' });
    }
  });

  it('a path that is no path is answered 400', async () => {
    const { server } = await start();
    const response = await get(server, '/api/v1/alerts/%zz');
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'InvalidInput' });
  });
});

describe('health', () => {
  it('says that the process lives, whatever else happens', async () => {
    const { server } = await start({ state: () => 'draining', catalog: { current: () => null } });
    expect((await server.inject('/health')).json()).toEqual({ status: 'healthy', version: '0.1.0' });
    expect((await server.inject('/livez')).body).toBe('ok\n');
  });

  it('is ready only when all parts are', async () => {
    let state: ServerState = 'ready';
    const { server } = await start({ state: () => state });
    const ready = await server.inject('/readyz');
    expect([ready.statusCode, ready.body]).toEqual([200, 'ok\n']);
    const verbose = await server.inject('/readyz?verbose');
    expect(verbose.body).toBe('[+]state ok\n[+]catalog ok\n[+]store ok\nreadyz check passed\n');
    state = 'draining';
    const draining = await server.inject('/readyz');
    expect([draining.statusCode, draining.body]).toEqual([
      503,
      '[-]state failed: the server is draining\nreadyz check failed\n',
    ]);
  });

  it('is not ready before the catalog was read', async () => {
    const { server } = await start({ catalog: { current: () => null } });
    expect((await server.inject('/readyz')).statusCode).toBe(503);
  });

  it('says what is wrong with the store', async () => {
    const { server } = await start({ storeHealth: { problem: async () => 'its disk is full' } });
    const response = await server.inject('/readyz');
    expect(response.statusCode).toBe(503);
    expect(response.body).toBe('[-]store failed: its disk is full\nreadyz check failed\n');
  });
});

describe('load of the API', () => {
  it('is bounded, but for health and metrics; every place is given back', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const both = Promise.withResolvers<void>();
    let begun = 0;
    const resources = async () => {
      begun += 1;
      if (begun === 2) both.resolve();
      await held;
      return [];
    };
    const empty = { find: async () => undefined, steps: async () => [], evidence: async () => [] };
    const lists = { ...emptyLists(), resources };
    const { server } = await start({
      limits: { maxApiRequests: 2 },
      reader: { lists, runs: empty, agent: noEvents, learned: nothingLearned, deliveries: empty },
    });
    const waiting = Promise.all([get(server, '/api/v1/sources'), get(server, '/api/v1/sinks')]);
    await both.promise;
    const refused = await get(server, '/api/v1/alerts');
    expect([refused.statusCode, refused.json().code]).toEqual([503, 'StoreUnavailable']);
    expect(refused.headers['retry-after']).toMatch(/^[1-5]$/);
    for (const url of ['/readyz', '/livez', '/health', '/metrics'])
      expect((await get(server, url)).statusCode).toBe(200);
    release();
    for (const response of await waiting) expect(response.statusCode).toBe(200);
    for (let n = 0; n < 5; n++) expect((await get(server, '/api/v1/alerts')).statusCode).toBe(200);
  });

  it('bodies together are bounded too', async () => {
    const { server } = await start({ limits: { maxApiBytes: 10 } });
    const headers = { authorization: `Bearer ${apiToken}` };
    const response = await server.inject({ method: 'POST', url: '/alerts', headers, payload: { alertname: 'Down' } });
    expect(response.statusCode).toBe(503);
  });
});

describe('metrics', () => {
  it('count requests by route, never by what a caller chose', async () => {
    const { server } = await start();
    await get(server, '/api/v1/alerts/one');
    await get(server, '/api/v1/alerts/two');
    for (let n = 0; n < 20; n++) await server.inject({ method: 'GET', url: `/unknown/${n}` });
    await server.inject({ method: 'PROPFIND' as 'GET', url: '/x' });
    await server.inject({ method: 'POST', url: '/webhook/secret-path-of-somebody' });
    const response = await get(server, '/metrics');
    expect(response.headers['content-type']).toContain('text/plain');
    const lines = response.body.split('\n').filter((line) => line.startsWith('fist_http_requests_total'));
    expect(lines.sort()).toEqual([
      'fist_http_requests_total{method="GET",route="/api/v1/alerts/:id",status="404"} 2',
      'fist_http_requests_total{method="GET",route="none",status="404"} 20',
      'fist_http_requests_total{method="OTHER",route="none",status="404"} 1',
      'fist_http_requests_total{method="POST",route="/webhook/*",status="404"} 1',
    ]);
  });

  it('hold the depth of queues and the state of resources', async () => {
    const lists = { ...emptyLists(), depths: async () => ({ runs: 3, deliveries: 2 }) };
    const empty = { find: async () => undefined, steps: async () => [], evidence: async () => [] };
    const sources = [fakeSource(), fakeSource({ name: 'b', ready: false }), fakeSource({ name: 'c' })];
    const { server } = await start({
      reader: { lists, runs: empty, agent: noEvents, learned: nothingLearned, deliveries: empty },
      catalog: { current: () => fakeCatalog(sources) },
    });
    const { body } = await get(server, '/metrics');
    expect(body).toContain('fist_queue_depth{queue="runs"} 3');
    expect(body).toContain('fist_queue_depth{queue="deliveries"} 2');
    expect(body).toContain('fist_resources{kind="Source",ready="true"} 2');
    expect(body).toContain('fist_resources{kind="Source",ready="false"} 1');
    expect(body).toContain('fist_build_info{version="test"');
  });

  it('come although the store does not answer', async () => {
    const failing = async () => {
      throw new AppError('StoreUnavailable', 'away');
    };
    const empty = { find: async () => undefined, steps: async () => [], evidence: async () => [] };
    const { server } = await start({
      reader: {
        lists: { ...emptyLists(), depths: failing },
        runs: empty,
        agent: noEvents,
        learned: nothingLearned,
        deliveries: empty,
      },
    });
    expect((await get(server, '/metrics')).statusCode).toBe(200);
  });
});

describe('errors', () => {
  it('of the program say nothing to the caller and all to the log', async () => {
    const boom = async () => {
      throw new TypeError('secret internals');
    };
    const empty = { find: async () => undefined, steps: async () => [], evidence: async () => [] };
    const { server, reached } = await start({
      reader: {
        lists: { ...emptyLists(), alerts: boom },
        runs: empty,
        agent: noEvents,
        learned: nothingLearned,
        deliveries: empty,
      },
    });
    const response = await get(server, '/api/v1/alerts');
    expect(response.statusCode).toBe(500);
    expect(response.json()).toMatchObject({ code: 'Internal' });
    expect(response.body).not.toContain('secret');
    expect(reached.logged[0]).toMatchObject({ level: 'error', fields: { route: '/api/v1/alerts' } });
  });

  it.each([
    [new AppError('StoreUnavailable', 'm'), 503],
    [new AppError('StoreConflict', 'm'), 503],
    [new AppError('NotFound', 'm', { field: 'f', next: 'n' }), 404],
    [new AppError('Conflict', 'm'), 409],
    [new AppError('WorkflowNotReady', 'm'), 409],
    [new AppError('Forbidden', 'm'), 403],
    [new AppError('CrashLoop', 'm'), 500],
  ])('%s of control are answered %i with code, message, field and next', async (error, status) => {
    const fail = async () => {
      throw error;
    };
    const { server } = await start({
      control: {
        cancel: fail,
        retry: fail,
        ask: fail,
        judge: fail,
        retryDelivery: fail,
        retryDeliveries: fail,
        cancelDelivery: fail,
        cancelDeliveries: fail,
      },
    });
    const url = '/api/v1/runs/019b71b4-4c64-7000-8000-0123456789ab/cancel';
    const response = await server.inject({ method: 'POST', url, headers: authorized });
    expect(response.statusCode).toBe(status);
    const { code, message, field, next } = error;
    expect(response.json()).toEqual({
      code,
      message,
      ...(field === undefined ? {} : { field }),
      ...(next === undefined ? {} : { next }),
    });
    if (status === 503) expect(response.headers['retry-after']).toMatch(/^[1-5]$/);
    else expect(response.headers).not.toHaveProperty('retry-after');
  });

  it.each([
    ['not JSON', '{', 'application/json', 400],
    ['a reason that is no text', '{"reason":1}', 'application/json', 400],
    ['a field too many', '{"reason":"x","other":1}', 'application/json', 400],
    ['a list', '[]', 'application/json', 400],
    ['a form', 'reason=x', 'application/x-www-form-urlencoded', 415],
    ['text', '{}', 'text/plain', 415],
    ['four megabytes', `{"reason":"${'x'.repeat(4 * 1024 * 1024)}"}`, 'application/json', 413],
  ])('a body that is %s is refused', async (_name, payload, type, status) => {
    const cancelled: string[] = [];
    const { server } = await start({
      control: {
        cancel: async (id) => void cancelled.push(id),
        retry: async () => '',
        ask: async () => '',
        judge: async () => verdictFixture(),
        retryDelivery: async () => undefined,
        retryDeliveries: async () => 0,
        cancelDelivery: async () => undefined,
        cancelDeliveries: async () => 0,
      },
    });
    const headers = { ...authorized, 'content-type': type };
    const response = await server.inject({ method: 'POST', url: '/api/v1/runs/x/cancel', headers, payload });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({ code: 'InvalidInput', message: expect.any(String) });
    expect(cancelled).toEqual([]);
  });
});
