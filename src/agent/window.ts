import type { Message } from './message.ts';
import type { Price, ToolDeclaration, Usage } from './models/model.ts';
import { costMicros } from './models/model.ts';
import type { Called } from './contents.ts';
import type { Conversation } from './conversation.ts';
import { dataBlock } from '../lib/data-block.ts';

// What a request may be made of, so that it fits into the model's window. Tokens are estimated: no tokenizer is at hand, and an
// estimate that is too high costs less than a request that is refused.

/** Characters of what a model said. */
const mostOfThought = 4000;

/** Characters of a token in the text of clusters: names, numbers and JSON, which make more tokens than prose. */
const charactersOfToken = 3;

/** What tools of other programs take of a small window at most; its conversation begins with so much less. */
export const namedToolTokens = 260;

export function estimateTokens(messages: readonly Message[], tools: readonly ToolDeclaration[] = []): number {
  const characters = JSON.stringify(messages).length + (tools.length === 0 ? 0 : JSON.stringify(tools).length);
  return Math.ceil(characters / charactersOfToken);
}

/** What a request of so many tokens and its answer cost at most. */
export function mostCostMicros(inputTokens: number, outputTokens: number, price: Price | null): number {
  const usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens };
  const dearest: Usage =
    price !== null && price.cacheWrite > price.input
      ? { ...usage, cacheWriteTokens: inputTokens }
      : { ...usage, inputTokens };
  return costMicros(dearest, price);
}

/** One line for what was left out: it can still be cited, and read again. */
export function briefOf({ call, result }: Called): string {
  const { evidence, status, bytes } = result;
  if (evidence === null) return `[left out: ${call.name}, ${status}]`;
  return `[left out: ${evidence.id}, ${call.name} of ${evidence.object}, ${bytes} bytes. It can be cited as ${evidence.id}; the same call shows it again.]`;
}

/**
 * The messages with the oldest results of tools in one line each until they fit into `mostTokens`; the last turn's stay as long
 * as others can go. Null where they do not fit at all.
 */
export function fitMessages(
  { messages, calls }: Pick<Conversation, 'messages' | 'calls'>,
  tools: readonly ToolDeclaration[],
  mostTokens: number,
): { readonly messages: readonly Message[]; readonly leftOut: number } | null {
  let fitted = messages;
  let leftOut = 0;
  if (estimateTokens(fitted, tools) <= mostTokens) return { messages: fitted, leftOut };
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'tool') continue;
    const results = message.results.map((result) => {
      const called = calls.findLast(({ call }) => call.id === result.id);
      const brief = called === undefined ? '[left out]' : briefOf(called);
      return brief.length < result.text.length ? { ...result, text: brief } : result;
    });
    leftOut += results.filter((result, at) => result !== message.results[at]).length;
    fitted = fitted.with(index, { role: 'tool', results });
    if (estimateTokens(fitted, tools) <= mostTokens) return { messages: fitted, leftOut };
  }
  return null;
}

/**
 * What was gathered, as one text for the closing request, which has no tools and therefore no calls: newest results first until
 * `mostTokens` are used, the rest in one line each. What the model said last goes with it as data: it may quote what it read.
 */
export function gatheredText(
  { calls, messages, opened }: Pick<Conversation, 'calls' | 'messages' | 'opened'>,
  mostTokens: number,
): string {
  const thoughts = messages.flatMap((message) =>
    message.role === 'assistant' && message.text !== '' ? [message.text] : [],
  );
  const last = thoughts.at(-1)?.slice(0, mostOfThought);
  const said =
    last === undefined ? '' : dataBlock({ origin: 'you, before this', delimiter: opened?.delimiter ?? '', text: last });
  let left = mostTokens * charactersOfToken - said.length;
  const seen = new Set<string>();
  const texts: string[] = [];
  for (const called of calls.toReversed()) {
    const { result } = called;
    if (result.cached || result.status === 'denied') continue;
    const key = result.evidence?.id ?? `${called.call.name} ${called.call.input}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const brief = briefOf(called);
    const text = result.text.length <= left ? result.text : brief;
    if (text.length > left) continue;
    left -= text.length;
    texts.push(text);
  }
  return [
    ...(texts.length === 0 ? [] : ['# What you asked for and were told', ...texts.toReversed()]),
    ...(said === '' ? [] : ['# What you said last', said]),
  ].join('\n\n');
}
