import type { AlertRecord } from './alert.ts';
import type { RunRecord } from './run.ts';
import type { Timestamp } from './time.ts';

/** What is told of an alert that was opened, reopened, investigated or resolved; not of one that is only repeated. */
export interface AlertChange extends Pick<
  AlertRecord,
  'id' | 'name' | 'namespace' | 'source' | 'status' | 'severity' | 'episode' | 'mutedReason'
> {
  readonly kind: 'alert';
  /** When it last changed. */
  readonly at: Timestamp;
  /** The newest run. */
  readonly runId: string | null;
}

/** What is told of a run that was made, goes on or has ended. */
export interface RunChange extends Pick<
  RunRecord,
  | 'id'
  | 'name'
  | 'namespace'
  | 'alertId'
  | 'status'
  | 'stepsCompleted'
  | 'totalSteps'
  | 'currentStep'
  | 'waitingFor'
  | 'errorCode'
  | 'cancelRequestedAt'
  | 'agentEvents'
  | 'modelTokens'
  | 'modelCostMicros'
> {
  readonly kind: 'run';
  /** When it was made, started or ended, whatever came last. */
  readonly at: Timestamp;
}

export type Change = AlertChange | RunChange;

/** The place of a run in the order of ends. */
export type RunEnd = Pick<RunChange, 'at' | 'id'>;

/** Finds what has changed without a journal of changes. */
export interface ChangeReader {
  /**
   * Alerts whose last change came at `since` or later, runs that were made or have ended since, and the newest
   * {@link mostWatched} that run, as they are now; in the order of `at`. Null: there are more than `most`.
   */
  changesSince(since: Timestamp, most: number): Promise<readonly Change[] | null>;
  /** The same of runs alone: however many alerts have changed. */
  runsChangedSince(since: Timestamp, most: number): Promise<readonly RunChange[] | null>;
  /** Runs that ended after another one, or at `at` or later (`id` empty), in the order of their ends; at most `most`. */
  runsEndedAfter(last: RunEnd, most: number): Promise<readonly RunChange[]>;
}

/** Runs in work whose steps are followed. */
export const mostWatched = 200;
