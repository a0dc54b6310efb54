import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy between one replica and PostgreSQL. */
export interface Proxy {
  readonly port: number;
  /**
   * Bytes are taken and nothing comes back, for new connections too: a network that swallows. `answers`: what the client
   * sends still arrives.
   */
  blackHole(direction?: 'both' | 'answers'): void;
  /**
   * Passes again. What was swallowed arrives late where `held` is `deliver`, as TCP does when a network comes back soon;
   * `lose` resets these connections, as it does after a longer time.
   */
  heal(held: 'deliver' | 'lose'): void;
  /** Resets every connection at once; new ones pass. */
  reset(): void;
  stop(): Promise<void>;
}

/** What one side sends: passed on at once, or kept until `deliver`, in order. */
interface Direction {
  pass(action: () => void): void;
  deliver(): void;
}

/** One connection through the proxy, both sides. */
interface Line {
  deliver(): void;
  reset(): void;
}

interface Network {
  swallows: 'nothing' | 'answers' | 'both';
}

/** Starts a proxy on the loopback interface to `upstreamPort` there. */
export async function startProxy(upstreamPort: number): Promise<Proxy> {
  const lines = new Set<Line>();
  const network: Network = { swallows: 'nothing' };
  const server = createServer((client) => {
    const line = openLine(client, upstreamPort, network, () => lines.delete(line));
    lines.add(line);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const reset = (): void => {
    for (const line of lines) line.reset();
  };
  return {
    port: (server.address() as AddressInfo).port,
    blackHole: (direction = 'both') => void (network.swallows = direction),
    heal(held) {
      network.swallows = 'nothing';
      if (held === 'lose') return reset();
      for (const line of lines) line.deliver();
    },
    reset,
    stop() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      reset();
      return closed;
    },
  };
}

function openLine(client: Socket, upstreamPort: number, network: Network, gone: () => void): Line {
  const requests = direction(() => network.swallows === 'both');
  const answers = direction(() => network.swallows !== 'nothing');
  let upstream: Socket | undefined;
  function reset(): void {
    client.resetAndDestroy();
    upstream?.resetAndDestroy();
    gone();
  }
  /** Both ends are gone or will be. */
  function end(): void {
    client.end();
    upstream?.end();
    gone();
  }
  function connectUpstream(): Socket {
    const socket = connect(upstreamPort, '127.0.0.1');
    socket.on('data', (chunk) => answers.pass(() => client.write(chunk)));
    socket.on('error', () => answers.pass(reset));
    socket.on('close', () => answers.pass(end));
    return socket;
  }
  client.setNoDelay(true);
  client.on('data', (chunk) => requests.pass(() => (upstream ??= connectUpstream()).write(chunk)));
  client.on('error', () => requests.pass(reset));
  client.on('close', () => requests.pass(end));
  return {
    deliver() {
      requests.deliver();
      answers.deliver();
    },
    reset,
  };
}

function direction(isSwallowed: () => boolean): Direction {
  const held: (() => void)[] = [];
  return {
    pass(action) {
      if (isSwallowed() || held.length > 0) held.push(action);
      else action();
    },
    deliver() {
      for (const action of held.splice(0)) action();
    },
  };
}
