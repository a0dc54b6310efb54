import type { FollowUp } from '../../core/agent-event.ts';
import type { ModelCharge } from '../../core/agent-store.ts';
import { AppError } from '../../core/errors.ts';
import type { RunRecord } from '../../core/run.ts';
import type { StoreReader } from '../../core/store.ts';

/** What a run goes on from. */
export interface Continued {
  /** null: nobody asked on. */
  readonly followUp: FollowUp | null;
  /** By the runs that it goes on from. */
  readonly spent: ModelCharge;
}

/** A conversation has at most so many parts. */
export const mostParts = 50;

/**
 * Reads the conversation that a run goes on with, back to where it began. Undefined: a part of it is gone, by retention.
 */
export async function readContinued(
  { runs, agent }: Pick<StoreReader, 'runs' | 'agent'>,
  { input }: Pick<RunRecord, 'input'>,
): Promise<Continued | undefined> {
  const { followUp } = input;
  if (followUp === undefined) return { followUp: null, spent: { tokens: 0, costMicros: 0 } };
  const parts: FollowUp['events'][] = [];
  let spent: ModelCharge = { tokens: 0, costMicros: 0 };
  for (let part: RunRecord['input']['followUp'] = followUp; part !== undefined && parts.length < mostParts;) {
    const run = await runs.find(part.runId);
    const events = await agent.eventsOfStep(part.runId, part.path);
    if (run === undefined || events.length === 0) return undefined;
    parts.unshift(events);
    spent = { tokens: spent.tokens + run.modelTokens, costMicros: spent.costMicros + run.modelCostMicros };
    part = run.input.followUp;
  }
  return { followUp: { events: parts.flat(), question: followUp.question }, spent };
}

/** The conversation was deleted before it was gone on with. */
export function conversationGone({ input: { followUp } }: Pick<RunRecord, 'input'>): AppError {
  return new AppError('NotFound', `the conversation of run ${followUp?.runId ?? ''} is no longer there`, {
    next: 'fist get runs',
  });
}
