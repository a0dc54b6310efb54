import { afterEach, describe, expect, test } from 'vitest';
import type { AgentEvent } from '../src/core/agent-event.ts';
import type { AgentResult } from '../src/core/finding.ts';
import { exampleAlert, reportAnswer, startAgentApp } from './support/agent-world.ts';
import type { AgentApp, AgentAppOptions } from './support/agent-world.ts';
import type { RunDetail } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import type { ScriptedAnswer } from './support/model-server.ts';
import { runFist } from './support/program.ts';

// A person asks on about what a model found, in the whole program.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const alert = exampleAlert();
const pod = `pod/billing/${alert.labels['pod'] ?? ''}`;

/** A server to which the alert of the example was sent. */
async function start(options: AgentAppOptions = {}): Promise<AgentApp> {
  const world = await startAgentApp(cleanup, options);
  await world.raise();
  return world;
}

const logs: ScriptedAnswer = {
  calls: [{ name: 'kubernetes_logs', input: { namespace: 'billing', pod: alert.labels['pod'] ?? '' } }],
};

describe('a question about a conversation', () => {
  const question = 'Was it the same yesterday?';

  test('is answered by the model that goes on with it, and fist ask prints the answer', async () => {
    const { app, model, report } = await start();
    model.say(logs, { text: 'The log shows it.' }, reportAnswer({ summary: 'The first answer.' }));
    const { run } = await report();
    model.say(logs, { text: 'I looked again.' }, reportAnswer({ summary: 'Nothing of yesterday is kept.' }));
    const env = { FIST_SERVER: app.app.url, SQLITE_PATH: app.database, USER: 'ann' };
    const asked = await runFist(['ask', `run/${run.id}`, ...question.split(' ')], env);
    expect(asked).toMatchObject({ code: 0 });
    expect(asked.out).toContain(`Asked: ${question}`);
    expect(asked.out).toContain('The model says, which nobody has checked: Nothing of yesterday is kept.');
    expect(asked.err).toMatch(/message +Was it the same yesterday\?/);
    expect(model.refusals).toEqual([]);
    // The model sees what it read, what it answered and what it is asked, and its tools are there again.
    const [, , , first, , last] = model.requests;
    expect(first?.tools.length).toBeGreaterThan(2);
    const seen = first?.messages.map(
      ({ role, text, results }) => `${role} ${text}${results.map((one) => one.text).join()}`,
    );
    expect(seen?.slice(-3)).toEqual([
      expect.stringContaining(`kubernetes_logs ${pod}`),
      expect.stringContaining('The first answer.'),
      expect.stringContaining(question),
    ]);
    expect(JSON.stringify(last?.messages)).toContain(question);
    const [answering] = await app.list<RunDetail>('/api/v1/runs?limit=1');
    const detail = await app.get<RunDetail>(`/api/v1/runs/${answering?.id ?? ''}`);
    const result = detail.steps[0]?.result as unknown as AgentResult;
    expect(detail).toMatchObject({ alertId: null, input: { followUp: { runId: run.id, question, by: 'ann' } } });
    expect(detail.evidence.map(({ id }) => id)).toEqual(run.evidence.map(({ id }) => id));
    expect(result.conversation.map(({ role, content }) => [role, content])).toEqual([
      ['user', question],
      ['assistant', 'Nothing of yesterday is kept.'],
    ]);
    // It was read before, so it is not read again.
    const events = await app.list<AgentEvent>(`/api/v1/runs/${detail.id}/agent-events`);
    const kinds = ['message', 'asked', 'answered', 'called', 'asked', 'answered', 'asked', 'answered', 'closed'];
    expect(events.map(({ kind }) => kind)).toEqual(kinds);
    expect(events[3]?.content).toMatchObject({ result: { status: 'ok', cached: true } });
    // The step's budget is that of the whole conversation.
    expect(result.model_use).toMatchObject({ requests: 6, tool_calls: 2 });
  });

  test('is a run that one need not wait for; without words, or about nothing, it is refused', async () => {
    const { app, model, report } = await start({ step: '      budget: {tokens: 1}\n' });
    model.always(reportAnswer());
    await report();
    const run = await app.endedRun(alert.labels['alertname'] ?? '');
    const env = { FIST_SERVER: app.app.url, SQLITE_PATH: app.database };
    expect(await runFist(['ask', `run/${run.id}`, '--no-wait', question], env)).toMatchObject({ code: 0 });
    expect(await runFist(['ask', 'run/none', question], env)).toMatchObject({ code: 1, out: '' });
    expect(await runFist(['ask', `run/${run.id}`, ' '], env)).toMatchObject({ code: 2, out: '' });
  });
});
