import { defineModel } from './define.ts';
import { baseAddress } from './endpoint.ts';
import { isSealed, refusedWords } from './responses.ts';

export const azure = defineModel({
  name: 'azure',
  aliases: ['azure-openai'],
  description: 'Azure OpenAI, by its Responses. The model is the name of a deployment. Nothing is stored there.',
  modelAliases: {},
  defaultModel: null,
  needsEndpoint: true,
  needsKey: true,
  keyVariables: ['AZURE_API_KEY', 'AZURE_OPENAI_API_KEY'],
  variables: [],
  credentials: [],
  concurrency: 8,
  contextTokens: 128_000,
  async open({ model, endpoint, apiKey, fetch }) {
    const { createAzure } = await import('@ai-sdk/azure');
    const provider = createAzure({ baseURL: baseAddress(endpoint ?? '', '/openai'), apiKey: apiKey ?? '', fetch });
    return {
      model: provider.responses(model),
      options: { azure: { store: false } },
      refusedWords,
      takesBack: isSealed,
    };
  },
});
