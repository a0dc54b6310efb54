import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubernetesObject } from '../src/core/cluster.ts';
import { toTimestamp } from '../src/core/time.ts';
import { api } from '../src/sources/api.ts';
import { chat } from '../src/sources/chat.ts';
import { sourceDefinitions } from '../src/sources/index.ts';
import { kubernetes } from '../src/sources/kubernetes.ts';
import { schedule } from '../src/sources/schedule.ts';
import { expect, test } from 'vitest';
import { createMemoryWatch, listOf } from './support/memory-watch.ts';
import type { MemoryWatch } from './support/memory-watch.ts';
import { appToken, mention, startSlackApp } from './support/slack-app.ts';
import { slackChannel, slackToken } from './support/slack.ts';
import { testSource } from './support/source-suite.ts';
import type { SourceSuite } from './support/source-suite.ts';
import { compiled } from './support/sources.ts';

// Each type of Source that looks by itself, in the suite. Types that take requests: test/server/every-source.test.ts.

const hourMs = 60 * 60_000;

const suites: readonly SourceSuite[] = [
  {
    definition: schedule,
    stepMs: 1000,
    async start(_cleanup, { clock }) {
      return {
        source: (changes) => compiled(schedule, { cron: '0 * * * *', catchUp: 'all' }, changes),
        happen: () => clock.advance(hourMs - (clock.now() % hourMs)),
      };
    },
  },
  {
    definition: kubernetes,
    stepMs: 1000,
    async start(_cleanup, { clock }) {
      const watches: MemoryWatch[] = [];
      const events: KubernetesObject[] = [];
      const tell = () => watches.forEach((watch) => watch.send(...listOf(...events)));
      return {
        source: (changes) => compiled(kubernetes, { resource: 'events', event: 'Warning' }, changes),
        replica() {
          const cluster = createMemoryWatch();
          watches.push(cluster);
          return { watchOf: () => cluster };
        },
        happen() {
          const at = toTimestamp(clock.now());
          const name = `web-${events.length}`;
          events.push({
            apiVersion: 'v1',
            kind: 'Event',
            metadata: { name, namespace: 'shop', creationTimestamp: at },
            involvedObject: { kind: 'Pod', namespace: 'shop', name },
            type: 'Warning',
            reason: 'BackOff',
            message: 'Back-off',
            count: 1,
            firstTimestamp: at,
            lastTimestamp: at,
          });
          tell();
        },
        repeat: tell,
      };
    },
  },
  {
    definition: api,
    stepMs: 5000,
    async start(cleanup) {
      const incidents: object[] = [];
      const server = createServer((_request, response) => void response.end(JSON.stringify({ incidents })));
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      cleanup.defer(async () => {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      });
      const config = {
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/incidents`,
        interval: '10s',
        format: 'generic',
        items: 'incidents',
        mapping: { name: '{{ .item.title }}' },
      };
      return {
        source: (changes) => compiled(api, config, changes),
        happen: () => void incidents.push({ title: `Incident${incidents.length}` }),
      };
    },
  },
  {
    definition: chat,
    stepMs: 1000,
    async start(cleanup, world) {
      const slack = await startSlackApp();
      cleanup.defer(() => slack.stop());
      world.secrets.set('slack/app', appToken);
      world.secrets.set('slack/token', slackToken);
      const waiting = new Set<Record<string, unknown>>();
      const config = {
        platform: 'slack',
        trigger: 'mention',
        channel: slackChannel,
        appToken: 'slack/app',
        botToken: 'slack',
        endpoint: slack.endpoint,
      };
      return {
        source: (changes) => compiled(chat, config, changes),
        happen: () => void waiting.add(mention('pod/web-1 -n shop')),
        repeat() {
          if (slack.connections().length === 0) return;
          for (const event of waiting) void slack.send('events_api', event).then(() => waiting.delete(event));
        },
        // Slack is not answered, and sends it again.
        toldOfStore: () => (world.counted.get('fist_chat_messages_total chat StoreUnavailable') ?? 0) > 0,
      };
    },
  },
];

for (const suite of suites) testSource(suite);

test('each type of Source that looks by itself is in the suite', () => {
  const looking = sourceDefinitions.filter(({ run }) => run !== null);
  expect(new Set(suites.map(({ definition }) => definition.type))).toEqual(new Set(looking.map(({ type }) => type)));
});
