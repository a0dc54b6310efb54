import type { JsonObject } from '../../core/json.ts';
import { AppError } from '../../core/errors.ts';
import type { Message } from '../message.ts';

/** A tool as a model is told of it. */
export interface ToolDeclaration {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its input, an object. */
  readonly input: JsonObject;
}

/** One request. With tools and a schema at once some servers never call a tool, so it has one of the two or neither. */
export interface ModelRequest {
  readonly messages: readonly Message[];
  /** At most about 15. Empty: none may be called. */
  readonly tools: readonly ToolDeclaration[];
  /** JSON Schema that the answer must fit; null = free text. */
  readonly schema: { readonly name: string; readonly schema: JsonObject } | null;
  readonly maxOutputTokens: number;
  /** From the first byte sent to the last one read. Milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Tokens of one request. Each part has its own price. */
export interface Usage {
  /** Neither read from nor written to a cache of the provider. */
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Reasoning included. */
  readonly outputTokens: number;
}

/** `length`: cut at `maxOutputTokens`. What was filtered or broken off is no answer. */
export type FinishReason = 'stop' | 'tool-calls' | 'length' | 'other';

export interface ModelAnswer {
  readonly message: Extract<Message, { role: 'assistant' }>;
  readonly finish: FinishReason;
  /** null: the server did not say, so what was reserved is charged. */
  readonly usage: Usage | null;
}

/** Dollars for a million tokens. */
export interface Rates {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
}

export interface Price extends Rates {
  /** Of a request with more tokens in than this, cached ones included: all of it. */
  readonly beyond?: { readonly inputTokens: number; readonly rates: Rates };
}

/** A model that can be asked. */
export interface Model {
  /** `anthropic/claude-sonnet-5`. */
  readonly name: string;
  /** Tokens of a request and its answer together. */
  readonly contextTokens: number;
  /** null = unknown: money is then not counted, which is said. */
  readonly price: Price | null;
  /** Requests that share a place share its slots: the same model at the same address. */
  readonly place: { readonly name: string; readonly slots: number };
  /** Asks once and never waits to ask again. Throws ModelFailure, or the signal's reason. */
  ask(request: ModelRequest): Promise<ModelAnswer>;
}

/** Why a model gave no answer. Each has its own line in a report. */
export const modelFailureReasons = {
  Unauthorized: 'the provider refused the key',
  ModelNotFound: 'the provider has no such model',
  RateLimited: 'the provider allows no more requests just now',
  QuotaExhausted: 'the account has no quota or credit left',
  Overloaded: 'the provider is overloaded',
  ServerError: 'the provider failed',
  Unreachable: 'the provider could not be reached',
  Timeout: 'the provider did not answer in time',
  ContextTooLong: 'the conversation is too long for the model',
  ContentFiltered: 'the provider filtered the content',
  BrokenAnswer: 'the answer could not be read',
  BadRequest: 'the provider refused the request',
  NotAllowed: 'requests to the address of the provider are not allowed',
} as const;
export type ModelFailureReason = keyof typeof modelFailureReasons;

/** Reasons after which the same request may succeed later. */
const passing: ReadonlySet<ModelFailureReason> = new Set([
  'RateLimited',
  'Overloaded',
  'ServerError',
  'Unreachable',
  'Timeout',
  'BrokenAnswer',
]);

/** A request that got no answer. Its message is redacted and holds nothing of the request. */
export class ModelFailure extends AppError {
  override readonly name = 'ModelFailure';
  override readonly reason: ModelFailureReason;
  /** What the provider asks to wait at least; null = it does not say. Milliseconds. */
  readonly retryAfterMs: number | null;
  /** Whether tokens may have been used. */
  readonly wasSent: boolean;
  /** What was used, where the provider said so all the same; null = nobody knows. */
  readonly usage: Usage | null;

  constructor(
    reason: ModelFailureReason,
    message: string,
    details: {
      readonly retryAfterMs?: number | null;
      readonly wasSent?: boolean;
      readonly usage?: Usage | null;
      readonly next?: string;
    } = {},
  ) {
    super('ModelUnavailable', message, {
      retryable: passing.has(reason),
      ...(details.next === undefined ? {} : { next: details.next }),
    });
    this.reason = reason;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.wasSent = details.wasSent ?? true;
    this.usage = details.usage ?? null;
  }
}

/** All tokens of a request and its answer. */
export function totalTokens({ inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens }: Usage): number {
  return inputTokens + cacheReadTokens + cacheWriteTokens + outputTokens;
}

/** Millionths of a dollar, rounded up; 0 where the price is unknown. */
export function costMicros(usage: Usage, price: Price | null): number {
  if (price === null) return 0;
  const sent = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  const rates = price.beyond !== undefined && sent > price.beyond.inputTokens ? price.beyond.rates : price;
  return Math.ceil(
    usage.inputTokens * rates.input +
      usage.cacheReadTokens * rates.cacheRead +
      usage.cacheWriteTokens * rates.cacheWrite +
      usage.outputTokens * rates.output,
  );
}

/** A model that is asked again where that may help, and others in its place where it does not. */
export interface PatientModel {
  /** Of the first one. */
  readonly name: string;
  /** The smallest of all that may be asked. */
  readonly contextTokens: number;
  /** The dearest of all that may be asked, for what is reserved; null where one is unknown. */
  readonly price: Price | null;
  /** What a report has to say before anything else: that nobody was asked. Absent = nothing. */
  readonly notice?: string;
  /**
   * Waits between tries as the provider asks, and goes on to the next model after a final failure. `onFailure` hears each failure
   * before anything else is tried and answers whether to go on. Throws the last ModelFailure, or the signal's reason.
   */
  ask(
    request: ModelRequest,
    onFailure: (failure: ModelFailure, by: { readonly model: string; readonly isLast: boolean }) => Promise<boolean>,
  ): Promise<{ readonly answer: ModelAnswer; readonly model: string; readonly price: Price | null }>;
}
