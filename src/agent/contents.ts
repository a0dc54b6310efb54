import type { NewAgentEvent } from '../core/agent-event.ts';
import type { AgentResult } from '../core/finding.ts';
import type { JsonObject } from '../core/json.ts';
import type { ModelReport } from './model-report.ts';
import { nothingSpent } from './budget.ts';
import type { BudgetLimits, Spent } from './budget.ts';
import type { Message, ToolCall } from './message.ts';
import type { FinishReason, ModelFailureReason, Price, ToolDeclaration, Usage } from './models/model.ts';
import type { PromptProfile } from './prompt.ts';
import type { ExecutedCall } from './tools/define.ts';

// What each kind of event of a conversation holds.

/** `gather`: tools and free text. `close`: the answer in its form. `repair`: the same again after one that did not fit. */
export type Phase = 'gather' | 'close' | 'repair';

export interface Opened {
  /** `anthropic/claude-sonnet-5`. */
  readonly model: string;
  readonly profile: PromptProfile;
  readonly delimiter: string;
  readonly system: string;
  readonly user: string;
  /** The analyzers' result, without its Markdown: what the next process goes on with. */
  readonly analysis: AgentResult;
  /** Objects with a path of links from the alert, as objects are named. */
  readonly linked: readonly string[];
  /** Of what the conversation begins with: the same evidence has the same. */
  readonly evidenceHash: string;
  /** With which it can be led again as it was. */
  readonly bounds: OpenedBounds;
  /** What the model was offered. */
  readonly tools: readonly ToolDeclaration[];
}

/** What bounds a conversation, of the model and of the step. */
export interface OpenedBounds {
  readonly contextTokens: number;
  /** Of one answer. */
  readonly maxOutputTokens: number;
  readonly price: Price | null;
  readonly limits: BudgetLimits;
}

/** What is reserved for it is the event's tokens and money. */
export interface Asked {
  readonly phase: Phase;
}

export interface Answered {
  readonly phase: Phase;
  readonly model: string;
  readonly message: Extract<Message, { role: 'assistant' }>;
  readonly finish: FinishReason;
  /** null: the provider did not say, so what was reserved is charged. */
  readonly usage: Usage | null;
}

export interface Failed {
  readonly phase: Phase;
  readonly model: string;
  readonly reason: ModelFailureReason;
  readonly message: string;
  /** Whether the request is not made again. */
  readonly isLast: boolean;
}

export interface Called {
  readonly call: ToolCall;
  readonly result: ExecutedCall;
  /** It was made in an earlier run, whose answer stands. */
  readonly isReused?: true;
}

export interface Noted {
  readonly what: 'nudge' | 'tools-withdrawn' | 'left-out' | 'gone-on' | 'out-of-budget';
  /** For people, and for `nudge` for the model too. */
  readonly text: string;
}

/** How it ended. Each but `concluded` gives a partial report. */
export const endReasons = {
  concluded: 'it gave an answer',
  reused: 'the evidence is the same as in an earlier run, whose answer stands',
  BudgetExceeded: 'its budget is spent',
  ModelUnavailable: 'the model could not be asked',
  BadAnswer: 'its answer could not be used',
  LengthExceeded: 'its answer was cut at the most tokens that it may have',
  ContextTooLong: 'the conversation is too long for the model',
  ContentFiltered: 'the provider filtered the answer',
  Aborted: 'the step was stopped',
} as const;
export type EndReason = keyof typeof endReasons;

export interface Closed {
  readonly ended: EndReason;
  /** More than the reason says, in words; empty where there is no more. */
  readonly detail: string;
  readonly answer: ModelReport | null;
}

export interface Contents {
  readonly opened: Opened;
  readonly asked: Asked;
  readonly answered: Answered;
  readonly failed: Failed;
  readonly called: Called;
  readonly noted: Noted;
  readonly message: { readonly question: string };
  readonly closed: Closed;
}

/** An event of its kind, with what it reserves or used. */
export function newEvent<Kind extends keyof Contents>(
  kind: Kind,
  content: Contents[Kind],
  { tokens, costMicros }: Pick<Spent, 'tokens' | 'costMicros'> = nothingSpent,
): NewAgentEvent {
  return { kind, content: content as unknown as JsonObject, tokens, costMicros, evidenceHash: null };
}
