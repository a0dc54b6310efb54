import { describe, expect, test } from 'vitest';
import { findModelDefinition, modelDefinitions } from './index.ts';
import { costMicros } from './model.ts';
import { builtInPrices, lookUpModel, readPrices, withPrices } from './prices.ts';

const table = builtInPrices();
function known(provider: string, model: string, of = table) {
  const definition = findModelDefinition(provider);
  if (definition === undefined) throw new Error(`no provider ${provider}`);
  return lookUpModel(of, definition, model);
}
const inputOf = (provider: string, model: string) => known(provider, model)?.price.input ?? null;

describe('the table that comes with the program', () => {
  test('has each model once, of a provider that there is, and dearer answers than questions', () => {
    const names = table.models.map(({ provider, model }) => `${provider}/${model}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { provider, price, contextTokens } of table.models) {
      expect(findModelDefinition(provider)?.name).toBe(provider);
      expect(price.output).toBeGreaterThan(price.input);
      expect(price.cacheRead).toBeLessThanOrEqual(price.input);
      expect(contextTokens).toBeGreaterThanOrEqual(100_000);
    }
  });

  test('knows every default model and every other name', () => {
    for (const { name, defaultModel, modelAliases } of modelDefinitions)
      for (const model of [...(defaultModel === null ? [] : [defaultModel]), ...Object.values(modelAliases)])
        expect(known(name, model), `${name}/${model}`).not.toBeNull();
  });
});

describe('a model is known by its name', () => {
  test.each([
    ['anthropic', 'claude-sonnet-4-5', 3],
    ['anthropic', 'claude-sonnet-4-5-20250929', 3],
    ['anthropic', 'claude-sonnet-4-20250514', 3],
    ['openai', 'gpt-5', 1.25],
    ['openai', 'gpt-5-2025-08-07', 1.25],
    ['openai', 'gpt-5-mini', 0.25],
    ['openai', 'gpt-4o-2024-08-06', 2.5],
    ['google', 'gemini-3.1-pro-preview', 2],
    ['google', 'gemini-2.5-flash-preview-09-2025', 0.3],
    ['azure', 'gpt-4.1', 2],
    ['bedrock', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0', 3],
    ['bedrock', 'us.amazon.nova-lite-v1:0', 0.06],
  ])('%s/%s', (provider, model, input) => {
    expect(inputOf(provider, model)).toBe(input);
  });

  test('and costs a tenth more on Bedrock where its data stay in a region', () => {
    expect(inputOf('bedrock', 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0')).toBeCloseTo(3.3);
  });

  test.each([
    ['openai', 'gpt-5-turbo'],
    ['openai', 'gpt-50'],
    ['anthropic', 'claude-sonnet-4-5-thinking'],
    ['anthropic', 'claude-sonnet-4-9'],
    ['azure', 'our-deployment'],
    ['openai-compatible', 'gpt-5'],
    ['google', 'claude-sonnet-4-5'],
    ['bedrock', 'arn:aws:bedrock:eu-west-1:1:application-inference-profile/x'],
  ])('%s/%s is another one', (provider, model) => {
    expect(known(provider, model)).toBeNull();
  });
});

describe('a table of one’s own', () => {
  const price = { input: 1, cacheRead: 1, cacheWrite: 1, output: 2 };
  const own = JSON.stringify({
    date: '2026-12-01',
    models: [
      { provider: 'openai-compatible', model: 'qwen3', contextTokens: 32_768, price },
      { provider: 'openai', model: 'gpt-5', contextTokens: 400_000, price },
    ],
  });

  test('comes first, for the names that it has', () => {
    const both = withPrices(readPrices(own, 'own.json'), table);
    expect(known('openai', 'gpt-5', both)?.price).toEqual(price);
    expect(known('openai-compatible', 'qwen3', both)).toEqual({ contextTokens: 32_768, price });
    expect(known('openai', 'gpt-5-mini', both)?.price.input).toBe(0.25);
    expect(both.date).toBe('2026-12-01');
  });

  test.each([
    ['{', /own.json is not JSON/],
    ['{"models":[]}', /own.json: date: /],
    [own.replace('"output":2', '"output":-2'), /own.json: models.0.price.output: /],
    [own.replace('"output"', '"outputs"'), /own.json: models.0.price/],
  ])('that is wrong is refused with its place: %j', (text, message) => {
    expect(() => readPrices(text, 'own.json')).toThrow(message);
  });
});

test('each part of what was used has its price, and beyond a length all of it another one', () => {
  const price = known('anthropic', 'claude-haiku-5-5')?.price ?? null;
  const usage = { inputTokens: 10_000, cacheReadTokens: 80_000, cacheWriteTokens: 1000, outputTokens: 2000 };
  expect(costMicros(usage, price)).toBe(Math.ceil(10_000 * 0.1 + 80_000 * 0.01 + 1000 * 0.125 + 2000 * 0.5));
  const longer = { ...usage, cacheReadTokens: 90_000 };
  expect(costMicros(longer, price)).toBe(Math.ceil(10_000 * 0.5 + 90_000 * 0.05 + 1000 * 0.625 + 2000 * 2.5));
  expect(costMicros(usage, null)).toBe(0);
});
