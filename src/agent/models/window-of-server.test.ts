import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { startVendor } from '../../../test/support/vendor.ts';
import { createHttpClient } from '../../lib/http.ts';
import { windowOfServer } from './window-of-server.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function windowSaid(bodies: Readonly<Record<string, unknown>>): Promise<number | null> {
  const vendor = await startVendor(({ path, headers }) => {
    if (headers.authorization !== 'Bearer k') return { status: 401 };
    const body = bodies[path];
    return body === undefined ? { status: 404, body: 'Not Found' } : { status: 200, body };
  });
  cleanup.defer(() => vendor.stop());
  const http = createHttpClient();
  cleanup.defer(() => http.close());
  return windowOfServer(http, { endpoint: vendor.url, model: 'm', apiKey: 'k' }, new AbortController().signal);
}

test.each([
  [
    'vLLM',
    {
      '/v1/models': {
        data: [
          { id: 'other', max_model_len: 1 },
          { id: 'm', max_model_len: 32_768 },
        ],
      },
    },
    32_768,
  ],
  [
    'llama.cpp',
    {
      '/v1/models': { data: [{ id: 'm', meta: { n_ctx_train: 32_768 } }] },
      '/props': { default_generation_settings: { n_ctx: 8192 } },
    },
    8192,
  ],
  ['LM Studio', { '/v1/models': { data: [{ id: 'm', max_context_length: 4096 }] } }, 4096],
  ['OpenRouter', { '/v1/models': { data: [{ id: 'm', context_length: 200_000 }] } }, 200_000],
  ['Ollama, which does not say', { '/v1/models': { data: [{ id: 'm', object: 'model' }] } }, null],
  ['a server of something else', { '/v1/models': 'hello' }, null],
  ['one that says nonsense', { '/v1/models': { data: [{ id: 'm', max_model_len: -1 }] } }, null],
])('%s', async (_, bodies, tokens) => {
  expect(await windowSaid(bodies)).toBe(tokens);
});
