import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JsonObject } from '../src/core/json.ts';
import { startModelServer } from './support/model-server.ts';
import type { ModelServer, WireName } from './support/model-server.ts';

// The scripted model refuses what providers refuse: a test that it passes is worth something.

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
  server.always({ text: 'ok' });
});
afterAll(() => server.stop());

async function post(wire: WireName, body: JsonObject, headers: Readonly<Record<string, string>> = {}) {
  const paths = { chat: '/chat/completions', messages: '/messages', responses: '/responses', google: '', converse: '' };
  const response = await fetch(`${server.endpoint(wire)}${paths[wire]}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${server.key}`,
      'x-api-key': server.key,
      'anthropic-version': '2023-06-01',
      ...headers,
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

const user = { role: 'user', content: 'hi' };
const chat = { model: 'm', max_tokens: 10, messages: [user] };
const call = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } };
const claude = { model: 'm', max_tokens: 10, messages: [user] };
const use = { type: 'tool_use', id: 't1', name: 'look', input: {} };
const tools = [{ name: 'look', input_schema: { type: 'object' } }];
const told = { type: 'tool_result', tool_use_id: 't1', content: 'x' };
const responses = { model: 'm', max_output_tokens: 16, store: false, input: [user] };

test.each<readonly [WireName, JsonObject, RegExp]>([
  ['chat', { ...chat, max_tokens: null }, /Invalid 'max_tokens'/],
  ['chat', { ...chat, prompt: 'x' }, /Unrecognized request argument supplied: prompt/],
  ['chat', { ...chat, messages: [] }, /empty array/],
  ['chat', { ...chat, messages: [user, { role: 'tool', tool_call_id: 'c1', content: 'x' }] }, /must be a response to/],
  [
    'chat',
    { ...chat, messages: [user, { role: 'assistant', content: null, tool_calls: [call] }, user] },
    /must be followed by tool messages/,
  ],
  ['chat', { ...chat, messages: [user, { role: 'assistant', content: 'x' }] }, /the last message/],
  ['chat', { ...chat, tool_choice: 'auto' }, /only allowed when 'tools'/],
  [
    'chat',
    { ...chat, tools: [{ type: 'function', function: call.function }], response_format: { type: 'json_object' } },
    /cannot be combined/,
  ],
  ['messages', { ...claude, max_tokens: null }, /max_tokens: Field required/],
  ['messages', { ...claude, store: false }, /store: Extra inputs are not permitted/],
  ['messages', { ...claude, messages: [{ role: 'assistant', content: 'x' }] }, /first message must use the/],
  ['messages', { ...claude, messages: [{ role: 'user', content: [{ type: 'text', text: ' ' }] }] }, /non-whitespace/],
  [
    'messages',
    { ...claude, messages: [user, { role: 'assistant', content: [use] }, { role: 'user', content: [told] }] },
    /must define tools/,
  ],
  [
    'messages',
    { ...claude, tools, messages: [user, { role: 'assistant', content: [use] }, user] },
    /without `tool_result` blocks/,
  ],
  [
    'messages',
    {
      ...claude,
      tools,
      messages: [
        user,
        { role: 'assistant', content: [use] },
        { role: 'user', content: [{ type: 'text', text: 'x' }, told] },
      ],
    },
    /must come first/,
  ],
  ['messages', { ...claude, tools, messages: [{ role: 'user', content: [told] }] }, /unexpected `tool_use_id`/],
  [
    'messages',
    {
      ...claude,
      messages: [
        user,
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'x', signature: 'forged' },
            { type: 'text', text: 'x' },
          ],
        },
        user,
      ],
    },
    /Invalid `signature`/,
  ],
  [
    'messages',
    { ...claude, output_config: { format: { type: 'json_schema', schema: { type: 'object', properties: {} } } } },
    /'additionalProperties' is required/,
  ],
  ['responses', { ...responses, store: true }, /forbids that anything is stored/],
  [
    'responses',
    { ...responses, input: [{ type: 'function_call_output', call_id: 'c1', output: 'x' }] },
    /No tool call found/,
  ],
  [
    'responses',
    { ...responses, input: [user, { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{}' }] },
    /No tool output found/,
  ],
  [
    'responses',
    {
      ...responses,
      text: {
        format: {
          type: 'json_schema',
          name: 'r',
          strict: true,
          schema: {
            type: 'object',
            properties: { a: { type: 'string', maxLength: 3 } },
            required: ['a'],
            additionalProperties: false,
          },
        },
      },
    },
    /'maxLength' is not permitted/,
  ],
])('%s refuses %j', async (wire, body, message) => {
  const before = server.refusals.length;
  const { status, text } = await post(wire, body);
  expect(status).toBe(400);
  expect(text).toMatch(message);
  expect(server.refusals.slice(before)).toEqual([expect.stringMatching(message)]);
});

test('it refuses a wrong key, takes a right request, and refuses one for which nothing is scripted', async () => {
  expect((await post('chat', chat, { authorization: 'Bearer other' })).status).toBe(401);
  expect((await post('messages', claude, { 'x-api-key': '' })).status).toBe(401);
  for (const [wire, body] of [
    ['chat', chat],
    ['messages', claude],
    ['responses', responses],
  ] as const)
    expect((await post(wire, body)).text).toContain('ok');
  const bare = await startModelServer();
  const asked = await fetch(`${bare.endpoint('chat')}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bare.key}` },
    body: JSON.stringify(chat),
  });
  expect([asked.status, bare.refusals]).toEqual([400, ['chat: nothing is scripted for request 1']]);
  await bare.stop();
});
