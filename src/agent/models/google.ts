import { defineModel } from './define.ts';
import { baseAddress } from './endpoint.ts';

export const google = defineModel({
  name: 'google',
  aliases: ['gemini'],
  telemetryName: 'gcp.gemini',
  description: "Google's Gemini API.",
  modelAliases: {},
  defaultModel: null,
  needsEndpoint: false,
  needsKey: true,
  keyVariables: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  variables: [],
  credentials: [],
  concurrency: 8,
  contextTokens: 128_000,
  async open({ model, endpoint, apiKey, fetch }) {
    const { createGoogle } = await import('@ai-sdk/google');
    const baseURL = baseAddress(endpoint ?? 'https://generativelanguage.googleapis.com', '/v1beta');
    return { model: createGoogle({ baseURL, apiKey: apiKey ?? '', fetch })(model) };
  },
});
