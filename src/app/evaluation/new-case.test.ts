import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { AppError } from '../../core/errors.ts';
import { readCases } from './cases.ts';
import { openCase } from './new-case.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const parts = {
  alert: JSON.stringify({ alerts: [{ labels: { alertname: 'X' }, annotations: { note: 'password=hunter2' } }] }),
  cause: ['PAYMENT_URL (not set)', 'missing'],
  truth: 'a variable is missing',
  object: 'pod/shop/web-1',
};

test('a case that is read back: the alert redacted, the cause as it was said, private files', async () => {
  const parent = join(cleanup.temporaryFolder('cases'), 'all');
  const { directory, finish } = openCase({ parent, name: 'payment-url', ...parts });
  finish();
  const [one, ...others] = await readCases(parent);
  expect(others).toEqual([]);
  expect(one).toMatchObject({
    name: 'payment-url',
    dump: join(directory, 'dump'),
    expected: { object: 'pod/shop/web-1', kind: 'captured', truth: 'a variable is missing' },
  });
  const said = 'the variable payment_url (not set) is MISSING';
  expect(one?.expected.cause.every((pattern) => new RegExp(pattern, 'i').test(said))).toBe(true);
  expect(readFileSync(join(directory, 'alert.json'), 'utf8')).not.toContain('hunter2');
  expect(statSync(join(directory, 'alert.json')).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test.each([
  ['a name that leaves the folder', { name: '../x' }, /no name of a case/],
  ['an alert that is not JSON', { name: 'x', alert: '{' }, /the alert is not JSON/],
])('%s is refused', (_, changes, message) => {
  const parent = cleanup.temporaryFolder('cases');
  expect(() => openCase({ parent, ...parts, ...changes })).toThrow(AppError);
  expect(() => openCase({ parent, ...parts, ...changes })).toThrow(message);
});

test('a case that exists is not written over', () => {
  const parent = cleanup.temporaryFolder('cases');
  openCase({ parent, name: 'x', ...parts });
  expect(() => openCase({ parent, name: 'x', ...parts })).toThrow(/cannot be made/);
});
