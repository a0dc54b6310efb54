import type { JsonValue } from '../core/json.ts';

/** What a model asked a tool to do. */
export interface ToolCall {
  /** The provider's, unique within the conversation. */
  readonly id: string;
  readonly name: string;
  /** JSON as the model wrote it, so it may be none. */
  readonly input: string;
}

/** What a tool answered, in the words that the model reads: delimited, redacted, bounded. */
export interface ToolResult {
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** One message. Whole conversations are JSON, so that another process can go on with one. */
export type Message =
  | { readonly role: 'system'; readonly text: string }
  | { readonly role: 'user'; readonly text: string }
  | {
      readonly role: 'assistant';
      readonly text: string;
      readonly calls: readonly ToolCall[];
      /**
       * The provider's own parts (reasoning and its signature), handed back to the model that said them as they came, while all
       * before them is as it was then; null = none.
       */
      readonly raw: JsonValue;
    }
  | { readonly role: 'tool'; readonly results: readonly ToolResult[] };
