import type { ModelCharge } from '../core/agent-store.ts';
import type { ModelBudget } from '../core/plan.ts';
import { dollarsText } from '../lib/dollars.ts';

/** What an investigation by a model may use at most. */
export interface BudgetLimits {
  /** Requests to the model. */
  readonly turns: number;
  readonly toolCalls: number;
  /** In and out, over all requests. */
  readonly tokens: number;
  /** Millionths of a dollar; null = not counted. */
  readonly costMicros: number | null;
  /** From the first request of the first attempt. */
  readonly wallMs: number;
  /** Of tool answers, before they are cut. */
  readonly bytes: number;
}

/** What a model may use at most, of one investigation over all of its attempts, where nobody says. */
export const usualBudget = { turns: 20, toolCalls: 40, tokens: 200_000, dollars: 1, minutes: 8 } as const;

/** Of one request and of all answers of tools, where nobody says. */
export const usualBounds = { answerTokens: 4_096, requestTimeoutMs: 180_000, bytes: 4 * 1024 * 1024 } as const;

/** Tokens of one answer: as many as are wanted, and never so many that they leave no window for the question. */
export function answerTokens(wanted: number | null, contextTokens: number): number {
  return Math.min(wanted ?? usualBounds.answerTokens, Math.floor(contextTokens / 4));
}

/** What was used so far, over all attempts. */
export interface Spent {
  readonly turns: number;
  readonly toolCalls: number;
  readonly tokens: number;
  readonly costMicros: number;
  readonly wallMs: number;
  readonly bytes: number;
}

export const nothingSpent: Spent = { turns: 0, toolCalls: 0, tokens: 0, costMicros: 0, wallMs: 0, bytes: 0 };

/** What something may use at most, known before it is done. */
export type Reservation = Partial<Omit<Spent, 'wallMs'>>;

/** Which limit something would break. */
export interface BudgetBreach {
  /** Field of {@link BudgetLimits}. */
  readonly limit: keyof BudgetLimits;
  /** `20 requests to the model`, for people. */
  readonly text: string;
}

const texts: Readonly<Record<keyof BudgetLimits, (limit: number) => string>> = {
  turns: (limit) => `${limit} requests to the model`,
  toolCalls: (limit) => `${limit} calls of tools`,
  tokens: (limit) => `${limit} tokens`,
  costMicros: dollarsText,
  wallMs: (limit) => `${Math.round(limit / 1000)} s`,
  bytes: (limit) => `${limit} bytes of answers`,
};

/**
 * Whether `next` fits into what is left after `spent` and what is kept back for the closing request. Pure; the first limit that
 * is broken, or null.
 */
export function breachOf(
  limits: BudgetLimits,
  spent: Spent,
  next: Reservation,
  kept: Reservation = {},
): BudgetBreach | null {
  for (const name of Object.keys(texts) as (keyof BudgetLimits)[]) {
    const limit = limits[name];
    if (limit === null) continue;
    const more = name === 'wallMs' ? 0 : (next[name] ?? 0) + (kept[name] ?? 0);
    // Of time nothing is reserved: what is over is over.
    const isOver = name === 'wallMs' ? spent.wallMs >= limit : more > 0 && spent[name] + more > limit;
    if (isOver) return { limit: name, text: texts[name](limit) };
  }
  return null;
}

/** A budget that other steps, runs or replicas use as well. */
export interface SharedBudget {
  /** `this run`, `Workflow shop/triage on a day`. */
  readonly of: string;
  readonly limits: ModelBudget;
  /** With what is reserved for requests in work. */
  readonly spent: ModelCharge;
}

/** Why a request that may use so much does not fit into all of these, in words; null = it does. Pure. */
export function sharedBreachOf(budgets: readonly SharedBudget[], next: ModelCharge): string | null {
  for (const { of, limits, spent } of budgets) {
    if (limits.tokens !== null && spent.tokens + next.tokens > limits.tokens)
      return `${texts.tokens(limits.tokens)} of ${of}, of which ${spent.tokens} are used`;
    if (limits.costMicros !== null && spent.costMicros + next.costMicros > limits.costMicros)
      return `${texts.costMicros(limits.costMicros)} of ${of}, of which ${texts.costMicros(spent.costMicros)} are used`;
  }
  return null;
}

/** What was used together. */
export function plus(spent: Spent, more: Partial<Spent>): Spent {
  return {
    turns: spent.turns + (more.turns ?? 0),
    toolCalls: spent.toolCalls + (more.toolCalls ?? 0),
    tokens: spent.tokens + (more.tokens ?? 0),
    costMicros: spent.costMicros + (more.costMicros ?? 0),
    wallMs: spent.wallMs + (more.wallMs ?? 0),
    bytes: spent.bytes + (more.bytes ?? 0),
  };
}
