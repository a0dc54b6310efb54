import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { DeliverySummary } from '../../src/core/lists.ts';
import type { RunRecord } from '../../src/core/run.ts';
import { createCleanup } from '../support/cleanup.ts';
import { repositoryRoot } from '../support/processes.ts';
import { spawnServer, whenReady } from '../support/server.ts';
import { appToken, mention, startSlackApp } from '../support/slack-app.ts';
import { slackChannel, slackToken } from '../support/slack.ts';
import { waitFor } from '../support/wait.ts';

// A server that is killed while it works on what somebody asked in Slack, and started again.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const token = 'the-token-of-crash-tests';
const thread = '1772366400.000100';

const resources = (endpoint: string): string => `
apiVersion: v1
kind: Secret
metadata: {name: slack}
stringData: {app: ${appToken}, bot: ${slackToken}}
---
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: mentions}
spec:
  type: chat
  config: {platform: slack, trigger: mention, channel: ${slackChannel}, appToken: slack/app, botToken: slack/bot, endpoint: ${endpoint}}
  triggerWorkflow: look
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: {name: look}
spec:
  steps: [{name: look, type: agent, goal: Say what is broken.}]
  sinks: [slack]
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: {name: slack}
spec: {type: slack, config: {channel: ${slackChannel}, botToken: slack/bot, endpoint: ${endpoint}}}
`;

test.each([
  // Slack was told nothing, so it sends it again.
  ['before:intake:1', false],
  ['after:intake:1', false],
  // Slack may have been told, and does not.
  ['before:claim:1', true],
  ['after:claim:1', true],
  ['before:run-end:1', true],
  ['before:delivery-claim:1', true],
])('killed %s: one run, and its report in the thread', async (crashAt, isTold) => {
  const slack = await startSlackApp();
  cleanup.defer(() => slack.stop());
  const folder = cleanup.temporaryFolder('chat');
  mkdirSync(join(folder, 'resources'));
  writeFileSync(join(folder, 'resources', 'main.yaml'), resources(slack.endpoint), { mode: 0o600 });
  const database = join(folder, 'data', 'fist.db');
  const spawn = (more: Readonly<Record<string, string>> = {}) => {
    const server = spawnServer({
      resources: join(folder, 'resources'),
      database,
      flags: ['--dump', `${repositoryRoot}examples/oom-crash-loop/dump`],
      environment: { FIST_TOKEN: token, ...more },
    });
    cleanup.defer(() => server.kill());
    return server;
  };
  const first = spawn({ FIST_CRASH_AT: crashAt });
  await slack.connected(1);
  const event = mention('pod/checkout-5577bf7884-59zsl -n shop');
  void slack.send('events_api', event);
  expect((await first.exited).signal).toBe('SIGKILL');
  const second = await whenReady(spawn(), database, { token });
  await slack.connected(2);
  if (!isTold) await slack.send('events_api', event);
  const list = async <T>(kind: string): Promise<readonly T[]> => {
    const answer = await fetch(`${second.url}/api/v1/${kind}`, { headers: { authorization: `Bearer ${token}` } });
    return ((await answer.json()) as { readonly items: readonly T[] }).items;
  };
  await waitFor('the report', async () => {
    const sent = await list<DeliverySummary>('deliveries');
    return sent.length > 0 && sent.every(({ status }) => status === 'sent');
  });
  expect(await list<RunRecord>('runs')).toMatchObject([{ status: 'succeeded', triggerSource: 'default/mentions' }]);
  const reports = slack.posts.filter(({ blocks }) => blocks?.[0]?.type === 'header');
  expect(reports).toMatchObject([{ thread_ts: thread, method: 'chat.postMessage' }]);
});
