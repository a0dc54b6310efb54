import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runText } from '../src/cli/run-text.ts';
import type { RunRecord } from '../src/core/run.ts';
import { isFinal } from '../src/core/run.ts';
import { startTestApp } from './support/app.ts';
import type { RunDetail, TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { malformedBodies } from './support/malformed.ts';
import { repositoryRoot } from './support/processes.ts';
import { command, mention, signedHeaders, signingSecret, startSlackApp } from './support/slack-app.ts';
import type { SlackApp } from './support/slack-app.ts';
import { slackChannel, slackToken } from './support/slack.ts';
import { waitFor } from './support/wait.ts';

// Slack speaks to the whole program over HTTP: events, commands, and what somebody sends who is not Slack.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const oldSecret = 'b1946ac92492d2347c6235b4d2611184';

const resources = (endpoint: string): string => `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: mentions}
spec:
  type: chat
  config: {platform: slack, trigger: mention, channel: ${slackChannel}, path: slack, signingSecret: signing, botToken: bot, endpoint: ${endpoint}}
  triggerWorkflow: look
---
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: commands}
spec:
  type: chat
  config: {platform: slack, trigger: command, command: /fist, channel: '#ops', path: slack/commands, signingSecret: signing}
  triggerWorkflow: look
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: {name: look}
spec:
  steps:
    - {name: look, type: agent, goal: 'Look into {{ .source.data.text }}'}
  sinks: [slack]
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: {name: slack}
spec: {type: slack, config: {channel: ${slackChannel}, botToken: bot, endpoint: ${endpoint}}}
`;

let slack: SlackApp;
let app: TestApp;

beforeEach(async () => {
  slack = await startSlackApp();
  cleanup.defer(() => slack.stop());
  app = await startTestApp(cleanup, {
    files: { 'main.yaml': resources(slack.endpoint) },
    tokens: { 'default/signing': `${signingSecret}\n${oldSecret}\n`, 'default/bot': slackToken },
    dump: `${repositoryRoot}examples/oom-crash-loop/dump`,
  });
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** With each value of a header on a line of its own. */
function post(path: string, body: string | Buffer, headers: OutgoingHttpHeaders): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${app.app.url}/webhook/${path}`, { method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };

function event(payload: object, secret = signingSecret): Promise<Answer> {
  const body = JSON.stringify(payload);
  return post('slack', body, { ...json, ...signedHeaders(body, Date.now(), secret) });
}

function slash(fields: Record<string, string>, path = 'slack/commands'): Promise<Answer> {
  const body = new URLSearchParams(fields).toString();
  return post(path, body, { ...form, ...signedHeaders(body, Date.now()) });
}

const runs = (): Promise<readonly RunRecord[]> => app.list('/api/v1/runs');

describe('chat by HTTP', () => {
  test('Slack finds out whether it speaks to the right one', async () => {
    expect(await event({ type: 'url_verification', challenge: '3eZbrw1a', token: 'x' })).toEqual({
      status: 200,
      text: '{"challenge":"3eZbrw1a"}',
    });
  });

  test('a mention is a run, its thread hears of it and gets the report; asked there, it says what the cause is', async () => {
    const asked = mention('what is wrong with pod/checkout-5577bf7884-59zsl -n shop?');
    expect(await event(asked)).toEqual({ status: 200, text: '' });
    // As Slack does where the answer was lost.
    expect(await Promise.all([event(asked), event(asked, oldSecret)])).toMatchObject([
      { status: 200 },
      { status: 200 },
    ]);
    await slack.posted(2);
    const [run, ...others] = await runs();
    expect(others).toEqual([]);
    await waitFor('the end', async () => isFinal((await runs())[0]?.status ?? 'pending'));
    const thread = '1772366400.000100';
    expect(slack.posts.map(({ thread_ts }) => thread_ts)).toEqual([thread, thread]);
    await waitFor('the delivery', async () =>
      (await app.list<{ status: string }>('/api/v1/deliveries')).every(({ status }) => status === 'sent'),
    );
    const again = mention('and why?', { thread_ts: thread, ts: '1772366500.000100' });
    expect(await event(again)).toMatchObject({ status: 200 });
    expect(await runs()).toHaveLength(1);
    const answer = slack.posts.at(-1);
    expect(answer).toMatchObject({ method: 'chat.postMessage', thread_ts: thread });
    expect(answer?.text).toContain(`Workflow look`);
    expect(answer?.text).toMatch(/^Cause \(\d+%\): .*OOM/m);
    expect(answer?.text).toMatch(/^\[e\d+\] pod\/shop\//m);
    expect(answer?.text).toContain(`fist describe run/`);
    expect(run?.input.data?.['thread']).toBe(thread);
    const view = { columns: 100, colour: false, called: 'fist', evidence: false, nowMs: Date.now() };
    const detail = await app.get<RunDetail>(`/api/v1/runs/${run?.id}`);
    expect(runText(detail, view)).toMatch(/Trigger +chat default\/mentions, asked by U0ALICE000\n/);
    expect(slack.refusals).toEqual([]);
  });

  test('a command is answered in its request, on the path of either Source of the app', async () => {
    const { status, text } = await slash(command('help'));
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ response_type: 'ephemeral' });
    await slash(command('node/worker-1'), 'slack');
    const [run] = await runs();
    expect(run).toMatchObject({ triggerSource: 'default/commands', input: { data: { channel: slackChannel } } });
  });

  test.each([
    ['an interaction', { payload: '{"type":"block_actions"}' }],
    ['a check', { ssl_check: '1', token: 'x' }],
    ['a command of another name', command('pod/web-1', { command: '/other' })],
    ['a command of another channel', command('pod/web-1', { channel_name: 'random' })],
    ['a form that says nothing', {}],
  ])('%s is taken and has no effect', async (_title, fields) => {
    expect(await slash(fields)).toEqual({ status: 200, text: '' });
    expect(await runs()).toEqual([]);
  });

  test.each(['{', '[1]', 'null', '"text"', '{"type":'])(
    'a body that Slack would not send is refused: %s',
    async (body) => {
      const { status } = await post('slack', body, { ...json, ...signedHeaders(body, Date.now()) });
      expect(status).toBe(body === '[1]' ? 200 : 400);
      expect(await runs()).toEqual([]);
    },
  );

  test('signed or not, what is no body of a chat has no effect, and the next mention is a run', async () => {
    for (const { what, body, headers } of malformedBodies(JSON.stringify(mention('', { text: 'it is down' })))) {
      const { status } = await post('slack', body, { ...json, ...signedHeaders(body, Date.now()), ...headers });
      // JSON that is not about a message is taken.
      expect([200, 400, 413, 415], what).toContain(status);
      expect([what, status, await runs()]).toEqual([what, status, []]);
    }
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect(await event(mention('pod/web-1'))).toMatchObject({ status: 200 });
    expect(await runs()).toHaveLength(1);
  });
});

describe('who is not Slack', () => {
  const body = JSON.stringify(mention('pod/web-1'));
  const sign = (text: string | Buffer, time: string, key = signingSecret, version = 'v0') =>
    createHmac('sha256', key).update(`${version}:${time}:`).update(text).digest('hex');

  /** A way to get in, by the time and the right signature. */
  const attempts: Readonly<Record<string, (time: string, hex: string) => OutgoingHttpHeaders>> = {
    'no headers': () => ({}),
    'no signature': (time) => ({ 'x-slack-request-timestamp': time }),
    'no time': (_time, hex) => ({ 'x-slack-signature': `v0=${hex}` }),
    'an empty signature': (time) => signed(time, ''),
    'an empty version': (time) => signed(time, 'v0='),
    'no version': (time, hex) => signed(time, hex),
    'another version': (time, hex) => signed(time, `v1=${hex}`),
    'another version that is signed': (time) => signed(time, `v1=${sign(body, time, signingSecret, 'v1')}`),
    'a signature cut short': (time, hex) => signed(time, `v0=${hex.slice(0, 63)}`),
    'a signature too long': (time, hex) => signed(time, `v0=${hex}0`),
    'a changed signature': (time, hex) => signed(time, `v0=${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`),
    'the signature as base64': (time, hex) => signed(time, `v0=${Buffer.from(hex, 'hex').toString('base64')}`),
    'all zeros': (time) => signed(time, `v0=${'0'.repeat(64)}`),
    'another secret': (time) => signed(time, `v0=${sign(body, time, 'guess')}`),
    'an empty secret': (time) => signed(time, `v0=${sign(body, time, '')}`),
    'both secrets as one': (time) => signed(time, `v0=${sign(body, time, `${signingSecret}\n${oldSecret}\n`)}`),
    'another body': (time) => signed(time, `v0=${sign(`${body} `, time)}`),
    'no body': (time) => signed(time, `v0=${sign('', time)}`),
    'the body alone': (time) => signed(time, `v0=${createHmac('sha256', signingSecret).update(body).digest('hex')}`),
    'another time': (time, hex) => signed(String(Number(time) + 1), `v0=${hex}`),
    'an old time': () => at(-301),
    'a very old time': () => at(-86_400),
    // Of the machine's clock, which goes on until it is looked at; the bound itself: authentication.test.ts.
    'a time to come': () => at(420),
    'time zero': () => signed('0', `v0=${sign(body, '0')}`),
    'a time with a fraction': (time) => signed(`${time}.5`, `v0=${sign(body, `${time}.5`)}`),
    'a negative time': (time) => signed(`-${time}`, `v0=${sign(body, `-${time}`)}`),
    'a time in milliseconds': (time) => signed(`${time}000`, `v0=${sign(body, `${time}000`)}`),
    'a time that is none': () => signed('now', `v0=${sign(body, 'now')}`),
    'two signatures': (time, hex) => signed(time, [`v0=${hex}`, `v0=${'0'.repeat(64)}`]),
    'two signatures, the right one last': (time, hex) => signed(time, [`v0=${'0'.repeat(64)}`, `v0=${hex}`]),
    'two signatures in one': (time, hex) => signed(time, `v0=${'0'.repeat(64)},v0=${hex}`),
    'two times': (time, hex) => ({ 'x-slack-request-timestamp': [time, time], 'x-slack-signature': `v0=${hex}` }),
    'an old time and a new one': (time, hex) => ({
      'x-slack-request-timestamp': ['1', time],
      'x-slack-signature': `v0=${hex}`,
    }),
    'a bearer token': () => ({ authorization: `Bearer ${signingSecret}` }),
    'the token of the API': () => ({ authorization: `Bearer ${app.app.token}` }),
    'the verification token': (time) => ({ ...signed(time, 'v0=XXYYZZ'), 'x-slack-token': 'XXYYZZ' }),
    'a retry': () => ({ 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' }),
  };

  function signed(time: string, signature: string | readonly string[]): OutgoingHttpHeaders {
    const value = typeof signature === 'string' ? signature : [...signature];
    return { 'x-slack-request-timestamp': time, 'x-slack-signature': value };
  }
  function at(seconds: number): OutgoingHttpHeaders {
    const time = String(Math.floor(Date.now() / 1000) + seconds);
    return signed(time, `v0=${sign(body, time)}`);
  }

  test('nobody gets in who does not know the secret, and none of them starts anything', async () => {
    expect(Object.keys(attempts).length).toBeGreaterThan(30);
    const statuses = new Map<string, number>();
    for (const [name, make] of Object.entries(attempts)) {
      const time = String(Math.floor(Date.now() / 1000));
      statuses.set(name, (await post('slack', body, { ...json, ...make(time, sign(body, time)) })).status);
    }
    expect([...statuses].filter(([, status]) => status !== 401)).toEqual([]);
    expect(await runs()).toEqual([]);
    expect(slack.posts).toEqual([]);
    // The same body, signed.
    expect((await post('slack', body, { ...json, ...signedHeaders(body, Date.now()) })).status).toBe(200);
    expect(await runs()).toHaveLength(1);
  });
});
