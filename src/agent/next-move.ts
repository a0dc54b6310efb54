import { oneLine } from '../lib/printable.ts';
import { answerJsonSchema, parseAnswer } from './model-report.ts';
import { breachOf } from './budget.ts';
import type { BudgetLimits, Reservation } from './budget.ts';
import type { Closed, EndReason, Phase } from './contents.ts';
import type { Message, ToolCall } from './message.ts';
import type { ModelFailureReason, PatientModel } from './models/model.ts';
import { closingText, nudgeText, repairText } from './prompt.ts';
import type { Conversation } from './conversation.ts';
import type { Toolbox } from './toolbox.ts';
import { estimateTokens, fitMessages, gatheredText, mostCostMicros } from './window.ts';

/** Turns in which nothing new was answered, before the model is told, and how often it is told before its tools go. */
const dryTurnsBeforeNudge = 2;
const nudgesBeforeWithdrawal = 2;

/** A model with a small window asks on and on, and loses at the end what it was told at first. */
const mostCompactTurns = 5;

export function isCompact({ opened }: Conversation): boolean {
  return opened?.profile === 'compact';
}

function turnsOf({ messages }: Conversation): number {
  return messages.filter(({ role }) => role === 'assistant').length;
}

/** What is to be done next. */
export type Move =
  | EndMove
  | { readonly kind: 'note'; readonly what: 'nudge' | 'tools-withdrawn' | 'left-out'; readonly text: string }
  | { readonly kind: 'call'; readonly calls: readonly ToolCall[] }
  | AskMove;

interface EndMove {
  readonly kind: 'end';
  readonly ended: EndReason;
  readonly detail: string;
  readonly answer: Closed['answer'];
}

export interface AskMove {
  readonly kind: 'ask';
  readonly phase: Phase;
  readonly messages: readonly Message[];
  readonly withTools: boolean;
  readonly reservation: Required<Pick<Reservation, 'turns' | 'tokens' | 'costMicros'>>;
}

/** So much of the time is for gathering; the rest is for the answer. */
const shareOfGathering = 0.7;

/** What bounds a conversation. */
export interface Bounds {
  readonly model: PatientModel;
  readonly toolbox: Toolbox;
  readonly limits: BudgetLimits;
  /** Of one answer. */
  readonly maxOutputTokens: number;
}

/** Decides what is to be done next in a conversation that is open. Pure. */
export function nextMove(state: Conversation, bounds: Bounds): Move {
  const { failure, finalText } = state;
  if (failure !== null) return afterFailure(failure.reason, `${failure.model}: ${failure.message}`);
  if (finalText !== null) return afterAnswer(state, finalText, bounds);
  if (state.isGathered || bounds.toolbox.declarations.length === 0) return closing(state, bounds, null);
  if (state.pending.length > 0) return callsWithin(state, bounds);
  if (isCompact(state) && turnsOf(state) >= mostCompactTurns) return closing(state, bounds, null);
  if (state.dryTurns >= dryTurnsBeforeNudge)
    return state.nudges >= nudgesBeforeWithdrawal
      ? { kind: 'note', what: 'tools-withdrawn', text: 'the model asked for the same again and again' }
      : { kind: 'note', what: 'nudge', text: nudgeText };
  return gathering(state, bounds);
}

function afterFailure(reason: ModelFailureReason, detail: string): Move {
  const ended =
    reason === 'ContextTooLong'
      ? 'ContextTooLong'
      : reason === 'ContentFiltered'
        ? 'ContentFiltered'
        : 'ModelUnavailable';
  return { kind: 'end', ended, detail, answer: null };
}

function afterAnswer(state: Conversation, text: string, bounds: Bounds): Move {
  const parsed = parseAnswer(text);
  if ('report' in parsed) return { kind: 'end', ended: 'concluded', detail: '', answer: parsed.report };
  if (state.repairs > 0) {
    const ended = state.finalFinish === 'length' ? 'LengthExceeded' : 'BadAnswer';
    return { kind: 'end', ended, detail: parsed.problem, answer: null };
  }
  const closed = closing(state, bounds, null);
  if (closed.kind !== 'ask') return closed;
  const wasCut = state.finalFinish === 'length';
  const problem = wasCut ? 'it was cut: it is too long, say far less' : parsed.problem;
  const messages: readonly Message[] = [
    ...closed.messages,
    { role: 'assistant', text: text.slice(0, 4000) || '(empty)', calls: [], raw: null },
    { role: 'user', text: repairText(oneLine(problem, 400)) },
  ];
  return asking('repair', messages, false, state, bounds) ?? spentUp('the answer could not be asked for again');
}

/** A call beyond the budget is not made: what is known by then has to do. */
function callsWithin(state: Conversation, { limits }: Bounds): Move {
  const left = limits.toolCalls - state.spent.toolCalls;
  const breach = breachOf(limits, state.spent, { toolCalls: 1, bytes: 1 });
  if (breach !== null) return { kind: 'note', what: 'tools-withdrawn', text: `the budget has ${breach.text}` };
  return { kind: 'call', calls: state.pending.slice(0, left) };
}

function gathering(state: Conversation, bounds: Bounds): Move {
  const { limits, model, toolbox, maxOutputTokens } = bounds;
  const room = model.contextTokens - maxOutputTokens;
  const fitted = fitMessages(state, toolbox.declarations, room);
  if (fitted === null) return closing(state, bounds, null);
  if (fitted.leftOut > 0 && !state.isShortened)
    return { kind: 'note', what: 'left-out', text: 'the oldest answers of tools were left out to fit into the window' };
  const withTools = asking('gather', fitted.messages, true, state, bounds);
  // The closing request needs about as much again.
  const kept = withTools === null ? {} : { turns: 1, tokens: withTools.reservation.tokens };
  const costs = withTools === null ? {} : { costMicros: withTools.reservation.costMicros };
  const spent = { ...state.spent, wallMs: state.spent.wallMs / shareOfGathering };
  const breach = withTools === null ? null : breachOf(limits, spent, withTools.reservation, { ...kept, ...costs });
  if (withTools === null || breach !== null) return closing(state, bounds, breach?.text ?? null);
  return withTools;
}

/** Asks for the answer, of as much of what was gathered as the window and the budget have room for. */
function closing(state: Conversation, bounds: Bounds, breach: string | null): Move {
  const { opened } = state;
  if (opened === null) throw new Error('a conversation begins with its opening');
  const { model, maxOutputTokens, limits } = bounds;
  const why = breach === null ? null : `The budget of this investigation (${breach}) leaves room for this answer only.`;
  const opening: readonly Message[] = [
    { role: 'system', text: opened.system },
    { role: 'user', text: opened.user },
  ];
  const question = closingText(opened.profile, why, state.question);
  // The schema goes with the request.
  const schemaTokens = estimateTokens([
    { role: 'user', text: JSON.stringify(answerJsonSchema(opened.profile === 'compact')) },
  ]);
  const used = estimateTokens(opening) + estimateTokens([{ role: 'user', text: question }]) + schemaTokens;
  const room = Math.min(model.contextTokens - maxOutputTokens, limits.tokens - state.spent.tokens - maxOutputTokens);
  const gathered = gatheredText(state, Math.max(0, room - used - 50));
  const messages: readonly Message[] = [
    ...opening,
    { role: 'user', text: gathered === '' ? question : `${gathered}\n\n${question}` },
  ];
  return asking('close', messages, false, state, bounds) ?? spentUp(breach ?? '');
}

function spentUp(detail: string): Move {
  return { kind: 'end', ended: 'BudgetExceeded', detail, answer: null };
}

/** The request with what is reserved for it; null where the budget has no room for it. */
function asking(
  phase: Phase,
  messages: readonly Message[],
  withTools: boolean,
  state: Conversation,
  { model, toolbox, limits, maxOutputTokens }: Bounds,
): AskMove | null {
  const input = estimateTokens(messages, withTools ? toolbox.declarations : []);
  const reservation = {
    turns: 1,
    tokens: input + maxOutputTokens,
    costMicros: mostCostMicros(input, maxOutputTokens, model.price),
  };
  if (breachOf(limits, state.spent, reservation) !== null) return null;
  return { kind: 'ask', phase, messages, withTools, reservation };
}
