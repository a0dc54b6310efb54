import { afterEach, expect, test, vi } from 'vitest';
import { findModelDefinition } from './index.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test.each<readonly [string, string | null, string]>([
  ['anthropic', null, 'https://api.anthropic.com/v1/messages'],
  ['anthropic', 'https://gateway.example.com', 'https://gateway.example.com/v1/messages'],
  ['openai', null, 'https://api.openai.com/v1/responses'],
  ['openai-compatible', 'http://ollama:11434', 'http://ollama:11434/v1/chat/completions'],
  ['openai-compatible', 'https://openrouter.ai/api/v1/', 'https://openrouter.ai/api/v1/chat/completions'],
  ['google', null, 'https://generativelanguage.googleapis.com/v1beta/models/m:generateContent'],
  ['bedrock', null, 'https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse'],
  ['azure', 'https://us.openai.azure.com', 'https://us.openai.azure.com/openai/v1/responses'],
  ['azure', 'https://us.openai.azure.com/openai/', 'https://us.openai.azure.com/openai/v1/responses'],
  ['azure', 'https://us.openai.azure.com/openai/v1', 'https://us.openai.azure.com/openai/v1/responses'],
  ['azure', 'https://apim.example.com/models', 'https://apim.example.com/models/responses'],
])('%s at %s is asked at %s, whatever the environment says', async (name, endpoint, expected) => {
  for (const variable of ['ANTHROPIC', 'OPENAI', 'GOOGLE_GENERATIVE_AI', 'AZURE'])
    vi.stubEnv(`${variable}_BASE_URL`, 'https://elsewhere.example.com');
  vi.stubEnv('AWS_ENDPOINT_URL', 'https://elsewhere.example.com');
  vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', 'not-this-one');
  const asked: { readonly url: string; readonly headers: string }[] = [];
  const sdk = await findModelDefinition(name)?.open({
    model: 'm',
    endpoint,
    apiKey: 'the-key',
    variables: { AWS_REGION: 'eu-west-1' },
    now: () => 0,
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      asked.push({ url, headers: JSON.stringify(Object.fromEntries(new Headers(init?.headers))) });
      return new Response('{}', { status: 500 });
    },
  });
  const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hi' }] }];
  await expect(sdk?.model.doGenerate({ prompt, maxOutputTokens: 100 })).rejects.toBeInstanceOf(Error);
  expect(asked.map(({ url }) => url)).toEqual([expected]);
  expect(asked[0]?.headers).toContain('the-key');
  // A key goes out once, in the header of its provider.
  expect(asked[0]?.headers.split('the-key')).toHaveLength(2);
  expect(asked[0]?.headers).not.toContain('not-this-one');
});
