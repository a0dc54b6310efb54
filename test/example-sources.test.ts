import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { runText } from '../src/cli/run-text.ts';
import { systemClock } from '../src/lib/clock.ts';
import { isFinal } from '../src/core/run.ts';
import type { RunSummary } from '../src/core/lists.ts';
import { runs } from '../src/cli/nouns/runs.ts';
import { startTestApp } from './support/app.ts';
import type { RunDetail, TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { startDumpServer } from './support/dump-server.ts';
import { repositoryRoot } from './support/processes.ts';
import { appToken, command, mention, startSlackApp } from './support/slack-app.ts';
import { slackChannel, slackToken } from './support/slack.ts';
import { waitFor } from './support/wait.ts';

// Each Source that is no webhook, as the examples have it, in the whole program. Webhooks: senders.test.ts.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function example(name: string): string {
  return readFileSync(`${repositoryRoot}examples/${name}/resources.yaml`, 'utf8');
}

/** The first run, once it and its deliveries have ended. */
function firstRun(app: TestApp): Promise<RunDetail> {
  return waitFor('a run', async () => {
    const [summary] = await app.list<RunSummary>('/api/v1/runs');
    if (summary === undefined) return false;
    const run = await app.get<RunDetail>(`/api/v1/runs/${summary.id}`);
    return isFinal(run.status) && run.deliveries.every(({ status }) => status !== 'pending') && run;
  });
}

test('schedule: at six in Berlin the cluster is looked through, and the report says what is broken', async () => {
  const beginMs = Date.parse('2026-11-30T04:59:59.500Z');
  // Stands still until the Source was seen, however long that takes.
  let begunMs: number | null = null;
  const clock = { ...systemClock(), now: () => (begunMs === null ? beginMs : beginMs + performance.now() - begunMs) };
  const app = await startTestApp(cleanup, {
    files: { 'schedule.yaml': example('schedule') },
    dump: `${repositoryRoot}examples/oom-crash-loop/dump`,
    clock,
  });
  begunMs = performance.now();
  const run = await firstRun(app);
  expect(run).toMatchObject({
    status: 'succeeded',
    triggerSource: 'default/morning',
    outputs: { scheduled_at: '2026-11-30T05:00:00.000Z', found: expect.stringContaining('memory') },
  });
  expect(app.stdout()).toContain('"scheduledAt":"2026-11-30T05:00:00.000Z"');
  const view = { columns: 100, colour: false, called: 'fist', evidence: false, nowMs: clock.now() };
  expect(runText(run, view)).toMatch(/Trigger +schedule default\/morning, due 2026-11-30 05:00:00 UTC\n/);
  const alertColumn = runs.listing.columns.find(({ heading }) => heading === 'ALERT');
  expect(alertColumn?.text(run, [])).toBe('schedule/morning');
  expect(await app.get('/api/v1/sources/morning')).toMatchObject({
    status: { ready: true, eventsProcessed: 1, lastEventTime: expect.stringMatching(/^2026-11-30T05:00:0/) },
  });
});

test('kubernetes: Events of a crash loop are an alert, whose run finds why', async () => {
  // A moment after the capture.
  const shiftMs = Date.parse('2026-11-23T18:35:00Z') - Date.now();
  const app = await startTestApp(cleanup, {
    files: { 'kubernetes.yaml': example('kubernetes') },
    kubeconfig: await startDumpServer(cleanup, `${repositoryRoot}examples/oom-crash-loop/dump`),
    clock: { ...systemClock(), now: () => Date.now() + shiftMs },
  });
  const run = await firstRun(app);
  expect(run).toMatchObject({
    status: 'succeeded',
    triggerSource: 'default/shop-events',
    input: { alert: { name: 'BackOff', labels: { kind: 'Pod', namespace: 'shop' } } },
    outputs: { cause: expect.stringContaining('OOMKilled') },
  });
  expect(app.stdout()).toContain('Back-off restarting failed container checkout');
});

test('api: incidents of a status page are alerts', async () => {
  const incident = { id: 'i-1', name: 'Elevated errors', status: 'investigating', impact: 'critical' };
  const body = JSON.stringify({ incidents: [{ ...incident, created_at: '2026-11-23T18:00:00Z' }] });
  const server = createServer((_request, response) => void response.end(body));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as AddressInfo;
  const app = await startTestApp(cleanup, {
    files: { 'polling.yaml': example('polling').replace('127.0.0.1:8099', `127.0.0.1:${port}`) },
    dump: `${repositoryRoot}examples/oom-crash-loop/dump`,
  });
  expect(await firstRun(app)).toMatchObject({
    status: 'succeeded',
    input: {
      alert: {
        name: 'ProviderIncident',
        severity: 'critical',
        labels: { incident: 'i-1' },
        startsAt: '2026-11-23T18:00:00.000Z',
      },
    },
    outputs: { incident: 'Elevated errors' },
  });
});

test('api: who has rolled something out waits for what is wrong with it; what does not fit the schema starts nothing', async () => {
  const app = await startTestApp(cleanup, {
    files: { 'api.yaml': example('api') },
    dump: `${repositoryRoot}examples/oom-crash-loop/dump`,
  });
  const path = '/api/v1/sources/default/deploys/events';
  const answer = await app.call('POST', `${path}?wait=30s`, { namespace: 'shop', deployment: 'checkout' });
  const run = await firstRun(app);
  expect(answer).toMatchObject({ status: 200, body: { runs: [{ id: run.id, status: 'succeeded' }] } });
  expect(JSON.stringify(answer.body)).toContain('OOMKilled');
  expect(run).toMatchObject({
    triggerSource: 'default/deploys',
    alertId: null,
    input: { data: { namespace: 'shop', deployment: 'checkout' } },
    outputs: { summary: expect.stringContaining('OOMKilled') },
  });
  for (const wrong of [{ namespace: 'shop' }, { namespace: 'shop', deployment: 7 }, { namespace: 'shop', pod: 'x' }])
    expect(await app.call('POST', path, wrong)).toMatchObject({ status: 400 });
  expect(await app.list('/api/v1/runs')).toHaveLength(1);
});

test('chat: a mention and a command are runs, and the thread of the mention gets the report', async () => {
  const slack = await startSlackApp();
  cleanup.defer(() => slack.stop());
  const towards = example('chat')
    .replaceAll(/^( +)platform: slack$/gm, `$&\n$1endpoint: ${slack.endpoint}`)
    .replace(/type: slack\n +config:\n/, `$&    endpoint: ${slack.endpoint}\n`)
    .replaceAll('C0123456789', slackChannel);
  const app = await startTestApp(cleanup, {
    files: { 'chat.yaml': towards },
    tokens: { 'default/slack-app-token': appToken, 'default/slack-bot-token': slackToken },
    dump: `${repositoryRoot}examples/oom-crash-loop/dump`,
  });
  await slack.connected(2);
  await slack.send('events_api', mention('pod/checkout-5577bf7884-59zsl -n shop'));
  const run = await firstRun(app);
  expect(run).toMatchObject({ status: 'succeeded', triggerSource: 'default/slack' });
  expect(run.deliveries.map(({ status, error }) => ({ status, error }))).toEqual([{ status: 'sent', error: null }]);
  expect(slack.posts.map(({ thread_ts }) => thread_ts)).toEqual(['1772366400.000100', '1772366400.000100']);
  expect(JSON.stringify(slack.posts.at(-1))).toContain('OOMKilled');
  await slack.send('slash_commands', command('pod/checkout-5577bf7884-59zsl -n shop', { channel_name: 'incidents' }));
  const sources = (await app.list<{ triggerSource: string }>('/api/v1/runs')).map(({ triggerSource }) => triggerSource);
  expect(sources.toSorted()).toEqual(['default/slack', 'default/slack-command']);
  expect(slack.refusals).toEqual([]);
});
