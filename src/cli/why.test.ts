import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld } from '../../test/server/world.ts';
import { createCleanup } from '../../test/support/cleanup.ts';
import { apiToken } from '../../test/support/fake-server.ts';
import { runFist } from '../../test/support/program.ts';
import { alertFixture } from '../../test/support/rows.ts';

const cleanup = createCleanup();
const pod = (name: string) => ({ alertname: 'Crash', namespace: 'shop', pod: name });
const before = '2026-03-01T11:00:00.000Z';

/** Newer than what is asked about, and with the same words. */
const storm = Array.from({ length: 520 }, (_, n) =>
  alertFixture({ fingerprint: `storm-${n}`, name: 'Crash', severity: 'critical', labels: pod(`web-1-${n}`) }),
);
const alerts = [
  ...storm,
  alertFixture({ fingerprint: 'asked', name: 'Crash', severity: 'critical', receivedAt: before, labels: pod('web-1') }),
  alertFixture({ fingerprint: 'test', severity: 'info', labels: { namespace: 'bank' } }),
  alertFixture({
    fingerprint: 'worse',
    name: 'Down',
    severity: 'critical',
    receivedAt: before,
    labels: { namespace: 'bank' },
  }),
  alertFixture({ fingerprint: 'twice', name: 'Twice', severity: 'critical', receivedAt: before }),
  alertFixture({ fingerprint: 'again', name: 'Twice', severity: 'info' }),
  alertFixture({
    fingerprint: 'over',
    name: 'Over',
    status: 'resolved',
    resolvedAt: '2026-03-01T12:05:00.000Z',
    labels: pod('gone-1'),
  }),
];

let env: Record<string, string>;
beforeAll(async () => {
  const world = await createWorld();
  cleanup.defer(() => world.close());
  await world.store.transaction('intake', (tx) => tx.alerts.insertAll(alerts));
  env = { FIST_SERVER: (await world.server.listen()).url, FIST_TOKEN: apiToken };
});
afterAll(() => cleanup.run());

test('an alert about an object is found behind all others that its words fit', async () => {
  const { code, out } = await runFist(['why', 'pod/web-1', '-n', 'shop'], env);
  expect([code, out.split('\n')[0]]).toEqual([
    0,
    expect.stringMatching(/^FIRING critical Crash pod\/shop\/web-1 for /),
  ]);
});

test('without a word the most severe is taken, whatever changed later', async () => {
  const { out, err } = await runFist(['why', '-n', 'bank'], env);
  expect(out).toMatch(/^FIRING critical Down /);
  expect(err).toMatch(/^also open: alert\/\w{8} TestAlert /);
});

test('why, describe, get and a filter mean the same alert by a name that several have', async () => {
  const first = async (...words: string[]) => (await runFist(words, env)).out;
  const [id = ''] = (await first('get', 'alert', 'Twice', '-o', 'name')).split('\n');
  expect(await first('get', id, '-o', 'jsonpath={.severity}')).toBe('critical');
  expect(JSON.parse(await first('why', 'Twice', '-o', 'json'))).toMatchObject({ alert: { id: id.slice(6) } });
  expect(await first('describe', 'alert/Twice')).toContain(`Alert      ${id}\n`);
  expect(JSON.parse(await first('describe', 'alert/Twice', '-o', 'json'))).toMatchObject({ id: id.slice(6) });
  const runs = JSON.parse(await first('get', 'runs', '--alert', 'Twice', '-o', 'json')) as { items: object[] };
  expect(runs.items).toEqual([]);
});

test('an alert that is not there leads to the nearest one', async () => {
  for (const words of [
    ['why', 'Twcie'],
    ['describe', 'alert/Twcie'],
  ])
    expect(await runFist(words, env)).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /there is no alert Twcie; did you mean Twice\?\n {2}next: fist why alert\/\w{8}\n$/,
      ) as string,
    });
});

test('of what was resolved just now it says so, and when', async () => {
  const { code, out, err } = await runFist(['why', 'pod/gone-1', '-n', 'shop'], env);
  expect(code).toBe(0);
  expect(out).toMatch(
    /^RESOLVED warning Over pod\/shop\/gone-1.*\nresolved 2026-03-01 12:05:00 UTC, \w+ ago, episode 1/,
  );
  expect(err).toMatch(/^no open alert is about pod\/gone-1 -n shop\nnext: /);
});

test('where there are too many to look at, it does not say that there is none', async () => {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"items":[],"nextCursor":"more"}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(() => new Promise((done) => server.close(done)));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await runFist(['why', 'pod/web-1'], { ...env, FIST_SERVER: url })).toMatchObject({
    code: 1,
    err:
      'error: there are too many open alerts to look at all of them; of those seen, no open alert is about pod/web-1\n' +
      '  next: fist investigate pod/web-1\n',
  });
});
