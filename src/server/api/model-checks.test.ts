import { request } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { createFakeClock } from '../../../test/support/clock.ts';
import { apiToken } from '../../../test/support/fake-server.ts';
import { someTime } from '../../../test/support/rows.ts';
import { createWorld } from '../../../test/server/world.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { AppError } from '../../core/errors.ts';
import type { CheckedModel } from '../../core/model-check.ts';
import type { ModelChecks } from '../../core/ports.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const path = '/api/v1/workflows/shop/triage/model-check';
const model: CheckedModel = {
  model: 'openai-compatible/qwen3',
  endpoint: 'http://127.0.0.1:11434/v1',
  result: 'unfit',
  message: 'it calls no tool',
  checks: [{ about: 'tool call', result: 'failed', text: 'it calls no tool' }],
  at: someTime,
};

async function worldWith(check: ModelChecks['check'], condition: ModelChecks['condition'] = async () => null) {
  const clock = createFakeClock();
  const world = await createWorld({ modelChecks: { check, condition }, clock });
  cleanup.defer(() => world.close());
  return { world, clock };
}

it('answers what was found, with spaces before it while a model thinks', async () => {
  const { promise, resolve } = Promise.withResolvers<readonly CheckedModel[]>();
  const asked: unknown[] = [];
  const { world, clock } = await worldWith((namespace, name, { timeoutMs }) => {
    asked.push([namespace, name, timeoutMs]);
    return promise;
  });
  const answering = world.post(path, {});
  await waitFor('the check', () => asked.length === 1);
  await clock.advance(10_000);
  await clock.advance(10_000);
  resolve([model]);
  const { statusCode, body } = await answering;
  expect([statusCode, JSON.parse(body)]).toEqual([200, { models: [model] }]);
  expect(body).toMatch(/^ {1,2}\{/);
  expect(asked).toEqual([['shop', 'triage', 120_000]]);
});

it('says why a check could not be ended', async () => {
  const { world } = await worldWith(() => Promise.reject(new AppError('Conflict', 'it is being checked just now')));
  expect((await world.post(path, {})).json()).toEqual({
    models: [],
    error: { code: 'Conflict', message: 'it is being checked just now' },
  });
});

it('an absent Workflow is 404, and a body that does not fit 400', async () => {
  const { world } = await worldWith(() => Promise.reject(new AppError('NotFound', 'there is no Workflow shop/none')));
  expect((await world.post('/api/v1/workflows/shop/none/model-check', {})).statusCode).toBe(404);
  expect((await world.post(path, { timeoutMs: 5 })).json()).toMatchObject({ code: 'InvalidInput', field: 'timeoutMs' });
  expect((await world.server.inject({ method: 'POST', url: path, payload: {} })).statusCode).toBe(401);
});

it('who goes away ends it, so that nothing more is paid for', async () => {
  const signals: AbortSignal[] = [];
  const { world } = await worldWith((_namespace, _name, { signal }) => {
    signals.push(signal);
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  });
  const { port } = await world.server.listen();
  const headers = { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' };
  const sent = request({ host: '127.0.0.1', port, method: 'POST', path, headers, agent: false });
  sent.on('error', () => undefined);
  sent.end('{}');
  await waitFor('the check', () => signals.length === 1);
  sent.destroy();
  await waitFor('its end', () => signals[0]?.aborted === true);
  expect(signals).toHaveLength(1);
});
