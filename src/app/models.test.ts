import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { noModelDefaults } from '../agent/models/choose.ts';
import { openai } from '../agent/models/openai.ts';
import { lookUpModel } from '../agent/models/prices.ts';
import { modelSecrets, readModelDefaults, readPriceTable, serverModel } from './models.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

describe('what the environment says of models', () => {
  test('nothing, where no provider is named: a key by itself has nobody asked', () => {
    expect(readModelDefaults({})).toEqual(noModelDefaults);
    const keyed = readModelDefaults({ ANTHROPIC_API_KEY: 'k', LLM_PROVIDER: ' ' });
    expect(keyed).toMatchObject({ provider: null, variables: { ANTHROPIC_API_KEY: 'k' } });
    expect(readModelDefaults({ LLM_PROVIDER: 'none', LLM_MODEL: 'x' }).provider).toBeNull();
  });

  test('all of it', () => {
    const defaults = readModelDefaults({
      LLM_PROVIDER: 'local',
      LLM_MODEL: 'qwen3',
      LLM_ENDPOINT: 'http://127.0.0.1:11434',
      LLM_API_KEY: 'llm-key',
      LLM_TEMPERATURE: '0.2',
      LLM_MAX_TOKENS: '4096',
      PATH: '/bin',
    });
    expect(defaults).toEqual({
      provider: 'openai-compatible',
      model: 'qwen3',
      endpoint: 'http://127.0.0.1:11434',
      apiKey: 'llm-key',
      temperature: 0.2,
      maxOutputTokens: 4096,
      variables: {},
    });
  });

  test.each([
    [{ ANTHROPIC_API_KEY: 'a', OPENAI_API_KEY: 'b' }, 'anthropic'],
    [{ OPENAI_API_KEY: 'b' }, 'openai'],
    [{}, null],
  ])('auto with %j is %s, as in the contract', (keys, provider) => {
    expect(readModelDefaults({ ...keys, LLM_PROVIDER: 'auto' }).provider).toBe(provider);
  });

  test.each([
    [{ LLM_PROVIDER: 'mock' }, 'LLM_PROVIDER mock is no model provider of this version'],
    [{ LLM_ENDPOINT: 'ollama:11434' }, 'LLM_ENDPOINT ollama:11434 is no address'],
    [{ LLM_TEMPERATURE: 'warm' }, 'LLM_TEMPERATURE warm is not a number from 0 to 2'],
    [{ LLM_MAX_TOKENS: '1.5' }, 'LLM_MAX_TOKENS 1.5 is not a number from 256 to 1000000'],
  ])('%j is refused', (environment, message) => {
    expect(() => readModelDefaults(environment)).toThrow(message);
  });

  test('keys and credentials are what nothing may print', () => {
    const defaults = readModelDefaults({
      LLM_API_KEY: 'one',
      OPENAI_API_KEY: 'two',
      AWS_SECRET_ACCESS_KEY: 'three',
      AWS_SESSION_TOKEN: 'four',
      AWS_REGION: 'eu-west-1',
      AWS_ROLE_ARN: 'arn',
      AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/token',
    });
    expect([...modelSecrets(defaults)].sort()).toEqual(['four', 'one', 'three', 'two']);
  });
});

describe('prices', () => {
  test('of a file come before the list prices', () => {
    const file = join(cleanup.temporaryFolder('prices'), 'own.json');
    const price = { input: 7, cacheRead: 7, cacheWrite: 7, output: 7 };
    const models = [{ provider: 'openai', model: 'gpt-5', contextTokens: 1000, price }];
    writeFileSync(file, JSON.stringify({ date: '2026-12-01', models }));
    expect(lookUpModel(readPriceTable(file), openai, 'gpt-5')?.price.input).toBe(7);
    expect(lookUpModel(readPriceTable(null), openai, 'gpt-5')?.price.input).toBe(1.25);
  });

  test('of a file that is not there are refused', () => {
    expect(() => readPriceTable('/nowhere/own.json')).toThrow('--model-prices: no such file or folder');
  });
});

test('the model of the server is told by its name, or by what it lacks', () => {
  const said = (environment: Readonly<Record<string, string>>) =>
    serverModel({ defaults: readModelDefaults(environment), prices: readPriceTable(null) });
  expect(said({ ANTHROPIC_API_KEY: 'k' })).toBeNull();
  expect(said({ LLM_PROVIDER: 'claude', LLM_MODEL: 'haiku', ANTHROPIC_API_KEY: 'k' })).toBe(
    'anthropic/claude-haiku-5-5',
  );
  expect(said({ LLM_PROVIDER: 'openai' })).toMatch(/^openai cannot be asked: .*no OPENAI_API_KEY$/);
});
