import type { LanguageModelV4GenerateResult, LanguageModelV4Usage } from '@ai-sdk/provider';
import type { Message } from '../message.ts';
import type { SdkModel } from './define.ts';
import { ModelFailure } from './model.ts';
import type { ModelAnswer, ModelRequest, Usage } from './model.ts';
import { ownParts, writeRaw } from './raw.ts';
import type { OwnPart } from './raw.ts';

/** What an SDK gave, as an answer of ours. Throws ModelFailure where it is none: empty, filtered, broken off. */
export function toAnswer(
  result: Pick<LanguageModelV4GenerateResult, 'content' | 'finishReason' | 'usage' | 'structuredOutputText'>,
  request: Pick<ModelRequest, 'messages' | 'schema'>,
  model: string,
  takesBack: NonNullable<SdkModel['takesBack']> = () => true,
): ModelAnswer {
  const usage = usageOf(result.usage);
  const parts = withOwnIds(ownParts(result.content), request.messages);
  const said = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  // Where a schema was asked for by a tool, it is what that was called with.
  const spoken = withoutThoughts(request.schema === null ? said : (result.structuredOutputText ?? said));
  const calls = parts.flatMap((part) =>
    part.type === 'tool-call' ? [{ id: part.toolCallId, name: part.toolName, input: part.input }] : [],
  );
  const { unified, raw = 'an error' } = result.finishReason;
  const fail = (reason: ModelFailure['reason'], what: string) =>
    new ModelFailure(reason, `${model}: ${what}`, { usage });
  if (unified === 'content-filter') throw fail('ContentFiltered', 'the answer was filtered, or the model refused');
  if (unified === 'error' || unified === 'interrupted') throw fail('BrokenAnswer', `the answer ended with ${raw}`);
  // Some servers say `stop` beside calls.
  const isCalling = calls.length > 0 && unified !== 'length';
  const finish = isCalling ? 'tool-calls' : unified === 'tool-calls' ? 'other' : unified;
  if (spoken.trim() === '' && calls.length === 0 && finish !== 'length')
    throw fail('BrokenAnswer', 'the answer is empty');
  const kept = takesBack(parts) ? writeRaw(model, request.messages, parts) : null;
  return { message: { role: 'assistant', text: spoken, calls, raw: kept }, finish, usage };
}

/** Calls under ids that are unique in the conversation: some servers number them anew in every answer, or give none. */
function withOwnIds(parts: readonly OwnPart[], messages: readonly Message[]): readonly OwnPart[] {
  const taken = new Set(
    messages.flatMap((message) => (message.role === 'assistant' ? message.calls : [])).map(({ id }) => id),
  );
  return parts.map((part, index) => {
    if (part.type !== 'tool-call') return part;
    const isUsable = /^[a-zA-Z0-9_-]{1,64}$/.test(part.toolCallId) && !taken.has(part.toolCallId);
    const toolCallId = isUsable ? part.toolCallId : `call_${messages.length}_${index}`;
    taken.add(toolCallId);
    return { ...part, toolCallId };
  });
}

/** Some servers leave the reasoning of a model in its text. */
function withoutThoughts(text: string): string {
  return text.replace(/^\s*<think>[\s\S]*?<\/think>\s*/, '');
}

function usageOf({ inputTokens, outputTokens }: LanguageModelV4Usage): Usage | null {
  if (inputTokens.total === undefined && outputTokens.total === undefined) return null;
  const cacheReadTokens = inputTokens.cacheRead ?? 0;
  const cacheWriteTokens = inputTokens.cacheWrite ?? 0;
  const rest = (inputTokens.total ?? 0) - cacheReadTokens - cacheWriteTokens;
  return {
    inputTokens: Math.max(0, inputTokens.noCache ?? rest),
    cacheReadTokens,
    cacheWriteTokens,
    outputTokens: outputTokens.total ?? 0,
  };
}
