import { expect, test } from 'vitest';
import { hostOf, isLoopback, refusedAddress } from './address-policy.ts';

const open = { allowPrivate: true };
const closed = { allowPrivate: false };

/** Refused whatever the policy says. */
const never = {
  'link-local': ['169.254.0.1', '169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
  metadata: ['100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254', 'fd20:ce::254'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '0:0:0:0:0:0:0:0'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  broadcast: ['255.255.255.255'],
  'IPv4-mapped': ['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '::FFFF:A9FE:A9FE', '0:0:0:0:0:ffff:a9fe:a9fe'],
  'IPv4-compatible': ['::169.254.169.254', '::a9fe:a9fe', '::8.8.8.8', '::127.0.0.1', '::2'],
  'IPv4-translated': ['::ffff:0:169.254.169.254', '::ffff:0:a9fe:a9fe'],
  NAT64: ['64:ff9b::169.254.169.254', '64:ff9b::a9fe:a9fe', '64:ff9b::e000:1', '64:ff9b::0.0.0.0'],
  'local NAT64': ['64:ff9b:1::1', '64:ff9b:1:a9fe:a9:fe00::'],
  '6to4': ['2002:a9fe:a9fe::1', '2002:808:808::1', '2002:7f00:1::'],
  Teredo: ['2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001::1'],
  'IETF protocols': ['192.0.0.1', '2001:2::1', '2001:10::1', '2001:20::1', '192.88.99.1'],
  documentation: ['192.0.2.1', '198.51.100.7', '203.0.113.9', '2001:db8::1', '3fff::1'],
  discard: ['100::1', '5f00::1'],
} as const;

test.each(Object.entries(never))('never: %s', (_, addresses) => {
  for (const address of addresses) {
    expect(refusedAddress(address, open), address).toContain('link-local, metadata, multicast, reserved');
    expect(refusedAddress(address, closed), address).not.toBeNull();
  }
});

test.each([
  '127.0.0.1',
  '127.255.255.254',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '100.64.0.1',
  '198.18.0.1',
  '240.0.0.1',
  '::1',
  'fd12::1',
  'fc00::1',
  'fec0::1',
  '::ffff:10.0.0.1',
  '::ffff:7f00:1',
  '64:ff9b::10.0.0.1',
  '64:ff9b::7f00:1',
  '::ffff:0:192.168.0.1',
])('within a closed network: %s', (address) => {
  expect(refusedAddress(address, open)).toBeNull();
  expect(refusedAddress(address, closed)).toBe(`${address} is a private address`);
});

test.each([
  '8.8.8.8',
  '1.1.1.1',
  '172.15.255.255',
  '172.32.0.1',
  '192.167.255.255',
  '100.63.255.255',
  '100.128.0.1',
  '169.253.255.255',
  '169.255.0.1',
  '192.0.1.1',
  '223.255.255.255',
  '198.17.255.255',
  '198.20.0.1',
  '2606:4700::1111',
  '2a00:1450:4001:80e::200e',
  '2001:4860:4860::8888',
  '2003::1',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
  '2001:200::1',
  '2400::1',
])('anybody: %s', (address) => {
  expect(refusedAddress(address, closed)).toBeNull();
});

test.each(['localhost', '', '1.2.3', '0x7f.0.0.1', '[::1]', '1.2.3.4:80', 'fe80::1::2'])('no address: "%s"', (text) => {
  expect(refusedAddress(text, open)).toBe(`${text} is not an IP address`);
});

test('the machine itself', () => {
  expect(['localhost', '127.0.0.1', '127.9.9.9', '::1'].every(isLoopback)).toBe(true);
  expect(['localhost.example.com', '127.0.0.1.example.com', '0.0.0.0', '10.0.0.1', '::', 'fist'].some(isLoopback)).toBe(
    false,
  );
});

test('the host of a URL is an address without brackets', () => {
  expect(hostOf(new URL('http://[::1]:8080/a'))).toBe('::1');
  expect(hostOf(new URL('https://fist.example:1/'))).toBe('fist.example');
});
