import { afterEach, expect, test } from 'vitest';
import type { AgentEvent } from '../src/core/agent-event.ts';
import { differencesOf } from '../src/app/replay/differences.ts';
import { replayConversation } from '../src/app/replay/replay-run.ts';
import type { AgentResult } from '../src/core/finding.ts';
import { exampleAlert, reportAnswer, startAgentApp } from './support/agent-world.ts';
import type { AgentApp, AgentAppOptions } from './support/agent-world.ts';
import type { RunDetail } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import type { ScriptedAnswer } from './support/model-server.ts';
import { runFist } from './support/program.ts';

// Conversations that were led with a model are led again without it.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const alert = exampleAlert();
const pod = `pod/billing/${alert.labels['pod'] ?? ''}`;
const logs: ScriptedAnswer = {
  calls: [{ name: 'kubernetes_logs', input: { namespace: 'billing', pod: alert.labels['pod'] ?? '' } }],
};
const finding = {
  statement: 'Made up.',
  object: pod,
  severity: 'critical',
  evidence: [{ id: 'e99', quote: 'error: made up' }],
};

interface World extends AgentApp {
  readonly fist: (...words: string[]) => ReturnType<typeof runFist>;
  /** The model is gone. */
  readonly stopped: () => Promise<void>;
}

async function start(options: AgentAppOptions = {}): Promise<World> {
  const world = await startAgentApp(cleanup, options);
  await world.raise();
  const env = { FIST_SERVER: world.app.app.url, SQLITE_PATH: world.app.database };
  return { ...world, fist: (...words) => runFist(words, env), stopped: () => world.model.stop() };
}

test('fist replay leads a conversation again with nobody else, and comes to the same report', async () => {
  const { model, report, fist, stopped } = await start();
  model.say(logs, { fault: 'overloaded' }, { text: 'The log shows it.' }, reportAnswer({ findings: [finding] }));
  const { run } = await report();
  expect(run.status).toBe('succeeded');
  await stopped();
  const { code, out, err } = await fist('replay', `run/${run.id}`);
  expect(out).toContain('The report is the same.');
  expect(out).toMatch(/^REPLAY of run\/\S+: 3 answers of openai-compatible\/m as they were, with the code of today\./);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const json = JSON.parse((await fist('replay', `run/${run.id}`, '-o', 'json')).out);
  expect(json).toMatchObject({
    differences: [],
    unknownCalls: 0,
    report: { model_use: { dropped: 1, tool_calls: 1 } },
  });
});

test.each([
  ['that was out of its budget', { step: '      budget: {tokens: 20000}\n' }],
  ['of a day that was out of its budget', { program: { modelBudget: { tokens: 20_000, costMicros: null } } }],
  ['that asked for the same again and again', {}],
])('a conversation %s ends in the same way', async (_, options) => {
  const { model, report, fist } = await start(options);
  model.always(logs);
  const { run } = await report();
  const { code, out } = await fist('replay', `run/${run.id}`);
  expect(out).toContain('The report is the same.');
  expect(code).toBe(0);
});

test('a question is replayed with the conversation that it goes on from', async () => {
  const { app, model, report, fist } = await start();
  model.say(
    logs,
    { text: 'Done.' },
    reportAnswer(),
    { text: 'Again.' },
    reportAnswer({ summary: 'The other answer.' }),
  );
  const { run } = await report();
  const asked = await fist('ask', `run/${run.id}`, 'why?');
  expect(asked.code).toBe(0);
  const [answering] = await app.list<RunDetail>('/api/v1/runs?limit=1');
  const { code, out } = await fist('replay', `run/${answering?.id ?? ''}`);
  expect(out).toContain('2 answers of openai-compatible/m as they were');
  expect(out).toContain('The model says, which nobody has checked: The other answer.');
  expect(out).toContain('The report is the same.');
  expect(code).toBe(0);
});

test('where today a call is made that was not made then, or the report is another one, that is told', async () => {
  const { app, model, report } = await start();
  model.say(logs, { text: 'Done.' }, reportAnswer());
  const { run, report: stored } = await report();
  const events = await app.list<AgentEvent>(`/api/v1/runs/${run.id}/agent-events`);
  // Then the call was not made.
  const replayed = await replayConversation({
    events: events.filter(({ kind }) => kind !== 'called'),
    followUp: null,
    alert: run.input.alert,
    report: stored,
  });
  expect(replayed.unknownCalls).toBe(1);
  expect(replayed.differences.map(({ field }) => field)).toContain('evidence');
});

test('a run that asked no model has nothing to replay', async () => {
  const { report, fist, model } = await start({ ask: null });
  const { run } = await report();
  expect(model.requests).toEqual([]);
  const { code, out, err } = await fist('replay', `run/${run.id}`);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain('no model was asked in this conversation');
});

test('differences are told by field, not what it cost or when it was', () => {
  const use = { ended: 'concluded', dropped: 0, requests: 2, tool_calls: 1, wasted_calls: 0 };
  const report = (more: object) =>
    ({
      root_cause: 'a',
      confidence: 0.5,
      report: '# x',
      model_use: { ...use, tokens: 1 },
      ...more,
    }) as unknown as AgentResult;
  expect(differencesOf(report({}), report({ report: '# y', model_use: { ...use, tokens: 2 } }))).toEqual([]);
  expect(differencesOf(report({}), report({ root_cause: null, model_use: { ...use, dropped: 3 } }))).toEqual([
    { field: 'root_cause', before: '"a"', after: 'null' },
    { field: 'model_use.dropped', before: '0', after: '3' },
  ]);
});
