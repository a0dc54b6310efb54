import { afterEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { startModelServer } from '../../../test/support/model-server.ts';
import { modelWorld } from '../../../test/support/model-world.ts';
import type { LlmConfig } from '../../core/plan.ts';
import { noModelDefaults } from './choose.ts';
import { openModel } from './open.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function config(provider: string, changes: Partial<LlmConfig> = {}): LlmConfig {
  return { provider, model: null, endpoint: null, apiKeySecret: null, ...changes };
}

function request() {
  return {
    messages: [{ role: 'user', text: 'Why?' }] as const,
    tools: [],
    schema: null,
    maxOutputTokens: 100,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
  };
}

describe('whether a model can be asked', () => {
  test('none is wanted', () => {
    expect(openModel(null, modelWorld())).toEqual({ kind: 'none' });
    expect(openModel(config('none'), modelWorld())).toEqual({ kind: 'none' });
  });

  test.each<readonly [LlmConfig, object]>([
    [config('mock'), { code: 'ModelUnknown', retryable: false }],
    [config('local', { model: 'm' }), { code: 'ModelMisconfigured', retryable: false }],
    [config('openai', { apiKeySecret: 'absent' }), { code: 'SecretMissing', retryable: true }],
    [
      config('local', { model: 'm', endpoint: 'http://x', fallbacks: [config('mock')] }),
      { code: 'ModelUnknown', retryable: false },
    ],
  ])('%j is refused', (given, failure) => {
    expect(openModel(given, modelWorld())).toMatchObject({ kind: 'refused', failure });
  });

  test('a refusal says what to do', () => {
    const access = openModel(config('opnai'), modelWorld());
    expect(access.kind === 'refused' ? access.failure.message : '').toMatch(
      /^llmConfig.provider "opnai" .*; did you mean openai\?$/,
    );
  });

  test('the tokens of an answer are those of the Workflow, else of the server', () => {
    const world = modelWorld({ defaults: { ...noModelDefaults, maxOutputTokens: 2048 } });
    const local = config('local', { model: 'm', endpoint: 'http://x' });
    expect(openModel(local, world)).toMatchObject({ kind: 'open', maxOutputTokens: 2048 });
    expect(openModel({ ...local, maxOutputTokens: 512 }, world)).toMatchObject({ maxOutputTokens: 512 });
    expect(openModel(local, modelWorld())).toMatchObject({ maxOutputTokens: null });
  });
});

test('a first model that lacks something is told, and its fallback is asked, with the key of its own', async () => {
  const server = await startModelServer();
  cleanup.defer(() => server.stop());
  server.say({ fault: 'overloaded' }, { text: 'Because.' });
  const fallback = config('local', { model: 'qwen3', endpoint: server.endpoint('chat'), apiKeySecret: 'local/key' });
  const access = openModel(
    config('anthropic', { apiKeySecret: 'absent', fallbacks: [fallback] }),
    modelWorld({ secret: ({ name, key }) => (name === 'local' && key === 'key' ? server.key : null) }),
  );
  if (access.kind !== 'open') throw new Error(access.kind);
  expect(access.problems).toEqual(['there is no Secret absent for llmConfig.apiKeySecret']);
  expect(access.model).toMatchObject({ name: 'openai-compatible/qwen3', contextTokens: 8192, price: null });
  const told: string[] = [];
  const { answer, model } = await access.model.ask(request(), async ({ reason }) => {
    told.push(reason);
    return true;
  });
  expect([answer.message.text, model, told]).toEqual(['Because.', 'openai-compatible/qwen3', ['Overloaded']]);
  expect(server.refusals).toEqual([]);
});

describe('what a check found unable', () => {
  const at = '2026-03-01T12:00:00.000Z';
  const local = config('local', { model: 'qwen3', endpoint: 'http://x' });
  const other = config('local', { model: 'llama', endpoint: 'http://x' });
  /** Says so of these models, and of all others that nobody checked them. */
  const world = (...unfit: readonly string[]) =>
    modelWorld({
      checked: ({ model }) => (unfit.includes(model) ? { result: 'unfit', message: 'it calls no tool', at } : null),
    });

  test('is not asked, and nobody stands in', () => {
    expect(openModel(local, world('qwen3'))).toEqual({
      kind: 'refused',
      failure: {
        code: 'ModelUnfit',
        message:
          'openai-compatible/qwen3 is not asked: it calls no tool (checked at 2026-03-01 12:00:00 UTC); fist model check tries again',
        retryable: false,
      },
    });
  });

  test('has its fallback asked, which is said', () => {
    const access = openModel({ ...local, fallbacks: [other] }, world('qwen3'));
    if (access.kind !== 'open') throw new Error(access.kind);
    expect(access.model.name).toBe('openai-compatible/llama');
    expect(access.unfit).toEqual([expect.stringMatching(/^openai-compatible\/qwen3 is not asked: /)]);
  });

  test('and what can, or was never checked, is asked', () => {
    expect(openModel(local, world('another'))).toMatchObject({ kind: 'open', unfit: [] });
    const fit = modelWorld({ checked: () => ({ result: 'fit', message: 'it can', at }) });
    expect(openModel(local, fit)).toMatchObject({ kind: 'open', unfit: [] });
  });

  test('an unknown provider is told before it', () => {
    const access = openModel({ ...local, fallbacks: [config('mock')] }, world('qwen3'));
    expect(access).toMatchObject({ kind: 'refused', failure: { code: 'ModelUnknown' } });
  });
});
