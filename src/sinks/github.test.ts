import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { injections } from '../../test/support/injections.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startGithub } from '../../test/support/vendors/github.ts';
import { github } from './github.ts';
import { nothingKnown } from './known.ts';

const token = 'github_pat_0123456789abcdef';
const secrets = { 'github/token': token };
const config = (endpoint: string) => ({ endpoint, repository: 'example/incidents', credentialsSecret: 'github' });
const forbidden = [/<link>/, /<tag /, /<autolink>/, /<mention>/, /<reference>/];
const start = () => startGithub(token);

testSink({ backend: github, config, secrets, start, isIdempotent: false, forbidden });

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function begin(more: object = {}) {
  const fake = await startGithub(token, () => Date.parse(payload.timestamp));
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => fake.vendor.stop());
  const deliver = (changes: Parameters<typeof sinkDelivery>[0] = {}, io = world.io) =>
    attemptOf(github, io, { ...config(fake.vendor.url), ...more }, sinkDelivery(changes));
  return { ...fake, io: world.io, deliver };
}

const knows = (changes: Partial<typeof nothingKnown>) => ({ known: { ...nothingKnown, ...changes } });
const end = { event: 'alert-resolved', payload: resolvedPayload, idempotencyKey: 'a1/out/resolved' } as const;

test('an issue has a title, the report in a block, links and its labels', async () => {
  const { issues, deliver } = await begin({ labels: ['incident', '{{ .alert.severity }}'], assignees: ['octocat'] });
  expect(await deliver()).toEqual({ ok: true, reference: '#1' });
  expect(issues[0]).toMatchObject({
    title: 'KubePodCrashLooping shop/web-1: Container web was OOMKilled.',
    labels: ['incident', 'critical'],
    assignees: ['octocat'],
  });
  expect(issues[0]?.body.replace(/<!--.*-->/, '<!-- mark -->')).toBe(
    '```text\nFIRING critical KubePodCrashLooping pod/shop/web-1 for 1m42s\n\nThe cause is (95%): Container web was OOMKilled.\n```\n\n' +
      '[Run](https://fist.example/api/v1/runs/r1) | [Runbook](https://runbooks.example/crash) | ' +
      '[Query](http://prometheus.example/graph?g0.expr=x)\n\n<!-- mark -->',
  );
});

test('later reports are comments, the end closes it, and what fires again soon reopens it', async () => {
  const { issues, vendor, deliver } = await begin();
  await deliver();
  await deliver({ idempotencyKey: 'r2', ...knows({ open: '#1' }) });
  expect(issues[0]?.comments).toHaveLength(1);
  await deliver({ ...end, ...knows({ closed: '#1' }) });
  expect(issues[0]).toMatchObject({ state: 'closed', comments: { length: 2 } });
  expect(await deliver({ idempotencyKey: 'r3', ...knows({ closed: '#1' }) })).toEqual({ ok: true, reference: '#1' });
  expect(issues[0]).toMatchObject({ state: 'open', comments: { length: 3 } });
  expect(vendor.refusals).toEqual([]);
});

test('after an answer that was lost neither the issue nor a comment is made twice', async () => {
  const { issues, deliver } = await begin();
  await deliver();
  await deliver({ idempotencyKey: 'other', subjectKey: 'other' });
  expect(await deliver({ isRepeat: true })).toEqual({ ok: true, reference: '#1' });
  const comment = { idempotencyKey: 'r2', isRepeat: true, ...knows({ open: '#1' }) };
  await deliver(comment);
  await deliver(comment);
  expect(issues).toHaveLength(2);
  expect(issues[0]?.comments).toHaveLength(1);
});

test('a mark that an alert writes is not a mark', async () => {
  const { issues, deliver } = await begin();
  await deliver();
  const [mark = ''] = /<!-- fist .* -->/.exec(issues[0]?.body ?? '') ?? [];
  await deliver({ subjectKey: 'other', idempotencyKey: 'other', payload: { ...payload, text: `x\n${mark}` } });
  expect(await deliver({ isRepeat: true })).toEqual({ ok: true, reference: '#1' });
});

test('what a template prints is text, what it says is markup', async () => {
  const { issues, shown, deliver } = await begin({
    template: '## {{ .alert.alertname }}\n\n@octocat, see #12: {{ .alert.summary }}',
  });
  for (const text of injections) {
    const alert = { ...payload.alert, alertname: text, summary: text };
    expect(await deliver({ subjectKey: text, payload: { ...payload, alert } }), text).toMatchObject({ ok: true });
  }
  expect(issues[0]?.body).toContain('@octocat, see #12: ');
  for (const text of shown()) {
    const own = text.replace('<mention>', '').replace('<reference>', '');
    for (const pattern of forbidden) expect(own).not.toMatch(pattern);
  }
});

test.each([
  ['a second limit that says when', { status: 403, headers: { 'retry-after': '30' } }, 30_000],
  ['429 that says when', { status: 429, headers: { 'retry-after': '31' } }, 31_000],
  [
    'the hour is used up',
    {
      status: 403,
      headers: {
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(Date.parse(payload.timestamp) / 1000 + 120),
      },
    },
    120_000,
  ],
  [
    'a second limit that does not say',
    { status: 403, body: { message: 'You have exceeded a secondary rate limit.' } },
    60_000,
  ],
])('a limit of the rate is waited for: %s', async (_, answer, retryAfterMs) => {
  const { answers, deliver } = await begin();
  answers.push(answer);
  expect(await deliver()).toMatchObject({ ok: false, retry: true, retryAfterMs });
});

test.each([
  [{ repository: 'example/absent' }, /404: there is no repository example\/absent/],
  [{ assignees: ['nobody'] }, /422: it refuses assignees$/],
])('what is refused is final and says what to look at: %j', async (more, reason) => {
  const { deliver } = await begin(more);
  expect(await deliver()).toMatchObject({ ok: false, retry: false, reason: expect.stringMatching(reason) as string });
});

test.each([
  [403, /403: the token of Secret github lacks "Issues: read and write" in example\/incidents/],
  [410, /410: issues are switched off/],
  [401, /401: it does not know the token of Secret github/],
])('%i says why', async (status, reason) => {
  const { answers, deliver } = await begin();
  answers.push({ status, body: { message: 'no' } });
  expect(await deliver()).toMatchObject({ ok: false, retry: false, reason: expect.stringMatching(reason) as string });
});
