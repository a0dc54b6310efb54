import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { startModelServer } from '../../../test/support/model-server.ts';
import type { ModelServer, Turn, WireName } from '../../../test/support/model-server.ts';
import { modelWorld } from '../../../test/support/model-world.ts';
import type { JsonObject } from '../../core/json.ts';
import { createHttpClient } from '../../lib/http.ts';
import { answerJsonSchema } from '../model-report.ts';
import type { Message } from '../message.ts';
import { chooseModels, noModelDefaults } from './choose.ts';
import type { Model, ModelRequest, ToolDeclaration } from './model.ts';
import { asModel } from './open.ts';

// Each provider with its real SDK against a strict server that speaks its wire.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
  cleanup.defer(() => server.stop());
});

const providers: readonly (readonly [provider: string, model: string, wire: WireName])[] = [
  ['openai-compatible', 'qwen3', 'chat'],
  ['anthropic', 'claude-sonnet-5-5', 'messages'],
  ['openai', 'gpt-6.1-sol', 'responses'],
  ['azure', 'our-deployment', 'responses'],
  ['google', 'gemini-3.1-pro-preview', 'google'],
  ['bedrock', 'amazon.nova-pro-v1:0', 'converse'],
  ['bedrock', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0', 'converse'],
];

function openWith(
  provider: string,
  model: string,
  wire: WireName,
  { policy = { allowPrivate: true }, key = server.key } = {},
): Model {
  const http = createHttpClient({ policy });
  cleanup.defer(() => http.close());
  const variables = { AWS_REGION: 'eu-west-1' };
  const world = modelWorld({ http, secret: () => key, defaults: { ...noModelDefaults, variables } });
  const config = { provider, model, endpoint: server.endpoint(wire), apiKeySecret: 'key' };
  const [chosen] = chooseModels(config, world)?.models ?? [];
  if (chosen === undefined) throw new Error('no model');
  return asModel(chosen, world);
}

const look: ToolDeclaration = {
  name: 'kubernetes_get',
  description: 'Reads one object.',
  input: {
    type: 'object',
    properties: { kind: { type: 'string' }, tail: { type: 'integer', minimum: 1, maximum: 100 } },
    required: ['kind'],
    additionalProperties: false,
  },
};
const report: JsonObject = {
  type: 'object',
  properties: {
    summary: { type: 'string', maxLength: 400 },
    confidence: { type: 'integer', minimum: 0, maximum: 100 },
    evidence: { type: 'array', items: { type: 'string', pattern: '^e[0-9]+$' }, maxItems: 5 },
  },
  required: ['summary', 'confidence', 'evidence'],
  additionalProperties: false,
};
const opening: readonly Message[] = [
  { role: 'system', text: 'You investigate.' },
  { role: 'user', text: 'Pod web-1 is crashing.' },
];

function request(changes: Partial<ModelRequest> = {}): ModelRequest {
  return {
    messages: opening,
    tools: [],
    schema: null,
    maxOutputTokens: 321,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    ...changes,
  };
}

describe.each(providers)('%s %s', (provider, name, wire) => {
  const open = () => openWith(provider, name, wire);

  test('calls tools in parallel, reads their answers, and concludes in a form', async () => {
    const model = open();
    server.say(
      {
        text: 'Let me look.',
        calls: [
          { name: 'kubernetes_get', input: { kind: 'pod' } },
          { name: 'kubernetes_get', input: { kind: 'node' } },
        ],
      },
      { calls: [{ name: 'kubernetes_get', input: { kind: 'event' } }] },
      { json: { summary: 'Out of memory.', confidence: 80, evidence: ['e1'] } },
    );
    const first = await model.ask(request({ tools: [look] }));
    expect(first).toMatchObject({
      message: { text: 'Let me look.' },
      finish: 'tool-calls',
      usage: { inputTokens: 400, cacheReadTokens: 600, cacheWriteTokens: 0, outputTokens: 50 },
    });
    expect(first.message.calls.map(({ name, input }) => [name, JSON.parse(input) as unknown])).toEqual([
      ['kubernetes_get', { kind: 'pod' }],
      ['kubernetes_get', { kind: 'node' }],
    ]);
    const results = first.message.calls.map(({ id, name }, index) => ({ id, name, text: `answer ${index}` }));
    const gathered: readonly Message[] = [...opening, first.message, { role: 'tool', results }];
    const second = await model.ask(request({ messages: gathered, tools: [look] }));
    const [call] = second.message.calls;
    if (call === undefined) throw new Error('no call');
    const messages: readonly Message[] = [
      ...gathered,
      second.message,
      { role: 'tool', results: [{ id: call.id, name: call.name, text: 'answer 2' }] },
      { role: 'user', text: 'Conclude.' },
    ];
    const last = await model.ask(request({ messages, schema: { name: 'report', schema: report } }));
    expect(JSON.parse(last.message.text)).toEqual({ summary: 'Out of memory.', confidence: 80, evidence: ['e1'] });
    expect(last.finish).toBe('stop');

    expect(server.refusals).toEqual([]);
    const [one, two, three] = server.requests;
    expect(one).toMatchObject({ model: name, system: 'You investigate.', tools: ['kubernetes_get'], schema: null });
    expect(one?.maxOutputTokens).toBe(321);
    expect(two?.messages.flatMap(({ results: told }) => told.map(({ text }) => text))).toEqual([
      'answer 0',
      'answer 1',
    ]);
    expect(three).toMatchObject({ tools: [], schema: { type: 'object' } });
    const told = JSON.stringify(three?.messages);
    for (const said of ['answer 0', 'answer 1', 'answer 2', 'Conclude.']) expect(told).toContain(said);
  });

  test('hands back what it was given for itself, through JSON; another one does not', async () => {
    const model = open();
    server.say(
      { reasoning: 'It may be the memory.', calls: [{ name: 'kubernetes_get', input: { kind: 'pod' } }] },
      { text: 'It is.' },
      { text: 'It is.' },
    );
    const { message } = await model.ask(request({ tools: [look] }));
    const results = message.calls.map(({ id, name }) => ({ id, name, text: 'broken' }));
    const messages: readonly Message[] = [...opening, message, { role: 'tool', results }];
    await model.ask(request({ messages: JSON.parse(JSON.stringify(messages)) as readonly Message[], tools: [look] }));
    const shortened = messages.with(1, { role: 'user', text: 'Pod web-1.' });
    await model.ask(request({ messages: shortened, tools: [look] }));
    expect(server.refusals).toEqual([]);
    const [, whole, cut] = server.requests.map(({ body }) => JSON.stringify(body));
    // A deployment of Azure does not say whether its reasoning can come back.
    if (provider === 'azure') expect(whole).not.toContain('rs_');
    else expect(whole).toContain('It may be the memory.');
    expect(cut).not.toContain('It may be the memory.');
  });

  test('takes the form of a report', async () => {
    server.say({ json: { summary: 'x' } });
    const { message } = await open().ask(request({ schema: { name: 'report', schema: answerJsonSchema() } }));
    expect(JSON.parse(message.text)).toEqual({ summary: 'x' });
    expect(server.refusals).toEqual([]);
    expect(JSON.stringify(server.requests[0]?.schema)).toContain('confidence_percent');
  });

  test('input that is no JSON, and tools that nobody declared, come back as they are and go there again', async () => {
    const model = open();
    server.say({ calls: [{ name: 'delete namespace!', input: '{"kind": "pod' }] }, { text: 'Sorry.' });
    const { message } = await model.ask(request({ tools: [look] }));
    expect(message.calls).toMatchObject([{ name: 'delete namespace!' }]);
    expect(message.calls[0]?.input).toContain('kind');
    const results = message.calls.map(({ id, name }) => ({ id, name, text: 'There is no such tool.' }));
    await model.ask(request({ messages: [...opening, message, { role: 'tool', results }], tools: [look] }));
    expect(server.refusals).toEqual([]);
  });

  test('an answer that was cut is one; one that was refused, is empty or says nothing of tokens is told apart', async () => {
    const model = open();
    server.say({ text: 'It is bec', finish: 'length' }, { text: 'x', finish: 'content-filter' }, { text: '' });
    expect(await model.ask(request())).toMatchObject({ message: { text: 'It is bec' }, finish: 'length' });
    await expect(model.ask(request())).rejects.toMatchObject({ reason: 'ContentFiltered', retryable: false });
    await expect(model.ask(request())).rejects.toMatchObject({
      reason: 'BrokenAnswer',
      usage: { outputTokens: 50 },
      message: `${provider}/${name}: the answer is empty`,
    });
  });

  test.each<readonly [Turn, object]>([
    [
      { fault: 'rate-limit', headers: { 'retry-after': '7' } },
      { reason: 'RateLimited', retryAfterMs: 7000 },
    ],
    [{ fault: 'quota' }, { reason: 'QuotaExhausted', retryable: false, retryAfterMs: null }],
    [{ fault: 'server-error' }, { reason: 'ServerError', retryable: true }],
    [{ fault: 'unavailable' }, { reason: 'Overloaded' }],
    [{ fault: 'overloaded' }, { reason: 'Overloaded' }],
    [{ fault: 'context' }, { reason: 'ContextTooLong', retryable: false, wasSent: false }],
    [{ fault: 'unauthorized' }, { reason: 'Unauthorized', retryable: false }],
    [{ fault: 'forbidden' }, { reason: 'Unauthorized' }],
    [{ fault: 'not-found' }, { reason: 'ModelNotFound' }],
    [{ fault: 'content-filter' }, { reason: 'ContentFiltered' }],
    [{ fault: 'bad-request' }, { reason: 'BadRequest' }],
    [{ fault: 'broken-output' }, { reason: 'BrokenAnswer' }],
    [{ fault: 'html' }, { reason: 'BrokenAnswer' }],
    [{ fault: 'not-json' }, { reason: 'BrokenAnswer' }],
    [{ fault: 'error-200' }, { reason: 'ServerError' }],
    [{ fault: 'gateway' }, { reason: 'ServerError' }],
    [{ fault: 'redirect' }, { reason: 'BadRequest' }],
    [{ fault: 'huge' }, { reason: 'BrokenAnswer' }],
    [{ fault: 'cut' }, { reason: 'Unreachable', wasSent: true }],
    [{ fault: 'reset' }, { reason: 'Unreachable', wasSent: true }],
  ])('%j fails as %j, after one request', async (turn, expected) => {
    server.say(turn);
    const asked = open().ask(request());
    await expect(asked).rejects.toMatchObject(expected);
    const failure = await asked.then(
      () => null,
      (thrown: unknown) => thrown as Error,
    );
    expect(failure?.message.split(': ')[0]).toBe(`${provider}/${name}`);
    expect(failure?.message).not.toContain('web-1');
    expect(server.requests).toHaveLength(1);
  });

  test('a server that does not answer in time, and one that is left alone', async () => {
    server.say({ text: 'slowly', delayMs: 20 }, { fault: 'hang' }, { fault: 'hang' });
    const model = open();
    expect((await model.ask(request())).message.text).toBe('slowly');
    // On the connection that is there it is sent at once, before the time can be over.
    await expect(model.ask(request({ timeoutMs: 250 }))).rejects.toMatchObject({ reason: 'Timeout', wasSent: true });
    const aborter = new AbortController();
    const asked = open().ask(request({ signal: aborter.signal }));
    setTimeout(() => aborter.abort(new Error('the step is over')), 50);
    await expect(asked).rejects.toThrow('the step is over');
  });

  test('a key that is wrong is told without the key', async () => {
    const model = openWith(provider, name, wire, { key: 'wrong-key-0123456789' });
    const failure = await model.ask(request()).catch((thrown: unknown) => thrown as Error);
    expect(failure).toMatchObject({ reason: 'Unauthorized' });
    expect(JSON.stringify([failure, (failure as Error).message])).not.toContain('wrong-key');
  });

  test('an address that is not allowed is not asked', async () => {
    const model = openWith(provider, name, wire, { policy: { allowPrivate: false } });
    await expect(model.ask(request())).rejects.toMatchObject({ reason: 'NotAllowed', wasSent: false });
    expect(server.requests).toEqual([]);
  });
});

test('nothing of an SDK is sent but the request', async () => {
  server.always({ text: 'ok' });
  for (const [provider, name, wire] of providers) await openWith(provider, name, wire).ask(request());
  for (const { headers } of server.requests) expect(headers['user-agent']).toBe('punching-fist');
});

test('Anthropic and Bedrock keep the system and the end so far while tools are offered', async () => {
  server.always({ text: 'ok' });
  for (const [provider, name, wire] of [
    ['anthropic', 'claude-sonnet-5-5', 'messages'],
    ['bedrock', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0', 'converse'],
  ] as const) {
    const model = openWith(provider, name, wire);
    await model.ask(request({ tools: [look] }));
    await model.ask(request({ schema: { name: 'report', schema: report } }));
  }
  const [claude, closing, bedrock, closingThere] = server.requests.map(({ body }) => body);
  const mark = { type: 'ephemeral' };
  expect(claude?.['system']).toMatchObject([{ cache_control: mark }]);
  expect(claude?.['messages']).toMatchObject([{ content: [{ cache_control: mark }] }]);
  const point = { cachePoint: { type: 'default' } };
  expect(bedrock?.['system']).toEqual([{ text: 'You investigate.' }, point]);
  expect(bedrock?.['messages']).toMatchObject([{ content: [{ text: 'Pod web-1 is crashing.' }, point] }]);
  expect(JSON.stringify([closing, closingThere])).not.toMatch(/cache_control|cachePoint/);
});

test('Bedrock signs with the credentials of the server, for the address that the server names', async () => {
  server.say({ text: 'ok' });
  const endpoint = server.endpoint('converse');
  const variables = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: server.key, AWS_SECRET_ACCESS_KEY: 'secret' };
  const world = modelWorld({ defaults: { ...noModelDefaults, provider: 'bedrock', endpoint, variables } });
  const [chosen] =
    chooseModels({ provider: 'bedrock', model: 'm', endpoint: null, apiKeySecret: null }, world)?.models ?? [];
  if (chosen === undefined) throw new Error('no model');
  const { message } = await asModel(chosen, world).ask(request());
  expect(message.text).toBe('ok');
  expect(server.requests[0]?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=.*Signature=[0-9a-f]{64}$/);
});
