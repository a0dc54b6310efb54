import type { JsonObject, JsonValue } from '../../../src/core/json.ts';
import { objectOf } from '../../../src/core/json.ts';
import { chatError } from './chat.ts';
import {
  answerText,
  callId,
  inputText,
  inputValue,
  objectsIn,
  signatureOf,
  strictSchemaProblem,
  textOf,
  unknownField,
  usualUsage,
} from './wire.ts';
import type { SeenMessage, Wire } from './wire.ts';

// OpenAI's Responses, also as Azure has them. Nothing may be stored there.

const fields = [
  'model',
  'input',
  'max_output_tokens',
  'temperature',
  'text',
  'tools',
  'tool_choice',
  'store',
  'include',
  'reasoning',
];

export const responsesWire: Wire = {
  name: 'responses',
  base: '/responses/v1',
  takes: (path) => path === '/responses/v1/responses',
  key({ headers }) {
    const ofAzure = headers['api-key'];
    return typeof ofAzure === 'string' ? ofAzure : (/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? null);
  },
  problem({ body }) {
    const unknown = unknownField(body, fields);
    if (unknown !== null) return `Unknown parameter: '${unknown}'.`;
    if (textOf(body['model']) === '') return "Missing required parameter: 'model'.";
    if (body['store'] !== false) return 'the test forbids that anything is stored';
    const limit = body['max_output_tokens'];
    if (!Number.isInteger(limit) || Number(limit) < 16)
      return "Invalid 'max_output_tokens': integer below minimum value";
    return inputProblem(objectsIn(body['input'])) ?? toolsProblem(body) ?? formatProblem(body);
  },
  read: ({ body }) => {
    const items = objectsIn(body['input']);
    const isInstruction = ({ role }: JsonObject) => role === 'system' || role === 'developer';
    return {
      model: textOf(body['model']),
      system: items
        .filter(isInstruction)
        .map(({ content }) => contentText(content))
        .join('\n'),
      messages: items
        .filter((item) => !isInstruction(item))
        .map(seenMessage)
        .filter((each) => each !== null),
      tools: objectsIn(body['tools']).map((tool) => textOf(tool['name'])),
      schema: schemaOf(body),
      maxOutputTokens: Number(body['max_output_tokens']),
    };
  },
  answer(answer, { body }, number) {
    const { calls = [], reasoning, usage = usualUsage } = answer;
    const text = answerText(answer);
    const output: JsonValue[] = [];
    const isWanted = Array.isArray(body['include']) && body['include'].includes('reasoning.encrypted_content');
    if (reasoning !== undefined) {
      const summary = [{ type: 'summary_text', text: reasoning }];
      const sealed = isWanted ? { encrypted_content: signatureOf(reasoning, objectsIn(body['input'])) } : {};
      output.push({ type: 'reasoning', id: `rs_${number}`, summary, ...sealed });
    }
    if (answer.finish === 'content-filter')
      output.push(message(number, [{ type: 'refusal', refusal: "I'm sorry, but I can't help with that." }]));
    else if (text !== '') output.push(message(number, [{ type: 'output_text', text, annotations: [] }]));
    for (const [index, call] of calls.entries())
      output.push({
        type: 'function_call',
        id: `fc_${number}_${index}`,
        call_id: callId(call, number, index, 'call_'),
        name: call.name,
        arguments: inputText(call.input),
        status: 'completed',
      });
    const reasons = { length: 'max_output_tokens', 'content-filter': 'content_filter' } as const;
    const reason = answer.finish === 'length' || answer.finish === 'content-filter' ? reasons[answer.finish] : null;
    return {
      id: `resp_${number}`,
      object: 'response',
      created_at: 1_767_225_600,
      status: reason === null ? 'completed' : 'incomplete',
      incomplete_details: reason === null ? null : { reason },
      error: null,
      model: textOf(body['model']),
      output,
      ...(usage === null
        ? {}
        : {
            usage: {
              input_tokens: usage.input,
              input_tokens_details: { cached_tokens: usage.cacheRead ?? 0 },
              output_tokens: usage.output,
              output_tokens_details: { reasoning_tokens: 0 },
              total_tokens: usage.input + usage.output,
            },
          }),
    };
  },
  error: chatError,
};

function message(number: number, content: JsonValue): JsonObject {
  return { type: 'message', id: `msg_${number}`, role: 'assistant', status: 'completed', content };
}

function contentText(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content;
  return objectsIn(content)
    .map(({ text }) => textOf(text))
    .join('');
}

function seenMessage(item: JsonObject): SeenMessage | null {
  const none = { text: '', calls: [], results: [] };
  if (item['type'] === 'function_call') {
    const call = {
      id: textOf(item['call_id']),
      name: textOf(item['name']),
      input: inputValue(item['arguments'] ?? null),
    };
    return { ...none, role: 'assistant', calls: [call] };
  }
  if (item['type'] === 'function_call_output')
    return { ...none, role: 'tool', results: [{ id: textOf(item['call_id']), text: textOf(item['output']) }] };
  if (item['type'] === 'reasoning') return null;
  return { ...none, role: item['role'] === 'assistant' ? 'assistant' : 'user', text: contentText(item['content']) };
}

function inputProblem(items: readonly JsonObject[]): string | null {
  if (items.length === 0) return "Invalid 'input': empty array.";
  const calls = new Set<string>();
  const outputs = new Set<string>();
  for (const [index, item] of items.entries()) {
    const at = `input[${index}]`;
    const id = textOf(item['call_id']);
    if (item['type'] === 'reasoning') {
      const [summary] = objectsIn(item['summary']);
      const sealed = signatureOf(textOf(summary?.['text']), items.slice(0, index));
      if (item['encrypted_content'] !== sealed)
        return `Item '${textOf(item['id'])}' not found. Items are not persisted when \`store\` is set to false.`;
    } else if (item['type'] === 'function_call') {
      if (calls.has(id)) return `${at}: two calls have one id`;
      if (!/^[a-zA-Z0-9_-]{1,64}$/.test(textOf(item['name']))) return `Invalid '${at}.name'`;
      calls.add(id);
    } else if (item['type'] === 'function_call_output') {
      if (!calls.has(id)) return `No tool call found for function call output with call_id ${id}.`;
      outputs.add(id);
    } else if (!['system', 'developer', 'user', 'assistant'].includes(textOf(item['role']))) {
      return `Invalid value: '${textOf(item['type'])}' in ${at}`;
    } else if (contentText(item['content']) === '') {
      return `${at}.content is empty`;
    }
  }
  const open = [...calls].find((id) => !outputs.has(id));
  return open === undefined ? null : `No tool output found for function call ${open}.`;
}

function toolsProblem(body: JsonObject): string | null {
  const tools = objectsIn(body['tools']);
  if (tools.length === 0) return body['tool_choice'] === undefined ? null : "'tool_choice' needs 'tools'";
  if (schemaOf(body) !== null) return 'the test forbids tools and a schema in one request';
  const wrong = tools.find(
    ({ type, name, parameters }) =>
      type !== 'function' || !/^[a-zA-Z0-9_-]{1,64}$/.test(textOf(name)) || objectOf(parameters)['type'] !== 'object',
  );
  return wrong === undefined ? null : `Invalid schema for function '${textOf(wrong['name'])}'`;
}

function schemaOf(body: JsonObject): JsonObject | null {
  const { type, schema } = objectOf(objectOf(body['text'])['format']);
  return type === 'json_schema' ? objectOf(schema) : null;
}

function formatProblem(body: JsonObject): string | null {
  const schema = schemaOf(body);
  if (schema === null) return null;
  const { name, strict } = objectOf(objectOf(body['text'])['format']);
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(textOf(name))) return "Invalid 'text.format.name'";
  if (strict !== true) return null;
  const word = /"(maxLength|minLength)":/.exec(JSON.stringify(schema))?.[1];
  if (word !== undefined) return `Invalid schema for response_format: '${word}' is not permitted.`;
  return strictSchemaProblem(schema, true);
}
