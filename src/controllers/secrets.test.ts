import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { startScriptedApi } from '../../test/support/scripted-api.ts';
import { waitFor } from '../../test/support/wait.ts';
import { kubeClient } from '../kube/connection/client.ts';
import { silentLog } from '../lib/silent-log.ts';
import { createNamedSecrets, inTurn } from './secrets.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('a Secret that is listed anew and has not changed is told to nobody', async () => {
  const secret = (token: string) => ({
    metadata: { name: 'am', namespace: 'shop', resourceVersion: '1' },
    data: { token: Buffer.from(token).toString('base64') },
  });
  let lists = 0;
  const watches: ServerResponse[] = [];
  const { transport } = await startScriptedApi(cleanup, ({ query }, response) => {
    if (query['watch'] === undefined) {
      lists += 1;
      return { status: 200, body: { metadata: { resourceVersion: '1' }, items: [secret('first')] } };
    }
    watches.push(response);
    response.flushHeaders();
    return null;
  });
  const clock = createFakeClock();
  let changes = 0;
  const secrets = createNamedSecrets({
    client: kubeClient(transport),
    clock,
    random: () => 0,
    log: silentLog,
    noteSecret: () => undefined,
    onChange: () => (changes += 1),
  });
  cleanup.defer(() => secrets.stop());
  const say = (type: string, object: object): void =>
    void watches.at(-1)?.write(`${JSON.stringify({ type, object })}\n`);
  secrets.need([{ namespace: 'shop', name: 'am' }]);
  await secrets.whenRead();
  expect(changes).toBe(1);
  await waitFor('the watch', () => watches.length === 1);
  say('MODIFIED', secret('first'));
  say('ERROR', { code: 410 });
  await waitFor('the next watch', async () => {
    await clock.advance(1000);
    return watches.length === 2;
  });
  expect({ lists, changes }).toEqual({ lists: 2, changes: 1 });
  say('MODIFIED', secret('second'));
  await waitFor('the change', () => secrets.values().includes('second'));
  expect(changes).toBe(2);
});

test('a namespace that refers to thousands of Secrets takes none from the others', () => {
  const many = Array.from({ length: 5000 }, (_, number) => ({ namespace: 'crowd', name: `s${number}` }));
  const others = [
    { namespace: 'shop', name: 'am' },
    { namespace: 'shop', name: 'chat' },
    { namespace: 'bank', name: 'am' },
  ];
  const turns = inTurn([...many, ...others, ...others]);
  expect(turns).toHaveLength(5003);
  expect(turns.slice(0, 5).map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
    'crowd/s0',
    'shop/am',
    'bank/am',
    'crowd/s1',
    'shop/chat',
  ]);
});
