import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWorld } from '../../../test/server/world.ts';
import type { World } from '../../../test/server/world.ts';
import { runFixture, stepFixture } from '../../../test/support/deliveries.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import type { JsonObject } from '../../core/json.ts';
import type { RunRecord } from '../../core/run.ts';
import { newId } from '../../lib/id.ts';

const plan = planOf([step('think')]);
const cause = { category: 'oom-killed', object: 'pod/shop/web-1', sentence: 'It was killed.' };
const report: JsonObject = { object: 'pod/shop/web-1', cause, confidence: 0.9, findings: [], report: '# it' };

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** A run that has ended with this report. */
async function ended(result: JsonObject | null = report, changes: Partial<RunRecord> = {}): Promise<string> {
  const run = runFixture({ id: newId(), planHash: 'h', status: 'succeeded', alertId: null, wakeAt: null, ...changes });
  await world.store.transaction('intake', async (tx) => {
    await tx.runs.insertAll([{ run, plan }]);
    await tx.runs.writeSteps([stepFixture({ id: newId(), runId: run.id, path: '1', result })]);
  });
  return run.id;
}

const say = (id: string, body?: unknown) => world.post(`/api/v1/runs/${id}/verdicts`, body);
const shown = async (id: string) => (await world.get(`/api/v1/runs/${id}`)).json();

it('a verdict stands at the run and in lists; a later one holds, and the earlier one stays in its history', async () => {
  const id = await ended();
  expect(await shown(id)).toMatchObject({ verdict: null, verdicts: [] });
  const first = await say(id, { verdict: 'confirmed', note: ' as ever, password=hunter2secret ', by: 'ada' });
  expect([first.statusCode, first.json()]).toMatchObject([
    201,
    {
      runId: id,
      sequence: 1,
      verdict: 'confirmed',
      note: 'as ever, password=[REDACTED]',
      by: 'ada',
      judged: {
        object: 'pod/shop/web-1',
        cause: { category: 'oom-killed', object: 'pod/shop/web-1', confidence: 0.9 },
      },
    },
  ]);
  await say(id, { verdict: 'refuted', cause: 'a full disk' });
  const { verdict, verdicts } = await shown(id);
  expect(verdict).toBe('refuted');
  expect(verdicts.map((one: JsonObject) => [one['sequence'], one['verdict'], one['cause'], one['by']])).toEqual([
    [1, 'confirmed', null, 'ada'],
    [2, 'refuted', 'a full disk', null],
  ]);
  const { items } = (await world.get('/api/v1/runs')).json();
  expect(items.find((item: JsonObject) => item['id'] === id)).toMatchObject({ verdict: 'refuted' });
  await say(id, { verdict: 'withdrawn' });
  expect(await shown(id)).toMatchObject({ verdict: null, verdicts: [{}, {}, { verdict: 'withdrawn' }] });
});

it('who says the same again changes nothing, and each new verdict is counted by category', async () => {
  const id = await ended();
  const counted = async () =>
    /fist_run_verdicts_total\{[^}]*verdict="refuted"[^}]*\} (\d+)/.exec((await world.get('/metrics')).body)?.[1] ?? '0';
  const before = Number(await counted());
  const first = (await say(id, { verdict: 'refuted', note: 'n' })).json();
  expect((await say(id, { verdict: 'refuted', note: 'n' })).json()).toEqual(first);
  expect(Number(await counted())).toBe(before + 1);
  expect((await say(id, { verdict: 'refuted', note: 'another' })).json()).toMatchObject({ sequence: 2 });
  expect((await world.get('/metrics')).body).toMatch(
    /fist_run_verdicts_total\{(?=[^}]*category="oom-killed")(?=[^}]*verdict="refuted")/,
  );
});

it('of a report without a cause it takes what it was', async () => {
  const id = await ended({ ...report, cause: null });
  expect((await say(id, { verdict: 'refuted' })).json()).toMatchObject({ code: 'Conflict' });
  expect((await say(id, { verdict: 'confirmed' })).json()).toMatchObject({
    code: 'Conflict',
    next: expect.stringMatching(/^fist confirm run\/\S+ --cause "what it was"$/),
  });
  expect((await say(id, { verdict: 'confirmed', cause: 'DNS' })).json()).toMatchObject({ judged: { cause: null } });
});

it('there is nothing to judge of a run that has not ended, or made no report, and nothing to take back where nothing was said', async () => {
  const running = await ended(report, { status: 'running' });
  const silent = await ended(null);
  const untouched = await ended();
  expect((await say(running, { verdict: 'confirmed' })).json()).toMatchObject({
    message: expect.stringMatching(/ has not ended: running$/),
  });
  expect((await say(silent, { verdict: 'confirmed' })).json()).toMatchObject({
    message: expect.stringContaining(' made no report'),
  });
  expect((await say(untouched, { verdict: 'withdrawn' })).json()).toMatchObject({
    message: expect.stringMatching(/^nobody has said/),
  });
  expect((await say('absent', { verdict: 'confirmed' })).statusCode).toBe(404);
});

it.each([
  [undefined, 'verdict'],
  [{ verdict: 'right' }, 'verdict'],
  [{ verdict: 'confirmed', cause: ' ' }, 'cause'],
  [{ verdict: 'confirmed', note: 'x'.repeat(1001) }, 'note'],
  [{ verdict: 'confirmed', by: 'x'.repeat(201) }, 'by'],
  [{ verdict: 'confirmed', run: 'y' }, 'run'],
])('%j is refused', async (body, field) => {
  const response = await say('x', body);
  expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'InvalidInput', field }]);
});

it('needs the token', async () => {
  const url = `/api/v1/runs/${newId()}/verdicts`;
  const response = await world.server.inject({ method: 'POST', url, payload: { verdict: 'confirmed' } });
  expect(response.statusCode).toBe(401);
});
