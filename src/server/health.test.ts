import { afterEach, describe, expect, it } from 'vitest';
import { apiToken, fakeServer } from '../../test/support/fake-server.ts';
import type { ServerOptions, ServerState } from './options.ts';
import type { Server } from './server.ts';

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function ask(url: string, changes: Partial<ServerOptions>) {
  const { server } = await fakeServer(changes);
  open.push(server);
  const { statusCode, body, headers } = await server.inject({ method: 'GET', url });
  return { status: statusCode, body, type: headers['content-type'] };
}

const text = 'text/plain; charset=utf-8';

describe('/readyz', () => {
  it.each(['its disk is full', 'it is slow', 'the server does not answer'])(
    'says the reason of the store: %s',
    async (reason) => {
      expect(await ask('/readyz', { storeHealth: { problem: async () => reason } })).toEqual({
        status: 503,
        body: `[-]store failed: ${reason}\nreadyz check failed\n`,
        type: text,
      });
    },
  );

  it('says every reason that there is, in one order', async () => {
    const changes: Partial<ServerOptions> = {
      state: () => 'starting',
      catalog: { current: () => null },
      storeHealth: { problem: async () => 'it is slow' },
    };
    const lines = [
      '[-]state failed: the server is starting',
      '[-]catalog failed: the resources are not read yet',
      '[-]store failed: it is slow',
      'readyz check failed\n',
    ];
    expect((await ask('/readyz', changes)).body).toBe(lines.join('\n'));
    expect((await ask('/readyz?verbose', changes)).body).toBe(lines.join('\n'));
  });

  it.each<[ServerState, number]>([
    ['starting', 503],
    ['ready', 200],
    ['draining', 503],
  ])('of a server that is %s is %i', async (state, status) => {
    expect((await ask('/readyz', { state: () => state })).status).toBe(status);
  });

  it('lists what is well too where it is asked to', async () => {
    const { body } = await ask('/readyz?verbose', { storeHealth: { problem: async () => 'it is slow' } });
    expect(body).toBe('[+]state ok\n[+]catalog ok\n[-]store failed: it is slow\nreadyz check failed\n');
  });
});

it.each(['/livez', '/health'])('%s does not ask the store', async (url) => {
  const problem = () => Promise.reject(new Error('asked'));
  expect((await ask(url, { state: () => 'draining', storeHealth: { problem } })).status).toBe(200);
});

it('what a probe was answered over a socket is what is counted', async () => {
  const { server } = await fakeServer({ storeHealth: { problem: async () => 'its disk is full' } });
  open.push(server);
  const { port } = await server.listen();
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503);
  const metrics = await server.inject({
    method: 'GET',
    url: '/metrics',
    headers: { authorization: `Bearer ${apiToken}` },
  });
  const counted = metrics.body.split('\n').filter((line) => /^fist_http_requests_total\{.*readyz/.test(line));
  expect(counted).toEqual(['fist_http_requests_total{method="GET",route="/readyz",status="503"} 1']);
});
