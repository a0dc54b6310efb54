import type { JsonObject } from './json.ts';
import type { Timestamp } from './time.ts';

/**
 * What happens while a model investigates, in order:
 * `opened` what the conversation begins with; `asked` a request is about to be sent, with what is reserved for it; `answered`
 * and `failed` what came of it; `called` a tool was called; `noted` something else that the model or a person is told;
 * `message` a person asked on; `closed` how it ended.
 */
export const agentEventKinds = [
  'opened',
  'asked',
  'answered',
  'failed',
  'called',
  'noted',
  'message',
  'closed',
] as const;
export type AgentEventKind = (typeof agentEventKinds)[number];

/** An event before it has a place in its run. Redacted. */
export interface NewAgentEvent {
  readonly kind: AgentEventKind;
  readonly content: JsonObject;
  /** Of `asked`: what is reserved; of `answered` and `failed`: what was used, or what had been reserved where nobody knows; else 0. */
  readonly tokens: number;
  /** The same in millionths of a dollar; 0 where the price is unknown. */
  readonly costMicros: number;
  /**
   * Of `closed`: a hash over all that the result followed from (what was found, goal, model, tools), by which the alert's next run
   * may use the result again; null = it must not, or another event.
   */
  readonly evidenceHash: string | null;
}

/** A row of `agent_events`: written once, under the run's fence. */
export interface AgentEvent extends NewAgentEvent {
  readonly runId: string;
  /** The step's place in the plan. */
  readonly path: string;
  /** From 1, within the run: its agent steps come one after the other. */
  readonly sequence: number;
  /** The attempt of the step that wrote it. */
  readonly attempt: number;
  readonly at: Timestamp;
}

/** What a person asked on about a conversation that has ended. */
export interface FollowUp {
  /** The whole conversation so far, in order: of the run that is asked about, and of those that it goes on from itself. */
  readonly events: readonly AgentEvent[];
  readonly question: string;
}

/** The journal of one agent step, over all of its attempts. */
export interface AgentJournal {
  /** What earlier attempts wrote, in order; empty for a new one. */
  events(): Promise<readonly AgentEvent[]>;
  /**
   * In one transaction with the check of the fence; rejects with StaleFence where somebody else has the run. What an `asked`
   * reserved is charged until an `answered` or `failed` says what was used.
   */
  append(events: readonly NewAgentEvent[]): Promise<void>;
}
