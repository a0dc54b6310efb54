import { describe, expect, test } from 'vitest';
import type { LlmConfig } from '../../core/plan.ts';
import { chooseModels, llmConfigProblems, noModelDefaults } from './choose.ts';
import type { ChoiceWorld, ModelDefaults } from './choose.ts';
import { builtInPrices } from './prices.ts';

function world(defaults: Partial<ModelDefaults> = {}, secrets: Readonly<Record<string, string>> = {}): ChoiceWorld {
  return {
    defaults: { ...noModelDefaults, ...defaults },
    prices: builtInPrices(),
    secret: ({ name, key }) => secrets[`${name}/${key}`] ?? null,
  };
}

function config(provider: string, changes: Partial<LlmConfig> = {}): LlmConfig {
  return { provider, model: null, endpoint: null, apiKeySecret: null, ...changes };
}

const first = (given: LlmConfig | null, in_: ChoiceWorld) => chooseModels(given, in_)?.models[0];
const problems = (given: LlmConfig | null, in_ = world()) =>
  (chooseModels(given, in_)?.problems ?? []).map(
    ({ code, path, message, next }) => `${code} ${path.join('.')}: ${message} -> ${next}`,
  );

const keys = { variables: { ANTHROPIC_API_KEY: 'from-environment', OPENAI_API_KEY: 'openai-key' } };

describe('who is asked', () => {
  test('nobody where neither the Workflow nor the server names a provider, or it says none', () => {
    expect(chooseModels(null, world(keys))).toBeNull();
    expect(chooseModels(config('none'), world({ ...keys, provider: 'openai' }))).toBeNull();
  });

  test('the model of the server where the Workflow names none', () => {
    const server = { provider: 'openai-compatible', model: 'qwen3', endpoint: 'http://ollama:11434', apiKey: 'k' };
    expect(first(null, world(server))).toMatchObject({
      definition: { name: 'openai-compatible' },
      model: 'qwen3',
      endpoint: 'http://ollama:11434',
      apiKey: 'k',
    });
  });

  test('what the Workflow says comes first, and the server fills in what it does not say', () => {
    const server = world({ provider: 'anthropic', model: 'claude-opus-5-5', apiKey: 'llm-key' });
    expect(first(config('claude'), server)).toMatchObject({ model: 'claude-opus-5-5', apiKey: 'llm-key' });
    expect(first(config('claude', { model: 'haiku' }), server)).toMatchObject({ model: 'claude-haiku-5-5' });
    // Of another provider nothing is taken over.
    const other = world({ provider: 'anthropic', model: 'claude-opus-5-5', apiKey: 'llm-key', ...keys });
    expect(first(config('openai'), other)).toMatchObject({ model: 'gpt-6.1-sol', apiKey: 'openai-key' });
  });

  test.each([
    ['claude-3-5-sonnet', 'claude-sonnet-5-5'],
    ['claude-3-opus-20240229', 'claude-opus-5-5'],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5'],
    ['claude-of-tomorrow', 'claude-of-tomorrow'],
  ])("the contract's name %s is %s", (model, expected) => {
    expect(first(config('anthropic', { model }), world(keys))?.model).toBe(expected);
  });

  test('window and price: its own words, then the table, then what the provider has at least', () => {
    const known = first(config('anthropic', { model: 'claude-haiku-4-5' }), world(keys));
    expect(known).toMatchObject({ contextTokens: 200_000, price: { input: 1, output: 5 } });
    const unknown = first(config('anthropic', { model: 'claude-of-tomorrow' }), world(keys));
    expect(unknown).toMatchObject({ contextTokens: 200_000, price: null });
    const price = { input: 1, cacheRead: 1, cacheWrite: 1, output: 1 };
    const own = config('local', { model: 'm', endpoint: 'http://x', contextTokens: 32_768, price });
    expect(first(own, world())).toMatchObject({ contextTokens: 32_768, price });
  });

  test('fallbacks in their order; one that cannot be asked is told and left out', () => {
    const given = config('anthropic', {
      apiKeySecret: 'claude',
      fallbacks: [config('openai'), config('local', { model: 'm', endpoint: 'http://vllm:8000' })],
    });
    const chosen = chooseModels(given, world({}, { 'claude/token': 'k' }));
    expect(chosen?.models.map(({ definition }) => definition.name)).toEqual(['anthropic', 'openai-compatible']);
    expect(chosen?.problems.map(({ path }) => path.join('.'))).toEqual(['fallbacks.0.apiKeySecret']);
  });
});

describe('keys', () => {
  test('come from the Secret of the Workflow, by name and key', () => {
    const secrets = world(keys, { 'model-key/token': 'a', 'model-key/openai': 'b' });
    expect(first(config('openai', { apiKeySecret: 'model-key' }), secrets)?.apiKey).toBe('a');
    expect(first(config('openai', { apiKeySecret: 'model-key/openai' }), secrets)?.apiKey).toBe('b');
  });

  test("the server's own do not go where a Workflow wants them", () => {
    const endpoint = 'https://collector.example.com';
    const servers = world({ provider: 'anthropic', apiKey: 'llm-key', ...keys });
    expect(problems(config('anthropic', { endpoint }), servers)).toEqual([
      "ModelMisconfigured apiKeySecret: llmConfig.apiKeySecret is missing: the server's own key of anthropic does not go to an endpoint that a Workflow names -> apiKeySecret: name of a Secret, or name/key",
    ]);
    const compatible = world({ provider: 'openai-compatible', apiKey: 'llm-key', endpoint: 'http://ollama' });
    expect(first(config('local', { model: 'm', endpoint }), compatible)?.apiKey).toBeNull();
    expect(first(config('local', { model: 'm', endpoint: 'http://ollama' }), compatible)?.apiKey).toBe('llm-key');
    const variables = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
    const aws = world({ variables });
    expect(first(config('bedrock', { model: 'm' }), aws)?.variables).toEqual(variables);
    expect(problems(config('bedrock', { model: 'm', endpoint }), aws)[0]).toContain('there are no credentials');
  });

  test('of another provider are not even looked at', () => {
    expect(first(config('openai'), world(keys))?.variables).toEqual({});
  });
});

describe('what is wrong', () => {
  test.each([
    [
      config('opnai'),
      'ModelUnknown provider: llmConfig.provider "opnai" is no model provider of this version (known: none, anthropic, openai, openai-compatible, google, bedrock, azure) -> did you mean openai?',
    ],
    [
      config('mock'),
      'ModelUnknown provider: llmConfig.provider "mock" is no model provider of this version (known: none, anthropic, openai, openai-compatible, google, bedrock, azure) -> none stands for the analyzers alone',
    ],
    [
      config('local', { model: 'm' }),
      'ModelMisconfigured endpoint: llmConfig.endpoint is missing: openai-compatible has no endpoint of its own -> add endpoint to the llmConfig, or start the server with LLM_PROVIDER=openai-compatible and LLM_ENDPOINT',
    ],
    [
      config('local', { endpoint: 'http://x' }),
      'ModelMisconfigured model: llmConfig.model is missing: openai-compatible has no model of its own -> add model to the llmConfig, or start the server with LLM_PROVIDER=openai-compatible and LLM_MODEL',
    ],
    [
      config('local', { model: 'm', endpoint: 'ollama:11434' }),
      'ModelMisconfigured endpoint: llmConfig.endpoint is no address: it begins with http:// or https:// and holds no credentials -> endpoint: http://ollama.models.svc:11434/v1, and a key in apiKeySecret',
    ],
    [
      config('local', { model: 'm', endpoint: 'http://me:password@x' }),
      'ModelMisconfigured endpoint: llmConfig.endpoint is no address: it begins with http:// or https:// and holds no credentials -> endpoint: http://ollama.models.svc:11434/v1, and a key in apiKeySecret',
    ],
    [
      config('anthropic'),
      'ModelMisconfigured apiKeySecret: llmConfig.apiKeySecret is missing, and the server has no ANTHROPIC_API_KEY -> apiKeySecret: name of a Secret, or name/key',
    ],
    [
      config('openai', { apiKeySecret: 'absent' }),
      "SecretMissing apiKeySecret: there is no Secret absent for llmConfig.apiKeySecret -> a Secret of that name in the Workflow's namespace, or a file absent/token below --secrets-dir",
    ],
    [
      config('bedrock', { model: 'm' }),
      'ModelMisconfigured apiKeySecret: bedrock cannot be asked: AWS_REGION in the environment of the server names no region -> set it, and start the server again',
    ],
    [
      config('anthropic', { apiKeySecret: 'there', fallbacks: [config('gogle')] }),
      'ModelUnknown fallbacks.0.provider: llmConfig.fallbacks[0].provider "gogle" is no model provider of this version (known: none, anthropic, openai, openai-compatible, google, bedrock, azure) -> did you mean google?',
    ],
  ])('%j', (given, expected) => {
    expect(problems(given, world({}, { 'there/token': 'k' }))).toEqual([expected]);
  });

  test('is told before there is a server where no server could mend it', () => {
    const certain = (given: LlmConfig) => llmConfigProblems(given).map(({ code, isCertain }) => `${code} ${isCertain}`);
    expect(certain(config('mock'))).toEqual(['ModelUnknown true']);
    expect(certain(config('local', { model: 'm', endpoint: 'x' }))).toEqual(['ModelMisconfigured true']);
    expect(certain(config('local', { model: 'm' }))).toEqual(['ModelMisconfigured false']);
    expect(certain(config('openai', { apiKeySecret: 'any' }))).toEqual([]);
    expect(certain(config('bedrock', { model: 'm' }))).toEqual([]);
    expect(certain(config('none'))).toEqual([]);
  });
});
