import type { AgentJournal, NewAgentEvent } from '../core/agent-event.ts';
import type { ModelCharge } from '../core/agent-store.ts';
import { toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { oneLine } from '../lib/printable.ts';
import { answerJsonSchema } from './model-report.ts';
import { breachOf } from './budget.ts';
import { newEvent } from './contents.ts';
import type { Closed, EndReason, Phase } from './contents.ts';
import type { ToolCall } from './message.ts';
import { ModelFailure, costMicros, totalTokens } from './models/model.ts';
import type { ModelRequest, Price, Usage } from './models/model.ts';
import { isCompact, nextMove } from './next-move.ts';
import type { AskMove, Bounds } from './next-move.ts';
import { spentOf, withEvent } from './conversation.ts';
import type { Conversation } from './conversation.ts';

/** All that the loop needs; it holds nothing of its own between two moves. */
export interface LoopWorld extends Bounds {
  readonly journal: AgentJournal;
  /** Of one request. Milliseconds. */
  readonly requestTimeoutMs: number;
  /** Whether the budgets above this step (run, day, installation) have room for so much more; else why not, in words. */
  readonly refusal: (next: { readonly tokens: number; readonly costMicros: number }) => Promise<string | null>;
  now(): Timestamp;
  readonly signal: AbortSignal;
}

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
