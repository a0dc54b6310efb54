import { defineModel } from './define.ts';
import { baseAddress } from './endpoint.ts';

const cacheMark = { anthropic: { cacheControl: { type: 'ephemeral' } } };

export const anthropic = defineModel({
  name: 'anthropic',
  aliases: ['claude'],
  telemetryName: 'anthropic',
  description: "Anthropic's API (Claude).",
  modelAliases: {
    sonnet: 'claude-sonnet-5-5',
    opus: 'claude-opus-5-5',
    haiku: 'claude-haiku-5-5',
    // Names of the contract whose models are gone: what stands in their place today.
    'claude-3-5-sonnet': 'claude-sonnet-5-5',
    'claude-3-5-sonnet-20241022': 'claude-sonnet-5-5',
    'claude-3-5-sonnet-latest': 'claude-sonnet-5-5',
    'claude-3-7-sonnet': 'claude-sonnet-5-5',
    'claude-3-sonnet': 'claude-sonnet-5-5',
    'claude-3-sonnet-20240229': 'claude-sonnet-5-5',
    'claude-3-opus': 'claude-opus-5-5',
    'claude-3-opus-20240229': 'claude-opus-5-5',
    'claude-3-haiku': 'claude-haiku-5-5',
    'claude-3-haiku-20240307': 'claude-haiku-5-5',
  },
  defaultModel: 'claude-sonnet-5-5',
  needsEndpoint: false,
  needsKey: true,
  keyVariables: ['ANTHROPIC_API_KEY'],
  variables: [],
  credentials: [],
  concurrency: 8,
  contextTokens: 200_000,
  async open({ model, endpoint, apiKey, fetch }) {
    const { createAnthropic } = await import('@ai-sdk/anthropic');
    const baseURL = baseAddress(endpoint ?? 'https://api.anthropic.com', '/v1');
    const provider = createAnthropic({ baseURL, apiKey: apiKey ?? '', fetch });
    return { model: provider(model), cacheMark };
  },
});
