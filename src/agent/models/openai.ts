import { defineModel } from './define.ts';
import { baseAddress } from './endpoint.ts';
import { isSealed, refusedWords } from './responses.ts';

export const openai = defineModel({
  name: 'openai',
  aliases: [],
  telemetryName: 'openai',
  description: "OpenAI's API, by its Responses. Nothing is stored there.",
  modelAliases: {},
  defaultModel: 'gpt-6.1-sol',
  needsEndpoint: false,
  needsKey: true,
  keyVariables: ['OPENAI_API_KEY'],
  variables: [],
  credentials: [],
  concurrency: 8,
  contextTokens: 128_000,
  async open({ model, endpoint, apiKey, fetch }) {
    const { createOpenAI } = await import('@ai-sdk/openai');
    const baseURL = baseAddress(endpoint ?? 'https://api.openai.com', '/v1');
    const provider = createOpenAI({ baseURL, apiKey: apiKey ?? '', fetch });
    // Reasoning comes back encrypted, so that the next request can hand it over without anything being stored.
    return {
      model: provider.responses(model),
      options: { openai: { store: false } },
      refusedWords,
      takesBack: isSealed,
    };
  },
});
