import { afterEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { createCleanup } from '../../test/support/cleanup.ts';
import { alertSnapshot, runFixture, sinkFixture } from '../../test/support/deliveries.ts';
import { alertFixture } from '../../test/support/rows.ts';
import { never, outboxOn } from '../../test/support/outbox.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startJira } from '../../test/support/vendors/jira.ts';
import type { FakeJira, JiraOptions } from '../../test/support/vendors/jira.ts';
import type { DeliveryVerdict } from '../core/delivery.ts';
import type { JsonObject } from '../core/json.ts';
import { createHttpClient } from '../lib/http.ts';
import { jira } from './jira.ts';
import { nothingKnown } from './known.ts';

const token = 'ATATT3xFfGF0-token';
const secrets = { 'jira/token': token };
const basic = `Basic ${Buffer.from(`fist@example.com:${token}`).toString('base64')}`;
const cloud = (endpoint: string) => ({
  endpoint,
  deployment: 'cloud',
  project: 'OPS',
  issueType: 'Incident',
  email: 'fist@example.com',
  credentialsSecret: 'jira',
});
const server = (endpoint: string) => ({ endpoint, project: 'OPS', credentialsSecret: 'jira' });
const forbidden = [/<mention>/, /<markup/];

testSink({
  backend: jira,
  config: cloud,
  secrets,
  start: () => startJira({ authorization: [basic] }),
  isIdempotent: false,
  forbidden,
});

describe('Jira on a server', () => {
  const start = () => startJira({ authorization: [`Bearer ${token}`, basic], isCloud: false });
  testSink({ backend: jira, config: server, secrets, start, isIdempotent: false, forbidden });
});

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start(more: object = {}, options: Partial<JiraOptions> = {}) {
  const fake = await startJira({ authorization: [basic], now: () => Date.parse(payload.timestamp), ...options });
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => fake.vendor.stop());
  const deliver = (changes: Parameters<typeof sinkDelivery>[0] = {}, io = world.io): Promise<DeliveryVerdict> =>
    attemptOf(jira, io, { ...cloud(fake.vendor.url), ...more }, sinkDelivery(changes));
  return { ...fake, io: world.io, deliver };
}

const knows = (changes: Partial<typeof nothingKnown>) => ({ known: { ...nothingKnown, ...changes } });
const end = { event: 'alert-resolved', payload: resolvedPayload, idempotencyKey: 'a1/out/resolved' } as const;

function issueOf({ issues }: FakeJira, key: string) {
  const issue = issues.get(key);
  if (issue === undefined) throw new Error(`no issue ${key}`);
  return issue;
}

test('an issue says what, where, why and where to go on; its fields are as they were asked for', async () => {
  const fake = await start({
    priority: '{{ if eq .alert.severity "critical" }}High{{ else }}Low{{ end }}',
    labels: ['on call', '{{ .alert.labels.namespace }}', ''],
  });
  expect(await fake.deliver()).toEqual({ ok: true, reference: 'OPS-1' });
  const { fields } = issueOf(fake, 'OPS-1');
  expect(fields).toMatchObject({
    project: { key: 'OPS' },
    issuetype: { name: 'Incident' },
    summary: 'KubePodCrashLooping shop/web-1: Container web was OOMKilled.',
    priority: { name: 'High' },
    labels: ['fist-01990000-0000-7000-8000-000000000001', 'on-call', 'shop'],
  });
  expect(fake.textOf(fields['description'])).toBe(
    'FIRING critical KubePodCrashLooping pod/shop/web-1 for 1m42s\n\nThe cause is (95%): Container web was OOMKilled.\n\n(Run) | (Runbook) | (Query)\n\n',
  );
});

test('later reports are comments in it; the end is one, and moves it to done', async () => {
  const fake = await start();
  await fake.deliver();
  const later = { idempotencyKey: 'r2/out/run-finished', ...knows({ open: 'OPS-1' }) };
  expect(await fake.deliver(later)).toEqual({ ok: true, reference: 'OPS-1' });
  const issue = issueOf(fake, 'OPS-1');
  expect(issue.comments).toHaveLength(1);
  expect(await fake.deliver({ ...end, ...knows({ closed: 'OPS-1' }) })).toEqual({ ok: true, reference: 'OPS-1' });
  expect(issue).toMatchObject({ status: 'Done' });
  expect(issue.comments.map(({ body }) => fake.textOf(body))[1]).toContain('RESOLVED');
  // Again, as after a crash.
  await fake.deliver({ ...end, isRepeat: true, ...knows({ own: 'OPS-1' }) });
  expect(issue.comments).toHaveLength(2);
  expect(fake.vendor.refusals).toEqual([]);
});

test('what fires again soon reopens its issue, later it gets a new one', async () => {
  const fake = await start({ reopenWithin: '1h' });
  await fake.deliver();
  await fake.deliver({ ...end, ...knows({ closed: 'OPS-1' }) });
  const again = { idempotencyKey: 'r2/out/run-finished', ...knows({ closed: 'OPS-1' }) };
  expect(await fake.deliver(again)).toEqual({ ok: true, reference: 'OPS-1' });
  expect(issueOf(fake, 'OPS-1')).toMatchObject({ status: 'To Do', comments: { length: 2 } });
  await fake.deliver({ ...end, idempotencyKey: 'a1/out/resolved2', ...knows({ open: 'OPS-1' }) });
  const later = { ...fake.io, now: () => Date.parse(payload.timestamp) + 2 * 3_600_000 };
  const third = { idempotencyKey: 'r3/out/run-finished', ...knows({ closed: 'OPS-1' }) };
  expect(await fake.deliver(third, later)).toEqual({ ok: true, reference: 'OPS-2' });
});

test('transitions are taken by the names that the config has; one that is not there is told', async () => {
  const fake = await start({ resolveTransition: 'to in progress' });
  await fake.deliver();
  expect(await fake.deliver({ ...end, ...knows({ open: 'OPS-1' }) })).toMatchObject({ ok: true });
  expect(issueOf(fake, 'OPS-1').status).toBe('In Progress');
  const other = await start({ resolveTransition: 'Close' });
  await other.deliver();
  expect(await other.deliver({ ...end, ...knows({ open: 'OPS-1' }) })).toMatchObject({
    ok: false,
    retry: false,
    reason: 'OPS-1 has no transition "Close" from where it is; it has To In Progress, To Done',
    reference: 'OPS-1',
  });
});

test('an issue that somebody closed is commented, and stays closed while the alert fires', async () => {
  const fake = await start();
  await fake.deliver();
  const issue = issueOf(fake, 'OPS-1');
  issue.status = 'Done';
  expect(await fake.deliver({ idempotencyKey: 'r2', ...knows({ open: 'OPS-1' }) })).toMatchObject({ ok: true });
  expect(issue).toMatchObject({ status: 'Done', comments: { length: 1 } });
});

test('one that is gone is made anew; a report that comes after the end makes none', async () => {
  const fake = await start();
  expect(await fake.deliver(knows({ open: 'OPS-9' }))).toEqual({ ok: true, reference: 'OPS-1' });
  const late = { payload: { ...resolvedPayload, event: 'run-finished' } };
  expect(await fake.deliver({ ...late, subjectKey: 'other' })).toEqual({ ok: true, reference: null });
  expect(await fake.deliver({ ...late, idempotencyKey: 'late', ...knows({ closed: 'OPS-1' }) })).toMatchObject({
    reference: 'OPS-1',
  });
  expect(issueOf(fake, 'OPS-1')).toMatchObject({ status: 'To Do', comments: { length: 1 } });
});

test('where an attempt may have made it, it is searched for twice, because search lags', async () => {
  const fake = await start();
  await fake.deliver();
  const repeat = { isRepeat: true };
  expect(await fake.deliver(repeat)).toMatchObject({
    ok: false,
    retry: true,
    retryAfterMs: 20_000,
    reference: 'sought',
  });
  expect(await fake.deliver({ ...repeat, ...knows({ own: 'sought' }) })).toEqual({ ok: true, reference: 'OPS-1' });
  expect(issueOf(fake, 'OPS-1').comments).toEqual([]);
  expect(await fake.deliver({ ...repeat, subjectKey: 'other', ...knows({ own: 'sought' }) })).toEqual({
    ok: true,
    reference: 'OPS-2',
  });
});

test('an issue that alerts share is commented at the end of each, and done with the last', async () => {
  const fake = await start();
  await fake.deliver();
  const guest = { subjectKey: 'another', idempotencyKey: 'r2/out/run-finished' };
  await fake.deliver({ ...guest, ...knows({ incident: 'OPS-1' }) });
  const issue = issueOf(fake, 'OPS-1');
  const shared = { ...fake.io, othersFireAt: (place: string) => Promise.resolve(place === 'OPS-1') };
  expect(await fake.deliver({ ...end, ...knows({ open: 'OPS-1' }) }, shared)).toEqual({ ok: true, reference: 'OPS-1' });
  expect(issue.status).not.toBe('Done');
  expect(fake.textOf(issue.comments[1]?.body)).toContain('Another alert with this cause still fires');
  const last = { ...end, subjectKey: 'another', idempotencyKey: 'a2/out/resolved', ...knows({ open: 'OPS-1' }) };
  expect(await fake.deliver(last)).toEqual({ ok: true, reference: 'OPS-1' });
  expect(issue).toMatchObject({ status: 'Done', comments: { length: 3 } });
  expect(fake.textOf(issue.comments[2]?.body)).not.toContain('still fires');
  expect(fake.issues.size).toBe(1);
});

test.each([
  [{ project: 'NOPE' }, 'it refuses the request'],
  [{ issueType: 'Odd' }, 'it refuses issuetype'],
  [{ issueType: 'Odd', priority: 'Urgent' }, 'it refuses issuetype, priority'],
  [{ email: 'somebody@example.com' }, 'it does not know the credentials of Secret jira'],
])('what Jira refuses is final, and says which field: %j', async (more, says) => {
  const fake = await start(more);
  const verdict = await fake.deliver();
  expect(verdict).toMatchObject({ ok: false, retry: false, reason: expect.stringContaining(`: ${says}`) as string });
  expect(JSON.stringify(verdict)).not.toContain('valid');
});

test('an answer that is no JSON is not Jira', async () => {
  const fake = await start();
  const http = { send: () => Promise.resolve({ status: 200, headers: {}, body: '<html>', truncated: false }) };
  expect(await fake.deliver({}, { ...fake.io, http })).toMatchObject({
    ok: false,
    reason: expect.stringContaining('without JSON: is the endpoint the address of Jira?') as string,
  });
});

test('the deployment and the credentials follow from the address, unless they are given', async () => {
  const asked: (readonly [string, string])[] = [];
  const http = {
    send: ({ url, headers }: { url: string; headers: Readonly<Record<string, string>> }) => {
      asked.push([url, headers['authorization'] ?? '']);
      return Promise.resolve({ status: 403, headers: {}, body: '', truncated: false });
    },
  };
  const { io, close } = sinkWorld({ secrets: { ...secrets, 'pair/token': `a@b.example:${token}` } });
  cleanup.defer(close);
  for (const config of [
    { ...server('https://x.atlassian.net/'), credentialsSecret: 'pair' },
    server('https://jira.example/jira'),
  ])
    await attemptOf(jira, { ...io, http }, config, sinkDelivery());
  const pair = `Basic ${Buffer.from(`a@b.example:${token}`).toString('base64')}`;
  expect(asked).toEqual([
    ['https://x.atlassian.net/rest/api/3/search/jql', pair],
    ['https://jira.example/jira/rest/api/2/search', `Bearer ${token}`],
  ]);
});

describe.each(contractStores)('one issue for one incident, over $name', (database) => {
  const on = outboxOn(database);

  test('20 alerts of one incident, delivered at the same time by three processes, make one issue', async () => {
    const fake = await startJira({ authorization: [basic], indexLag: 1000 });
    const http = createHttpClient();
    cleanup.defer(() => http.close());
    cleanup.defer(() => fake.vendor.stop());
    on.sinks = [
      sinkFixture({
        type: 'jira',
        config: jira.config.parse(cloud(fake.vendor.url)) as JsonObject,
        sameCauseForMs: 3_600_000,
      }),
    ];
    for (let number = 2; number < 22; number += 1) {
      const own = {
        id: `a${number}`,
        name: `Alert${number}`,
        severity: 'critical',
        labels: { namespace: 'shop', pod: 'web-1' },
      } as const;
      const input = { ...runFixture().input, alert: { ...alertSnapshot, ...own } };
      await on.store.transaction('intake', async (tx) => {
        await tx.alerts.insertAll([
          alertFixture({ ...own, namespace: 'shop', fingerprint: own.id, startsAt: alertSnapshot.startsAt }),
        ]);
        await tx.runs.insert({ run: runFixture({ id: `r${number}`, alertId: own.id, input }), plan: null });
      });
      await on.insert({
        id: `d${number}`,
        runId: `r${number}`,
        alertId: own.id,
        incident: 'oom-killed shop/web',
        payload: null,
      });
    }
    const secretsOf = { get: () => token };
    const outboxes = ['one', 'two', 'three'].map((owner) =>
      on.outboxOf(owner, (request) => http.send(request), { secrets: secretsOf }),
    );
    for (let look = 0; look < 60; look += 1) {
      const ids = await on.store.read.deliveries.due(new Date(on.clock.now()).toISOString(), 100);
      await Promise.all(
        outboxes.flatMap((outbox) => ids.map((id) => outbox.handle(id, never, never).catch(() => undefined))),
      );
      await on.clock.advance(1000);
    }
    const rows = await Promise.all(Array.from({ length: 20 }, (_, index) => on.row(`d${index + 2}`)));
    expect(new Set(rows.map(({ status, reference, error }) => `${status} ${reference} ${error}`))).toEqual(
      new Set(['sent OPS-1 null']),
    );
    expect([...fake.issues.keys()]).toEqual(['OPS-1']);
    expect(issueOf(fake, 'OPS-1').comments).toHaveLength(19);
    expect(fake.vendor.refusals).toEqual([]);
  });
});
