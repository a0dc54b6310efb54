import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { startModelServer } from '../../test/support/model-server.ts';
import type { ModelServer } from '../../test/support/model-server.ts';
import { runProgram } from './program.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
  cleanup.defer(() => server.stop());
});

async function run(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  let [out, err] = ['', ''];
  const code = await runProgram(['model', 'check', ...words], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
    env,
    folder: cleanup.temporaryFolder('model-check'),
  });
  return { code, out, err };
}

const call = { calls: [{ name: 'kubernetes_describe', input: { kind: 'pod', namespace: 'shop', name: 'web-1' } }] };
const report = {
  json: {
    summary: 'Out of memory.',
    cause: {
      statement: 'Its limit is too low.',
      object: 'pod/shop/web-1',
      since: null,
      confidence_percent: 90,
      evidence: [{ id: 'e1', quote: 'OOMKilled' }],
    },
    findings: [],
    hypotheses: [],
    next: [],
  },
};

test('a model that can be used, with what it costs', async () => {
  server.say(call, report, report);
  const env = { ANTHROPIC_API_KEY: server.key };
  const { code, out } = await run(['claude/claude-sonnet-5-5', '--endpoint', server.endpoint('messages')], env);
  expect(out.split('\n')).toEqual([
    '✔ answer: anthropic/claude-sonnet-5-5 answers',
    '✔ tool call: it calls a tool: {"kind":"pod","namespace":"shop","name":"web-1"}',
    '✔ form: it gives a report in its form, and cites its evidence',
    '✔ both: it gives a report of what its call showed, and cites its evidence',
    '✔ window: it takes 1,000,000 tokens',
    '✔ price: $2 in and $10 out for a million tokens, as of 2026-11-19',
    '✔ cost: an investigation costs about $0.080 at the median: 5 requests, 44,000 tokens',
    '✔ cost: these questions used 3150 tokens, $0.0041',
    '✔ anthropic/claude-sonnet-5-5 can be used',
    '',
  ]);
  expect(code).toBe(0);
  expect(server.refusals).toEqual([]);
});

test('one of a server of one’s own that does not call tools, as JSON', async () => {
  server.say({ text: 'I cannot.' }, report);
  const env = {
    LLM_PROVIDER: 'local',
    LLM_ENDPOINT: server.endpoint('chat'),
    LLM_API_KEY: server.key,
    LLM_MODEL: 'qwen3',
  };
  const { code, out } = await run(['-o', 'json'], env);
  expect(code).toBe(1);
  const { ok, model, checks } = JSON.parse(out) as {
    ok: boolean;
    model: string;
    checks: { about: string; result: string }[];
  };
  expect([ok, model]).toEqual([false, 'openai-compatible/qwen3']);
  expect(checks.map(({ about, result }) => `${about} ${result}`)).toEqual([
    'answer ok',
    'tool call failed',
    'form ok',
    'both skipped',
    'window skipped',
    'price skipped',
    'cost ok',
  ]);
});

test('a wrong key, without the key', async () => {
  const env = { LLM_API_KEY: 'wrong-key-0123456789' };
  const { code, out } = await run(['local/m', '--endpoint', server.endpoint('chat')], env);
  expect(code).toBe(1);
  expect(out).toContain('✗ answer: openai-compatible/m: the provider refused the key (HTTP 401)');
  expect(out).not.toContain('wrong-key');
});

test('what is missing is told with what to do, and nobody is asked', async () => {
  const { code, out } = await run(['opnai/gpt-5']);
  expect(code).toBe(1);
  expect(out).toMatch(
    /^✗ settings: provider "opnai" is no model provider.*\n {2}next: did you mean openai\?\n✗ opnai cannot/,
  );
  expect((await run(['openai/gpt-5'])).out).toContain(
    '✗ settings: there is no key of openai\n  next: LLM_API_KEY or OPENAI_API_KEY in the environment\n',
  );
  const none = await run([]);
  expect(none.code).toBe(2);
  expect(none.err).toContain('no model was named, and LLM_PROVIDER names none');
});
