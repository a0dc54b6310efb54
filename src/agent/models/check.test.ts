import { describe, expect, test } from 'vitest';
import { checkModel, knownOfModel, usualInvestigation } from './check.ts';
import type { ModelFinding } from '../../core/model-check.ts';
import { ModelFailure } from './model.ts';
import type { Model, ModelAnswer, ModelRequest, Usage } from './model.ts';

const usage: Usage = { inputTokens: 100, cacheReadTokens: 10, cacheWriteTokens: 1, outputTokens: 50 };

function said(text: string, calls: readonly { name: string; input: string }[] = []): ModelAnswer {
  const numbered = calls.map((call, index) => ({ id: `c${index}`, ...call }));
  return {
    message: { role: 'assistant', text, calls: numbered, raw: null },
    finish: calls.length > 0 ? 'tool-calls' : 'stop',
    usage,
  };
}

const good = said('', [{ name: 'kubernetes_describe', input: '{"kind":"Pod","namespace":"shop","name":"web-1"}' }]);
const finding = { object: 'pod/shop/web-1', severity: 'high', statement: 'It was killed for its memory.' };
const citing = (id: string) =>
  said(
    JSON.stringify({
      summary: 'Out of memory.',
      cause: null,
      findings: [{ ...finding, evidence: [{ id, quote: 'OOMKilled' }] }],
      hypotheses: [],
      next: [],
    }),
  );

async function check(...answers: readonly (ModelAnswer | ModelFailure)[]) {
  const requests: ModelRequest[] = [];
  const model: Model = {
    name: 'test/one',
    contextTokens: 8192,
    price: null,
    place: { name: 'test', slots: 1 },
    async ask(request) {
      requests.push(request);
      const answer = answers[requests.length - 1];
      if (answer === undefined) throw new Error('asked too often');
      if (answer instanceof ModelFailure) throw answer;
      return answer;
    },
  };
  const findings: ModelFinding[] = [];
  const trial = checkModel(model, { maxOutputTokens: 500, timeoutMs: 1000, signal: new AbortController().signal });
  let step = await trial.next();
  for (; step.done !== true; step = await trial.next()) findings.push(step.value);
  return {
    requests,
    findings: findings.map(({ about, result }) => `${about} ${result}`),
    all: findings,
    used: step.value,
  };
}

describe('a model is tried', () => {
  test('with a call, a report, and a report of what its call showed', async () => {
    const { findings, requests, used } = await check(good, citing('e1'), citing('e1'));
    expect(findings).toEqual(['answer ok', 'tool call ok', 'form ok', 'both ok']);
    expect(requests.map(({ tools, schema }) => [tools.length, schema !== null])).toEqual([
      [1, false],
      [0, true],
      [0, true],
    ]);
    expect(requests[2]?.messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'user']);
    expect(used).toEqual({ inputTokens: 300, cacheReadTokens: 30, cacheWriteTokens: 3, outputTokens: 150 });
  });

  test.each([
    ['in words', said('I would describe the pod.'), 'it answers in words'],
    ['of another tool', said('', [{ name: 'kubectl', input: '{}' }]), 'it calls kubectl with {}'],
    [
      'of what is not JSON',
      said('', [{ name: 'kubernetes_describe', input: '{"kind' }]),
      'it calls kubernetes_describe',
    ],
  ])('a call %s is none, and then no report after one is asked for', async (_, answer, text) => {
    const { findings, all } = await check(answer, citing('e1'));
    expect(findings).toEqual(['answer ok', 'tool call failed', 'form ok', 'both skipped']);
    expect(all[1]?.text).toContain(text);
    expect(all[1]?.next).toContain('--enable-auto-tool-choice');
  });

  test('a report that is none, that was cut, and that cites what nobody showed', async () => {
    const cut: ModelAnswer = { ...said('{"summary":"x'), finish: 'length' };
    const { findings, all } = await check(good, cut, citing('e7'));
    expect(findings).toEqual(['answer ok', 'tool call ok', 'form failed', 'both failed']);
    expect(all[2]?.text).toBe(
      'it gives no report in its form: the answer is not JSON (it was cut: more tokens in maxOutputTokens)',
    );
    expect(all[3]?.text).toContain('cites no evidence');
  });

  test('and is not asked on where it gives no answer', async () => {
    const { findings, all, requests } = await check(new ModelFailure('Unauthorized', 'test/one: refused'));
    expect(findings).toEqual(['answer failed']);
    expect(all[0]).toMatchObject({ text: 'test/one: refused', next: expect.stringContaining('LLM_API_KEY') });
    expect(requests).toHaveLength(1);
    expect((await check(good, new ModelFailure('Overloaded', 'x'))).findings.at(-1)).toBe('answer failed');
  });
});

describe('what is known without asking', () => {
  const price = { input: 2, cacheRead: 0.2, cacheWrite: 2.5, output: 10 };
  const about = { isAssumed: false, saidByServer: null, priceDate: '2026-11-19' };
  const lines = (
    model: Parameters<typeof knownOfModel>[0],
    changes: { readonly isAssumed?: boolean; readonly saidByServer?: number } = {},
  ) =>
    knownOfModel(model, { ...about, ...changes }).map(({ about: what, result, text }) => `${what} ${result}: ${text}`);

  test('the price of a million tokens and of an investigation', () => {
    const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usualInvestigation;
    const micros = inputTokens * 2 + cacheReadTokens * 0.2 + cacheWriteTokens * 2.5 + outputTokens * 10;
    expect(lines({ contextTokens: 200_000, price })).toEqual([
      'window ok: it takes 200,000 tokens',
      'price ok: $2 in and $10 out for a million tokens, as of 2026-11-19',
      `cost ok: an investigation costs about $${(micros / 1_000_000).toFixed(3)} at the median: 5 requests, 44,000 tokens`,
    ]);
    expect(lines({ contextTokens: 8192, price: null })[1]).toBe(
      'price skipped: its price is not known: money is not counted',
    );
  });

  test.each([
    [{ isAssumed: true }, 'window skipped: nobody says how much it takes; 8,192 tokens are assumed'],
    [{ isAssumed: true, saidByServer: 8192 }, 'window ok: it takes 8,192 tokens'],
    [
      { isAssumed: true, saidByServer: 32_768 },
      'window skipped: the server takes 32,768 tokens, and 8,192 tokens are assumed',
    ],
    [{ saidByServer: 4096 }, 'window failed: the server takes 4,096 tokens, and 8,192 tokens are set'],
  ])('the window with %j', (changes, line) => {
    expect(lines({ contextTokens: 8192, price: null }, changes)[0]).toBe(line);
  });
});
