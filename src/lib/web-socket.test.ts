import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { acceptWebSocket } from '../../test/support/web-socket.ts';
import type { ServerSocket } from '../../test/support/web-socket.ts';
import { createHttpClient } from './http.ts';
import type { DestinationOptions } from './checked-lookup.ts';
import type { SocketRequest } from '../core/ports.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

let url: string;
let peers: ServerSocket[];
let heard: string[];
let ended: PromiseWithResolvers<void>;

beforeEach(async () => {
  peers = [];
  heard = [];
  ended = Promise.withResolvers();
  const server = createServer((_request, response) => void response.writeHead(404).end());
  server.on('upgrade', (request, stream) => {
    if (request.url === '/refused') return void stream.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    if (request.url === '/never') return undefined;
    peers.push(
      acceptWebSocket(request, stream, { onText: (text) => void heard.push(text), onEnd: () => ended.resolve() }),
    );
    return undefined;
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(() => {
    server.closeAllConnections();
    for (const peer of peers) peer.drop();
    server.close();
  });
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

function open(path = '/', more: Partial<SocketRequest> = {}, options: DestinationOptions = {}) {
  const client = createHttpClient(options);
  cleanup.defer(() => client.close());
  const texts: string[] = [];
  const onText = (text: string): void => void texts.push(text);
  const request = { url: url + path, timeoutMs: 20_000, idleMs: 60_000, signal: new AbortController().signal, onText };
  return { texts, socket: client.open({ ...request, ...more }) };
}

/** The next answer to a question whether the peer is there. */
function signOfLife(): Promise<void> {
  return new Promise((resolve) => {
    const heard = (): void => {
      unsubscribe('undici:websocket:pong', heard);
      resolve();
    };
    subscribe('undici:websocket:pong', heard);
  });
}

describe('a connection to keep', () => {
  test('texts go both ways until one of both closes it', async () => {
    const { socket, texts } = open();
    const opened = await socket;
    peers[0]?.send('hello');
    peers[0]?.send('x'.repeat(5000));
    opened.send('answer');
    peers[0]?.close(1001);
    expect(await opened.ended).toContain('1001');
    expect(texts.map((text) => text.length)).toEqual([5, 5000]);
    expect(heard).toEqual(['answer']);
    opened.send('nobody hears it');
  });

  test('closed here, it ends there', async () => {
    const opened = await open().socket;
    opened.close();
    await ended.promise;
    expect(await opened.ended).toBe('closed');
  });

  test('it ends with its signal', async () => {
    const stopping = new AbortController();
    const opened = await open('/', { signal: stopping.signal }).socket;
    stopping.abort();
    await ended.promise;
    expect(await opened.ended).toContain('not wanted');
    await expect(open('/', { signal: stopping.signal }).socket).rejects.toMatchObject({ code: 'Unreachable' });
  });

  test('a peer that gives no sign of life is left', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    cleanup.defer(() => void vi.useRealTimers());
    const opened = await open('/', { idleMs: 90 }).socket;
    const [peer] = peers;
    // It answers what it is asked, so it lives.
    for (let beat = 0; beat < 10; beat += 1) {
      const answered = signOfLife();
      vi.advanceTimersByTime(30);
      await answered;
    }
    expect(await Promise.race([opened.ended, Promise.resolve('open')])).toBe('open');
    if (peer !== undefined) peer.answersPings = false;
    vi.advanceTimersByTime(150);
    expect(await opened.ended).toContain('nothing was heard for 0.09 s');
  });

  test.each(['/refused', '/never'])('%s', async (path) => {
    await expect(open(path, { timeoutMs: 300 }).socket).rejects.toMatchObject({ code: 'Unreachable' });
  });

  test('addresses are judged as those of requests', async () => {
    const policy = { allowPrivate: false };
    await expect(open('/', {}, { policy }).socket).rejects.toMatchObject({ code: 'Forbidden' });
    url = url.replace('127.0.0.1', 'slack.test');
    const lookup = async () => [{ address: '169.254.169.254', family: 4 }];
    await expect(open('/', {}, { lookup }).socket).rejects.toMatchObject({ code: 'Unreachable' });
    expect(peers).toEqual([]);
    url = 'file:///etc/passwd';
    await expect(open().socket).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});
