import { expect, test } from 'vitest';
import { refusedAddress } from './address-policy.ts';
import { parseDestinations } from './destinations.ts';

const allowed = parseDestinations([
  'Alertmanager.monitoring.svc',
  '*.shop.svc',
  '10.96.0.0/12',
  '192.168.1.7',
  'fd12:3456::/32',
  'vault.',
]);
const policy = { allowPrivate: false, allowed };

test.each([
  ['alertmanager.monitoring.svc', '10.0.0.1', true],
  ['ALERTMANAGER.monitoring.svc.', '10.0.0.1', true],
  ['vault', 'fc00::1', true],
  ['x.alertmanager.monitoring.svc', '10.0.0.1', false],
  ['alertmanager.monitoring.svc.evil.example', '10.0.0.1', false],
  ['a.shop.svc', '127.0.0.1', true],
  ['a.b.shop.svc', '127.0.0.1', true],
  ['shop.svc', '127.0.0.1', false],
  ['evilshop.svc', '127.0.0.1', false],
  ['anything.example', '10.97.3.4', true],
  ['anything.example', '10.112.0.1', false],
  ['anything.example', '192.168.1.7', true],
  ['anything.example', '192.168.1.8', false],
  ['anything.example', 'fd12:3456:1::1', true],
  ['anything.example', 'fd12:3457::1', false],
  ['anything.example', '::ffff:10.97.3.4', true],
  ['anything.example', '8.8.8.8', true],
])('%s at %s: %s', (host, address, isAllowed) => {
  expect(refusedAddress(address, policy, host) === null).toBe(isAllowed);
});

test('no name and no network opens the way to what nobody may be sent to', () => {
  const all = parseDestinations(['*.svc', '169.254.0.0/16', '::/0', '0.0.0.0/0']);
  for (const address of ['169.254.169.254', '::ffff:a9fe:a9fe', '100.100.100.200', 'fd00:ec2::254', '0.0.0.0'])
    expect(refusedAddress(address, { allowPrivate: false, allowed: all }, 'metadata.svc'), address).not.toBeNull();
});

test.each([
  '',
  '*',
  '*.',
  'http://x.svc',
  'x.svc:80',
  'a b',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0/8',
  '1.2.3.4/8/9',
  '::/129',
  '-x',
  '300.1.1.1',
])('%j is no destination', (text) => {
  expect(() => parseDestinations([text])).toThrow(`${text} is no host, address or network`);
});
