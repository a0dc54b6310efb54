import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { startScriptedApi } from '../../test/support/scripted-api.ts';
import { getFromCluster } from './from-cluster.ts';
import type { Terminal } from './output.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** A cluster whose namespaces have these Sinks; `get` answers what it printed. */
async function world(sinks: Readonly<Record<string, readonly string[]>>) {
  const { kubeconfig, requests } = await startScriptedApi(cleanup, ({ path }) => {
    const [, namespace] = /\/namespaces\/([^/]+)\/sinks$/.exec(path) ?? [];
    const places = namespace === undefined ? Object.keys(sinks) : [namespace];
    const rows = places.flatMap((place) =>
      (sinks[place] ?? []).map((name) => ({ cells: [name], object: { metadata: { name, namespace: place } } })),
    );
    return { status: 200, body: { columnDefinitions: [{ name: 'Name', priority: 0 }], rows } };
  });
  const out: string[] = [];
  const terminal: Terminal = { out: (text) => void out.push(text), err: () => undefined, colour: false, env: {} };
  const config = JSON.parse(readFileSync(kubeconfig, 'utf8')) as { contexts: { context: object }[] };
  for (const { context } of config.contexts) Object.assign(context, { namespace: 'bank' });
  writeFileSync(kubeconfig, JSON.stringify(config));
  return {
    asked: () => requests.map(({ path }) => path.replace('/apis/punchingfist.io/v1alpha1', '')),
    get: async (flags: { readonly namespace?: string }, ...words: string[]) => {
      const all = { kubeconfig, output: 'name', limit: '100', headers: true, ...flags };
      await getFromCluster(terminal, all, { as: 'name' }, (items) => items, words);
      return out.splice(0).join('').trimEnd().split('\n');
    },
  };
}

test('what is named is looked for in its own namespace, whatever -n says, and nowhere else', async () => {
  const { get, asked } = await world({ shop: ['chat', 'mail'], bank: ['chat'] });
  expect(await get({ namespace: 'bank' }, 'sink/shop/mail', 'sink/chat', 'sink/shop/chat')).toEqual([
    'sink/shop/mail',
    'sink/bank/chat',
    'sink/shop/chat',
  ]);
  expect(asked()).toEqual(['/namespaces/shop/sinks', '/namespaces/bank/sinks']);
  await expect(get({ namespace: 'shop' }, 'sink/bank/mail')).rejects.toMatchObject({
    code: 'NotFound',
    message: 'there is no Sink bank/mail in the cluster',
  });
});

test('what names no namespace is in that of the context, as with kubectl', async () => {
  const { get, asked } = await world({ shop: ['chat'], bank: ['chat'], default: ['chat'] });
  expect(await get({}, 'sink/chat')).toEqual(['sink/bank/chat']);
  expect(await get({}, 'sink/chat', 'sink/shop/chat')).toEqual(['sink/bank/chat', 'sink/shop/chat']);
  expect(asked()).toEqual(['/namespaces/bank/sinks', '/namespaces/bank/sinks', '/namespaces/shop/sinks']);
});

test('a list is of all namespaces, or of one', async () => {
  const { get, asked } = await world({ shop: ['chat'], bank: ['chat'] });
  expect(await get({}, 'sinks')).toEqual(['sink/shop/chat', 'sink/bank/chat']);
  expect(await get({ namespace: 'bank' }, 'sinks')).toEqual(['sink/bank/chat']);
  expect(asked()).toEqual(['/sinks', '/namespaces/bank/sinks']);
});
