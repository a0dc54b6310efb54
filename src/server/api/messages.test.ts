import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import { runFixture } from '../../../test/support/deliveries.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import { agentEventFixture } from '../../../test/support/rows.ts';
import { newId } from '../../lib/id.ts';

const plan = planOf([step('think')]);
const run = runFixture({ id: newId(), planHash: 'h', agentEvents: 1 });
const silent = runFixture({ id: newId(), planHash: 'h', alertId: null });

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.store.transaction('intake', async (tx) => {
    await tx.runs.insertAll([run, silent].map((one) => ({ run: one, plan })));
    await tx.agent.insert([agentEventFixture({ runId: run.id })]);
  });
});
afterAll(() => world.close());

const ask = (id: string, body?: unknown) => world.post(`/api/v1/runs/${id}/messages`, body);

it('makes a run that answers, which says what was asked and by whom', async () => {
  const response = await ask(run.id, { question: ' Why? ', by: 'ann' });
  expect([response.statusCode, response.json()]).toMatchObject([201, { followUpOf: run.id }]);
  const made = (await world.get(`/api/v1/runs/${response.json().id}`)).json();
  const followUp = { runId: run.id, path: '1', question: 'Why?', by: 'ann' };
  expect(made).toMatchObject({ status: 'pending', alertId: null, totalSteps: 1, input: { followUp } });
  expect(made.input.asked).toEqual(run.input.alert);
});

it.each([
  [undefined, 'question'],
  [{ question: ' ' }, 'question'],
  [{ question: 'x'.repeat(4001) }, 'question'],
  [{ question: 'x', by: '' }, 'by'],
  [{ question: 'x', run: 'y' }, 'run'],
])('%j is refused', async (body, field) => {
  const response = await ask(run.id, body);
  expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'InvalidInput', field }]);
});

it('about a run that asked no model is 409, about an absent one 404, without the token 401', async () => {
  expect((await ask(silent.id, { question: 'x' })).json()).toMatchObject({ code: 'Conflict' });
  expect((await ask('absent', { question: 'x' })).statusCode).toBe(404);
  const url = `/api/v1/runs/${run.id}/messages`;
  expect((await world.server.inject({ method: 'POST', url, payload: { question: 'x' } })).statusCode).toBe(401);
});
