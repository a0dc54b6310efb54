import { afterAll, beforeAll, expect, it } from 'vitest';
import { runFixture } from '../../../test/support/deliveries.ts';
import { agentEventFixture } from '../../../test/support/rows.ts';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import { newId } from '../../lib/id.ts';

const run = runFixture({ id: newId(), agentEvents: 3 });
const without = runFixture({ id: newId(), alertId: null });
const events = [1, 2, 3].map((sequence) =>
  agentEventFixture({ runId: run.id, sequence, kind: 'called', tokens: sequence, content: { text: 'x' } }),
);

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.store.transaction('intake', async (tx) => {
    await tx.runs.insertAll([run, without].map((one) => ({ run: one, plan: null })));
    await tx.agent.insert(events);
  });
});
afterAll(() => world.close());

const shown = events.map(({ runId: _runId, ...event }) => event);

it.each([
  ['', shown, null],
  ['?limit=2', shown.slice(0, 2), 2],
  ['?limit=2&after=2', shown.slice(2), null],
  ['?limit=3', shown, null],
  ['?after=3', [], null],
])('%s shows a part of them, oldest first, and where the next one begins', async (query, items, next) => {
  const response = await world.get(`/api/v1/runs/${run.id}/agent-events${query}`);
  expect([response.statusCode, response.json()]).toEqual([200, { items, next }]);
});

it('of a run without a model there are none, of an absent one neither', async () => {
  expect((await world.get(`/api/v1/runs/${without.id}/agent-events`)).json()).toEqual({ items: [], next: null });
  const absent = await world.get('/api/v1/runs/absent/agent-events');
  expect([absent.statusCode, absent.json()]).toMatchObject([404, { message: 'there is no run absent' }]);
});

it('are shown to who has the token', async () => {
  expect((await world.server.inject(`/api/v1/runs/${run.id}/agent-events`)).statusCode).toBe(401);
});
