import type { LookupAddress } from 'node:dns';
import { afterEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { attemptOf, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { DestinationPolicy } from '../lib/address-policy.ts';
import { parseDestinations } from '../lib/destinations.ts';
import { createHttpClient } from '../lib/http.ts';
import { sinks } from './index.ts';
import { webhook } from './webhook.ts';

// Whoever may write a Sink must not reach with it what the server reaches and they do not (server-side request forgery).

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const denied: DestinationPolicy = { allowPrivate: false };

/** What a name leads to, for whoever asks: the attacker's own resolver. */
const lies: Readonly<Record<string, readonly string[]>> = {
  'metadata.google.internal': ['169.254.169.254'],
  'mapped.example': ['::ffff:169.254.169.254'],
  'nat64.example': ['64:ff9b::a9fe:a9fe'],
  'two-faces.example': ['8.8.8.8', '169.254.169.254'],
  'two-faces6.example': ['2606:4700::1111', 'fd00:ec2::254'],
  'xn--80ak6aa92e.example': ['100.100.100.200'],
  localhost: ['127.0.0.1', '::1'],
  'loopback.example': ['127.0.0.1'],
  'cluster.example': ['10.96.0.1'],
  'kubernetes.default.svc': ['10.96.0.1'],
  'one-inside.example': ['8.8.8.8', '192.168.0.1'],
  'unique-local.example': ['fd12:3456::1'],
};

/** Refused whatever the server allows. */
const never = [
  'http://169.254.169.254/latest/meta-data/iam/security-credentials/',
  'http://169.254.169.254:8080/',
  'https://169.254.169.254/',
  'http://169.254.169.254./',
  'http://169.254.170.2/v2/credentials',
  'http://2852039166/',
  'http://0xa9fea9fe/',
  'http://0XA9FEA9FE/',
  'http://025177524776/',
  'http://0251.0376.0251.0376/',
  'http://0251.254.0xa9.254/',
  'http://0xa9.0xfe.0xa9.0xfe/',
  'http://169.254.43518/',
  'http://169.16689662/',
  'http://%31%36%39.254.169.254/',
  'http://169%2e254%2e169%2e254/',
  'http://169。254。169。254/',
  'http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/',
  'http://[::ffff:169.254.169.254]/',
  'http://[::ffff:a9fe:a9fe]/',
  'http://[0:0:0:0:0:ffff:a9fe:a9fe]/',
  'http://[::a9fe:a9fe]/',
  'http://[::ffff:0:a9fe:a9fe]/',
  'http://[64:ff9b::169.254.169.254]/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[64:ff9b:1::a9fe:a9fe]/',
  'http://[2002:a9fe:a9fe::1]/',
  'http://[fd00:ec2::254]/',
  'http://[fd20:ce::254]/',
  'http://[fe80::1]/',
  'http://100.100.100.200/latest/meta-data/',
  'http://168.63.129.16/machine',
  'http://192.0.0.192/opc/v2/',
  'http://0.0.0.0/',
  'http://0/',
  'http://[::]/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://metadata.google.internal/computeMetadata/v1/',
  'http://METADATA.google.internal/',
  'http://mapped.example/',
  'http://nat64.example/',
  'http://two-faces.example/',
  'http://two-faces6.example/',
  'http://xn--80ak6aa92e.example/',
  'http://user:pass@receiver.example/',
  'http://token@receiver.example/',
  'http://receiver.example:pass@169.254.169.254/',
];

/** Refused where private destinations are denied: there they would reach this machine or its network. */
const closed = [
  'http://127.0.0.1:PORT/',
  'http://127.1:PORT/',
  'http://127.255.255.254:PORT/',
  'http://2130706433:PORT/',
  'http://0x7f000001:PORT/',
  'http://017700000001:PORT/',
  'http://0177.0.0.1:PORT/',
  'http://[::1]:PORT/',
  'http://[::ffff:127.0.0.1]:PORT/',
  'http://[::ffff:7f00:1]:PORT/',
  'http://[64:ff9b::7f00:1]:PORT/',
  'http://localhost:PORT/',
  'http://LOCALHOST.:PORT/',
  'http://loopback.example:PORT/',
  'http://cluster.example/',
  'https://kubernetes.default.svc/api/v1/secrets',
  'http://one-inside.example/',
  'http://unique-local.example/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://198.18.0.1/',
  'http://240.0.0.1/',
  'http://[fd12:3456::1]/',
  'http://[fec0::1]/',
];

/** Not even a config. */
const noAddresses = [
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_FLUSHALL',
  'ftp://127.0.0.1/',
  'dict://127.0.0.1:11211/stats',
  'ldap://127.0.0.1/',
  'javascript:alert(1)',
  'data:text/plain,x',
  'unix:/var/run/docker.sock',
  '//169.254.169.254/',
  'http:169.254.169.254',
  'http:///169.254.169.254/',
  'http://',
  ' http://127.0.0.1/',
  '',
];

async function start(policy?: DestinationPolicy) {
  const sentinel = await startVendor(() => ({ status: 200, body: '[]' }));
  cleanup.defer(() => sentinel.stop());
  const lookup = (host: string): Promise<readonly LookupAddress[]> => {
    const addresses = lies[host.replace(/\.$/, '')] ?? ['127.0.0.1'];
    return Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
  };
  const http = createHttpClient({ lookup, ...(policy === undefined ? {} : { policy }) });
  cleanup.defer(() => http.close());
  const world = sinkWorld({ timeoutMs: 1000 });
  cleanup.defer(() => world.close());
  const io = { ...world.io, http, secret: () => 'a secret' };
  const { port } = new URL(sentinel.url);
  return { sentinel, io, at: (url: string) => url.replace('PORT', port) };
}

const refused = { ok: false, retry: false } as const;

test.each(never)('%s is asked by no Sink, whatever the server allows (R16)', async (endpoint) => {
  const everything = { allowPrivate: false, allowed: parseDestinations(['*.example', '0.0.0.0/0', '::/0']) };
  for (const policy of [undefined, denied, everything]) {
    const { io } = await start(policy);
    expect(await attemptOf(webhook, io, { endpoint }, sinkDelivery())).toMatchObject(refused);
  }
});

test.each(closed)('%s is asked by no Sink where private destinations are denied', async (endpoint) => {
  const { io, sentinel, at } = await start(denied);
  const verdict = await attemptOf(webhook, io, { endpoint: at(endpoint) }, sinkDelivery());
  expect(verdict).toMatchObject({ ...refused, reason: expect.stringContaining('is a private address') as string });
  expect(sentinel.requests).toEqual([]);
});

test.each(noAddresses)('%j is no address of a Sink', (endpoint) => {
  for (const { type, config } of sinks) {
    const field = ['endpoint', 'pushgateway'].find((name) => name in config.shape);
    if (field === undefined) continue;
    const paths = config.safeParse({ [field]: endpoint }).error?.issues.map(({ path }) => path[0]);
    expect([type, paths]).toEqual([type, expect.arrayContaining([field])]);
  }
});

describe('every Sink that has an address', () => {
  const withAddress = sinks.flatMap((backend) =>
    ['endpoint', 'pushgateway'].filter((field) => field in backend.config.shape).map((field) => ({ backend, field })),
  );

  test.each(withAddress.map(({ backend, field }) => [backend.type, backend, field] as const))(
    '%s goes through the one client, which refuses',
    async (_, backend, field) => {
      if (backend.deliver === null) return;
      const { io, sentinel, at } = await start(denied);
      for (const url of ['http://127.0.0.1:PORT/', 'http://169.254.169.254/', 'http://loopback.example:PORT/']) {
        const config = { ...backend.example, [field]: at(url) };
        expect(await attemptOf(backend, io, config, sinkDelivery())).toMatchObject(refused);
      }
      expect(sentinel.requests).toEqual([]);
    },
  );
});

test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed, wherever it leads', async (status) => {
  const { io, sentinel } = await start();
  const receiver = await startVendor(() => ({ status, headers: { location: `${sentinel.url}/latest/meta-data` } }));
  cleanup.defer(() => receiver.stop());
  const verdict = await attemptOf(webhook, io, { endpoint: receiver.url }, sinkDelivery());
  expect(verdict).toMatchObject({
    ...refused,
    reason: expect.stringContaining('redirects are not followed') as string,
  });
  expect(sentinel.requests).toEqual([]);
});

test('a name that leads elsewhere the second time is refused the second time, and never asked twice for one connection (R16)', async () => {
  const sentinel = await startVendor(() => ({ status: 200 }));
  cleanup.defer(() => sentinel.stop());
  let asked = 0;
  const lookup = () => {
    asked += 1;
    return Promise.resolve([{ address: asked === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }]);
  };
  const verdicts = [];
  for (const times of [1, 2]) {
    // A connection of its own for each.
    const http = createHttpClient({ lookup });
    const { io, close } = sinkWorld();
    const endpoint = `http://rebinding.example:${new URL(sentinel.url).port}/`;
    verdicts.push(await attemptOf(webhook, { ...io, http }, { endpoint }, sinkDelivery()));
    await Promise.all([http.close(), close()]);
    expect(asked).toBe(times);
  }
  expect(verdicts).toMatchObject([{ ok: true }, refused]);
  expect(sentinel.requests).toHaveLength(1);
});

test('what is allowed is reached though all else that is private is denied', async () => {
  const allowed = parseDestinations(['loopback.example']);
  const { io, sentinel, at } = await start({ allowPrivate: false, allowed });
  const deliver = (url: string) => attemptOf(webhook, io, { endpoint: at(url) }, sinkDelivery());
  expect(await deliver('http://loopback.example:PORT/')).toMatchObject({ ok: true });
  expect(await deliver('http://localhost:PORT/')).toMatchObject(refused);
  expect(await deliver('http://127.0.0.1:PORT/')).toMatchObject(refused);
  expect(sentinel.requests).toHaveLength(1);
});

test('there are more than sixty of them', () => {
  expect(new Set([...never, ...closed, ...noAddresses]).size).toBeGreaterThan(80);
});
