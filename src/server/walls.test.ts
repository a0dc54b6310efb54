import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld } from '../../test/server/world.ts';
import { apiToken } from '../../test/support/fake-server.ts';
import type { World } from '../../test/server/world.ts';
import { deliveryFixture, runFixture } from '../../test/support/deliveries.ts';
import { alertFixture } from '../../test/support/rows.ts';
import { rightText } from '../core/identity.ts';
import type { Identities } from '../core/identity.ts';
import { authorize } from './rights.ts';

// Ada may read and change what is in namespace shop, and must not hear of what is in namespace bank.

const shop = alertFixture({
  id: '019b71b4-4c64-7000-8000-000000000001',
  fingerprint: 'f1',
  namespace: 'shop',
  name: 'Crash',
});
const bank = alertFixture({
  id: '019b71b4-4c64-7000-8000-000000000002',
  fingerprint: 'f2',
  namespace: 'bank',
  name: 'Crash',
  labels: { password: 'hunter2' },
  receivedAt: '2026-03-01T13:00:00.000Z',
});
const third = alertFixture({
  id: '019b71b4-4c64-7000-8000-000000000003',
  fingerprint: 'f3',
  namespace: 'bank',
  name: 'VaultOpen',
  labels: {},
});
const shopRun = runFixture({
  id: '019b71b5-0000-7000-8000-000000000001',
  alertId: shop.id,
  namespace: 'shop',
  status: 'running',
});
const bankRun = runFixture({
  id: '019b71b5-0000-7000-8000-000000000002',
  alertId: bank.id,
  namespace: 'bank',
  status: 'running',
});
const delivery = deliveryFixture({ runId: shopRun.id, alertId: shop.id, namespace: 'shop' });

const identities: Identities = {
  check: async (_token, right) => ({
    kind:
      right === null || rightText(right).endsWith(' on runs.punchingfist.io in namespace shop')
        ? 'allowed'
        : 'forbidden',
    user: 'ada',
  }),
};

let world: World;
beforeAll(async () => {
  world = await createWorld({ identities });
  await world.store.transaction('intake', async (tx) => {
    await tx.alerts.insertAll([shop, bank, third]);
    await tx.runs.insertAll([
      { run: shopRun, plan: null },
      { run: bankRun, plan: null },
    ]);
    await tx.deliveries.insert([delivery]);
  });
});
afterAll(() => world.close());

async function asAda(path: string) {
  const answer = await world.server.inject({
    url: `/api/v1/${path}`,
    headers: { authorization: 'Bearer token-of-ada' },
  });
  return { status: answer.statusCode, body: answer.json<Readonly<Record<string, unknown>>>(), text: answer.body };
}

describe('who may look at one namespace does not hear of another one', () => {
  test('by the counts of an empty list, which would say what a matcher fits there', async () => {
    const guess = await asAda(`alerts?fistNamespace=shop&label=${encodeURIComponent('password=~"hunter.*"')}`);
    expect(guess.body).toMatchObject({ items: [], empty: { stored: { count: 1 }, without: [{ parameter: 'label' }] } });
    const wrong = await asAda(`alerts?fistNamespace=shop&label=${encodeURIComponent('password=~"hunter3.*"')}`);
    const counts = ({ body }: typeof guess) =>
      (body['empty'] as { readonly without: readonly { readonly count: number }[] }).without.map(({ count }) => count);
    expect(counts(guess)).toEqual(counts(wrong));
  });

  test.each(['runs?namespace=shop&alert=019b71b4', 'runs?namespace=shop&alert=019b71b4-4c64-7000-8000-00000000000'])(
    'by the names of what a filter may mean: %s',
    async (path) => {
      const { status, text, body } = await asAda(path);
      expect([status, text]).toEqual([200, expect.not.stringMatching(/VaultOpen|bank/)]);
      expect(body).toMatchObject({ items: [{ id: shopRun.id }] });
    },
  );

  test.each(['Crash', '@latest'])('and means with %s what is in its own', async (alert) => {
    expect((await asAda(`runs?namespace=shop&alert=${alert}`)).body).toMatchObject({ items: [{ id: shopRun.id }] });
  });

  test('and with @latest of runs', async () => {
    const { body } = await asAda('deliveries?namespace=shop&run=@latest');
    expect(body).toMatchObject({ items: [{ id: delivery.id }] });
  });

  test('by the row that a reference means once it was judged', async () => {
    const raw = { params: { id: shopRun.id.slice(0, -1) }, query: {} };
    const idsLike = async () => [shopRun.id];
    const reader = { ...world.store.read, lists: { ...world.store.read.lists, idsLike } };
    const route = { path: '/api/v1/runs/:id', needs: 'read' } as const;
    const granted = await authorize(
      { identities, reader },
      { shown: { token: 'token-of-ada', from: '10.0.0.1' }, user: 'ada' },
      route,
      raw,
    );
    expect(granted).toEqual({ params: { id: shopRun.id }, within: 'shop' });
  });

  test('whole ids, names and beginnings of what is in another one', async () => {
    for (const key of [bank.id, 'VaultOpen', '@latest']) expect((await asAda(`alerts/${key}`)).status, key).toBe(403);
    expect((await asAda(`runs/${shopRun.id}`)).body).toMatchObject({ id: shopRun.id });
  });
});

describe('what a Workflow of another namespace does about an alert', () => {
  const alert = alertFixture({
    id: '019b71b4-4c64-7000-8000-000000000011',
    fingerprint: 'f11',
    namespace: 'shop',
    name: 'Shared',
    cause: 'the vault is open',
    aiAnalysis: { summary: 'the vault is open' },
    aiConfidence: 0.9,
    workflowId: '019b71b5-0000-7000-8000-000000000011',
  });
  const run = runFixture({ id: '019b71b5-0000-7000-8000-000000000011', alertId: alert.id, namespace: 'bank' });
  const own = runFixture({
    id: '019b71b5-0000-7000-8000-000000000012',
    alertId: alert.id,
    namespace: 'shop',
    name: 'own',
  });
  const said = { alertId: alert.id, status: 'failed', errorCode: 'SinkNotReady', reference: 'C1/2' } as const;
  const deliveries = [
    deliveryFixture({ ...said, id: 'd11', runId: run.id, namespace: 'shop', error: 'of our own' }),
    deliveryFixture({ ...said, id: 'd12', runId: own.id, namespace: 'bank', error: 'no Secret bank/vault' }),
  ];
  let shared: World;
  beforeAll(async () => {
    shared = await createWorld({ identities });
    await shared.store.transaction('intake', async (tx) => {
      await tx.alerts.insertAll([alert]);
      await tx.runs.insertAll([
        { run, plan: null },
        { run: own, plan: null },
      ]);
      await tx.deliveries.insert(deliveries);
    });
  });
  afterAll(() => shared.close());
  const read = async (path: string, token = 'token-of-ada') =>
    (await shared.server.inject({ url: `/api/v1/${path}`, headers: { authorization: `Bearer ${token}` } })).json<
      Readonly<Record<string, unknown>>
    >();

  test('is told to who may look at both', async () => {
    const everything = await read(`alerts/${alert.id}`, apiToken);
    expect(everything).toMatchObject({ cause: 'the vault is open', aiAnalysis: { summary: 'the vault is open' } });
    expect((everything['runs'] as unknown[]).length).toBe(2);
    expect(JSON.stringify(everything)).toContain('no Secret bank/vault');
  });

  test('is kept from who may look at its Source alone: cause, report, runs, and what its receivers said', async () => {
    const hidden = { cause: null, causeState: 'elsewhere', aiConfidence: null };
    const one = await read(`alerts/${alert.id}`);
    expect(one).toMatchObject({ ...hidden, aiAnalysis: null, runs: [{ id: own.id }] });
    expect(await read('alerts?fistNamespace=shop')).toMatchObject({ items: [hidden] });
    for (const path of [`alerts/${alert.id}`, 'alerts?fistNamespace=shop', `runs/${own.id}`])
      expect(JSON.stringify(await read(path)), path).not.toMatch(/vault|C1\/2/);
    expect(await read(`runs/${own.id}`)).toMatchObject({
      deliveries: [{ namespace: 'bank', status: 'failed', error: null, reference: null }],
    });
    expect(await read(`runs/${run.id}`)).toMatchObject({ code: 'Forbidden' });
    expect(await read('deliveries/d12')).toMatchObject({ code: 'Forbidden' });
  });
});

test('a request is served with the row that was judged, also where its name means another one by then', async () => {
  const { lists } = world.store.read;
  const told = [shopRun.id, bankRun.id];
  const idsLike = async () => [told.shift() ?? bankRun.id];
  const moving = await createWorld({ identities, reader: { ...world.store.read, lists: { ...lists, idsLike } } });
  const answer = await moving.server.inject({
    url: '/api/v1/runs/71b5',
    headers: { authorization: 'Bearer token-of-ada' },
  });
  expect(answer.json()).toMatchObject({ id: shopRun.id, namespace: 'shop' });
  await moving.close();
});
