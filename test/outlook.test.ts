import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firing, resolved, startTestApp } from './support/app.ts';
import type { TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { repositoryRoot } from './support/processes.ts';
import { runFist } from './support/program.ts';

// What a notification would do, and what those of the past would have done, without doing it.

const cleanup = createCleanup();
afterAll(() => cleanup.run());
const folder = cleanup.temporaryFolder('outlook');

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const source = (name: string, spec: string): string => `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: ${name}}
spec: {type: webhook, triggerWorkflow: triage, ${spec}}
---`;
const workflow = `
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: {name: triage}
spec: {steps: [{name: look, type: agent, goal: Find out why.}], sinks: [report, gone]}
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: {name: report}
spec: {type: stdout, config: {}, condition: '{{ .alert.severity }} == critical', sendResolved: true}
`;
const notification = write(
  'alert.json',
  JSON.stringify({
    version: '4',
    alerts: [
      firing({ alertname: 'Down', namespace: 'shop', pod: 'web-1', severity: 'critical' }),
      firing({ alertname: 'Watchdog' }),
      { status: 'firing', labels: 'none' },
    ],
  }),
);

describe('fist explain alert', () => {
  const explain = (resources: string, ...more: string[]) =>
    runFist([
      'explain',
      'alert',
      '-f',
      notification,
      '--resources',
      resources,
      '--at',
      '2026-03-01T12:00:00Z',
      ...more,
    ]);

  test('says for each Source what it takes, and what follows', async () => {
    const limit = 'rateLimit: {requestsPerMinute: 120, burst: 30}';
    const policies = `cooldown: 30m, flapCapPerHour: 6, ${limit}`;
    const one = source('one', `${policies}, config: {path: a, matchers: 'alertname!="Watchdog"'}`);
    const two = source(
      'two',
      `config: {path: b}, muteMatchers: ['alertname="Watchdog"'], maintenance: [{weekdays: [sunday], comment: patches}]`,
    );
    const { code, out, err } = await explain(write('both.yaml', one + two + workflow));
    expect(code).toBe(0);
    expect(out).toBe(`Source default/one (webhook)
  firing critical Down shop/web-1: taken, starts a run
  firing warning Watchdog: not taken, MatcherMismatch: the matchers do not match
  alerts[2].labels cannot be used: must be an object with text values
  policies at 2026-03-01 12:00:00 UTC: each replica takes 120 requests a minute, 30 at once, and answers 503 beyond; 30m after a run no other of the same alert; at most 6 runs an hour of one alert; at most 60 runs a minute in all
  Workflow default/triage: look (agent)
  Sink report (stdout): is told the report, the end, if {{ .alert.severity }} == critical
  Sink gone: there is none of this name

Source default/two (webhook)
  firing critical Down shop/web-1: taken, no run: Maintenance: patches; decided anew at 2026-03-01 12:05:00 UTC
  firing warning Watchdog: taken, no run: Muted: muteMatchers has alertname="Watchdog"; decided anew at 2026-03-01 12:05:00 UTC
  alerts[2].labels cannot be used: must be an object with text values
  policies at 2026-03-01 12:00:00 UTC: at most 60 runs a minute in all
  Workflow default/triage: look (agent)
  Sink report (stdout): is told the report, the end, if {{ .alert.severity }} == critical
  Sink gone: there is none of this name
`);
    expect(err).toContain('nothing was sent or stored');
  });

  test('who grants what of the way through other namespaces, and who does not', async () => {
    const { out } = await explain(`${repositoryRoot}examples/shared-workflow`);
    expect(out).toContain('  Workflow platform/investigate, which grants namespace storefront: investigate (agent)\n');
    expect(out).toContain(
      '  Sink oncall/reports, which grants namespace platform (stdout): is told the report, the end\n',
    );
    const text = readFileSync(`${repositoryRoot}examples/shared-workflow/resources.yaml`, 'utf8');
    const refused = await explain(write('refused.yaml', text.replaceAll('[platform]', '[other]')));
    expect(refused.out).toContain(
      '  Sink oncall/reports: there is no Sink oncall/reports that grants namespace platform; who owns Sinks of namespace oncall grants it with',
    );
  });

  test('alerts of one group: one starts the run that answers for the others', async () => {
    const grouped = source('one', 'config: {path: a}, groupBy: [namespace, team], groupInterval: 10m');
    const body = JSON.stringify({
      version: '4',
      alerts: ['web-1', 'web-2'].map((pod) => firing({ alertname: 'Down', namespace: 'shop', pod })),
    });
    const file = write('group.json', body);
    const resources = write('grouped.yaml', grouped + workflow);
    const args = ['explain', 'alert', '-f', file, '--resources', resources, '--at', '2026-03-01T12:00:00Z'];
    const lines = (await runFist(args)).out.split('\n').slice(1, 4);
    expect(
      lines
        .slice(0, 2)
        .map((line) => line.replace(/web-\d/g, 'web'))
        .sort(),
    ).toEqual([
      '  firing warning Down shop/web: taken, no run: Grouped: the run of Down shop/web answers for the group namespace="shop"; decided anew at 2026-03-01 12:10:00 UTC',
      '  firing warning Down shop/web: taken, starts a run',
    ]);
    expect(lines[2]).toContain(
      'one run for alerts with the same namespace, team, which waits 10s for others; the next 10m later',
    );
    const [json] = JSON.parse((await runFist([...args, '-o', 'json'])).out) as { alerts: { mute: object | null }[] }[];
    expect(json?.alerts.flatMap((alert) => alert.mute ?? [])).toEqual([
      { reason: 'Grouped', message: expect.any(String) as string, until: '2026-03-01T12:10:00.000Z' },
    ]);
  });

  test('one Source, as JSON', async () => {
    const resources = write(
      'three.yaml',
      source('one', 'config: {path: a}') + source('two', 'config: {path: b}') + workflow,
    );
    const { out } = await explain(resources, '--source', 'default/two', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject([
      {
        source: 'default/two',
        unreadable: null,
        alerts: [
          { name: 'Down', refusal: null, mute: null, startsRun: true },
          { name: 'Watchdog', startsRun: true },
        ],
        bad: [{ field: 'alerts[2].labels', message: 'must be an object with text values' }],
        workflow: { ready: true },
        sinks: [
          { name: 'report', type: 'stdout' },
          { name: 'gone', type: null },
        ],
      },
    ]);
  });

  test('a body that a Source cannot read, and what was left out on the command line', async () => {
    const resources = write('one.yaml', source('one', 'config: {path: a}') + workflow);
    const strange = write('strange.json', '{"a": 1}');
    const { out } = await runFist(['explain', 'alert', '-f', strange, '--resources', resources]);
    expect(out).toContain('refuses it with 400: the body is in no format that this Source takes');
    for (const [args, message] of [
      [['explain', 'alert'], 'no notification was given'],
      [['explain', 'alert', '-f', notification], 'no resources were given'],
      [['explain', 'alert', '-f', notification, '--resources', resources, '--source', 'onw'], 'did you mean one?'],
      [['explain', 'alert', '-f', notification, '--resources', resources, '--at', 'noon'], 'not an RFC 3339 time'],
      [['explain', 'alert', '-f', notification, '--resources', write('none.yaml', workflow)], 'no Source of'],
    ] as const) {
      const answer = await runFist(args);
      expect(answer.code).toBe(2);
      expect(answer.err).toContain(message);
    }
  });
});

describe('fist backtest', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await startTestApp(cleanup, {
      files: { 'all.yaml': source('am', 'config: {path: am}') + workflow },
      dump: `${repositoryRoot}examples/oom-crash-loop/dump`,
    });
    for (const severity of ['warning', 'critical', 'info'])
      await world.notify('am', [firing({ alertname: `Down-${severity}`, severity, team: 'shop' })], '');
    await world.notify('am', [resolved({ alertname: 'Down-info', severity: 'info', team: 'shop' }, 60_000, 10)], '');
  });
  const backtest = (resources: string, ...more: string[]) =>
    runFist(['backtest', 'workflow/triage', '--resources', resources, ...more], {
      FIST_SERVER: world.app.url,
      SQLITE_PATH: world.database,
    });

  test('says how many runs other resources would have made, and why not more', async () => {
    const before = await world.list('/api/v1/runs');
    const other = source(
      'am',
      `config: {path: am, matchers: 'severity!="info"'}, muteMatchers: ['severity="warning"']`,
    );
    const resources = write('other.yaml', other + workflow);
    const { code, out, err } = await backtest(resources);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^workflow\/triage by Source default\/am: 4 notifications since .* UTC, 4 of them different, 4 alerts\n {2}runs {8}1, at most 1 in a minute and 1 in an hour\n {2}no run {6}Muted 1\n {2}not taken {3}MatcherMismatch 2\n {2}\d{4}-\d\d-\d\d {2}#{40} 1\n$/,
    );
    expect(err).toContain('a run is taken to last a minute');
    expect(await world.list('/api/v1/runs')).toHaveLength(before.length);
    const [json] = JSON.parse((await backtest(resources, '-o', 'json')).out) as [object];
    expect(json).toMatchObject({
      source: 'default/am',
      bodies: 4,
      alerts: 4,
      unread: 0,
      refused: { MatcherMismatch: 2 },
    });
  });

  test('knows groups: what would have joined the run of another alert', async () => {
    const grouped = source('am', 'config: {path: am}, groupBy: [team]');
    const { out } = await backtest(write('by-team.yaml', grouped + workflow));
    expect(out).toContain('  runs        1, at most 1 in a minute');
    expect(out).toContain('  no run      Grouped 2');
  });

  test('says how many requests a rate limit would have put off; what they say counts', async () => {
    const limited = source('am', 'config: {path: am}, rateLimit: {requestsPerMinute: 1, burst: 2}');
    const { out } = await backtest(write('limited.yaml', limited + workflow));
    expect(out).toContain('4 notifications');
    expect(out).toContain('  runs        3');
    expect(out).toContain('  put off     2 by rateLimit: answered 503, until they are sent again');
  });

  test('reads the newest, and says that there are more', async () => {
    const resources = write('same.yaml', source('am', 'config: {path: am}') + workflow);
    const { out, err } = await backtest(resources, '--limit', '2');
    expect(out).toContain('2 notifications');
    expect(err).toContain('--limit 20 reads more');
  });

  test.each([
    [['backtest', 'workflow/triage'], 'no resources were given'],
    [['backtest', 'workflow/triage', '--resources', 'RESOURCES', '--limit', 'many'], 'not a number of notifications'],
    [['backtest', 'workflow/triags', '--resources', 'RESOURCES'], 'did you mean workflow/triage?'],
    [['backtest', 'triage', '--resources', 'RESOURCES'], 'is not workflow/NAME'],
  ])('%j is refused', async (args, message) => {
    const resources = write('any.yaml', source('am', 'config: {path: am}') + workflow);
    const { code, err } = await runFist(args.map((word) => (word === 'RESOURCES' ? resources : word)));
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
