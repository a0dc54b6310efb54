import type { AgentJournal, NewAgentEvent } from '../core/agent-event.ts';
import type { ModelCharge } from '../core/agent-store.ts';
import { toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { oneLine } from '../lib/printable.ts';
import { answerJsonSchema, parseAnswer } from './answer.ts';
import { breachOf } from './budget.ts';
import type { BudgetLimits, Reservation } from './budget.ts';
import type { Message, ToolCall } from './conversation.ts';
import { ModelFailure, costMicros, totalTokens } from './models/model.ts';
import type { ModelFailureReason, ModelRequest, PatientModel, Price, Usage } from './models/model.ts';
import { closingText, nudgeText, repairText } from './prompt.ts';
import { newEvent, spentOf, withEvent } from './state.ts';
import type { Closed, Conversation, EndReason, Phase } from './state.ts';
import type { Toolbox } from './toolbox.ts';
import { estimateTokens, fitMessages, gatheredText, mostCostMicros } from './window.ts';

/** All that the loop needs; it holds nothing of its own between two moves. */
export interface LoopWorld {
  readonly model: PatientModel;
  readonly toolbox: Toolbox;
  readonly journal: AgentJournal;
  readonly limits: BudgetLimits;
  /** Of one answer. */
  readonly maxOutputTokens: number;
  /** Of one request. Milliseconds. */
  readonly requestTimeoutMs: number;
  /** Whether the budgets above this step (run, day, installation) have room for so much more; else why not, in words. */
  readonly refusal: (next: { readonly tokens: number; readonly costMicros: number }) => Promise<string | null>;
  now(): Timestamp;
  readonly signal: AbortSignal;
}

/** Turns in which nothing new was answered, before the model is told, and how often it is told before its tools go. */
const dryTurnsBeforeNudge = 2;
const nudgesBeforeWithdrawal = 2;

/**
 * Leads a conversation that was opened to its end, from what its journal came to: asks the model, calls its tools, and asks for the answer.
 * Every request and call is in the journal before and after it, so another process goes on where this one ended and makes no
 * call again whose answer is stored. Whatever the model, its provider or the budget do, it ends with a `closed` event, unless the
 * signal aborts it: then it is left as it is. Throws only what the journal throws (StaleFence, the store's).
 */
export async function converse(world: LoopWorld, before: Conversation): Promise<Conversation> {
  let state = before;
  const write = async (...events: readonly NewAgentEvent[]): Promise<void> => {
    await world.journal.append(events);
    for (const event of events) state = withEvent(state, event);
  };
  // A step that failed for want of its model was tried again.
  if (state.closed?.ended === 'ModelUnavailable')
    await write(newEvent('noted', { what: 'gone-on', text: 'the model is asked again' }));
  const startedMs = toEpochMs(world.now());
  const current: Current = () => {
    const wallMs = toEpochMs(world.now()) - startedMs;
    return { ...state, spent: { ...spentOf(state), wallMs } };
  };
  while (state.closed === null && !world.signal.aborted) await makeMove(world, current, write);
  return state;
}

/** A model with a small window asks on and on, and loses at the end what it was told at first. */
const mostCompactTurns = 5;

function isCompact({ opened }: Conversation): boolean {
  return opened?.profile === 'compact';
}

function turnsOf({ messages }: Conversation): number {
  return messages.filter(({ role }) => role === 'assistant').length;
}

/** The conversation as it stands now, with all that was spent. */
type Current = () => Conversation;

type Write = (...events: readonly NewAgentEvent[]) => Promise<void>;

/** Only a whole answer may be used again, and only to the Workflow's own question. */
function closedEvent(state: Conversation, ended: EndReason, answer: Closed['answer'], detail: string): NewAgentEvent {
  const event = newEvent('closed', { ended, detail: oneLine(detail, 500), answer });
  return ended === 'concluded' && state.question === null
    ? { ...event, evidenceHash: state.opened?.evidenceHash ?? null }
    : event;
}

async function makeMove(world: LoopWorld, current: Current, write: Write): Promise<void> {
  const state = current();
  const move = nextMove(state, world);
  if (move.kind === 'end') return write(closedEvent(state, move.ended, move.answer, move.detail));
  if (move.kind === 'note') return write(newEvent('noted', { what: move.what, text: move.text }));
  if (move.kind === 'call') return callTools(world, move.calls, write);
  return ask(world, current, move, write);
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

interface AskMove {
  readonly kind: 'ask';
  readonly phase: Phase;
  readonly messages: readonly Message[];
  readonly withTools: boolean;
  readonly reservation: Required<Pick<Reservation, 'turns' | 'tokens' | 'costMicros'>>;
}

/** So much of the time is for gathering; the rest is for the answer. */
const shareOfGathering = 0.7;

type Bounds = Pick<LoopWorld, 'model' | 'toolbox' | 'limits' | 'maxOutputTokens'>;

/** Decides. Pure. */
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

async function callTools({ toolbox, signal }: LoopWorld, calls: readonly ToolCall[], write: Write): Promise<void> {
  // Each is stored as it ends; the order of the journal is that of the endings, and that of a turn's results that of its calls.
  let writing: Promise<void> = Promise.resolve();
  const results = await Promise.allSettled(
    calls.map(async (call) => {
      const result = await toolbox.execute(call);
      writing = writing.then(() => write(newEvent('called', { call, result })));
      await writing;
    }),
  );
  if (signal.aborted) return;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** A request is given no less, however little time is left. Milliseconds. */
const leastTimeoutMs = 1000;

/** While it gathers, the answer is kept room for, which needs about as much again. */
function withRoomForTheAnswer(phase: Phase, { tokens, costMicros }: AskMove['reservation']): ModelCharge {
  const times = phase === 'gather' ? 2 : 1;
  return { tokens: tokens * times, costMicros: costMicros * times };
}

async function ask(world: LoopWorld, current: Current, move: AskMove, write: Write): Promise<void> {
  const state = current();
  const { limits } = world;
  const { phase, reservation } = move;
  const refused = await world.refusal(withRoomForTheAnswer(phase, reservation));
  if (refused !== null)
    return write(
      phase === 'gather'
        ? newEvent('noted', { what: 'out-of-budget', text: refused })
        : closedEvent(state, 'BudgetExceeded', null, refused),
    );
  const asked = newEvent('asked', { phase }, reservation);
  await write(asked);
  const request: ModelRequest = {
    messages: move.messages,
    tools: move.withTools ? world.toolbox.declarations : [],
    schema: phase === 'gather' ? null : { name: 'report', schema: answerJsonSchema(isCompact(state)) },
    maxOutputTokens: world.maxOutputTokens,
    timeoutMs: Math.min(world.requestTimeoutMs, Math.max(leastTimeoutMs, limits.wallMs - state.spent.wallMs)),
    signal: world.signal,
  };
  /** What a failed request is charged: mostly nobody says what was used, and what was refused used nothing. */
  const charge = (failure: ModelFailure) => {
    if (failure.usage !== null) return chargeOf(failure.usage, world.model.price);
    return mayHaveUsed(failure) ? reservation : { tokens: 0, costMicros: 0 };
  };
  try {
    const { answer, model, price } = await world.model.ask(request, async (failure, { model, isLast }) => {
      const { reason, message } = failure;
      await write(newEvent('failed', { phase, model, reason, message, isLast }, charge(failure)));
      if (isLast || world.signal.aborted) return false;
      // The next try is a request as well.
      if (breachOf(limits, current().spent, reservation) !== null) return false;
      if ((await world.refusal(reservation)) !== null) return false;
      await write(asked);
      return true;
    });
    const { usage, message, finish } = answer;
    const used = usage === null ? reservation : chargeOf(usage, price);
    await write(newEvent('answered', { phase, model, message, finish, usage }, used));
  } catch (error) {
    // A failure was written when it was heard of.
    if (!(error instanceof ModelFailure) && !world.signal.aborted) throw error;
  }
}

function chargeOf(usage: Usage, price: Price | null): { readonly tokens: number; readonly costMicros: number } {
  return { tokens: totalTokens(usage), costMicros: costMicros(usage, price) };
}

function mayHaveUsed({ reason, wasSent }: ModelFailure): boolean {
  return (
    wasSent &&
    (reason === 'Timeout' || reason === 'BrokenAnswer' || reason === 'ServerError' || reason === 'Unreachable')
  );
}
