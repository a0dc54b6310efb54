import { createServer } from 'node:net';
import type { AddressInfo, Server as SocketServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../core/errors.ts';

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

/** Listens where it was told to. Throws InvalidInput where the address cannot be had. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<Listening> {
  try {
    // Sockets that share their port do not notice that somebody else listens there.
    if (port !== 0) await closed(await bound({ host, port }));
    const shared = await listenShared(app, host, port);
    const address = app.server.address() as AddressInfo;
    const others = shared
      ? await Promise.all(Array.from({ length: sharedSockets - 1 }, () => another(app, address)))
      : [];
    return { address: addressOf(address), close: () => Promise.all(others.map(closed)) };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const why = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
    throw new AppError('InvalidInput', `cannot listen on ${host}:${port}: ${why}`, {
      cause,
      next: 'choose another address with --listen HOST:PORT (port 0 = any free one)',
    });
  }
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
async function another(app: FastifyInstance, { address, port }: AddressInfo): Promise<SocketServer> {
  const server = await bound({ host: address, port, backlog, reusePort: true });
  server.on('connection', (socket) => app.server.emit('connection', socket));
  return server;
}

function bound(options: { host: string; port: number; backlog?: number; reusePort?: boolean }): Promise<SocketServer> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true });
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function closed(server: SocketServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function addressOf({ address, port, family }: AddressInfo): ListenAddress {
  const reachable =
    address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '[::1]' : family === 'IPv6' ? `[${address}]` : address;
  return { host: address, port, url: `http://${reachable}:${port}` };
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there',
  EACCES: 'not allowed (ports below 1024 need rights)',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name has no address',
};

/** Bounds the connections of all sockets together; what is beyond is closed and told to `refused`. */
export function limitConnections(app: FastifyInstance, most: number, refused: () => void): void {
  let open = 0;
  app.server.prependListener('connection', (socket) => {
    if (open >= most) {
      refused();
      socket.destroy();
      return;
    }
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
  });
}
