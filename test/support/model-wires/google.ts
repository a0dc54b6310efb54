import type { JsonObject, JsonValue } from '../../../src/core/json.ts';
import { objectOf } from '../../../src/core/json.ts';
import { answerText, callId, inputValue, objectsIn, signatureOf, textOf, unknownField, usualUsage } from './wire.ts';
import type { ErrorKind, SeenMessage, Wire } from './wire.ts';

// Google's generateContent.

const fields = ['contents', 'systemInstruction', 'generationConfig', 'tools', 'toolConfig', 'safetySettings'];
const path = /^\/google\/v1beta\/models\/([^/:]+):generateContent$/;
/** Stands for a signature that its client does not have. */
const skipped = 'skip_thought_signature_validator';

export const googleWire: Wire = {
  name: 'google',
  base: '/google/v1beta',
  takes: (asked) => path.test(asked),
  key: ({ headers }) => (typeof headers['x-goog-api-key'] === 'string' ? headers['x-goog-api-key'] : null),
  problem({ body }) {
    const unknown = unknownField(body, fields);
    if (unknown !== null) return `Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`;
    const { maxOutputTokens, responseMimeType } = objectOf(body['generationConfig']);
    if (!Number.isInteger(maxOutputTokens) || Number(maxOutputTokens) < 1) return 'max_output_tokens must be positive.';
    if (responseMimeType !== undefined && body['tools'] !== undefined)
      return "Function calling with a response mime type: 'application/json' is unsupported";
    return contentsProblem(objectsIn(body['contents'])) ?? toolsProblem(body);
  },
  read: ({ path: asked, body }) => {
    const { maxOutputTokens, responseJsonSchema: schema } = objectOf(body['generationConfig']);
    return {
      model: path.exec(asked)?.[1] ?? '',
      system: partsText(objectOf(body['systemInstruction'])['parts']),
      messages: objectsIn(body['contents']).flatMap(seenMessages),
      tools: declarations(body).map(({ name }) => textOf(name)),
      schema: schema === undefined ? null : objectOf(schema),
      maxOutputTokens: Number(maxOutputTokens),
    };
  },
  answer(answer, { body }, number) {
    const { calls = [], reasoning, usage = usualUsage } = answer;
    const text = answerText(answer);
    const thoughtSignature = signatureOf(reasoning ?? '', objectsIn(body['contents']));
    const parts: JsonValue[] = [];
    if (reasoning !== undefined) parts.push({ text: reasoning, thought: true });
    if (text !== '') parts.push({ text });
    for (const [index, { name, input, id }] of calls.entries()) {
      const args = inputValue(input);
      const functionCall = {
        id: callId({ name, input, ...(id === undefined ? {} : { id }) }, number, index, 'fc'),
        name,
      };
      const isObject = args !== null && typeof args === 'object' && !Array.isArray(args);
      // The signature stands beside the first call of a turn.
      const sealed = index === 0 ? { thoughtSignature } : {};
      parts.push({ functionCall: { ...functionCall, args: isObject ? args : { text: args } }, ...sealed });
    }
    const finish = answer.finish ?? 'stop';
    return {
      candidates: [{ content: { role: 'model', parts }, finishReason: finishReasons[finish], index: 0 }],
      ...(usage === null
        ? {}
        : {
            usageMetadata: {
              promptTokenCount: usage.input,
              cachedContentTokenCount: usage.cacheRead ?? 0,
              candidatesTokenCount: usage.output,
              totalTokenCount: usage.input + usage.output,
            },
          }),
      responseId: `g${number}`,
    };
  },
  error(kind, given) {
    const [code, status, message, details = []] = errors[kind];
    return { status: code, body: { error: { code, message: given ?? message, status, details: [...details] } } };
  },
};

const finishReasons = {
  stop: 'STOP',
  'tool-calls': 'STOP',
  length: 'MAX_TOKENS',
  'content-filter': 'SAFETY',
} as const;

function partsText(parts: JsonValue | undefined): string {
  return objectsIn(parts)
    .map(({ text }) => textOf(text))
    .join('');
}

function seenMessages({ role, parts }: JsonObject): readonly SeenMessage[] {
  const all = objectsIn(parts);
  const text = partsText(all.filter(({ thought }) => thought !== true));
  const calls = all.flatMap(({ functionCall }) => {
    const { id, name, args } = objectOf(functionCall);
    return functionCall === undefined ? [] : [{ id: textOf(id), name: textOf(name), input: args ?? null }];
  });
  if (role === 'model') return [{ role: 'assistant', text, calls, results: [] }];
  const results = all.flatMap(({ functionResponse }) => {
    const { id, response } = objectOf(functionResponse);
    return functionResponse === undefined ? [] : [{ id: textOf(id), text: textOf(objectOf(response)['content']) }];
  });
  return [
    ...(results.length === 0 ? [] : [{ role: 'tool', text: '', calls: [], results } as const]),
    ...(text === '' ? [] : [{ role: 'user', text, calls: [], results: [] } as const]),
  ];
}

function contentsProblem(contents: readonly JsonObject[]): string | null {
  if (contents.length === 0) return 'GenerateContentRequest.contents: contents is not specified';
  let open = 0;
  for (const [index, { role, parts }] of contents.entries()) {
    const all = objectsIn(parts);
    if (role !== 'user' && role !== 'model') return 'Please use a valid role: user, model.';
    if (all.length === 0) return `contents[${index}].parts must not be empty.`;
    const answered = all.filter(({ functionResponse }) => functionResponse !== undefined).length;
    if (role === 'user' && answered !== open)
      return 'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.';
    const calls = all.filter(({ functionCall }) => functionCall !== undefined);
    open = role === 'model' ? calls.length : 0;
    const [first] = calls;
    const thought = all.find((part) => part['thought'] === true);
    const sealed = signatureOf(textOf(thought?.['text']), contents.slice(0, index));
    if (first !== undefined && first['thoughtSignature'] !== sealed && first['thoughtSignature'] !== skipped)
      return 'Function call is missing a thought_signature in functionCall parts.';
  }
  return contents[0]?.['role'] === 'user' && contents.at(-1)?.['role'] === 'user'
    ? null
    : 'Please ensure that single turn requests end with a user role or the role field is empty.';
}

function declarations(body: JsonObject): readonly JsonObject[] {
  return objectsIn(body['tools']).flatMap(({ functionDeclarations }) => objectsIn(functionDeclarations));
}

function toolsProblem(body: JsonObject): string | null {
  const wrong = declarations(body).find(
    ({ name, parametersJsonSchema }) =>
      !/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/.test(textOf(name)) || objectOf(parametersJsonSchema)['type'] !== 'object',
  );
  return wrong === undefined ? null : `Invalid function name or parameters: ${textOf(wrong['name'])}`;
}

type Row = readonly [code: number, status: string, message: string, details?: readonly JsonObject[]];

const quota = (quotaId: string): JsonObject => ({
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations: [{ quotaId }],
});
const exceeded = 'You exceeded your current quota, please check your plan and billing details.';

const errors: Readonly<Record<ErrorKind, Row>> = {
  'rate-limit': [429, 'RESOURCE_EXHAUSTED', exceeded, [quota('GenerateRequestsPerMinutePerProjectPerModel')]],
  quota: [429, 'RESOURCE_EXHAUSTED', exceeded, [quota('GenerateRequestsPerDayPerProjectPerModel-FreeTier')]],
  'server-error': [500, 'INTERNAL', 'An internal error has occurred.'],
  unavailable: [503, 'UNAVAILABLE', 'The service is currently unavailable.'],
  overloaded: [503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'],
  context: [
    400,
    'INVALID_ARGUMENT',
    'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
  ],
  unauthorized: [
    400,
    'INVALID_ARGUMENT',
    'API key not valid. Please pass a valid API key.',
    [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }],
  ],
  forbidden: [403, 'PERMISSION_DENIED', 'Permission denied on resource project 1.'],
  'not-found': [404, 'NOT_FOUND', 'models/gemini-0 is not found for API version v1beta'],
  'content-filter': [400, 'INVALID_ARGUMENT', 'The prompt was blocked by content safety policy.'],
  'bad-request': [400, 'INVALID_ARGUMENT', 'Unable to submit request because temperature is out of range.'],
  'broken-output': [500, 'INTERNAL', 'The model produced output that does not match the expected format.'],
};
