import { expect, test } from 'vitest';
import type { HttpClient, HttpRequest } from '../../core/ports.ts';
import { baseAddress } from './endpoint.ts';
import { fetchOver } from './fetch.ts';

function client(answer: Partial<Awaited<ReturnType<HttpClient['send']>>> = {}) {
  const sent: HttpRequest[] = [];
  const http: HttpClient = {
    async send(request) {
      sent.push(request);
      return { status: 200, headers: {}, body: '{}', truncated: false, ...answer };
    },
  };
  return { sent, fetch: fetchOver(http) };
}

test('a request of an SDK is one of ours, with its headers but who asks', async () => {
  const { sent, fetch } = client();
  const { signal } = new AbortController();
  const headers = { 'X-Api-Key': 'k', 'User-Agent': 'ai-sdk/anthropic node.js/26' };
  await fetch('https://api.example.com/v1', { method: 'POST', headers, body: '{"a":1}', signal });
  expect(sent).toMatchObject([
    { method: 'POST', url: 'https://api.example.com/v1', headers: { 'x-api-key': 'k' }, body: '{"a":1}', signal },
  ]);
  expect(sent[0]?.headers).not.toHaveProperty('user-agent');
});

test('an answer is one of theirs, unpacked', async () => {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', 'content-length': '7' };
  const response = await client({ status: 429, headers, body: '{"a":1}' }).fetch('http://x');
  expect(response.status).toBe(429);
  expect(await response.json()).toEqual({ a: 1 });
  expect(Object.fromEntries(response.headers)).toEqual({ 'content-type': 'application/json' });
});

test('a redirect is an answer, and an answer without a body is one', async () => {
  const response = await client({ status: 307, headers: { location: 'http://y' } }).fetch('http://x');
  expect([response.status, response.redirected, response.headers.get('location')]).toEqual([307, false, 'http://y']);
  expect((await client({ status: 204, body: '' }).fetch('http://x')).status).toBe(204);
});

test.each([
  ['{"error":{"code":429,"message":"slow down"}}', 429],
  ['{"type":"error","error":{"type":"api_error","message":"x"}}', 500],
  ['{"error":"model not loaded"}', 500],
  ['{"id":"resp_1","error":null,"output":[]}', 200],
  ['{"error":{"message":"of the last one"},"choices":[]}', 200],
  ['{"text":"the \\"error\\" is"}', 200],
])('%s that came with 200 has status %i', async (body, status) => {
  expect((await client({ body }).fetch('http://x')).status).toBe(status);
});

test('an answer without an end is none', async () => {
  await expect(client({ truncated: true }).fetch('http://x')).rejects.toThrow('longer than 8388608 bytes');
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
