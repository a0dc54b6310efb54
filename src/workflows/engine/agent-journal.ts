import type { AgentEvent, AgentJournal, NewAgentEvent } from '../../core/agent-event.ts';
import type { AgentReader, ModelCharge } from '../../core/agent-store.ts';
import type { RunRecord, StepRecord } from '../../core/run.ts';
import { dayOf } from '../../core/time.ts';
import { allDone } from '../../lib/all-done.ts';
import type { StoreCalls } from './attempt.ts';
import { countAgentEvents } from './model-metrics.ts';
import { stale } from './work.ts';
import type { EngineContext, Work } from './work.ts';

/** A request of which nobody knows yet what it used. */
export interface OpenRequest extends ModelCharge {
  /** The UTC day that it is charged to. */
  readonly day: string;
}

/** What some new events cost, by day, and which request is open after them. */
export interface Charges {
  readonly byDay: ReadonlyMap<string, ModelCharge>;
  readonly open: OpenRequest | null;
}

/**
 * What events add to what was spent: a request what it reserves, its end the difference to what it used, on the day of the
 * request. So the sum is at no time less than what was used, and a request whose end nobody knows stays charged. Pure.
 */
export function chargesOf(before: OpenRequest | null, events: readonly NewAgentEvent[], day: string): Charges {
  const byDay = new Map<string, ModelCharge>();
  const add = (on: string, tokens: number, costMicros: number): void => {
    const known = byDay.get(on) ?? { tokens: 0, costMicros: 0 };
    byDay.set(on, { tokens: known.tokens + tokens, costMicros: known.costMicros + costMicros });
  };
  let open = before;
  for (const { kind, tokens, costMicros } of events) {
    if (kind === 'asked') {
      add(day, tokens, costMicros);
      open = { day, tokens, costMicros };
    } else if (kind === 'answered' || kind === 'failed') {
      add(open?.day ?? day, tokens - (open?.tokens ?? 0), costMicros - (open?.costMicros ?? 0));
      open = null;
    }
  }
  return { byDay, open };
}

/** The journal of one attempt of an agent step: reads what the earlier ones wrote, writes under the run's fence. */
export function createAgentJournal(
  { store, now, metrics }: EngineContext,
  { run }: Work,
  row: StepRecord,
  calls: StoreCalls,
): AgentJournal {
  let open: OpenRequest | null = null;
  return {
    async events() {
      if (row.attempt === 1) return [];
      const found = await calls.call(() => store.read.agent.eventsOfStep(run.id, row.path));
      open = openAfter(found);
      return found;
    },
    async append(events) {
      const at = now();
      const charges = chargesOf(open, events, dayOf(at));
      open = charges.open;
      const byDay = [...charges.byDay];
      const growth = {
        events: events.length,
        tokens: byDay.reduce((sum, [, { tokens }]) => sum + tokens, 0),
        costMicros: byDay.reduce((sum, [, { costMicros }]) => sum + costMicros, 0),
      };
      await calls.call(() =>
        store.transaction('agent-events', async (tx) => {
          const lock = await tx.agent.lock(run.id, run.fence, growth);
          if (lock === undefined) throw stale();
          const first = lock.lastSequence - events.length + 1;
          const { id: runId } = run;
          const { path, attempt } = row;
          await allDone([
            tx.agent.insert(
              events.map((event, index) => ({ ...event, runId, path, attempt, at, sequence: first + index })),
            ),
            ...byDay.map(([day, charge]) => tx.agent.charge(day, run, charge)),
          ]);
        }),
      );
      countAgentEvents(metrics, events);
    },
  };
}

/** The request that an earlier attempt left open. */
function openAfter(events: readonly AgentEvent[]): OpenRequest | null {
  return events.reduce<OpenRequest | null>((open, event) => chargesOf(open, [event], dayOf(event.at)).open, null);
}

/** All events of the step whose `closed` has this hash; empty = there is none. */
export async function conversationWith(
  agent: AgentReader,
  run: RunRecord,
  evidenceHash: string,
): Promise<readonly AgentEvent[]> {
  const closed = await agent.closedWith(evidenceHash, run);
  return closed === undefined ? [] : agent.eventsOfStep(closed.runId, closed.path);
}
