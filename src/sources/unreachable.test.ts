import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { compiled, createSourceWorld } from '../../test/support/sources.ts';
import { waitFor } from '../../test/support/wait.ts';
import { kubeClient } from '../kube/connection/client.ts';
import { liveCluster } from '../kube/live/live.ts';
import { transportOf } from '../kube/connection/transport.ts';
import { createHttpClient } from '../lib/http.ts';
import { createLog } from '../lib/log.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { api } from './api.ts';
import { chat } from './chat.ts';
import type { SourceDefinition } from './define.ts';
import { kubernetes } from './kubernetes.ts';

/** Nobody listens there. */
const nobody = 'http://127.0.0.1:1';

test.each<readonly [string, SourceDefinition, object, string]>([
  ['kubernetes', kubernetes, { resource: 'events', event: 'Warning' }, 'kubectl get --raw /readyz'],
  [
    'chat',
    chat,
    {
      platform: 'slack',
      trigger: 'mention',
      channel: 'C0123456789',
      appToken: 'slack/app',
      botToken: 'slack',
      endpoint: nobody,
    },
    'fist describe source/default/chat',
  ],
  ['api', api, { endpoint: `${nobody}/alerts` }, 'fist describe source/default/api'],
])('a Source of type %s that reaches nobody says so in one line', async (name, definition, config, next) => {
  const lines: string[] = [];
  const log = await createLog({ level: 'info', format: 'text', write: (line) => void lines.push(line) });
  const store = openSqliteStore({ path: ':memory:' });
  const world = createSourceWorld(store, createFakeClock('2026-03-01T12:00:00.000Z'), [definition]);
  world.secrets.set('slack/app', 'xapp-1').set('slack/token', 'xoxb-1');
  const transport = transportOf({
    server: nobody,
    proxyUrl: undefined,
    description: 'a test',
    kubectl: 'kubectl',
    readIdentity: async () => ({ headers: {}, tls: {} }),
  });
  const cluster = liveCluster(kubeClient(transport));
  const http = createHttpClient();
  try {
    world.sources = [compiled(definition, config)];
    world.start({ log, http, watchOf: () => cluster, isAlone: true });
    await waitFor('the line', () => lines.length > 0);
    expect(lines).toHaveLength(1);
    const [line = ''] = lines;
    expect(line).toMatch(
      / WARN {2}a Source has trouble; it is tried again {2}source=default\/\w+ {2}reason=\w+ {2}why="/,
    );
    expect(line).toContain(`source=default/${name}`);
    expect(line).toContain('127.0.0.1:1');
    expect(line).toContain(`next="${next}"`);
    expect(line.trim()).not.toMatch(/stack|\n|\\n| at |node_modules/);
    expect(line.length).toBeLessThan(400);
  } finally {
    await world.stop();
    await http.close();
    await transport.close();
    await store.close();
  }
});
