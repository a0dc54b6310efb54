import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server as SocketServer, Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../core/errors.ts';
import { isExhaustion } from '../lib/exhaustion.ts';
import type { Turns } from '../lib/turns.ts';

/** Where a server listens. `url` can be opened on this machine. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

export interface Listening {
  readonly address: ListenAddress;
  /** Takes no new connections any more. Resolves when those that it took have ended. */
  close(): Promise<unknown>;
}

/**
 * Of each listening socket libuv accepts one connection in a turn of the event loop (uv__server_io). With long turns, many
 * new connections would wait for minutes, and a health check behind them. So many sockets share the port, and the kernel
 * shares the connections out among them.
 */
const sharedSockets = 64;
const backlog = 1024;

interface ListenOptions {
  readonly open?: OpenSocket;
  /** Connections are with TLS. */
  readonly isSecure?: boolean;
}

/** Opens one listening socket. */
export type OpenSocket = (options: SocketOptions) => Promise<SocketServer>;

interface SocketOptions {
  readonly host: string;
  readonly port: number;
  readonly backlog?: number;
  readonly reusePort?: boolean;
}

/**
 * Listens where it was told to, with all sockets or with none. Throws InvalidInput where the address cannot be had.
 * `open` is given by tests.
 */
export async function listen(
  app: FastifyInstance,
  host: string,
  port: number,
  { open = bound, isSecure = false }: ListenOptions = {},
): Promise<Listening> {
  let first: AddressInfo;
  let isShared: boolean;
  try {
    // Sockets that share their port do not notice that somebody else listens there.
    if (port !== 0) await closed(await open({ host, port }));
    isShared = await listenShared(app, host, port);
    first = app.server.address() as AddressInfo;
  } catch (cause) {
    throw cannotListen(`cannot listen on ${host}:${port}`, cause);
  }
  const more = isShared ? sharedSockets - 1 : 0;
  const opened = await Promise.allSettled(Array.from({ length: more }, () => another(app, first, open)));
  const others = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const close = () => Promise.all(others.map(closed));
  const at = opened.findIndex(({ status }) => status === 'rejected');
  const failed = opened[at];
  if (failed?.status !== 'rejected') return { address: addressOf(first, isSecure), close };
  await Promise.all([close(), closed(app.server)]);
  const which = `socket ${at + 2} of the ${sharedSockets} that share the port`;
  throw cannotListen(`cannot listen on ${host}:${first.port} with ${which}`, failed.reason);
}

function cannotListen(what: string, cause: unknown): AppError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
  const next = isExhaustion(cause)
    ? 'ulimit -n 8192 (systemd: LimitNOFILE=8192), or look at what else the machine runs'
    : 'choose another address with --listen HOST:PORT (port 0 = any free one)';
  return new AppError('InvalidInput', `${what}: ${why}`, { cause, next });
}

/** False where this system cannot share a port. */
async function listenShared(app: FastifyInstance, host: string, port: number): Promise<boolean> {
  const options = { host, port, backlog };
  try {
    const sharing = { ...options, reusePort: true };
    await app.listen(sharing);
    return true;
  } catch (error) {
    if (!['ENOTSUP', 'EINVAL', 'ENOPROTOOPT'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    await app.listen(options);
    return false;
  }
}

/** One more socket of the port, whose connections are the HTTP server's. */
async function another(app: FastifyInstance, { address, port }: AddressInfo, open: OpenSocket): Promise<SocketServer> {
  const server = await open({ host: address, port, backlog, reusePort: true });
  server.on('connection', (socket) => app.server.emit('connection', socket));
  server.on('error', (error) => app.server.emit('error', error));
  return server;
}

function bound(options: SocketOptions): Promise<SocketServer> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true });
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function closed(server: Pick<SocketServer, 'close'>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function addressOf({ address, port, family }: AddressInfo, isSecure: boolean): ListenAddress {
  const reachable =
    address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '[::1]' : family === 'IPv6' ? `[${address}]` : address;
  return { host: address, port, url: `${isSecure ? 'https' : 'http'}://${reachable}:${port}` };
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there',
  EACCES: 'not allowed (ports below 1024 need rights)',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name has no address',
  EMFILE: 'this process may open no more files',
  ENFILE: 'this machine may open no more files',
};

/** Requests of one connection that wait for a turn; a client that has sent more ahead is none that waits for answers. */
const mostWaiting = 16;

/**
 * The system may have a thousand requests ready at once, and libuv hands them all over in one turn of the event loop. Those
 * that find its time used up are handled in the next ones; those of one connection in their order. Who `isKnown` does not
 * wait behind strangers.
 */
export function handleInTurns(server: EventEmitter, turns: Turns, isKnown: (socket: Socket) => boolean): void {
  const waiting = new WeakMap<object, number>();
  for (const handle of server.listeners('request') as ((...request: unknown[]) => void)[]) {
    server.off('request', handle);
    server.on('request', (request: Pick<IncomingMessage, 'socket'>, ...answer: unknown[]) => {
      const { socket } = request;
      const ahead = waiting.get(socket) ?? 0;
      if (ahead === 0 && (!turns.isOver() || isKnown(socket))) return handle(request, ...answer);
      if (ahead >= mostWaiting) return void socket.destroy();
      waiting.set(socket, ahead + 1);
      void turns.next().then(() => {
        waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
        handle(request, ...answer);
      });
    });
  }
}
