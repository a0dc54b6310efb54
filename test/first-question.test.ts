import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shortId } from '../src/lib/short-id.ts';
import { textWidth } from '../src/lib/text-width.ts';
import { firing, resolved, startTestApp } from './support/app.ts';
import type { TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { oomAlert, oomExample, oomStart } from './support/incidents.ts';
import { repositoryRoot } from './support/processes.ts';
import { runFist } from './support/program.ts';

// Somebody was paged: what fires, why, and is fist itself well. Over the real server and a recorded cluster.

const cleanup = createCleanup();
const { labels } = oomAlert;
const name = labels['alertname'] ?? '';
const object = `pod/${labels['namespace']}/${labels['pod']}`;

let world: TestApp;
beforeAll(async () => {
  world = await startTestApp(cleanup, {
    files: { 'connect.yaml': readFileSync(`${repositoryRoot}examples/connect/resources.yaml`, 'utf8') },
    tokens: { 'alertmanager-token': 'the-token-of-this-test' },
    dump: `${oomExample}/dump`,
  });
  const token = 'the-token-of-this-test';
  await world.notify('alertmanager', [firing({ alertname: 'Early', namespace: 'shop' }, 3_600_000)], token);
  await world.notify('alertmanager', [resolved({ alertname: 'Early', namespace: 'shop' }, 3_600_000)], token);
  await world.notify('alertmanager', [firing(labels, 0, oomStart)], token);
  await world.endedRun(name);
  const others = Array.from({ length: 8 }, (_, n) => firing({ alertname: `Other${n}`, team: 'data' }));
  await world.notify('alertmanager', others, token);
  await Promise.all(others.map((_, n) => world.endedRun(`Other${n}`)));
  await world.notify('alertmanager', [firing({ alertname: 'Early', namespace: 'shop' }, -1000)], token);
  await world.endedRun('Early');
});
afterAll(() => cleanup.run());

const fist = (...args: string[]) => runFist(args, { FIST_SERVER: world.app.url, SQLITE_PATH: world.database });
const lines = async (...args: string[]) => (await fist(...args)).out.trimEnd().split('\n');
const ids = async (...args: string[]) =>
  (JSON.parse((await fist('get', 'alerts', '-o', 'json', ...args)).out) as { items: { id: string; name: string }[] })
    .items;

describe('what fires', () => {
  test('an alert of before that fires again is in the first line', async () => {
    const [head, first] = await lines('get', 'alerts', '--limit', '3');
    expect(head).toMatch(/^SEVERITY +ALERT +OBJECT +SINCE +CAUSE +ID$/);
    expect(first).toMatch(/^warning +Early +namespace\/shop +\d+s +\S.* [0-9a-f]{8}$/);
  });

  test('the row of an alert says what it is about and why', async () => {
    const row = (await lines('get', 'alerts', '-n', 'shop', '--name', name)).at(1) ?? '';
    expect(row).toContain(object);
    expect(row).toMatch(/ \d+d +Container .*OOMKilled/);
  });

  test('filters mean what they say', async () => {
    const count = async (...args: string[]) => (await ids(...args)).length;
    expect(await count()).toBe(10);
    expect(await count('-l', 'team=data')).toBe(8);
    expect(await count('-l', 'team!=data')).toBe(2);
    expect(await count('-l', 'alertname=~"Other[0-3]"', 'team="data"')).toBe(4);
    expect(await count('-n', 'shop')).toBe(2);
    expect(await count('--fist-namespace', 'shop')).toBe(0);
    expect(await count('--status', 'resolved')).toBe(0);
    expect(await count('--all', '--since', '1h')).toBe(10);
  });

  test('history says what happened to each', async () => {
    const { out } = await fist('get', 'alerts', '--history', '--name', 'Early');
    const steps = /\n\n\w{8} {2}Early\n((?: {2}[-\d]+ [:\d]+ UTC {2}\S+ -> \S+ {2}\w+\n)+)$/.exec(out)?.[1] ?? '';
    expect(steps.match(/\w+$/gm)).toEqual(expect.arrayContaining(['Opened', 'Resolved', 'Reopened']));
  });

  test('an empty list says which filter keeps out how many', async () => {
    expect((await fist('get', 'alerts', '-n', 'shp', '-l', 'team!=data')).err).toBe(
      [
        'no alerts match; of 10 in all,',
        '  without the limit to open ones (--all): 0',
        '  without -n shp: 2',
        `  without -l 'team!="data"': 0`,
        'next: fist get alerts --all -A',
        '',
      ].join('\n'),
    );
  });
});

describe('why', () => {
  test('is one screen, by name, by id, by object and by run', async () => {
    const [alert] = await ids('--name', name);
    const said = await lines('why', name);
    expect(said[0]?.startsWith(`FIRING ${labels['severity']} ${name} ${object} for `)).toBe(true);
    expect(said.join(' ')).toMatch(/ The cause is \(\d+%\): Pod \S+: Container \w+ was OOMKilled/);
    expect(said).toContain('Evidence');
    expect(said).toContain('First step');
    expect(said.length).toBeLessThanOrEqual(25);
    // A command is whole, to be copied.
    expect(Math.max(...said.filter((line) => !line.startsWith('  kubectl ')).map(textWidth))).toBeLessThanOrEqual(80);
    const { err } = await fist('why', name);
    expect(err).toMatch(/^next: fist describe alert\/[0-9a-f]{8}\n$/);
    const short = /alert\/(\w+)/.exec(err)?.[1] ?? '';
    for (const words of [
      [`alert/${short}`],
      [short.slice(0, 7)],
      [alert?.id ?? ''],
      [`pod/${labels['pod']}`, '-n', 'shop'],
      [`po/shop/${labels['pod']}`],
    ])
      expect((await lines('why', ...words))[3], words.join(' ')).toBe(said[3]);
    const run = JSON.parse((await fist('why', name, '-o', 'json')).out) as { run: { id: string }; state: string };
    expect(run.state).toBe('known');
    expect((await lines('why', `run/${run.run.id}`))[3]).toBe(said[3]);
  });

  test('without a word it is about the most severe open alert, of these the one that changed last', async () => {
    expect((await lines('why'))[0]).toMatch(/^FIRING warning Early namespace\/shop for /);
  });

  test('of what nothing fires about says what to do instead', async () => {
    expect(await fist('why', 'pod/calm-1', '-n', 'shop')).toMatchObject({
      code: 1,
      err: 'error: no open alert is about pod/calm-1 -n shop\n  next: fist investigate pod/calm-1 -n shop\n',
    });
    expect((await fist('why', 'Nothing')).err).toContain('there is no alert Nothing');
    const [alert] = await ids('--name', name);
    expect(await fist('why', name.replace('Looping', 'Loping'))).toMatchObject({
      code: 1,
      err: `error: there is no alert ${name.replace('Looping', 'Loping')}; did you mean ${name}?\n  next: fist why alert/${shortId(alert?.id ?? '')}\n`,
    });
  });

  test('describe says the same, then history, runs and deliveries', async () => {
    const said = await lines('describe', `alert/${name}`);
    expect(said[0]).toMatch(/^FIRING /);
    expect(said.join('\n')).toMatch(
      /History\n {2}AT .*\n.*Opened\n.*RunStarted\n.*RunEnded\n\nRuns\n {2}RUN .*\n {2}run\/\w{8} .*\n\nDeliveries\n {2}DEL.*\n {2}delivery\/\w{8} {2}report/,
    );
    expect((await lines('describe', 'run/@latest'))[0]).toMatch(/^Run {8}/);
  });
});

describe('is fist well', () => {
  test('status says so of each part, and exits with 0', async () => {
    const { code, out, err } = await fist('status');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^fist \S+ at http:\/\/127\.0\.0\.1:\d+, ready: all is well\nPART/);
    for (const part of [
      /^store +SQLite +takes writes, \S+ \w?i?B, schema \d+$/m,
      /^source +default\/alertmanager +ready, last event \d+s ago$/m,
      /^sink +default\/report +ready, last success \d+s ago, 0 waiting, 0 failed in the last hour$/m,
      /^runs +0 running, 0 waiting, 0 failed in the last hour$/m,
      /^cluster +dump .* answers$/m,
      /^model +none/m,
    ])
      expect(out).toMatch(part);
  });

  test('something wrong is exit code 1, with the next command', async () => {
    const answer = await fetch(`${world.app.url}/webhook/alertmanager`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(401);
    const { code, err } = await fist('status');
    expect(code).toBe(1);
    expect(err).toBe(
      'wrong: Source default/alertmanager refused 1 requests in the last hour: Unauthenticated 1\n  next: fist describe source/default/alertmanager\n',
    );
    expect(JSON.parse((await fist('status', '-o', 'json')).out)).toMatchObject({ well: false });
  });

  test('no server is exit code 3', async () => {
    expect((await runFist(['status'], { FIST_SERVER: 'http://127.0.0.1:1' })).code).toBe(3);
  });
});
