import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpClient } from '../lib/http.ts';
import { createCleanup } from '../../test/support/cleanup.ts';
import { startReceiver } from '../../test/support/receiver.ts';
import { noConnection, sinkDelivery } from '../../test/support/sink-world.ts';
import type { SinkIo } from './define.ts';
import { webhook } from './webhook.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function io(): SinkIo {
  const http = createHttpClient();
  cleanup.defer(() => http.close());
  return {
    connect: noConnection,
    http,
    secret: ({ name, key }) => `${name}-${key}`,
    write: () => Promise.reject(new Error('must not write')),
    events: null,
    folder: '/nowhere',
    othersFireAt: () => Promise.resolve(false),
    startRun: () => Promise.reject(new Error('must start no run')),
    now: () => Date.parse('2026-03-01T10:00:00Z'),
    signal: new AbortController().signal,
    timeoutMs: 20_000,
  };
}

async function deliver(endpoint: string, world = io()) {
  const delivery = sinkDelivery({ payload: { text: 'größer "x"' }, idempotencyKey: 'key-1' });
  const config = { endpoint, authentication: { type: 'bearer', secretRef: 'hook' } };
  return await webhook.deliver?.(world, config, delivery);
}

describe('webhook over HTTP', () => {
  test('a receiver gets the JSON, the key and the token', async () => {
    const receiver = await startReceiver();
    cleanup.defer(() => receiver.stop());
    expect(await deliver(`${receiver.url}/hook`)).toEqual({ ok: true, reference: null });
    const [request] = receiver.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/hook', json: { text: 'größer "x"' } });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'idempotency-key': 'key-1',
      authorization: 'Bearer hook-token',
    });
  });

  test('a receiver that takes the request and cuts the line leaves the result open', async () => {
    const server = createServer((request) => void request.on('data', () => request.socket.destroy()));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    cleanup.defer(() => new Promise<void>((done) => server.close(() => done())));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await deliver(url)).toMatchObject({ ok: false, retry: true, ambiguous: true });
  });

  test('a receiver that never answers is given up after the time-out, and one that is not there was not reached', async () => {
    const server = createServer((request, response) => void (request.url === '/answer' && response.end()));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const world = io();
    // On a connection that is there it is sent at once, before any time can be over.
    await deliver(`${url}/answer`, world);
    expect(await deliver(url, { ...world, timeoutMs: 400 })).toMatchObject({ ok: false, retry: true, ambiguous: true });
    server.closeAllConnections();
    await new Promise<void>((done) => server.close(() => done()));
    expect(await deliver('http://127.0.0.1:1')).toMatchObject({ ok: false, retry: true, ambiguous: false });
  });

  test('an answer whose body does not come is an answer; its connection does not hold the stop up', async () => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(request.url === '/yes' ? 200 : 429, { 'content-length': '100', 'retry-after': '5' });
      response.write('{');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    cleanup.defer(() => new Promise<void>((done) => server.close(() => done())));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await deliver(`${url}/yes`)).toEqual({ ok: true, reference: null });
    expect(await deliver(`${url}/later`)).toMatchObject({ ok: false, retry: true, retryAfterMs: 5000 });
  });

  test('small answers leave the connection open for the next delivery', async () => {
    const sockets = new Set<unknown>();
    const server = createServer((request, response) => {
      sockets.add(request.socket);
      request.resume().on('end', () => response.end('{"ok":true}'));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    cleanup.defer(() => new Promise<void>((done) => server.close(() => done())));
    const world = io();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (let count = 0; count < 5; count += 1) {
      expect(await deliver(url, world)).toEqual({ ok: true, reference: null });
      await new Promise((done) => setImmediate(done));
    }
    expect(sockets.size).toBeLessThan(5);
  });

  test('metadata services are never asked', async () => {
    expect(await deliver('http://169.254.169.254/latest/meta-data')).toMatchObject({ ok: false, retry: false });
  });
});
