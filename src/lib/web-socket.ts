import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Agent } from 'undici';
import { AppError } from '../core/errors.ts';
import type { Socket, SocketRequest } from '../core/ports.ts';

/** What the peer sends without a text. */
const beats = ['undici:websocket:ping', 'undici:websocket:pong'] as const;

/**
 * Opens a connection that the peer has to keep alive: it is asked for a sign of life, and one that is silent for `idleMs` is
 * over. Throws Unreachable, Cancelled.
 */
export async function openSocket(agent: Agent, url: URL, request: SocketRequest): Promise<Socket> {
  const { WebSocket, ping } = await import('undici');
  const { timeoutMs, idleMs, onText, signal } = request;
  const peer = new WebSocket(url, { dispatcher: agent });
  let heardMs = performance.now();
  const heard = (): void => void (heardMs = performance.now());
  const beat = (message: unknown): void => {
    if ((message as { readonly websocket?: unknown }).websocket === peer) heard();
  };
  for (const name of beats) subscribe(name, beat);

  const ended = Promise.withResolvers<string>();
  const opened = Promise.withResolvers<void>();
  const failure = { reason: '' };
  const tooLate = setTimeout(() => end(`no connection within ${timeoutMs / 1000} s`), timeoutMs);
  const watch = setInterval(() => {
    if (performance.now() - heardMs > idleMs) end(`nothing was heard for ${idleMs / 1000} s`);
    else if (peer.readyState === peer.OPEN) ping(peer);
  }, idleMs / 3);
  watch.unref();

  function end(reason: string): void {
    clearTimeout(tooLate);
    clearInterval(watch);
    for (const name of beats) unsubscribe(name, beat);
    signal.removeEventListener('abort', abort);
    ended.resolve(reason);
    opened.reject(new AppError('Unreachable', `${url.host} could not be reached: ${reason}`));
    peer.close();
  }
  function abort(): void {
    end('it was not wanted any more');
  }

  peer.addEventListener('open', () => {
    clearTimeout(tooLate);
    heard();
    opened.resolve();
  });
  peer.addEventListener('message', ({ data }: { readonly data: unknown }) => {
    heard();
    if (typeof data === 'string') onText(data);
  });
  peer.addEventListener('error', (event) => {
    failure.reason = (event as { readonly message?: string }).message ?? '';
  });
  peer.addEventListener('close', ({ code, reason }) => {
    end([failure.reason, reason, `closed with code ${code}`].filter((part) => part !== '').join(', '));
  });
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  await opened.promise;
  return { send: (text) => peer.send(text), close: () => end('closed'), ended: ended.promise };
}
