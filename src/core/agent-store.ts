import type { AgentEvent } from './agent-event.ts';
import type { RunLock } from './run-store.ts';
import type { RunRecord } from './run.ts';

// The ports of what a model was asked and what it cost: parts of the Store of store.ts.

/** A page of a run's events. */
export interface AgentEventPage {
  /** Sequence of the last event of the page before; 0 = from the start. */
  readonly after: number;
  readonly limit: number;
}

/** Tokens and money. Both may be negative where less was used than had been reserved. */
export interface ModelCharge {
  readonly tokens: number;
  /** Millionths of a dollar. */
  readonly costMicros: number;
}

export interface AgentReader {
  /**
   * Events of a run in their order. A page may have fewer than were asked for, because events may be large, but none only
   * where there are no more.
   */
  events(runId: string, page: AgentEventPage): Promise<readonly AgentEvent[]>;
  /** All events of one step, over all attempts. */
  eventsOfStep(runId: string, path: string): Promise<readonly AgentEvent[]>;
  /** What was spent on a UTC day, `2026-11-23`: by all Workflows, or by one. */
  spentOn(day: string, workflow?: Pick<RunRecord, 'namespace' | 'name'>): Promise<ModelCharge>;
  /** The newest `closed` event with this hash in an earlier run of the same Workflow for the same alert. */
  closedWith(
    evidenceHash: string,
    run: Pick<RunRecord, 'id' | 'alertId' | 'namespace' | 'name'>,
  ): Promise<AgentEvent | undefined>;
}

/** How much the totals of a run grow. */
export interface AgentGrowth extends ModelCharge {
  readonly events: number;
}

export interface AgentStore extends AgentReader {
  /**
   * Locks the run as {@link RunStore.lock} does and adds to its totals; undefined = stale. `lastSequence` is that of the last
   * of the new events, which are to be inserted.
   */
  lock(
    id: string,
    fence: number,
    growth: AgentGrowth,
  ): Promise<(RunLock & { readonly lastSequence: number }) | undefined>;
  insert(events: readonly AgentEvent[]): Promise<void>;
  /** Adds to what a Workflow has spent on a UTC day. All runs of the Workflow wait for each other from here to the commit. */
  charge(day: string, workflow: Pick<RunRecord, 'namespace' | 'name'>, charge: ModelCharge): Promise<void>;
}
