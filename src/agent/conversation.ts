import type { AgentEventKind, NewAgentEvent } from '../core/agent-event.ts';
import type { Evidence } from '../core/run.ts';
import { evidenceNumber } from '../investigation/evidence.ts';
import type { ModelReport } from './model-report.ts';
import { nothingSpent, plus } from './budget.ts';
import type { Spent } from './budget.ts';
import type { Answered, Called, Closed, Contents, Failed, Noted, Opened } from './contents.ts';
import type { Message, ToolCall } from './message.ts';
import type { FinishReason, ModelFailureReason } from './models/model.ts';
import { questionText } from './prompt.ts';

// The journal is the truth: a conversation is what its events come to, in whichever process.

/** A conversation so far. */
export interface Conversation {
  readonly opened: Opened | null;
  /** What the model sees while it gathers, from its instructions on; the results of a turn are there when all are. */
  readonly messages: readonly Message[];
  /** Calls of the last answer that were not made yet. */
  readonly pending: readonly ToolCall[];
  /** All calls that were made. */
  readonly calls: readonly Called[];
  /** Turns with calls of which none was answered anew, in a row. */
  readonly dryTurns: number;
  readonly nudges: number;
  /** No tools are offered any more. */
  readonly isGathered: boolean;
  /** The last answer in the form of a report, as text; null = none yet. */
  readonly finalText: string | null;
  readonly finalFinish: FinishReason | null;
  readonly repairs: number;
  /** The last request that got no answer and is not made again. */
  readonly failure: Failed | null;
  /** Whether something was left out of what the model sees. */
  readonly isShortened: boolean;
  /** Whether the model's window is smaller than it was said to be. */
  readonly isTight: boolean;
  readonly closed: Closed | null;
  /** What a person asked on last; null = nobody did. */
  readonly question: string | null;
  readonly spent: Spent;
  /** What was reserved for a request that was sent by a process that ended before its answer was stored. */
  readonly lost: Pick<Spent, 'tokens' | 'costMicros'> | null;
  readonly notes: readonly Noted[];
}

const nothing: Conversation = {
  opened: null,
  messages: [],
  pending: [],
  calls: [],
  dryTurns: 0,
  nudges: 0,
  isGathered: false,
  finalText: null,
  finalFinish: null,
  repairs: 0,
  failure: null,
  isShortened: false,
  isTight: false,
  closed: null,
  question: null,
  spent: nothingSpent,
  lost: null,
  notes: [],
};

/** What the events come to. */
export function conversationOf(events: readonly NewAgentEvent[]): Conversation {
  return events.reduce(withEvent, nothing);
}

/** The conversation after one more event. Pure. */
export function withEvent(before: Conversation, { kind, content, tokens, costMicros }: NewAgentEvent): Conversation {
  if (kind === 'asked') return withAsked(before, { tokens, costMicros });
  const apply = appliers[kind] as (now: Conversation, content: unknown) => Conversation;
  return apply({ ...before, spent: plus(before.spent, { tokens, costMicros }) }, content);
}

const appliers: {
  readonly [Kind in Exclude<AgentEventKind, 'asked'>]: (now: Conversation, content: Contents[Kind]) => Conversation;
} = {
  opened: withOpened,
  answered: (now, answered) => withAnswer({ ...now, lost: null }, answered),
  failed: (now, failed) => withFailure({ ...now, lost: null }, failed),
  called: withCall,
  noted: withNote,
  message: withMessage,
  closed: (now, closed) => ({ ...now, closed }),
};

/** What the tools of a conversation read, each piece once, in the order of its id. */
export function evidenceOf({ calls }: Pick<Conversation, 'calls'>): readonly Evidence[] {
  const read = calls.flatMap(({ result: { evidence } }) => evidence ?? []);
  const byId = new Map(read.map((evidence) => [evidence.id, evidence] as const));
  return [...byId.values()].sort((one, other) => evidenceNumber(one) - evidenceNumber(other));
}

/** What the model was shown of each piece of evidence, by id: its excerpt, or more than that. */
export function shownOf({ calls }: Pick<Conversation, 'calls'>): ReadonlyMap<string, string> {
  return new Map(
    calls.flatMap(({ result: { evidence, text } }) => (evidence === null ? [] : [[evidence.id, text] as const])),
  );
}

/** What was used, with what was reserved for a request of which nobody knows what became. */
export function spentOf({ spent, lost }: Conversation): Spent {
  return lost === null ? spent : plus(spent, lost);
}

function withOpened(now: Conversation, opened: Opened): Conversation {
  const { system, user } = opened;
  return {
    ...now,
    opened,
    messages: [
      { role: 'system', text: system },
      { role: 'user', text: user },
    ],
  };
}

/** A request without an answer before this one was made by a process that ended: what was reserved for it is taken as used. */
function withAsked(now: Conversation, reserved: Conversation['lost']): Conversation {
  return { ...now, spent: plus(spentOf(now), { turns: 1 }), lost: reserved };
}

function withAnswer(now: Conversation, { phase, message, finish }: Answered): Conversation {
  if (phase !== 'gather')
    return {
      ...now,
      finalText: message.text,
      finalFinish: finish,
      repairs: now.repairs + (phase === 'repair' ? 1 : 0),
    };
  const messages = [...now.messages, message];
  return message.calls.length === 0
    ? { ...now, messages, isGathered: true }
    : { ...now, messages, pending: message.calls };
}

const endsGathering: ReadonlySet<ModelFailureReason> = new Set(['ContextTooLong', 'BrokenAnswer', 'ContentFiltered']);

function withFailure(now: Conversation, failed: Failed): Conversation {
  if (!failed.isLast) return now;
  // An answer to what is known by now may still be had.
  if (failed.phase === 'gather' && endsGathering.has(failed.reason))
    return { ...now, isGathered: true, isTight: failed.reason === 'ContextTooLong' };
  return { ...now, failure: failed };
}

function withCall(now: Conversation, called: Called): Conversation {
  const { result } = called;
  const calls = [...now.calls, called];
  if (called.isReused === true) return { ...now, calls };
  const pending = now.pending.filter(({ id }) => id !== called.call.id);
  const spent = plus(now.spent, { toolCalls: 1, bytes: result.cached ? 0 : result.bytes });
  if (pending.length > 0) return { ...now, calls, pending, spent };
  const turn = callsOfTurn(now.messages);
  const made = turn.flatMap(({ id }) => calls.findLast((one) => one.call.id === id) ?? []);
  const isDry = made.every(({ result: { cached, status } }) => cached || status === 'denied');
  const results = made.map(({ call: { id, name }, result: { text } }) => ({ id, name, text }));
  return {
    ...now,
    calls,
    pending,
    spent,
    messages: [...now.messages, { role: 'tool', results }],
    dryTurns: isDry ? now.dryTurns + 1 : 0,
  };
}

function callsOfTurn(messages: readonly Message[]): readonly ToolCall[] {
  const last = messages.at(-1);
  return last?.role === 'assistant' ? last.calls : [];
}

/** It begins anew with the question: what was read and what was answered is known, what was asked for and not read is not. */
function withMessage(now: Conversation, { question }: Contents['message']): Conversation {
  const kept = now.messages.at(-1)?.role === 'assistant' ? now.messages.slice(0, -1) : now.messages;
  const answer = now.closed?.answer ?? null;
  const said = answer === null ? [] : [answerMessage(answer)];
  return {
    ...now,
    messages: [...kept, ...said, { role: 'user', text: questionText(question) }],
    question,
    pending: [],
    dryTurns: 0,
    nudges: 0,
    isGathered: false,
    finalText: null,
    finalFinish: null,
    repairs: 0,
    failure: null,
    closed: null,
  };
}

function answerMessage(answer: ModelReport): Message {
  return { role: 'assistant', text: JSON.stringify(answer), calls: [], raw: null };
}

function withNote(now: Conversation, note: Noted): Conversation {
  const notes = [...now.notes, note];
  if (note.what === 'nudge')
    return {
      ...now,
      notes,
      nudges: now.nudges + 1,
      dryTurns: 0,
      messages: [...now.messages, { role: 'user', text: note.text }],
    };
  if (note.what === 'gone-on') return { ...now, notes, closed: null, failure: null };
  if (note.what === 'tools-withdrawn' || note.what === 'out-of-budget') return { ...now, notes, isGathered: true };
  return { ...now, notes, isShortened: now.isShortened || note.what === 'left-out' };
}
