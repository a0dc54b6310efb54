import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunRecord } from '../src/core/run.ts';
import { isFinal } from '../src/core/run.ts';
import { reportAnswer } from './support/agent-world.ts';
import { startTestApp } from './support/app.ts';
import type { TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { startModelServer } from './support/model-server.ts';
import type { ModelServer } from './support/model-server.ts';
import { repositoryRoot } from './support/processes.ts';
import { mention, signedHeaders, signingSecret, startSlackApp } from './support/slack-app.ts';
import type { SlackApp } from './support/slack-app.ts';
import { slackChannel, slackToken } from './support/slack.ts';
import { waitFor } from './support/wait.ts';

// Who asks in the thread of a report asks the model that made it.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const resources = (slack: string, model: string): string => `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: mentions}
spec:
  type: chat
  config: {platform: slack, trigger: mention, channel: ${slackChannel}, path: slack, signingSecret: signing, botToken: bot, endpoint: ${slack}}
  triggerWorkflow: look
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: {name: look}
spec:
  runtime: {llmConfig: {provider: openai-compatible, model: m, endpoint: '${model}', apiKeySecret: model}}
  steps:
    - {name: look, type: agent, ask: always, goal: 'Look into {{ .source.data.text }}'}
  sinks: [slack, out]
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: {name: slack}
spec: {type: slack, config: {channel: ${slackChannel}, botToken: bot, endpoint: ${slack}}}
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: {name: out}
spec: {type: stdout, config: {format: json}}
`;

let slack: SlackApp;
let model: ModelServer;
let app: TestApp;

beforeEach(async () => {
  slack = await startSlackApp();
  cleanup.defer(() => slack.stop());
  model = await startModelServer();
  cleanup.defer(() => model.stop());
  app = await startTestApp(cleanup, {
    files: { 'main.yaml': resources(slack.endpoint, model.endpoint('chat')) },
    tokens: { 'default/signing': signingSecret, 'default/bot': slackToken, 'default/model': model.key },
    dump: `${repositoryRoot}examples/oom-crash-loop/dump`,
  });
});

async function say(payload: object): Promise<void> {
  const body = JSON.stringify(payload);
  const response = await fetch(`${app.app.url}/webhook/slack`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signedHeaders(body, Date.now()) },
    body,
  });
  expect(response.status).toBe(200);
}

const runs = (): Promise<readonly RunRecord[]> => app.list('/api/v1/runs');
const thread = '1772366400.000100';
const inThread = (text: string, nth: number) => mention(text, { thread_ts: thread, ts: `177236650${nth}.000100` });

/** So many runs have ended and been told. */
async function ended(count: number): Promise<readonly RunRecord[]> {
  return waitFor(`${count} runs`, async () => {
    const found = await runs();
    const told = await app.list<{ readonly status: string }>('/api/v1/deliveries');
    const isDone = found.every(({ status }) => isFinal(status)) && told.every(({ status }) => status === 'sent');
    return found.length === count && isDone ? found : null;
  });
}

describe('in the thread of a report', () => {
  test('a question goes on with the conversation, once, and its answer comes there and nowhere else', async () => {
    model.say({ text: 'Done.' }, reportAnswer());
    await say(mention('what is wrong with pod/checkout-5577bf7884-59zsl -n shop?'));
    await ended(1);
    const [first] = await runs();
    const printed = app.stdout();
    model.say({ text: 'I know.' }, reportAnswer({ summary: 'It had 512Mi before.' }));
    const question = inThread('and what was the limit before?', 1);
    await say(question);
    // As Slack does where the answer was lost.
    await say(question);
    const [asked] = await ended(2);
    expect(asked).toMatchObject({
      name: 'look',
      status: 'succeeded',
      triggerSource: 'default/mentions',
      input: {
        followUp: { runId: first?.id, question: 'and what was the limit before?', by: 'U0ALICE000' },
        asked: first?.input.asked,
      },
    });
    const answer = slack.posts.at(-1);
    expect(answer).toMatchObject({ thread_ts: thread });
    expect(JSON.stringify(answer)).toContain('It had 512Mi before.');
    expect(app.stdout()).toBe(printed);
    // The next one is asked about the answer.
    model.say({ text: 'I know.' }, reportAnswer({ summary: 'Since yesterday.' }));
    await say(inThread('and since when is that so?', 2));
    const [last] = await ended(3);
    expect(last?.input.followUp?.runId).toBe(asked?.id);
    expect(JSON.stringify(model.requests.at(-1)?.messages)).toContain('and since when is that so?');
    expect(JSON.stringify(model.requests.at(-2)?.messages)).toContain('It had 512Mi before.');
    expect(slack.refusals).toEqual([]);
    expect(model.refusals).toEqual([]);
  });

  test('a mention alone is answered from the store, and asks nobody', async () => {
    model.say({ text: 'Done.' }, reportAnswer());
    await say(mention('what is wrong with pod/checkout-5577bf7884-59zsl -n shop?'));
    await ended(1);
    const requests = model.requests.length;
    await say(inThread('', 1));
    expect(slack.posts.at(-1)?.text).toMatch(/^Cause \(\d+%\): .*OOM/m);
    expect(await runs()).toHaveLength(1);
    expect(model.requests).toHaveLength(requests);
  });
});
