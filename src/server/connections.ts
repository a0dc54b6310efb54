import type { Socket } from 'node:net';

/** The connections of a server, bounded; one that does nothing makes room for one that wants to. */
export interface Connections {
  /** Takes a new one in, or ends it. */
  add(socket: Socket): void;
  /**
   * A request began whose answer is wanted: its connection stays. False = it has too many in work; then there is no `end`.
   * `isKnown`: the caller has shown a token, so its connection is kept longer than others also when it is idle.
   */
  begin(socket: Socket, isKnown: boolean): boolean;
  end(socket: Socket): void;
  /** Whether a caller has shown a token on it. */
  isKnown(socket: Socket): boolean;
}

export interface ConnectionOptions {
  readonly maxConnections: number;
  /** Requests in work, one behind the other. */
  readonly maxRequestsPerConnection: number;
  /** A new one was not taken. */
  refused(): void;
  /** One that did nothing was ended for another. */
  displaced(): void;
}

interface Peer {
  count: number;
  /** Without a request in work, the one that has been so for the longest time first: of strangers, and of known callers. */
  readonly strangers: Set<Connection>;
  readonly known: Set<Connection>;
}

interface Connection {
  readonly socket: Socket;
  readonly peer: string;
  requests: number;
  isKnown: boolean;
  /** When it became idle, counted. */
  idleSince: number;
}

/**
 * At the limit the peer with the most connections gives one up: of those without a request in work, the one that has been
 * idle for the longest time, or has not ended its headers, or was not let in. Known callers lose none while strangers have
 * any. So neither idle connections nor slow ones shut others out, and who has few keeps them. Only where all have requests in
 * work the new one is refused.
 */
export function createConnections(options: ConnectionOptions): Connections {
  const known = new Map<Socket, Connection>();
  const peers = new Map<string, Peer>();
  let changes = 0;

  function remove(connection: Connection): void {
    if (!known.delete(connection.socket)) return;
    const peer = peers.get(connection.peer);
    if (peer === undefined) return;
    peer.count -= 1;
    peer.strangers.delete(connection);
    peer.known.delete(connection);
    if (peer.count === 0) peers.delete(connection.peer);
  }

  function makeRoom(): boolean {
    const victim = chooseIdle(peers.values(), 'strangers') ?? chooseIdle(peers.values(), 'known');
    if (victim === undefined) return false;
    remove(victim);
    victim.socket.destroy();
    options.displaced();
    return true;
  }

  function becomeIdle(connection: Connection): void {
    changes += 1;
    connection.idleSince = changes;
    peers.get(connection.peer)?.[connection.isKnown ? 'known' : 'strangers'].add(connection);
  }

  return {
    add(socket) {
      if (known.size >= options.maxConnections && !makeRoom()) {
        options.refused();
        socket.destroy();
        return;
      }
      const connection: Connection = {
        socket,
        peer: peerOf(socket.remoteAddress),
        requests: 0,
        isKnown: false,
        idleSince: 0,
      };
      const peer = peers.get(connection.peer) ?? { count: 0, strangers: new Set(), known: new Set() };
      peer.count += 1;
      peers.set(connection.peer, peer);
      known.set(socket, connection);
      becomeIdle(connection);
      socket.once('close', () => remove(connection));
    },
    begin(socket, isKnown) {
      const connection = known.get(socket);
      if (connection === undefined) return true;
      if (connection.requests >= options.maxRequestsPerConnection) return false;
      connection.requests += 1;
      const peer = peers.get(connection.peer);
      peer?.[connection.isKnown ? 'known' : 'strangers'].delete(connection);
      if (isKnown) connection.isKnown = true;
      return true;
    },
    isKnown: (socket) => known.get(socket)?.isKnown === true,
    end(socket) {
      const connection = known.get(socket);
      if (connection === undefined) return;
      connection.requests -= 1;
      if (connection.requests === 0) becomeIdle(connection);
    },
  };
}

/** Of the peer with the most connections the longest idle one; of several such peers, the longest idle of all. */
function chooseIdle(peers: Iterable<Peer>, of: 'strangers' | 'known'): Connection | undefined {
  let most = 0;
  let chosen: Connection | undefined;
  for (const peer of peers) {
    const { count } = peer;
    const [oldest] = peer[of];
    if (oldest === undefined || count < most) continue;
    if (count === most && chosen !== undefined && chosen.idleSince < oldest.idleSince) continue;
    most = count;
    chosen = oldest;
  }
  return chosen;
}

/** Who counts as one: an IPv4 address, or the /64 of an IPv6 address, of which anybody has all. */
export function peerOf(address: string | undefined): string {
  if (address === undefined) return '';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...(tail ? tail.split(':') : [])];
  return all.slice(0, 4).join(':');
}
