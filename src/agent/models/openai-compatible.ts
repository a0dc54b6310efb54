import { defineModel } from './define.ts';
import { baseAddress } from './endpoint.ts';

export const openaiCompatible = defineModel({
  name: 'openai-compatible',
  aliases: ['local', 'ollama', 'vllm', 'litellm', 'llamacpp'],
  telemetryName: 'openai',
  description: 'Any server that speaks chat completions: Ollama, vLLM, LiteLLM, llama.cpp, a gateway of your own.',
  modelAliases: {},
  defaultModel: null,
  needsEndpoint: true,
  needsKey: false,
  keyVariables: [],
  variables: [],
  credentials: [],
  concurrency: 2,
  contextTokens: 8192,
  async open({ model, endpoint, apiKey, fetch }) {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
    const provider = createOpenAICompatible({
      name: 'local',
      baseURL: baseAddress(endpoint ?? '', '/v1'),
      ...(apiKey === null ? {} : { apiKey }),
      supportsStructuredOutputs: true,
      fetch,
    });
    return { model: provider(model) };
  },
});
