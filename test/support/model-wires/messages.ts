import type { JsonObject, JsonValue } from '../../../src/core/json.ts';
import { objectOf } from '../../../src/core/json.ts';
import {
  answerText,
  callId,
  inputValue,
  objectsIn,
  signatureOf,
  strictSchemaProblem,
  textOf,
  unknownField,
  usualUsage,
} from './wire.ts';
import type { ErrorKind, SeenMessage, Wire } from './wire.ts';

// Anthropic's messages.

const fields = [
  'model',
  'messages',
  'max_tokens',
  'system',
  'temperature',
  'top_k',
  'top_p',
  'stop_sequences',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'metadata',
  'cache_control',
];

const id = /^[a-zA-Z0-9_-]+$/;

/** Of a schema that is to be kept, words that are refused. */
const refusedWords = ['minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'maxItems', 'multipleOf'];

export const messagesWire: Wire = {
  name: 'messages',
  base: '/anthropic/v1',
  takes: (path) => path === '/anthropic/v1/messages',
  key: ({ headers }) => (typeof headers['x-api-key'] === 'string' ? headers['x-api-key'] : null),
  problem({ headers, body }) {
    if (headers['anthropic-version'] !== '2023-06-01') return 'anthropic-version: header is required';
    const unknown = unknownField(body, fields);
    if (unknown !== null) return `${unknown}: Extra inputs are not permitted`;
    if (textOf(body['model']) === '') return 'model: Field required';
    if (!Number.isInteger(body['max_tokens']) || Number(body['max_tokens']) < 1) return 'max_tokens: Field required';
    return (
      messagesProblem(objectsIn(body['messages']), body['tools'] !== undefined) ??
      toolsProblem(body) ??
      formatProblem(body) ??
      cacheProblem(body)
    );
  },
  read: ({ body }) => ({
    model: textOf(body['model']),
    system: contentText(body['system']),
    messages: objectsIn(body['messages']).flatMap(seenMessages),
    tools: objectsIn(body['tools']).map((tool) => textOf(tool['name'])),
    schema: schemaOf(body),
    maxOutputTokens: Number(body['max_tokens']),
  }),
  answer(answer, { body }, number) {
    const { calls = [], reasoning, usage = usualUsage } = answer;
    const text = answerText(answer);
    const content: JsonValue[] = [];
    if (reasoning !== undefined)
      content.push({
        type: 'thinking',
        thinking: reasoning,
        signature: signatureOf(reasoning, objectsIn(body['messages'])),
      });
    if (text !== '') content.push({ type: 'text', text });
    for (const [index, call] of calls.entries())
      content.push({
        type: 'tool_use',
        id: callId(call, number, index, 'toolu_'),
        name: call.name,
        input: inputValue(call.input),
      });
    const finish = answer.finish ?? (calls.length > 0 ? 'tool-calls' : 'stop');
    const { input, cacheRead = 0, cacheWrite = 0, output } = usage ?? { input: 0, output: 0 };
    return {
      id: `msg_${number}`,
      type: 'message',
      role: 'assistant',
      model: textOf(body['model']),
      content,
      stop_reason: stopReasons[finish],
      stop_sequence: null,
      usage: {
        input_tokens: input - cacheRead - cacheWrite,
        cache_read_input_tokens: cacheRead,
        cache_creation_input_tokens: cacheWrite,
        output_tokens: output,
      },
    };
  },
  error(kind, given) {
    const [status, type, message] = errors[kind];
    return {
      status,
      body: { type: 'error', error: { type, message: given ?? message }, request_id: 'req_011CScripted' },
    };
  },
};

const stopReasons = {
  stop: 'end_turn',
  'tool-calls': 'tool_use',
  length: 'max_tokens',
  'content-filter': 'refusal',
} as const;

function contentText(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content;
  return objectsIn(content)
    .filter(({ type }) => type === 'text')
    .map(({ text }) => textOf(text))
    .join('\n');
}

/** Results of tools stand in a message of the user, before what that says. */
function seenMessages(message: JsonObject): readonly SeenMessage[] {
  const parts = objectsIn(message['content']);
  const text = contentText(message['content']);
  const calls = parts
    .filter(({ type }) => type === 'tool_use')
    .map((part) => ({ id: textOf(part['id']), name: textOf(part['name']), input: part['input'] ?? null }));
  if (message['role'] === 'assistant') return [{ role: 'assistant', text, calls, results: [] }];
  const results = parts
    .filter(({ type }) => type === 'tool_result')
    .map((part) => ({ id: textOf(part['tool_use_id']), text: contentText(part['content']) }));
  return [
    ...(results.length === 0 ? [] : [{ role: 'tool', text: '', calls: [], results } as const]),
    ...(text === '' && results.length > 0 ? [] : [{ role: 'user', text, calls: [], results: [] } as const]),
  ];
}

function messagesProblem(messages: readonly JsonObject[], hasTools: boolean): string | null {
  if (messages.length === 0) return 'messages: at least one message is required';
  if (messages[0]?.['role'] !== 'user') return 'messages: first message must use the "user" role';
  let open: readonly string[] = [];
  for (const [index, { role, content }] of messages.entries()) {
    const at = `messages.${index}`;
    if (role !== 'user' && role !== 'assistant') return `${at}: unexpected role ${JSON.stringify(role ?? null)}`;
    if (typeof content === 'string' && content === '') return `${at}: all messages must have non-empty content`;
    const parts = objectsIn(content);
    if (typeof content !== 'string' && parts.length === 0) return `${at}: all messages must have non-empty content`;
    const wrong = parts
      .map((part, place) => partProblem(part, `${at}.content.${place}`, messages.slice(0, index)))
      .find((each) => each !== null);
    if (wrong !== undefined) return wrong;
    const order = role === 'user' ? resultsProblem(parts, open, at) : null;
    if (order !== null) return order;
    if (role === 'assistant' && open.length > 0)
      return `${at}: \`tool_use\` ids were found without \`tool_result\` blocks`;
    open = parts.filter(({ type }) => type === 'tool_use').map((part) => textOf(part['id']));
    if (open.length > 0 && !hasTools)
      return 'Requests which include `tool_use` or `tool_result` blocks must define tools';
  }
  if (open.length > 0)
    return `messages: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}`;
  return messages.at(-1)?.['role'] === 'assistant' ? 'This model does not support assistant message prefill.' : null;
}

function partProblem(part: JsonObject, at: string, before: readonly JsonObject[]): string | null {
  switch (part['type']) {
    case 'text':
      return textOf(part['text']).trim() === '' ? `${at}: text content blocks must contain non-whitespace text` : null;
    case 'tool_use': {
      if (!id.test(textOf(part['id']))) return `${at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`;
      if (!/^[a-zA-Z0-9_-]{1,128}$/.test(textOf(part['name'])))
        return `${at}.tool_use.name: String should match pattern`;
      const { input } = part;
      const isObject = input !== null && typeof input === 'object' && !Array.isArray(input);
      return isObject ? null : `${at}.tool_use.input: Input should be a valid dictionary`;
    }
    case 'tool_result':
      return contentText(part['content']) === '' ? `${at}.tool_result.content: empty` : null;
    case 'thinking':
      return part['signature'] === signatureOf(textOf(part['thinking']), before)
        ? null
        : `${at}: Invalid \`signature\` in \`thinking\` block`;
    default:
      return `${at}: Input tag ${JSON.stringify(part['type'] ?? null)} does not match any of the expected tags`;
  }
}

function resultsProblem(parts: readonly JsonObject[], open: readonly string[], at: string): string | null {
  const results = parts.filter(({ type }) => type === 'tool_result').map((part) => textOf(part['tool_use_id']));
  const stray = results.find((each) => !open.includes(each));
  if (stray !== undefined)
    return `${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
  const missing = open.filter((each) => !results.includes(each));
  if (missing.length > 0)
    return `${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}`;
  if (new Set(results).size !== results.length) return `${at}: each tool_use must have a single result`;
  const first = parts.findIndex(({ type }) => type !== 'tool_result');
  const isLate = first >= 0 && parts.slice(first).some(({ type }) => type === 'tool_result');
  return isLate ? `${at}: \`tool_result\` blocks must come first` : null;
}

function toolsProblem(body: JsonObject): string | null {
  const tools = objectsIn(body['tools']);
  if (body['tool_choice'] !== undefined && tools.length === 0)
    return 'tool_choice may only be specified while providing tools.';
  if (body['output_config'] !== undefined && tools.length > 0)
    return 'the test forbids tools and a schema in one request';
  const wrong = tools.find(
    (tool) =>
      !/^[a-zA-Z0-9_-]{1,128}$/.test(textOf(tool['name'])) ||
      objectOf(tool['input_schema'])['type'] !== 'object' ||
      unknownField(tool, ['name', 'description', 'input_schema', 'cache_control', 'strict']) !== null,
  );
  return wrong === undefined ? null : `tools: ${JSON.stringify(wrong)} is not a custom tool`;
}

function schemaOf(body: JsonObject): JsonObject | null {
  const { schema } = objectOf(objectOf(body['output_config'])['format']);
  return schema === undefined ? null : objectOf(schema);
}

function formatProblem(body: JsonObject): string | null {
  const { format } = objectOf(body['output_config']);
  if (format === undefined) return null;
  if (objectOf(format)['type'] !== 'json_schema') return 'output_config.format.type: unexpected value';
  const problem = strictSchemaProblem(objectOf(format)['schema'], false);
  if (problem !== null) return `output_config.format.schema: For 'object' type, ${problem}`;
  const word = refusedWords.find((each) => JSON.stringify(format).includes(`"${each}":`));
  return word === undefined ? null : `output_config.format.schema: property '${word}' is not supported`;
}

function cacheProblem(body: JsonObject): string | null {
  const marks = JSON.stringify(body).split('"cache_control":').length - 1;
  return marks > 4 ? `A maximum of 4 blocks with cache_control may be provided. Found ${marks}.` : null;
}

const errors: Readonly<Record<ErrorKind, readonly [number, string, string]>> = {
  'rate-limit': [
    429,
    'rate_limit_error',
    "This request would exceed your organization's rate limit of 50 requests per minute.",
  ],
  quota: [
    400,
    'invalid_request_error',
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  ],
  'server-error': [500, 'api_error', 'Internal server error'],
  unavailable: [503, 'api_error', 'Service unavailable'],
  overloaded: [529, 'overloaded_error', 'Overloaded'],
  context: [400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'],
  unauthorized: [401, 'authentication_error', 'invalid x-api-key'],
  forbidden: [403, 'permission_error', 'Your API key does not have permission to use the specified resource.'],
  'not-found': [404, 'not_found_error', 'model: claude-0'],
  'content-filter': [400, 'invalid_request_error', 'Output blocked by content filtering policy'],
  'bad-request': [400, 'invalid_request_error', 'temperature: Input should be less than or equal to 1'],
  'broken-output': [500, 'api_error', 'The model produced output that does not match the expected format'],
};
