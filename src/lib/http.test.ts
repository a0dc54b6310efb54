import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import type { HttpRequest } from '../core/ports.ts';
import { createHttpClient, HttpError, requestWasSent } from './http.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(options: Parameters<typeof createHttpClient>[0] = {}) {
  const created = createHttpClient(options);
  cleanups.push(() => created.close());
  return created;
}

function get(url: string, extra: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url, headers: {}, timeoutMs: 2000, maxResponseBytes: 1000, ...extra };
}

async function failure(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof AppError)) throw new Error(`expected an AppError, got ${String(error)}`);
  return error;
}

describe('send', () => {
  test('posts a body and returns status, headers and text', async () => {
    const url = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        response.writeHead(201, { 'x-name': 'A' }).end(`${request.method} ${String(request.headers['x-in'])} ${body}`);
      });
    });
    const answer = await client().send(get(`${url}/a`, { method: 'POST', headers: { 'x-in': 'yes' }, body: 'hello' }));
    expect(answer).toMatchObject({ status: 201, body: 'POST yes hello', truncated: false });
    expect(answer.headers['x-name']).toBe('A');
  });

  test('does not follow redirects', async () => {
    let calls = 0;
    const url = await serve((_request, response) => {
      calls += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect((await client().send(get(url))).status).toBe(302);
    expect(calls).toBe(1);
  });

  test('stops reading at the size cap', async () => {
    const url = await serve((_request, response) => response.end('x'.repeat(500_000)));
    const answer = await client().send(get(url, { maxResponseBytes: 10 }));
    expect(answer).toMatchObject({ body: 'xxxxxxxxxx', truncated: true });
  });

  test('a closed port is Unreachable and the request was not sent', async () => {
    const server = createTcpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const error = await failure(client().send(get(`http://127.0.0.1:${port}`)));
    expect(error).toMatchObject({ code: 'Unreachable', retryable: true });
    expect(requestWasSent(error)).toBe(false);
  });

  test('no answer in time is Timeout and the request was sent', async () => {
    let asked = 0;
    const url = await serve((_request, response) => void ((asked += 1) === 1 && response.end()));
    const warm = client();
    // On a connection that is there it is sent at once, before any time can be over.
    await warm.send(get(url));
    const error = await failure(warm.send(get(url, { timeoutMs: 50 })));
    expect(error.code).toBe('Timeout');
    expect(requestWasSent(error)).toBe(true);
  });

  test('a want of descriptors says nothing about the receiver', async () => {
    const lookup = () => Promise.reject(Object.assign(new Error('socket EMFILE'), { code: 'EMFILE' }));
    const error = await failure(client({ lookup }).send(get('http://receiver.example/')));
    expect(error).toMatchObject({ code: 'ResourcesExhausted', retryable: true });
    expect(requestWasSent(error)).toBe(false);
  });

  test('a connection cut in the middle is Unreachable and the request was sent', async () => {
    const url = await serve((request) => request.socket.destroy());
    const error = await failure(client().send(get(url)));
    expect(error.code).toBe('Unreachable');
    expect(requestWasSent(error)).toBe(true);
  });

  test('the time-out covers the body too', async () => {
    const url = await serve((_request, response) => void response.writeHead(200).write('begin'));
    expect((await failure(client().send(get(url, { timeoutMs: 60 })))).code).toBe('Timeout');
  });

  test('an abort by the caller is Cancelled', async () => {
    const url = await serve(() => undefined);
    const abort = new AbortController();
    const work = failure(client().send(get(url, { signal: abort.signal })));
    setTimeout(() => abort.abort(), 30);
    const error = await work;
    expect(error).toBeInstanceOf(HttpError);
    expect(error.code).toBe('Cancelled');
  });
});

describe('destinations', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fd00:ec2::254]/',
    'http://[fe80::1]/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[64:ff9b:1::a9fe:a9fe]/',
    'http://[::a9fe:a9fe]/',
    'http://[::ffff:0:a9fe:a9fe]/',
    'http://[fd00:ec2::23]/',
    'http://[fd20:ce::254]/',
    'http://168.63.129.16/metadata',
  ])('%s is Forbidden', async (url) => {
    expect((await failure(client().send(get(url)))).code).toBe('Forbidden');
  });

  test.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'not a url', 'http://user:pass@127.0.0.1/'])(
    '%s is InvalidInput',
    async (url) => {
      expect((await failure(client().send(get(url)))).code).toBe('InvalidInput');
    },
  );

  test('a name is refused when one of its addresses is refused', async () => {
    const lookup = () =>
      Promise.resolve([
        { address: '127.0.0.1', family: 4 },
        { address: '169.254.169.254', family: 4 },
      ]);
    const error = await failure(client({ lookup }).send(get('http://two-faces.example/')));
    expect(error.code).toBe('Forbidden');
    expect(error.message).toContain('169.254.169.254');
  });

  test('the connection goes to the checked address (R16)', async () => {
    const url = await serve((request, response) => response.end(request.headers.host));
    const { port } = new URL(url);
    let lookups = 0;
    const lookup = () => {
      lookups += 1;
      return Promise.resolve([{ address: lookups === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }]);
    };
    const answer = await client({ lookup }).send(get(`http://rebinding.example:${port}/`));
    expect(answer.body).toBe(`rebinding.example:${port}`);
    expect(lookups).toBe(1);
  });
});

describe('fetch', () => {
  test('posts a body and gives the answer as it comes, without a time of its own', async () => {
    const url = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'text/plain' });
        response.write(`${request.method} ${String(request.headers['user-agent'])} `);
        setImmediate(() => response.end(body));
      });
    });
    const answer = await client().fetch(new URL(`${url}/a`), { method: 'POST', body: 'hello' });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('POST punching-fist hello');
  });

  test('does not follow redirects, whatever the caller asks for (R16)', async () => {
    let calls = 0;
    const url = await serve((_request, response) => {
      calls += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    const answer = await client().fetch(url, { redirect: 'follow' });
    expect([answer.status, answer.headers.get('location'), calls]).toEqual([307, '/elsewhere', 1]);
  });

  test('refuses what the policy refuses, by name as well', async () => {
    const policy = { allowPrivate: false };
    const lookup = async () => [{ address: '127.0.0.1', family: 4 as const }];
    expect(await failure(client({ policy }).fetch('http://127.0.0.1:1/'))).toMatchObject({ code: 'Forbidden' });
    expect(await failure(client({ policy, lookup }).fetch('http://mcp.test/'))).toMatchObject({ code: 'Forbidden' });
    expect(await failure(client().fetch('file:///etc/passwd'))).toMatchObject({ code: 'InvalidInput' });
  });

  test('says why there is no answer', async () => {
    const url = await serve((request) => request.socket.destroy());
    const error = await failure(client().fetch(url));
    expect(error).toMatchObject({ code: 'Unreachable', message: expect.stringMatching(/other side closed/) });
    expect(requestWasSent(error)).toBe(true);
    const waiting = await serve(() => undefined);
    const controller = new AbortController();
    const answer = failure(client().fetch(waiting, { signal: controller.signal }));
    controller.abort();
    expect(await answer).toMatchObject({ code: 'Cancelled' });
  });

  test('says why an answer broke off, and where it was left', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('the beginning', () => response.destroy());
    });
    const answer = await client().fetch(url);
    const error = await failure(answer.text());
    expect(error).toMatchObject({ code: 'Unreachable', message: expect.stringMatching(/^127\.0\.0\.1:\d+ could not/) });
    expect(requestWasSent(error)).toBe(true);
    const waiting = await serve((_request, response) => void response.writeHead(200).write('the beginning'));
    const controller = new AbortController();
    const body = failure((await client().fetch(waiting, { signal: controller.signal })).text());
    controller.abort();
    expect(await body).toMatchObject({ code: 'Cancelled' });
  });
});
