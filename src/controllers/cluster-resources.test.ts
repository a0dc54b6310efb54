import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { startScriptedApi } from '../../test/support/scripted-api.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { JsonValue } from '../core/json.ts';
import { kubeClient } from '../kube/client.ts';
import { silentLog } from '../lib/silent-log.ts';
import { secretNames } from '../resources/secret-references.ts';
import { isDeeper, openClusterResources } from './cluster-resources.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function sink(uid: string, resourceVersion: string) {
  const metadata = { name: 'log', namespace: 'shop', uid, generation: 1, resourceVersion };
  return { metadata, spec: { type: 'stdout', config: {} } };
}

test('a Sink that is deleted and made anew at once is another one: its status is to be written', async () => {
  const watches: ServerResponse[] = [];
  const api = await startScriptedApi(cleanup, ({ path, query }, response) => {
    if (query['watch'] === undefined)
      return {
        status: 200,
        body: { metadata: { resourceVersion: '10' }, items: path.endsWith('/sinks') ? [sink('first', '1')] : [] },
      };
    response.writeHead(200).flushHeaders();
    if (path.endsWith('/sinks')) watches.push(response);
    return null;
  });
  const clock = createFakeClock();
  const resources = await openClusterResources({
    client: kubeClient(api.transport),
    namespaces: null,
    clock,
    random: () => 0,
    log: silentLog,
    noteSecret: () => undefined,
  } as unknown as Parameters<typeof openClusterResources>[0]);
  cleanup.defer(() => resources.stop());
  const heard: string[] = [];
  resources.onChange((key) => heard.push(key));
  await waitFor('the watch', () => watches.length === 1);
  const lines = [
    { type: 'DELETED', object: sink('first', '11') },
    { type: 'ADDED', object: sink('second', '12') },
  ];
  watches[0]?.write(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  await waitFor('both changes', () => resources.find('Sink/shop/log')?.object.metadata.uid === 'second');
  await clock.advance(100);
  await waitFor('the load', () => heard.length > 0);
  expect(heard).toEqual(['Sink/shop/log']);
});

function nested(levels: number): JsonValue {
  let value: JsonValue = 'x';
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? { config: value } : [value];
  return value;
}

test.each([
  [0, false],
  [100, false],
  [101, true],
  [10_000, true],
])('a spec of %i levels is deeper than 100: %s', (levels, isIt) => {
  expect(isDeeper(nested(levels), 100)).toBe(isIt);
});

test.each(['Source', 'Workflow', 'Sink'] as const)(
  'a %s that is nested without end has no Secrets, and stops nobody',
  (kind) => {
    expect(secretNames(kind, { type: 'webhook', config: nested(10_000), context: nested(10_000) })).toEqual([]);
  },
);
