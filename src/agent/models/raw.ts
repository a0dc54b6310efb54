import type {
  LanguageModelV4Content,
  LanguageModelV4Reasoning,
  LanguageModelV4Text,
  LanguageModelV4ToolCall,
} from '@ai-sdk/provider';
import { objectOf } from '../../core/json.ts';
import type { JsonValue } from '../../core/json.ts';
import { canonicalJson, sha256Hex } from '../../lib/hash.ts';
import type { Message } from '../message.ts';

// The parts of an answer as its provider gave them: reasoning with its signature, ids of its own.

/** What is handed back to the provider; the rest (sources, files) is none of ours. */
export type OwnPart =
  | Pick<LanguageModelV4Text, 'type' | 'text' | 'providerMetadata'>
  | Pick<LanguageModelV4Reasoning, 'type' | 'text' | 'providerMetadata'>
  | Pick<LanguageModelV4ToolCall, 'type' | 'toolCallId' | 'toolName' | 'input' | 'providerMetadata'>;

/** The parts of an answer that are ours to keep, in their order. */
export function ownParts(content: readonly LanguageModelV4Content[]): readonly OwnPart[] {
  return content.flatMap((part): OwnPart[] => {
    const metadata = 'providerMetadata' in part ? part.providerMetadata : undefined;
    const own = metadata === undefined ? {} : { providerMetadata: metadata };
    if (part.type === 'text')
      return part.text.trim() === '' && metadata === undefined ? [] : [{ type: 'text', text: part.text, ...own }];
    if (part.type === 'reasoning') return [{ type: 'reasoning', text: part.text, ...own }];
    if (part.type !== 'tool-call' || part.providerExecuted === true) return [];
    const { toolCallId, toolName, input } = part;
    return [{ type: 'tool-call', toolCallId, toolName, input, ...own }];
  });
}

/** What of them has to be kept beside text and calls; null = nothing. `before` is the conversation that they answer. */
export function writeRaw(model: string, before: readonly Message[], parts: readonly OwnPart[]): JsonValue {
  if (!parts.some((part) => part.type === 'reasoning' || part.providerMetadata !== undefined)) return null;
  return JSON.parse(JSON.stringify({ model, before: hashesOf(before).at(-1) ?? '', parts })) as JsonValue;
}

/** The parts of a message that {@link withOwnParts} left in it; null = none. */
export function readRaw(raw: JsonValue): readonly OwnPart[] | null {
  const { parts } = objectOf(raw);
  return Array.isArray(parts) ? (parts as unknown as readonly OwnPart[]) : null;
}

/**
 * The messages with the parts of this model's own that still hold: said by it, and with all before them as it was then.
 * Providers sign reasoning together with what it answers, and refuse the whole request where that was shortened since.
 */
export function withOwnParts(messages: readonly Message[], model: string): readonly Message[] {
  if (!messages.some((message) => message.role === 'assistant' && message.raw !== null)) return messages;
  const hashes = hashesOf(messages);
  return messages.map((message, index) => {
    if (message.role !== 'assistant' || message.raw === null) return message;
    const { model: saidBy, before } = objectOf(message.raw);
    return saidBy === model && before === hashes[index] ? message : { ...message, raw: null };
  });
}

/** Of the messages before each, and of all at the end. */
function hashesOf(messages: readonly Message[]): readonly string[] {
  const hashes = [''];
  for (const message of messages) hashes.push(sha256Hex(`${hashes.at(-1)} ${canonicalJson(message)}`));
  return hashes;
}
