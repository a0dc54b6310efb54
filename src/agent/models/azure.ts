import { defineModel } from './define.ts';
import type { ModelSettings } from './define.ts';
import { baseAddress } from './endpoint.ts';
import { isSealed, refusedWords } from './responses.ts';

export const azure = defineModel({
  name: 'azure',
  aliases: ['azure-openai'],
  telemetryName: 'azure.ai.openai',
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
  // Of a deployment that is called like its model.
  pricedAs: (model) => ({ provider: 'openai', model }),
  async open({ model, endpoint, apiKey, fetch }) {
    const { createOpenAI } = await import('@ai-sdk/openai');
    const key = apiKey ?? '';
    const baseURL = azureAddress(endpoint ?? '');
    // Of this name it takes and gives what is Azure's under `azure`.
    const provider = createOpenAI({ name: 'azure', baseURL, apiKey: key, fetch: withKeyOfAzure(fetch, key) });
    return {
      model: provider.responses(model),
      options: { azure: { store: false } },
      refusedWords,
      takesBack: isSealed,
    };
  },
});

/** Below `/openai/v1`, where Azure speaks OpenAI's wire and wants no version of its own; what has another path is a gateway. */
function azureAddress(endpoint: string): string {
  const base = baseAddress(endpoint, '/openai/v1');
  return base.endsWith('/openai') ? `${base}/v1` : base;
}

/** Azure, and what stands before it, takes a key as `api-key`. */
function withKeyOfAzure(fetch: ModelSettings['fetch'], key: string): ModelSettings['fetch'] {
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.delete('authorization');
    headers.set('api-key', key);
    return fetch(input, { ...init, headers });
  };
}
