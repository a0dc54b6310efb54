import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import type { Addresses } from './checked-lookup.ts';
import { createConnect } from './connect.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function listen() {
  const ports: (number | undefined)[] = [];
  const server = createServer((socket) => ports.push(socket.remotePort));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const stop = () => new Promise<void>((done) => server.close(() => done()));
  return { port: (server.address() as AddressInfo).port, ports, stop };
}

const at =
  (...addresses: readonly string[]): Addresses =>
  () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
const never = new AbortController().signal;

test('connects to the address that was checked, and what is open outlives the signal', async () => {
  const peer = await listen();
  cleanup.defer(() => peer.stop());
  const stop = new AbortController();
  const socket = await createConnect({ lookup: at('127.0.0.1') })('mail.example', peer.port, stop.signal);
  cleanup.defer(() => void socket.destroy());
  stop.abort();
  expect([socket.remoteAddress, socket.destroyed]).toEqual(['127.0.0.1', false]);
});

test.each([
  ['a private address', '127.0.0.1', ['127.0.0.1'], false],
  ['a name of a private address', 'mail.example', ['10.0.0.7'], false],
  ['a name with two faces', 'mail.example', ['127.0.0.1', '169.254.169.254'], true],
  ['a metadata service', '169.254.169.254', ['169.254.169.254'], true],
])('%s that the policy refuses is not connected to', async (_, host, addresses, allowPrivate) => {
  const peer = await listen();
  cleanup.defer(() => peer.stop());
  const connect = createConnect({ policy: { allowPrivate }, lookup: at(...addresses) });
  await expect(connect(host, peer.port, never)).rejects.toMatchObject({ code: 'Forbidden', retryable: false });
  expect(peer.ports).toEqual([]);
});

test('nobody listens', async () => {
  const { port, stop } = await listen();
  await stop();
  const message = expect.stringMatching(/^localhost:\d+ could not be reached: .*ECONNREFUSED/) as unknown;
  const refused = createConnect()('localhost', port, never);
  await expect(refused).rejects.toMatchObject({ code: 'Unreachable', retryable: true, message });
});

test('a name that is not answered in time', async () => {
  const connect = createConnect({ lookup: () => new Promise(() => undefined) });
  const stop = new AbortController();
  const begun = connect('mail.example', 25, stop.signal);
  stop.abort();
  await expect(begun).rejects.toMatchObject({
    code: 'Unreachable',
    message: 'mail.example:25 could not be reached: it did not answer in time',
  });
});
