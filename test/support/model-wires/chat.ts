import type { JsonObject, JsonValue } from '../../../src/core/json.ts';
import { objectOf } from '../../../src/core/json.ts';
import {
  answerText,
  callId,
  inputText,
  inputValue,
  objectsIn,
  strictSchemaProblem,
  textOf,
  unknownField,
  usualUsage,
} from './wire.ts';
import type { ErrorKind, SeenMessage, Wire, WireError } from './wire.ts';

// Chat completions, as OpenAI began them and as Ollama, vLLM, llama.cpp, LiteLLM and many others speak them.

const fields = [
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'seed',
  'stop',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
  'store',
  'user',
];

const name = /^[a-zA-Z0-9_-]{1,64}$/;

export const chatWire: Wire = {
  name: 'chat',
  base: '/v1',
  takes: (path) => path === '/v1/chat/completions',
  key: ({ headers }) => /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? null,
  problem({ body }) {
    const unknown = unknownField(body, fields);
    if (unknown !== null) return `Unrecognized request argument supplied: ${unknown}`;
    if (textOf(body['model']) === '') return 'you must provide a model parameter';
    const limit = body['max_completion_tokens'] ?? body['max_tokens'];
    if (!Number.isInteger(limit) || Number(limit) < 1) return `Invalid 'max_tokens': ${JSON.stringify(limit ?? null)}`;
    return messagesProblem(objectsIn(body['messages'])) ?? toolsProblem(body) ?? formatProblem(body);
  },
  read: ({ body }) => {
    const messages = objectsIn(body['messages']);
    return {
      model: textOf(body['model']),
      system: messages
        .filter(({ role }) => role === 'system' || role === 'developer')
        .map(({ content }) => contentText(content))
        .join('\n'),
      messages: messages.filter(({ role }) => role !== 'system' && role !== 'developer').map(seenMessage),
      tools: objectsIn(body['tools']).map((tool) => textOf(objectOf(tool['function'])['name'])),
      schema: schemaOf(body),
      maxOutputTokens: Number(body['max_completion_tokens'] ?? body['max_tokens']),
    };
  },
  answer(answer, { body }, number) {
    const { calls = [], reasoning, usage = usualUsage } = answer;
    const text = answerText(answer);
    const finish = answer.finish ?? (calls.length > 0 ? 'tool-calls' : 'stop');
    const message: JsonObject = {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
      ...(calls.length === 0
        ? {}
        : {
            tool_calls: calls.map((call, index) => ({
              id: callId(call, number, index, 'call_'),
              type: 'function',
              function: { name: call.name, arguments: inputText(call.input) },
            })),
          }),
    };
    return {
      id: `chatcmpl-${number}`,
      object: 'chat.completion',
      created: 1_767_225_600,
      model: textOf(body['model']),
      choices: [{ index: 0, message, finish_reason: finish.replaceAll('-', '_') }],
      ...(usage === null
        ? {}
        : {
            usage: {
              prompt_tokens: usage.input,
              completion_tokens: usage.output,
              total_tokens: usage.input + usage.output,
              prompt_tokens_details: { cached_tokens: usage.cacheRead ?? 0 },
            },
          }),
    };
  },
  error: chatError,
};

function contentText(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content;
  return objectsIn(content)
    .map(({ text }) => textOf(text))
    .join('');
}

function seenMessage(message: JsonObject): SeenMessage {
  const text = contentText(message['content']);
  if (message['role'] === 'tool')
    return { role: 'tool', text: '', calls: [], results: [{ id: textOf(message['tool_call_id']), text }] };
  const calls = objectsIn(message['tool_calls']).map((call) => {
    const { name: called, arguments: input } = objectOf(call['function']);
    return { id: textOf(call['id']), name: textOf(called), input: inputValue(input ?? null) };
  });
  return { role: message['role'] === 'assistant' ? 'assistant' : 'user', text, calls, results: [] };
}

function messagesProblem(messages: readonly JsonObject[]): string | null {
  if (messages.length === 0) return "Invalid 'messages': empty array";
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const { role, content, tool_calls: calls } = message;
    const at = `messages.[${index}]`;
    const own = { assistant: ['tool_calls', 'refusal', 'reasoning_content'], tool: ['tool_call_id'] };
    const unknown = unknownField(message, ['role', 'content', 'name', ...(own[role as keyof typeof own] ?? [])]);
    if (unknown !== null) return `Unknown parameter: '${at}.${unknown}'`;
    if (role === 'tool') {
      const id = textOf(message['tool_call_id']);
      if (!open.delete(id))
        return "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
      if (contentText(content) === '') return `${at}.content: a result without content`;
      continue;
    }
    if (open.size > 0)
      return `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. (${[...open].join(', ')})`;
    if (!['system', 'developer', 'user', 'assistant'].includes(textOf(role))) return `Invalid role: ${textOf(role)}`;
    if (contentText(content) === '' && calls === undefined) return `Invalid value for 'content': empty in ${at}`;
    open = new Set(objectsIn(calls).map(({ id }) => textOf(id)));
    if (open.size !== objectsIn(calls).length) return `${at}: two calls have one id`;
    const wrong = objectsIn(calls).find((call) => !isCall(call));
    if (wrong !== undefined) return `Invalid tool call in ${at}: ${JSON.stringify(wrong)}`;
  }
  if (open.size > 0) return `tool_call_ids did not have response messages: ${[...open].join(', ')}`;
  return messages.at(-1)?.['role'] === 'assistant' ? 'the last message is the assistant’s own' : null;
}

/** vLLM and llama.cpp read the arguments again, so they must be an object. */
function isCall({ id, type, function: called }: JsonObject): boolean {
  const { name: given, arguments: input } = objectOf(called);
  const value = inputValue(input ?? null);
  const isObject = typeof input === 'string' && value !== null && typeof value === 'object' && !Array.isArray(value);
  return textOf(id) !== '' && type === 'function' && name.test(textOf(given)) && isObject;
}

function toolsProblem(body: JsonObject): string | null {
  const { tools, tool_choice: choice, parallel_tool_calls: parallel, response_format: format } = body;
  if (tools === undefined) {
    if (choice !== undefined) return "'tool_choice' is only allowed when 'tools' are specified.";
    return parallel === undefined ? null : "'parallel_tool_calls' is only allowed when 'tools' are specified.";
  }
  if (format !== undefined) return 'json mode cannot be combined with tool/function calling';
  if (!Array.isArray(tools) || tools.length === 0) return "[] is too short - 'tools'";
  const names = objectsIn(tools).map((tool) => objectOf(tool['function']));
  const wrong = names.find((tool) => !name.test(textOf(tool['name'])) || !isObjectSchema(tool['parameters']));
  return wrong === undefined ? null : `Invalid schema for function '${textOf(wrong['name'])}'`;
}

function isObjectSchema(schema: JsonValue | undefined): boolean {
  return objectOf(schema)['type'] === 'object';
}

function formatProblem(body: JsonObject): string | null {
  const format = body['response_format'];
  if (format === undefined) return null;
  const { type, json_schema: given } = objectOf(format);
  if (type === 'json_object') {
    const said = objectsIn(body['messages']).some(({ content }) => /json/i.test(contentText(content)));
    return said ? null : "'messages' must contain the word 'json' in some form, to use 'response_format' 'json_object'";
  }
  if (type !== 'json_schema') return `Invalid 'response_format.type': ${JSON.stringify(type ?? null)}`;
  const { name: title, schema, strict } = objectOf(given);
  if (!name.test(textOf(title))) return "Invalid 'response_format.json_schema.name'";
  if (!isObjectSchema(schema)) return "Invalid schema for response_format: schema must be of type 'object'";
  const problem = strict === true ? strictSchemaProblem(schema, true) : null;
  return problem === null ? null : `Invalid schema for response_format '${textOf(title)}': ${problem}`;
}

function schemaOf(body: JsonObject): JsonObject | null {
  const { schema } = objectOf(objectOf(body['response_format'])['json_schema']);
  return schema === undefined ? null : objectOf(schema);
}

const errors: Readonly<Record<ErrorKind, readonly [number, string, string, string | number | null]>> = {
  'rate-limit': [
    429,
    'Rate limit reached for gpt-5 in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.',
    'tokens',
    'rate_limit_exceeded',
  ],
  quota: [
    429,
    'You exceeded your current quota, please check your plan and billing details.',
    'insufficient_quota',
    'insufficient_quota',
  ],
  'server-error': [
    500,
    'The server had an error while processing your request. Sorry about that!',
    'server_error',
    null,
  ],
  unavailable: [503, 'The engine is currently overloaded, please try again later', 'server_error', null],
  overloaded: [529, 'Overloaded', 'overloaded_error', null],
  context: [
    400,
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. Please reduce the length of the messages.",
    'invalid_request_error',
    'context_length_exceeded',
  ],
  unauthorized: [
    401,
    'Incorrect API key provided: sk-proj-abcd************************wxyz.',
    'invalid_request_error',
    'invalid_api_key',
  ],
  forbidden: [403, 'You have insufficient permissions for this operation.', 'insufficient_permissions', null],
  'not-found': [
    404,
    'The model `gpt-0` does not exist or you do not have access to it.',
    'invalid_request_error',
    'model_not_found',
  ],
  'content-filter': [
    400,
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    'invalid_request_error',
    'content_filter',
  ],
  'bad-request': [400, "Unsupported value: 'temperature' does not support 7", 'invalid_request_error', null],
  'broken-output': [
    500,
    'The model produced output that does not match the expected peg-native format',
    'server_error',
    500,
  ],
};

export function chatError(kind: ErrorKind, given?: string): WireError {
  const [status, message, type, code] = errors[kind];
  return { status, body: { error: { message: given ?? message, type, param: null, code } } };
}
