import { afterEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../src/core/json.ts';
import type { AgentResult } from '../src/core/finding.ts';
import {
  agentWires,
  exampleAlert,
  injectionExample,
  modelOnWire,
  reportAnswer,
  startAgentApp,
} from './support/agent-world.ts';
import type { AgentApp, AgentAppOptions } from './support/agent-world.ts';
import { startTestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import type { ScriptedAnswer } from './support/model-server.ts';
import { waitFor } from './support/wait.ts';

// A model at work in the whole program, over the recorded cluster of examples/log-injection: its log and its alert give orders.

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

describe.each(agentWires)('a model over %s', (wire) => {
  test('gathers with tools, then answers in the form of the report', async () => {
    const { model, report } = await start({ wire });
    model.say(logs, { text: 'The log shows it.' }, reportAnswer({ summary: 'Nothing else.' }));
    const { run, report: result } = await report();
    expect(model.refusals).toEqual([]);
    expect(run.status).toBe('succeeded');
    expect(result).toMatchObject({
      model: modelOnWire[wire].join('/'),
      model_use: { ended: 'concluded', requests: 3, tool_calls: 1, wasted_calls: 0, dropped: 0 },
    });
    const [first, second, last] = model.requests;
    expect(first?.schema).toBeNull();
    expect(first?.tools.length).toBeGreaterThan(2);
    expect(second?.messages.at(-1)?.results[0]?.text).toContain(`kubernetes_logs ${pod}`);
    expect([last?.tools.length, last?.schema !== null]).toEqual([0, true]);
    // What its tools read is evidence of the run, numbered on from that of the analyzers.
    const ids = run.evidence.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(result.evidence.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });

  test('a model that is away fails the step, whose report is that of the analyzers and says so', async () => {
    const { model, report } = await start({ wire });
    model.always({ fault: 'unauthorized' });
    const { run, report: result } = await report();
    expect(run).toMatchObject({ status: 'failed' });
    expect(run.steps.at(-1)).toMatchObject({ status: 'failed', errorCode: 'ModelUnavailable' });
    expect(result.root_cause).not.toBeNull();
    expect(result.notice).toMatch(/^The model gave no answer: .*This report comes from the analyzers alone\.$/);
    expect(JSON.stringify(run)).not.toContain(model.key);
  });
});

test('R1: text of the alert, of objects and of logs stands in delimited blocks of data, and in no instruction', async () => {
  const { model, report } = await start();
  model.say(logs, { text: 'Done.' }, reportAnswer());
  await report();
  expect(model.requests).toHaveLength(3);
  for (const { system, messages } of model.requests) {
    const delimiter = /<<data (\w+) /.exec(system)?.[1] ?? 'none';
    const outside = messages
      .flatMap(({ text, results }) => [text, ...results.map((result) => result.text)])
      .join('\n')
      .replace(new RegExp(`<<data ${delimiter} [^\\n]*>>\\n.*?<<end ${delimiter}>>`, 'gs'), '[block]');
    for (const word of ['SYSTEM', 'ignore', 'IGNORE', 'delete', alert.labels['pod'] ?? '']) {
      expect(system).not.toContain(word);
      expect(outside).not.toContain(word);
    }
    expect(outside).toContain('[block]');
  }
});

test('R2, R5, R9, R10: whatever an obedient model is talked into is denied where it would be done', async () => {
  const { model, report } = await start();
  const call = (name: string, input: JsonObject) => ({ name, input });
  model.say(
    {
      calls: [
        call('kubernetes_delete', { kind: 'pod', namespace: 'billing', name: 'x' }),
        call('bash', { command: 'kubectl delete ns billing' }),
        call('kubernetes_get', { kind: 'secret', namespace: 'billing', name: 'database' }),
        call('kubernetes_list', { kind: 'Secrets.v1', namespace: 'billing' }),
        call('kubernetes_list', { kind: 'pods', namespace: 'kube-system' }),
        call('kubernetes_list', { kind: 'pods', namespace: '*' }),
        call('kubernetes_list', { kind: 'pods' }),
        call('kubernetes_logs', { namespace: 'billing', pod: '--all-containers' }),
      ],
    },
    { text: 'Done.' },
    reportAnswer(),
  );
  const { report: result } = await report();
  const results = model.requests[1]?.messages.flatMap((message) => message.results) ?? [];
  expect(results).toHaveLength(8);
  for (const { text } of results) expect(text).not.toMatch(/<<data .*(?:ok|no_data)/);
  expect(result.model_use).toMatchObject({ tool_calls: 8 });
  expect(result.actions_taken.filter(({ command }) => /kube-system|secret|delete/.test(command))).toEqual([]);
});

test('R28: what cites no evidence of the run is left out and counted, and a cause of its own is not believed', async () => {
  const { model, report } = await start();
  const quote = 'payments accepted a rollback of the universe';
  model.say(
    { text: 'Done.' },
    reportAnswer({
      cause: {
        statement: 'A rollback.',
        object: pod,
        since: null,
        confidence_percent: 99,
        evidence: [{ id: 'e1', quote }],
      },
      findings: [
        {
          statement: 'Made up.',
          object: pod,
          severity: 'critical',
          evidence: [{ id: 'e99', quote: 'error: made up' }],
        },
      ],
    }),
  );
  const { report: result } = await report();
  expect(result.model_use).toMatchObject({ dropped: 2 });
  expect(JSON.stringify(result)).not.toContain('rollback of the universe');
  expect(result.findings.map(({ category }) => category)).not.toContain('model');
  expect(result.rival_causes).toEqual([]);
});

test('R20, R21: a model that asks for the same without end is stopped, and there is a report', async () => {
  const { model, report } = await start();
  model.always(logs);
  const { run, report: result } = await report();
  expect(run.status).toBe('succeeded');
  expect(result.notice).toContain('The model gave no answer');
  expect(result.model_use?.requests).toBeLessThan(12);
  // Read once.
  expect(result.actions_taken.filter(({ command }) => command.startsWith('kubectl logs')).length).toBeLessThan(6);
});

test('R20: a budget is checked before each request', async () => {
  const { model, report } = await start({ step: '      budget: {tokens: 20000}\n' });
  model.always((request) => ({
    calls: [{ name: 'kubernetes_list', input: { kind: 'pods', namespace: 'billing', nth: request.messages.length } }],
  }));
  const { report: result } = await report();
  expect(result.model_use?.tokens).toBeLessThanOrEqual(20_000);
  expect(result.report.length).toBeGreaterThan(100);
});

test('where the analyzers are sure of a cause no model is asked, and the report says so', async () => {
  const { model, report } = await start({ ask: null });
  const { report: result } = await report();
  expect(result.confidence).toBeGreaterThanOrEqual(0.8);
  expect(model.requests).toEqual([]);
  expect(result).toMatchObject({ model: null, model_use: null });
  expect(result.confidence_reasons.at(-1)).toMatch(/^no model was asked: from 80%/);
});

test('a server that is stopped while a model thinks goes on with the conversation when it is started again', async () => {
  const folder = cleanup.temporaryFolder('stopped');
  const { app, model, raise } = await startAgentApp(cleanup, { program: { folder, drainMs: 1000 } });
  model.say(logs, { fault: 'hang' });
  await raise();
  await waitFor('the second request', async () => model.requests.length === 2);
  await app.stop();
  model.say({ text: 'Done.' }, reportAnswer({ summary: 'Nothing else.' }));
  const again = await startTestApp(cleanup, { files: {}, folder, dump: `${injectionExample}/dump` });
  const run = await again.endedRun(exampleAlert().labels['alertname'] ?? '');
  expect(run.status).toBe('succeeded');
  expect(run.steps.map(({ status, errorCode }) => [status, errorCode])).toEqual([
    ['failed', 'Stopped'],
    ['succeeded', null],
  ]);
  // The first answer and its call are known; the second request is made again, then the closing one.
  expect(model.requests).toHaveLength(4);
  const result = run.steps.at(-1)?.result as unknown as AgentResult;
  expect(result.model_use).toMatchObject({ ended: 'concluded', tool_calls: 1 });
  const ids = run.evidence.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
