import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import { fakeCatalog } from '../../../test/support/fake-server.ts';
import { deliveryFixture, runFixture } from '../../../test/support/deliveries.ts';
import { lowestIdAt } from '../../lib/id.ts';

const now = Date.parse('2026-01-01T00:00:00.000Z');
const idBefore = (minutes: number) => lowestIdAt(now - minutes * 60_000);
const health = { problem: null as string | null };

let world: World;
beforeAll(async () => {
  const lastFailure = () => ({ message: 'connection refused', at: '2025-12-31T23:00:00.000Z' });
  world = await createWorld({
    cluster: { description: 'context dev', problem: async () => health.problem, lastFailure },
    model: 'anthropic/claude-sonnet-5-5',
  });
});
afterAll(() => world.close());

const status = async () => (await world.get('/api/v1/status')).json();

function resource(kind: 'Source' | 'Sink', name: string, ready: boolean) {
  const conditions = ready ? [] : [{ type: 'Ready', status: 'False', reason: 'SecretMissing', message: 'no token' }];
  return {
    apiVersion: 'punchingfist.io/v1alpha1',
    kind,
    namespace: 'shop',
    name,
    spec: '{"type":"webhook"}',
    status: JSON.stringify({ ready, conditions }),
    updatedAt: '2026-01-01T00:00:00.000Z',
  };
}

it('an empty server has nothing to take alerts in', async () => {
  expect(await status()).toMatchObject({
    well: false,
    problems: [{ part: 'source', next: 'fist explain source' }],
    server: { state: 'ready' },
    store: { kind: 'SQLite', ready: true, problem: null },
    sources: [],
    sinks: [],
    runs: { running: { count: 0 }, waiting: { count: 0 }, failed: { count: 0 } },
  });
});

it('all is well, and what stands where', async () => {
  await world.store.transaction('resources', async (tx) => {
    await tx.resources.replaceAll([resource('Source', 'alertmanager', true), resource('Sink', 'chat', true)]);
    await tx.runs.insertAll([
      { run: runFixture({ id: idBefore(5), status: 'running' }), plan: null },
      { run: runFixture({ id: idBefore(90), status: 'failed', episode: 2 }), plan: null },
    ]);
  });
  expect(await status()).toMatchObject({
    well: true,
    problems: [],
    sources: [{ name: 'shop/alertmanager', ready: true, reason: '', events: 0, lastEventTime: null, refused: 0 }],
    sinks: [{ name: 'shop/chat', ready: true, waiting: { count: 0, more: false }, failed: { count: 0 } }],
    runs: { running: { count: 1, more: false }, failed: { count: 0 } },
    models: { server: 'anthropic/claude-sonnet-5-5', workflows: 0 },
    cluster: { description: 'context dev', reachable: true, lastFailure: { message: 'connection refused' } },
  });
});

it('each thing that is wrong is said with the next command', async () => {
  health.problem = 'connection refused';
  await world.server.inject({ method: 'POST', url: '/webhook/alerts', payload: { alerts: [] } });
  await world.store.transaction('resources', async (tx) => {
    await tx.resources.replaceAll([
      resource('Source', 'alertmanager', true),
      resource('Source', 'other', false),
      resource('Sink', 'chat', true),
    ]);
    const of = { namespace: 'shop', sinkName: 'chat', runId: null, alertId: null };
    const failed = { ...of, status: 'failed' as const, wakeAt: null };
    await tx.deliveries.insert([
      deliveryFixture({ ...failed, id: idBefore(10), idempotencyKey: 'a' }),
      deliveryFixture({ ...failed, id: idBefore(61), idempotencyKey: 'b' }),
      deliveryFixture({ ...of, id: idBefore(30), idempotencyKey: 'c', createdAt: '2025-12-31T23:30:00.000Z' }),
    ]);
    await tx.runs.insertAll([{ run: runFixture({ id: idBefore(7), status: 'failed', episode: 3 }), plan: null }]);
  });
  const { well, problems } = await status();
  expect(well).toBe(false);
  expect(problems).toEqual([
    {
      part: 'source',
      message: 'Source shop/alertmanager refused 1 requests in the last hour: Unauthenticated 1',
      next: 'fist describe source/shop/alertmanager',
    },
    {
      part: 'source',
      message: 'Source shop/other is not ready: SecretMissing: no token',
      next: 'fist describe source/shop/other',
    },
    {
      part: 'sink',
      message: '1 delivery to Sink shop/chat failed in the last hour',
      next: 'fist get deliveries --status failed --sink chat',
    },
    {
      part: 'sink',
      message: 'deliveries to Sink shop/chat wait since 2025-12-31T23:30:00.000Z',
      next: 'fist describe sink/shop/chat',
    },
    { part: 'runs', message: '1 run failed in the last hour', next: 'fist get runs --status failed --since 1h' },
    {
      part: 'cluster',
      message: 'context dev cannot be read: connection refused',
      next: 'kubectl cluster-info, with the same context',
    },
  ]);
});

it('what a part of a Workflow lacks is said', async () => {
  const off = { type: 'CommandsResolved', status: 'False', reason: 'CommandsOff', message: 'none are run' } as const;
  const ready = { type: 'Ready', status: 'True', reason: 'Accepted', message: '' } as const;
  const workflow = {
    namespace: 'shop',
    name: 'triage',
    type: '',
    origin: '',
    plan: null,
    planHash: null,
    accessFrom: [],
  };
  const workflows = [{ ...workflow, ready: true, conditions: [ready, off] }];
  const other = await createWorld({ catalog: { current: () => ({ ...fakeCatalog([]), workflows }) } });
  const { problems } = (await other.get('/api/v1/status')).json<{ readonly problems: readonly unknown[] }>();
  await other.close();
  expect(problems).toContainEqual({
    part: 'workflow',
    message: 'Workflow shop/triage: CommandsOff: none are run',
    next: 'fist describe workflow/shop/triage',
  });
});
