import { afterEach, expect, test } from 'vitest';
import type { Condition } from '../../src/core/catalog.ts';
import { reportAnswer, startAgentApp } from '../support/agent-world.ts';
import type { AgentApp } from '../support/agent-world.ts';
import { createCleanup } from '../support/cleanup.ts';
import { runFist } from '../support/program.ts';

// The server asks its models three questions because a person wants it, and remembers what came of it.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const call = { calls: [{ name: 'kubernetes_describe', input: { kind: 'pod', namespace: 'shop', name: 'web-1' } }] };
const report = reportAnswer({
  cause: {
    statement: 'Its limit is too low.',
    object: 'pod/shop/web-1',
    since: null,
    confidence_percent: 90,
    evidence: [{ id: 'e1', quote: 'OOMKilled' }],
  },
});

const workflow = 'workflow/explain-billing';

async function checkedCondition({ app }: AgentApp): Promise<Condition | undefined> {
  const { status } = await app.get<{ readonly status: { readonly conditions: readonly Condition[] } }>(
    '/api/v1/workflows/default/explain-billing',
  );
  return status.conditions.find(({ type }) => type === 'ModelsChecked');
}

const fistOn =
  ({ app }: AgentApp) =>
  (...args: string[]) =>
    runFist(args, { FIST_SERVER: app.app.url, SQLITE_PATH: app.database });

test('a model that cannot is not asked, which the report says, until a later check finds that it can', async () => {
  const world = await startAgentApp(cleanup);
  const { model } = world;
  const fist = fistOn(world);
  expect(await checkedCondition(world)).toMatchObject({ status: 'Unknown', reason: 'NotChecked' });
  expect(model.requests).toEqual([]);

  // What nobody has checked is asked.
  model.say({ text: 'Nothing.' }, reportAnswer());
  await world.raise();
  const begun = await world.report();
  expect(begun.run.status).toBe('succeeded');

  model.say({ text: 'I cannot.' }, report);
  const first = await fist('model', 'check', workflow);
  expect(first.code).toBe(1);
  expect(first.out).toContain('✗ tool call: it answers in words');
  expect(first.out).toContain('✗ it is not asked: ');
  expect(await checkedCondition(world)).toMatchObject({ status: 'False', reason: 'ModelUnfit' });
  expect((await fist('get', 'workflows')).out).toContain('ModelUnfit');

  const asked = model.requests.length;
  const second = await world.again(begun.run.id);
  expect(model.requests.length).toBe(asked);
  expect(second.run.steps.at(-1)).toMatchObject({ status: 'failed', errorCode: 'ModelUnfit' });
  expect(second.report.notice).toMatch(/openai-compatible\/m is not asked: it answers in words/);
  expect(second.report.root_cause).not.toBeNull();

  // A check without an answer changes nothing.
  model.say({ fault: 'unauthorized' });
  const away = await fist('model', 'check', workflow, '-o', 'json');
  expect(JSON.parse(away.out)).toMatchObject({ ok: false, models: [{ result: 'unanswered' }] });
  expect(await checkedCondition(world)).toMatchObject({ status: 'False' });

  model.say(call, report, report);
  const last = await fist('model', 'check', workflow);
  expect([last.code, last.out]).toEqual([0, expect.stringContaining('✔ it can be used: ')]);
  expect(await checkedCondition(world)).toMatchObject({ status: 'True', reason: 'Checked' });
  model.say({ text: 'Nothing.' }, reportAnswer());
  expect((await world.again(second.run.id)).run.status).toBe('succeeded');
  expect(JSON.stringify(await world.app.list('/api/v1/workflows'))).not.toContain(model.key);
});

test('what is wrong with the request is said before anybody is asked', async () => {
  const world = await startAgentApp(cleanup);
  const fist = fistOn(world);
  expect(await fist('model', 'check', 'workflow/none')).toMatchObject({
    code: 1,
    err: expect.stringContaining('there is no Workflow default/none') as string,
  });
  expect(await fist('model', 'check', workflow, '--endpoint', 'http://x')).toMatchObject({ code: 2, out: '' });
  expect(
    (await world.app.call('POST', '/api/v1/workflows/default/explain-billing/model-check', { timeoutMs: 1 })).status,
  ).toBe(400);
  expect(world.model.requests).toEqual([]);
});
