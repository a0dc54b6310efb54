import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { AppError } from '../../core/errors.ts';
import { readCases } from './cases.ts';
import { openCase } from './new-case.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const parts = {
  alert: JSON.stringify({
    alerts: [{ labels: { alertname: 'X' }, annotations: { note: 'password=hunter2', token: 'canary' } }],
  }),
  cause: ['PAYMENT_URL (not set)', 'missing'],
  truth: 'a variable is missing, password=hunter2',
  object: 'pod/shop/web-1',
};

test('a case that is read back: the alert redacted, the cause as it was said, private files', async () => {
  const parent = join(cleanup.temporaryFolder('cases'), 'all');
  const { directory, finish } = await openCase({ parent, name: 'payment-url', ...parts });
  finish();
  const [one, ...others] = await readCases(parent);
  expect(others).toEqual([]);
  expect(one).toMatchObject({
    name: 'payment-url',
    dump: join(directory, 'dump'),
    expected: { object: 'pod/shop/web-1', kind: 'captured', truth: 'a variable is missing, password=[REDACTED]' },
  });
  const said = 'the variable payment_url (not set) is MISSING';
  expect(one?.expected.cause.every((pattern) => new RegExp(pattern, 'i').test(said))).toBe(true);
  for (const file of ['alert.json', 'expected.json'])
    expect(readFileSync(join(directory, file), 'utf8')).not.toMatch(/hunter2|canary/);
  expect(statSync(join(directory, 'alert.json')).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test.each([
  ['a name that leaves the folder', { name: '../x' }, /no name of a case/],
  ['an alert that is not JSON', { name: 'x', alert: '{' }, /the alert is not JSON/],
  ['what is no alert', { name: 'x', alert: '{"kind": "Pod"}' }, /the alert cannot be used/],
])('%s is refused, and nothing is made', async (_, changes, message) => {
  const parent = cleanup.temporaryFolder('cases');
  const opened = openCase({ parent, ...parts, ...changes });
  await expect(opened).rejects.toThrow(AppError);
  await expect(opened).rejects.toThrow(message);
  expect(readdirSync(parent)).toEqual([]);
});

test('a case that exists is not written over; one that is given up leaves nothing', async () => {
  const parent = cleanup.temporaryFolder('cases');
  const first = await openCase({ parent, name: 'x', ...parts });
  await expect(openCase({ parent, name: 'x', ...parts })).rejects.toThrow(/cannot be made/);
  first.remove();
  expect(readdirSync(parent)).toEqual([]);
});
