import { expect, test } from 'vitest';
import { baseAddress } from './endpoint.ts';
import { modelFetch } from './fetch.ts';

interface Sent {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly init: RequestInit;
}

function client(answer: () => Response = () => new Response('{}')) {
  const sent: Sent[] = [];
  const fetch = modelFetch(async (url, init = {}) => {
    sent.push({ url: String(url), headers: Object.fromEntries(new Headers(init.headers)), init });
    return answer();
  });
  return { sent, fetch };
}

const answering = (body: string | null, status = 200, headers: Record<string, string> = {}) =>
  client(() => new Response(body, { status, headers })).fetch('http://x');

test('a request of an SDK is one of ours, with its headers but who asks', async () => {
  const { sent, fetch } = client();
  const { signal } = new AbortController();
  const headers = { 'X-Api-Key': 'k', 'User-Agent': 'ai-sdk/anthropic node.js/26' };
  await fetch('https://api.example.com/v1', { method: 'POST', headers, body: '{"a":1}', signal });
  expect(sent).toMatchObject([
    {
      url: 'https://api.example.com/v1',
      headers: { 'x-api-key': 'k' },
      init: { method: 'POST', body: '{"a":1}', signal },
    },
  ]);
  expect(sent[0]?.headers).not.toHaveProperty('user-agent');
});

test('an answer is one of theirs, unpacked', async () => {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', 'content-length': '7' };
  const response = await answering('{"a":1}', 429, headers);
  expect(response.status).toBe(429);
  expect(await response.json()).toEqual({ a: 1 });
  expect(Object.fromEntries(response.headers)).toEqual({ 'content-type': 'application/json' });
});

test('a redirect is an answer, and an answer without a body is one', async () => {
  const response = await answering('', 307, { location: 'http://y' });
  expect([response.status, response.redirected, response.headers.get('location')]).toEqual([307, false, 'http://y']);
  expect((await answering(null, 204)).status).toBe(204);
});

test.each([
  ['{"error":{"code":429,"message":"slow down"}}', 429],
  ['{"type":"error","error":{"type":"api_error","message":"x"}}', 500],
  ['{"error":"model not loaded"}', 500],
  ['{"id":"resp_1","error":null,"output":[]}', 200],
  ['{"error":{"message":"of the last one"},"choices":[]}', 200],
  ['{"text":"the \\"error\\" is"}', 200],
])('%s that came with 200 has status %i', async (body, status) => {
  expect((await answering(body)).status).toBe(status);
});

test('an answer without an end is none, and is not read on', async () => {
  let pulled = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(1024 * 1024));
      },
    });
  await expect(client(() => new Response(endless())).fetch('http://x')).rejects.toThrow('longer than 8388608 bytes');
  expect(pulled).toBeLessThan(12);
});

test.each([
  ['http://ollama:11434', 'http://ollama:11434/v1'],
  ['http://ollama:11434/', 'http://ollama:11434/v1'],
  ['http://ollama:11434/v1/', 'http://ollama:11434/v1'],
  ['http://ollama:11434/v1/chat/completions', 'http://ollama:11434/v1'],
  ['https://gateway.example.com/models/openai/v1', 'https://gateway.example.com/models/openai/v1'],
  ['https://gateway.example.com/anthropic/v1/messages?x=1', 'https://gateway.example.com/anthropic/v1'],
])('%s is asked below %s', (endpoint, base) => {
  expect(baseAddress(endpoint, '/v1')).toBe(base);
});
