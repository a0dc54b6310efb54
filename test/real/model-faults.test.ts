import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/core/ports.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { agentWires, reportAnswer, startAgentApp } from '../support/agent-world.ts';
import { createCleanup } from '../support/cleanup.ts';
import type { ScriptedAnswer, ScriptedFault } from '../support/model-server.ts';
import { waitFor } from '../support/wait.ts';

// Whatever a provider or a model does, the run ends with a report that says so in its own words, and within the budget.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** Pauses between tries pass twenty times as fast. */
const hasty = (): Clock => {
  const clock = systemClock();
  return { ...clock, sleep: (milliseconds, signal) => clock.sleep(milliseconds / 20, signal) };
};

interface Case {
  readonly turn: ScriptedAnswer | ScriptedFault;
  /** What the report says of it. */
  readonly says: RegExp;
  /** What becomes of the step: that a model cannot be asked fails it, a bad answer does not. */
  readonly status: 'failed' | 'succeeded';
  /** Requests at most. */
  readonly requests: number;
}

const unavailable = (turn: ScriptedFault | ScriptedAnswer, says: RegExp, requests: number): Case => ({
  turn,
  says,
  status: 'failed',
  requests,
});
const useless = (turn: ScriptedFault | ScriptedAnswer, says: RegExp, requests: number): Case => ({
  turn,
  says,
  status: 'succeeded',
  requests,
});
const calling = (name: string, input: string): ScriptedAnswer => ({ calls: [{ name, input }] });

const cases: Readonly<Record<string, Case>> = {
  '429': unavailable({ fault: 'rate-limit' }, /allows no more requests just now/, 5),
  '429 with a short Retry-After': unavailable(
    { fault: 'rate-limit', headers: { 'retry-after': '2' } },
    /allows no more requests just now/,
    5,
  ),
  '429 with a Retry-After of an hour': unavailable(
    { fault: 'rate-limit', headers: { 'retry-after': '3600' } },
    /allows no more requests just now/,
    1,
  ),
  'no quota left': unavailable({ fault: 'quota' }, /no quota or credit left/, 1),
  '500': unavailable({ fault: 'server-error' }, /the provider failed/, 5),
  '503': unavailable({ fault: 'unavailable' }, /overloaded/, 5),
  '529': unavailable({ fault: 'overloaded' }, /overloaded/, 5),
  "a gateway's page": unavailable({ fault: 'gateway' }, /the provider failed/, 5),
  '403': unavailable({ fault: 'forbidden' }, /refused the key/, 1),
  'no such model': unavailable({ fault: 'not-found' }, /no such model/, 1),
  'a request that is refused': unavailable({ fault: 'bad-request' }, /refused the request/, 1),
  'a connection that is reset': unavailable({ fault: 'reset' }, /could not be reached|Unreachable/, 5),
  'an answer that breaks off': unavailable({ fault: 'cut' }, /Unreachable|BrokenAnswer/, 10),
  'no JSON': unavailable({ fault: 'not-json' }, /it is no answer/, 4),
  'a page with 200': unavailable({ fault: 'html' }, /a page came instead of an answer/, 4),
  'an error with 200': unavailable({ fault: 'error-200' }, /the provider failed/, 5),
  'a redirect': unavailable({ fault: 'redirect' }, /a redirect to 127\.0\.0\.1:1, which is not followed/, 1),
  'a huge answer': unavailable({ fault: 'huge' }, /the answer is too long/, 4),
  'an empty answer': unavailable({ text: '' }, /the answer is empty/, 4),
  'too long for its window': useless({ fault: 'context' }, /the conversation is too long for the model/, 2),
  'filtered content': useless({ fault: 'content-filter' }, /the provider filtered/, 2),
  'a refusal': useless({ text: 'I cannot help with that.' }, /its answer could not be used/, 3),
  'an answer that is cut': useless(
    { ...reportAnswer(), finish: 'length', json: null, text: '{"summary": "and the' },
    /cut at the most tokens/,
    3,
  ),
  'broken arguments without end': useless(calling('kubernetes_list', '{"resource": "pods'), /could not be used/, 20),
  'tools that are not there': useless(calling('kubectl_magic', '{}'), /could not be used/, 20),
  'the same call without end': useless(
    calling('kubernetes_list', '{"resource": "pods", "namespace": "billing"}'),
    /could not be used/,
    20,
  ),
};

describe.each(agentWires)('over %s', (wire) => {
  test.each(Object.entries(cases))('%s', async (_, { turn, says, status, requests }) => {
    const { app, model, raise, report } = await startAgentApp(cleanup, {
      wire,
      step: '      budget: {tokens: 150000}\n',
      program: { clock: hasty() },
    });
    model.always(turn);
    await raise();
    const { run, report: result } = await report();
    expect(result.notice).toMatch(/^The model gave no answer: .* This report comes from the analyzers alone\.$/);
    expect(result.notice).toMatch(says);
    expect(result.report).toContain('The model gave no answer');
    expect(result.root_cause).not.toBeNull();
    expect([run.status, run.steps.map((step) => [step.status, step.errorCode])]).toEqual([
      status,
      [[status, status === 'failed' ? 'ModelUnavailable' : null]],
    ]);
    expect(model.requests.length).toBeLessThanOrEqual(requests);
    expect(result.model_use?.requests).toBe(model.requests.length);
    expect(result.model_use?.tokens).toBeLessThanOrEqual(150_000);
    // Neither the key nor the request is quoted anywhere.
    const said = [result.notice, run.error, ...run.steps.map((step) => step.error)].join('\n');
    expect(said).not.toMatch(/You investigate|<<data|"messages"/);
    expect(readFileSync(app.database).includes(model.key)).toBe(false);
  });

  test('no answer at all, in the time of the step', async () => {
    const { model, raise, report } = await startAgentApp(cleanup, {
      wire,
      step: '      timeout: 6s\n',
      program: { clock: hasty() },
    });
    model.always({ fault: 'hang' });
    await raise();
    const { run, report: result } = await report();
    expect(run.completedAt).not.toBeNull();
    expect(result.notice).toMatch(/^The model gave no answer: .*(?:stopped|budget is spent|in time|no answer within)/);
    expect(model.requests.length).toBeLessThanOrEqual(2);
    await waitFor('the model to see that it is given up', () => model.requests.every(({ aborted }) => aborted));
  });
});
