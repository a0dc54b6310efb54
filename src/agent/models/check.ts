import type { ModelFinding } from '../../core/model-check.ts';
import { answerJsonSchema, parseAnswer } from '../model-report.ts';
import type { Message, ToolCall } from '../message.ts';
import { closingText } from '../prompt.ts';
import { ModelFailure, costMicros, totalTokens } from './model.ts';
import type { Model, ModelAnswer, ModelRequest, ToolDeclaration, Usage } from './model.ts';

/**
 * What an investigation uses at the median: four requests with tools, each with two calls, and one for the report. Of the sizes of
 * the recorded incidents (1,500 tokens of alert, findings and evidence, 2,700 of tools, 1,000 an answer of a tool), and with a
 * provider that keeps the beginning of a conversation.
 */
export const usualInvestigation: Usage = {
  inputTokens: 10_500,
  cacheReadTokens: 19_500,
  cacheWriteTokens: 11_000,
  outputTokens: 3000,
};

const look: ToolDeclaration = {
  name: 'kubernetes_describe',
  description: 'Describes one object of the cluster.',
  input: {
    type: 'object',
    properties: {
      kind: { type: 'string', description: 'Kind: pod, deployment, node.' },
      namespace: { type: 'string', description: 'Its namespace.' },
      name: { type: 'string', description: 'Its name.' },
    },
    required: ['kind', 'namespace', 'name'],
    additionalProperties: false,
  },
};

const opening: readonly Message[] = [
  { role: 'system', text: 'You investigate incidents in a Kubernetes cluster. You read with tools, and never guess.' },
  {
    role: 'user',
    text: 'Pod web-1 of namespace shop restarts again and again. Call kubernetes_describe for it first.',
  },
];

const evidence = 'e1: pod/shop/web-1: Last State: Terminated, Reason: OOMKilled, Exit Code: 137, memory limit 64Mi';

export interface CheckOptions {
  readonly maxOutputTokens: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Tries whether a model can do what an investigation asks of it: call a tool, answer in the form of a report, and both in one
 * conversation. Ends with the first request that gets no answer.
 */
export async function* checkModel(model: Model, options: CheckOptions): AsyncGenerator<ModelFinding, Usage> {
  let used: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };
  const ask = async (changes: Pick<ModelRequest, 'messages' | 'tools' | 'schema'>): Promise<ModelAnswer> => {
    const answer = await model.ask({ ...options, ...changes });
    used = sum(used, answer.usage);
    return answer;
  };
  const form = { name: 'report', schema: answerJsonSchema() };
  const closing: Message = { role: 'user', text: closingText('compact', null) };
  try {
    const first = await ask({ messages: opening, tools: [look], schema: null });
    yield { about: 'answer', result: 'ok', text: `${model.name} answers` };
    const call = first.message.calls.find(isExpected);
    yield call === undefined
      ? noCall(first)
      : { about: 'tool call', result: 'ok', text: `it calls a tool: ${call.input}` };
    const told: Message = { role: 'user', text: `This is known:\n${evidence}` };
    const formed = await ask({ messages: [...opening.slice(0, 1), told, closing], tools: [], schema: form });
    yield judgeForm('form', formed);
    if (call === undefined) {
      yield { about: 'both', result: 'skipped', text: 'a report after a call was not asked for: there was no call' };
      return used;
    }
    const results = first.message.calls.map(({ id, name }) => ({ id, name, text: evidence }));
    const messages: readonly Message[] = [...opening, first.message, { role: 'tool', results }, closing];
    yield judgeForm('both', await ask({ messages, tools: [], schema: form }));
  } catch (thrown) {
    if (!(thrown instanceof ModelFailure)) throw thrown;
    const next = thrown.next ?? nextOf[thrown.reason];
    yield { about: 'answer', result: 'failed', text: thrown.message, ...(next === undefined ? {} : { next }) };
  }
  return used;
}

const nextOf: Readonly<Partial<Record<ModelFailure['reason'], string>>> = {
  Unauthorized: 'a key of this provider in LLM_API_KEY, or in its own variable',
  ModelNotFound: 'the name of a model that the provider lists',
  QuotaExhausted: "look at the provider's page of billing",
  Unreachable: 'is the endpoint right, and reachable from here?',
  ContextTooLong: 'a larger window: llama.cpp --ctx-size, vLLM --max-model-len, OLLAMA_CONTEXT_LENGTH',
};

function isExpected({ name, input }: ToolCall): boolean {
  try {
    const { kind, namespace, name: object } = JSON.parse(input) as Record<string, unknown>;
    return name === look.name && /pod/i.test(String(kind)) && namespace === 'shop' && object === 'web-1';
  } catch {
    return false;
  }
}

function noCall({ message: { calls } }: ModelAnswer): ModelFinding {
  const [call] = calls;
  const text =
    call === undefined
      ? 'it answers in words where it was told to call a tool'
      : `it calls ${call.name} with ${call.input.slice(0, 200)} where it was told to describe pod web-1 of namespace shop`;
  const next = 'a model that calls tools; on llama.cpp with --jinja, on vLLM with --enable-auto-tool-choice';
  return { about: 'tool call', result: 'failed', text, next };
}

function judgeForm(about: 'form' | 'both', { message, finish }: ModelAnswer): ModelFinding {
  const what = about === 'form' ? 'a report in its form' : 'a report of what its call showed';
  const parsed = parseAnswer(message.text);
  if ('problem' in parsed) {
    const cut = finish === 'length' ? ' (it was cut: more tokens in maxOutputTokens)' : '';
    return { about, result: 'failed', text: `it gives no ${what.slice(2)}: ${parsed.problem}${cut}` };
  }
  const { cause, findings } = parsed.report;
  const cited = [...(cause?.evidence ?? []), ...findings.flatMap((finding) => finding.evidence)];
  if (cited.some(({ id }) => id === 'e1'))
    return { about, result: 'ok', text: `it gives ${what}, and cites its evidence` };
  return {
    about,
    result: 'failed',
    text: `it gives ${what} that cites no evidence: what it says would be dropped`,
    next: 'a larger model',
  };
}

function sum(one: Usage, other: Usage | null): Usage {
  if (other === null) return one;
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    cacheReadTokens: one.cacheReadTokens + other.cacheReadTokens,
    cacheWriteTokens: one.cacheWriteTokens + other.cacheWriteTokens,
    outputTokens: one.outputTokens + other.outputTokens,
  };
}

/** What is known of a model without asking it: its window, its price, what an investigation costs. Pure. */
export function knownOfModel(
  { contextTokens, price }: Pick<Model, 'contextTokens' | 'price'>,
  about: { readonly isAssumed: boolean; readonly saidByServer: number | null; readonly priceDate: string },
): readonly ModelFinding[] {
  return [windowFinding(contextTokens, about), ...priceFindings(price, about.priceDate)];
}

function windowFinding(
  contextTokens: number,
  { isAssumed, saidByServer }: { readonly isAssumed: boolean; readonly saidByServer: number | null },
): ModelFinding {
  const tokens = (count: number) => `${count.toLocaleString('en')} tokens`;
  if (saidByServer !== null && saidByServer !== contextTokens) {
    const next = `contextTokens: ${saidByServer} in the llmConfig, or --context-tokens ${saidByServer} here`;
    const text = `the server takes ${tokens(saidByServer)}, and ${tokens(contextTokens)} are ${isAssumed ? 'assumed' : 'set'}`;
    return { about: 'window', result: saidByServer < contextTokens ? 'failed' : 'skipped', text, next };
  }
  if (isAssumed && saidByServer === null)
    return {
      about: 'window',
      result: 'skipped',
      text: `nobody says how much it takes; ${tokens(contextTokens)} are assumed`,
      next: 'contextTokens in the llmConfig, or --context-tokens here',
    };
  return { about: 'window', result: 'ok', text: `it takes ${tokens(contextTokens)}` };
}

function priceFindings(price: Model['price'], date: string): readonly ModelFinding[] {
  if (price === null) {
    const next =
      'price: {input: DOLLARS, output: DOLLARS} of a million tokens in the llmConfig, or --model-prices FILE';
    return [{ about: 'price', result: 'skipped', text: 'its price is not known: money is not counted', next }];
  }
  const dollars = (costMicros(usualInvestigation, price) / 1_000_000).toFixed(3);
  const size = totalTokens(usualInvestigation).toLocaleString('en');
  return [
    {
      about: 'price',
      result: 'ok',
      text: `$${price.input} in and $${price.output} out for a million tokens, as of ${date}`,
    },
    {
      about: 'cost',
      result: 'ok',
      text: `an investigation costs about $${dollars} at the median: 5 requests, ${size} tokens`,
    },
  ];
}
