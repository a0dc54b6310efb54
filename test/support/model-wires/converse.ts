import type { JsonObject, JsonValue } from '../../../src/core/json.ts';
import { objectOf } from '../../../src/core/json.ts';
import { answerText, callId, inputValue, objectsIn, signatureOf, textOf, unknownField, usualUsage } from './wire.ts';
import type { ErrorKind, SeenMessage, Wire } from './wire.ts';

// Amazon Bedrock's Converse. Where a model has no form of its own for a schema, it is asked for by one tool, `json`.

const fields = [
  'system',
  'messages',
  'inferenceConfig',
  'toolConfig',
  'additionalModelRequestFields',
  'additionalModelResponseFieldPaths',
];
const path = /^\/bedrock\/model\/([^/]+)\/converse$/;

export const converseWire: Wire = {
  name: 'converse',
  base: '/bedrock',
  takes: (asked) => path.test(asked),
  key({ headers }) {
    const { authorization = '' } = headers;
    // Signed: who knows the id knows the key.
    return (
      /^Bearer (.+)$/.exec(authorization)?.[1] ??
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/eu-west-1\/bedrock\/aws4_request, /.exec(authorization)?.[1] ??
      null
    );
  },
  problem({ body }) {
    const unknown = unknownField(body, fields);
    if (unknown !== null) return `extraneous key [${unknown}] is not permitted`;
    const { maxTokens } = objectOf(body['inferenceConfig']);
    if (!Number.isInteger(maxTokens) || Number(maxTokens) < 1) return 'inferenceConfig.maxTokens: must be at least 1';
    if (formTool(body) !== null && toolSpecs(body).length > 1)
      return 'the test forbids tools and a schema in one request';
    return messagesProblem(objectsIn(body['messages']), body['toolConfig'] !== undefined);
  },
  read: ({ path: asked, body }) => {
    const { format } = objectOf(objectOf(body['additionalModelRequestFields'])['output_config']);
    const own = objectOf(format)['schema'];
    return {
      model: decodeURIComponent(path.exec(asked)?.[1] ?? ''),
      system: objectsIn(body['system'])
        .flatMap(({ text }) => (text === undefined ? [] : [textOf(text)]))
        .join('\n'),
      messages: objectsIn(body['messages']).flatMap(seenMessages),
      tools: toolSpecs(body).flatMap(({ name }) => (name === 'json' ? [] : [textOf(name)])),
      schema: own === undefined ? formTool(body) : objectOf(own),
      maxOutputTokens: Number(objectOf(body['inferenceConfig'])['maxTokens']),
    };
  },
  answer(answer, { body }, number) {
    const { calls = [], reasoning, usage = usualUsage, json } = answer;
    const isByTool = json !== undefined && formTool(body) !== null;
    const text = isByTool ? '' : answerText(answer);
    const content: JsonValue[] = [];
    if (reasoning !== undefined) {
      const signature = signatureOf(reasoning, objectsIn(body['messages']));
      content.push({ reasoningContent: { reasoningText: { text: reasoning, signature } } });
    }
    if (text !== '') content.push({ text });
    if (isByTool) content.push({ toolUse: { toolUseId: `form_${number}`, name: 'json', input: json } });
    for (const [index, call] of calls.entries()) {
      const input = inputValue(call.input);
      content.push({ toolUse: { toolUseId: callId(call, number, index, 'tooluse_'), name: call.name, input } });
    }
    const finish = answer.finish ?? (calls.length > 0 || isByTool ? 'tool-calls' : 'stop');
    const { input, cacheRead = 0, cacheWrite = 0, output } = usage ?? { input: 0, output: 0 };
    return {
      output: { message: { role: 'assistant', content } },
      stopReason: stopReasons[finish],
      ...(usage === null
        ? {}
        : {
            usage: {
              inputTokens: input - cacheRead - cacheWrite,
              cacheReadInputTokens: cacheRead,
              cacheWriteInputTokens: cacheWrite,
              outputTokens: output,
              totalTokens: input + output,
            },
          }),
      metrics: { latencyMs: 1 },
    };
  },
  error(kind, given) {
    const [status, type, message] = errors[kind];
    return {
      status,
      body: { message: given ?? message },
      headers: { 'x-amzn-errortype': `${type}:http://internal.amazon.com/` },
    };
  },
};

const stopReasons = {
  stop: 'end_turn',
  'tool-calls': 'tool_use',
  length: 'max_tokens',
  'content-filter': 'content_filtered',
} as const;

function toolSpecs(body: JsonObject): readonly JsonObject[] {
  return objectsIn(objectOf(body['toolConfig'])['tools']).flatMap(({ toolSpec }) =>
    toolSpec === undefined ? [] : [objectOf(toolSpec)],
  );
}

/** The schema that is asked for by a tool. */
function formTool(body: JsonObject): JsonObject | null {
  const spec = toolSpecs(body).find(({ name }) => name === 'json');
  return spec === undefined ? null : objectOf(objectOf(spec['inputSchema'])['json']);
}

function resultText(content: JsonValue | undefined): string {
  return objectsIn(content)
    .map(({ text }) => textOf(text))
    .join('');
}

function seenMessages({ role, content }: JsonObject): readonly SeenMessage[] {
  const parts = objectsIn(content);
  const text = parts.map((part) => textOf(part['text'])).join('');
  const calls = parts.flatMap(({ toolUse }) => {
    const { toolUseId, name, input } = objectOf(toolUse);
    return toolUse === undefined ? [] : [{ id: textOf(toolUseId), name: textOf(name), input: input ?? null }];
  });
  if (role === 'assistant') return [{ role: 'assistant', text, calls, results: [] }];
  const results = parts.flatMap(({ toolResult }) => {
    const { toolUseId, content: said } = objectOf(toolResult);
    return toolResult === undefined ? [] : [{ id: textOf(toolUseId), text: resultText(said) }];
  });
  return [
    ...(results.length === 0 ? [] : [{ role: 'tool', text: '', calls: [], results } as const]),
    ...(text === '' ? [] : [{ role: 'user', text, calls: [], results: [] } as const]),
  ];
}

function messagesProblem(messages: readonly JsonObject[], hasTools: boolean): string | null {
  if (messages.length === 0) return 'A conversation must start with a user message.';
  let open: readonly string[] = [];
  for (const [index, { role, content }] of messages.entries()) {
    const at = `messages.${index}`;
    if (role !== (index % 2 === 0 ? 'user' : 'assistant'))
      return 'A conversation must alternate between user and assistant roles.';
    const parts = objectsIn(content);
    if (parts.length === 0) return `The content field in the Message object at ${at} is empty.`;
    if (parts.some(({ text }) => text !== undefined && textOf(text).trim() === ''))
      return `The text field in the ContentBlock object at ${at}.content is blank.`;
    const isOfTools = parts.some(({ toolUse, toolResult }) => toolUse !== undefined || toolResult !== undefined);
    if (isOfTools && !hasTools)
      return 'The toolConfig field must be defined when using toolUse and toolResult content blocks.';
    const results = parts.flatMap(({ toolResult }) =>
      toolResult === undefined ? [] : [textOf(objectOf(toolResult)['toolUseId'])],
    );
    if (role === 'user' && [...results].sort().join(' ') !== [...open].sort().join(' '))
      return `Expected toolResult blocks at ${at}.content for the following Ids: ${open.join(', ')}`;
    open = parts.flatMap(({ toolUse }) => (toolUse === undefined ? [] : [textOf(objectOf(toolUse)['toolUseId'])]));
    const thought = parts.find(({ reasoningContent }) => reasoningContent !== undefined);
    const { text, signature } = objectOf(objectOf(thought?.['reasoningContent'])['reasoningText']);
    if (thought !== undefined && signature !== signatureOf(textOf(text), messages.slice(0, index)))
      return `${at}.content.0: Invalid \`signature\` in \`thinking\` block`;
  }
  return messages.at(-1)?.['role'] === 'user' ? null : 'A conversation must end with a user message.';
}

const errors: Readonly<Record<ErrorKind, readonly [status: number, type: string, message: string]>> = {
  'rate-limit': [429, 'ThrottlingException', 'Too many requests, please wait before trying again.'],
  quota: [400, 'ServiceQuotaExceededException', 'Your request exceeds the service quota for your account.'],
  'server-error': [500, 'InternalServerException', 'The system encountered an unexpected error.'],
  unavailable: [503, 'ServiceUnavailableException', 'The service is temporarily unavailable.'],
  overloaded: [503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.'],
  context: [400, 'ValidationException', 'Input is too long for requested model.'],
  unauthorized: [403, 'UnrecognizedClientException', 'The security token included in the request is invalid.'],
  forbidden: [403, 'AccessDeniedException', 'User is not authorized to perform: bedrock:InvokeModel'],
  'not-found': [400, 'ValidationException', 'The provided model identifier is invalid.'],
  'content-filter': [400, 'ValidationException', 'The content was blocked by a guardrail.'],
  'bad-request': [400, 'ValidationException', 'temperature must be between 0 and 1'],
  'broken-output': [500, 'ModelErrorException', 'The model produced output that does not match the expected format.'],
};
