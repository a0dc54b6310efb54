import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createConnections, peerOf } from './connections.ts';

/** Sockets by name; a destroyed one closes a moment later, as real ones do. */
function world({ maxConnections = 4, maxRequestsPerConnection = 2 } = {}) {
  const ended: string[] = [];
  const told = { refused: 0, displaced: 0 };
  const connections = createConnections({
    maxConnections,
    maxRequestsPerConnection,
    refused: () => void (told.refused += 1),
    displaced: () => void (told.displaced += 1),
  });
  function connect(name: string, remoteAddress = '10.0.0.1'): Socket {
    const socket = Object.assign(new EventEmitter(), { remoteAddress, destroy: () => void ended.push(name) });
    connections.add(socket as unknown as Socket);
    return socket as unknown as Socket;
  }
  return { connections, connect, ended, told };
}

describe('connections beyond the most', () => {
  it('take the place of the one that has been idle for the longest time', () => {
    const { connections, connect, ended, told } = world();
    const [first] = ['a', 'b', 'c', 'd'].map((name) => connect(name));
    if (first === undefined) throw new Error('no connection');
    connections.begin(first, false);
    connections.end(first);
    connect('e');
    expect(ended).toEqual(['b']);
    connect('f');
    expect(ended).toEqual(['b', 'c']);
    expect(told).toEqual({ refused: 0, displaced: 2 });
  });

  it('never that of one with a request in work; where all have one the new one is refused', () => {
    const { connections, connect, ended, told } = world();
    const all = ['a', 'b', 'c', 'd'].map((name) => connect(name));
    for (const socket of all) connections.begin(socket, false);
    connect('e');
    expect(ended).toEqual(['e']);
    expect(told).toEqual({ refused: 1, displaced: 0 });
    for (const socket of all.slice(2)) connections.end(socket);
    connect('f');
    expect(ended).toEqual(['e', 'c']);
  });

  it('take that of who has the most, although others have been idle for longer', () => {
    const { connect, ended } = world();
    connect('honest', '10.0.0.2');
    for (let n = 0; n < 3; n++) connect(`greedy ${n}`);
    for (let n = 3; n < 50; n++) connect(`greedy ${n}`);
    connect('honest too', '10.0.0.3');
    expect(ended).toHaveLength(48);
    expect(ended.some((name) => name.startsWith('honest'))).toBe(false);
  });

  it('of many peers with one each take that of the oldest', () => {
    const { connect, ended } = world();
    for (let n = 0; n < 6; n++) connect(`peer ${n}`, `10.0.1.${n}`);
    expect(ended).toEqual(['peer 0', 'peer 1']);
  });

  it('take that of a stranger, although a known caller has been idle for longer and has more', () => {
    const { connections, connect, ended } = world();
    const known = ['known 1', 'known 2', 'known 3'].map((name) => connect(name));
    for (const socket of known) {
      connections.begin(socket, true);
      connections.end(socket);
      expect(connections.isKnown(socket)).toBe(true);
    }
    connect('stranger 1', '10.0.0.2');
    connect('stranger 2', '10.0.0.2');
    connect('stranger 3', '10.0.0.2');
    expect(ended).toEqual(['stranger 1', 'stranger 2']);
    const last = connect('stranger 4', '10.0.0.2');
    connections.begin(last, false);
    connect('new');
    expect(ended).toEqual(['stranger 1', 'stranger 2', 'stranger 3', 'known 1']);
  });

  it('find the places of those that went', () => {
    const { connect, ended } = world();
    for (let round = 0; round < 10; round++) {
      const all = ['a', 'b', 'c', 'd'].map((name) => connect(name));
      for (const socket of all) socket.emit('close');
    }
    expect(ended).toEqual([]);
  });

  it('are counted once, although one that was displaced closes later', () => {
    const { connections, connect, ended } = world({ maxConnections: 2 });
    const first = connect('a');
    connect('b');
    connect('c');
    first.emit('close');
    connections.end(first);
    connect('d');
    expect(ended).toEqual(['a', 'b']);
  });
});

describe('a connection', () => {
  it('has only so many requests in work', () => {
    const { connections, connect } = world();
    const socket = connect('a');
    expect([
      connections.begin(socket, false),
      connections.begin(socket, false),
      connections.begin(socket, false),
    ]).toEqual([true, true, false]);
    connections.end(socket);
    expect(connections.begin(socket, false)).toBe(true);
    expect(connections.isKnown(socket)).toBe(false);
  });

  it('that nobody knows (a request without a network) has no bounds', () => {
    const { connections } = world();
    const unknown = new EventEmitter() as Socket;
    for (let n = 0; n < 10; n++) expect(connections.begin(unknown, false)).toBe(true);
    connections.end(unknown);
  });
});

it.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['1::', '1:0:0:0'],
  [undefined, ''],
])('%s counts as %s', (address, peer) => {
  expect(peerOf(address)).toBe(peer);
});
