import type {
  JSONObject,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultPart,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider';
import { objectOf } from '../../core/json.ts';
import type { JsonValue } from '../../core/json.ts';
import type { Message, ToolCall } from '../message.ts';
import { readRaw, withOwnParts } from './raw.ts';

type AssistantMessage = Extract<Message, { role: 'assistant' }>;
type AssistantPart = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'][number];

export interface PromptOptions {
  /** Whose own parts may go back: that of the model that said them. */
  readonly model: string;
  /**
   * Whether tools are declared beside it. Where none are, calls and their answers are told in words: some providers refuse such
   * parts without tools, and one drops them without a word.
   */
  readonly hasTools: boolean;
  readonly cacheMark?: SharedV4ProviderOptions;
}

/** A conversation as the SDKs take it, in the order that all providers take: turns alternate, and every call has its answer. */
export function toPrompt(messages: readonly Message[], options: PromptOptions): LanguageModelV4Prompt {
  const told = options.hasTools ? withOwnParts(messages, options.model) : inWords(messages);
  const prompt: LanguageModelV4Prompt = [];
  for (const message of joined(told)) {
    if (message.role === 'system') prompt.push({ role: 'system', content: message.text });
    else if (message.role === 'user') prompt.push({ role: 'user', content: [{ type: 'text', text: message.text }] });
    else if (message.role === 'assistant') {
      const content = assistantParts(message);
      if (content.length > 0) prompt.push({ role: 'assistant', content });
      const results = options.hasTools ? resultsOf(message, told) : [];
      if (results.length > 0) prompt.push({ role: 'tool', content: results });
    }
  }
  return options.cacheMark === undefined ? prompt : marked(prompt, options.cacheMark);
}

/** The system's part and the end so far are the same in the next request. */
function marked(prompt: LanguageModelV4Prompt, cacheMark: SharedV4ProviderOptions): LanguageModelV4Prompt {
  const system = prompt.findLastIndex(({ role }) => role === 'system');
  return prompt.map((message, index) =>
    index === system || index === prompt.length - 1 ? { ...message, providerOptions: cacheMark } : message,
  );
}

/** Neighbours of the same role as one. Results are found by their calls, so their messages are left out. */
function joined(messages: readonly Message[]): readonly Message[] {
  const result: Message[] = [];
  for (const message of messages) {
    const last = result.at(-1);
    if (message.role === 'tool' || isEmpty(message)) continue;
    if (message.role === 'user' && last?.role === 'user')
      result[result.length - 1] = { role: 'user', text: `${last.text}\n\n${message.text}` };
    else result.push(message);
  }
  return result;
}

function isEmpty(message: Exclude<Message, { role: 'tool' }>): boolean {
  return message.text.trim() === '' && (message.role !== 'assistant' || message.calls.length === 0);
}

function assistantParts(message: AssistantMessage): AssistantPart[] {
  const own = readRaw(message.raw);
  if (own !== null)
    return own.map(({ providerMetadata, ...part }) => ({
      ...(part.type === 'tool-call'
        ? { ...part, toolName: toolName(part.toolName), input: inputOf(part.input) }
        : part),
      ...(providerMetadata === undefined ? {} : { providerOptions: providerMetadata }),
    }));
  return [
    ...(message.text.trim() === '' ? [] : [{ type: 'text', text: message.text } as const]),
    ...message.calls.map(({ id, name, input }): AssistantPart => ({
      type: 'tool-call',
      toolCallId: id,
      toolName: toolName(name),
      input: inputOf(input),
    })),
  ];
}

/** One answer for each call. One that has none, because its process died, says so. */
function resultsOf(message: AssistantMessage, messages: readonly Message[]): LanguageModelV4ToolResultPart[] {
  const results = messages.flatMap((each) => (each.role === 'tool' ? each.results : []));
  return message.calls.map(({ id, name }) => {
    const text = results.find((result) => result.id === id)?.text ?? '';
    return {
      type: 'tool-result',
      toolCallId: id,
      toolName: toolName(name),
      output: { type: 'text', value: text.trim() === '' ? 'There is no answer to this call.' : text },
    };
  });
}

/** Names that a model made up have to be names for its provider all the same. */
function toolName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'unknown';
}

/** Providers take an object; what was none is handed back as text in one. */
function inputOf(input: string): JSONObject {
  try {
    const value = JSON.parse(input) as JsonValue;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return objectOf(value);
  } catch {
    // Told below.
  }
  return { unreadable: input.slice(0, 2000) };
}

/** Calls as what the assistant said, answers as what the user says. */
function inWords(messages: readonly Message[]): readonly Message[] {
  return messages.map((message): Message => {
    if (message.role === 'assistant' && message.calls.length > 0) {
      const lines = [message.text.trim(), ...message.calls.map(callInWords)].filter((line) => line !== '');
      return { role: 'assistant', text: lines.join('\n'), calls: [], raw: null };
    }
    if (message.role !== 'tool') return message;
    return { role: 'user', text: message.results.map(({ name, text }) => `${name} answered:\n${text}`).join('\n\n') };
  });
}

function callInWords({ name, input }: ToolCall): string {
  return `I called ${name} with ${input.slice(0, 2000)}`;
}
