import type { AlertRecord } from './alert.ts';
import type { RunRecord } from './run.ts';
import type { Timestamp } from './time.ts';

// The port of groups of alerts that have one run together: a part of the Store of store.ts.

/** What intake asks about the newest run of a group. */
export type GroupRun = Pick<
  RunRecord,
  'id' | 'status' | 'waitingFor' | 'wakeAt' | 'cancelRequestedAt' | 'startedAt' | 'createdAt'
>;

/** A group that has had a run. */
export interface KnownGroup {
  /** Id of the newest one. */
  readonly newest: string;
  /** null: it is stored no more. */
  readonly run: GroupRun | null;
}

/** A run that is made for a group. */
export interface GroupStart {
  readonly id: string;
  readonly namespace: string;
  readonly runId: string;
  /** The newest before it; null = the group had none. */
  readonly previousRunId: string | null;
}

/** An alert, in one of its episodes, that a run answers for beside its own. */
export interface RunAlert {
  readonly runId: string;
  readonly alertId: string;
  readonly episode: number;
}

/** What is told of an alert at the end of the run of its group. */
export type AlertAnswer = Pick<
  AlertRecord,
  | 'id'
  | 'status'
  | 'workflowId'
  | 'triageStartedAt'
  | 'triageCompletedAt'
  | 'aiAnalysis'
  | 'aiConfidence'
  | 'cause'
  | 'reportNamespace'
  | 'mutedUntil'
  | 'mutedReason'
  | 'updatedAt'
>;

export interface GroupStore {
  /**
   * Groups by their id; those that never had a run are absent. The runs are locked until the commit: one that has not
   * begun does not begin meanwhile.
   */
  find(ids: readonly string[]): Promise<ReadonlyMap<string, KnownGroup>>;
  /** Makes these runs the newest of their groups. Throws StoreConflict where another replica has made one meanwhile. */
  begin(starts: readonly GroupStart[]): Promise<void>;
  /** Only runs that {@link GroupStore.find} has locked, and that have not begun. An alert has its last episode. */
  join(alerts: readonly RunAlert[]): Promise<void>;
  /** Lets runs that wait for others of their group wait on. */
  hold(runs: readonly { readonly id: string; readonly wakeAt: Timestamp }[]): Promise<void>;
  /** Which of these alerts joined which of these runs, in which episode. */
  joined(alerts: readonly Pick<RunAlert, 'runId' | 'alertId'>[]): Promise<readonly RunAlert[]>;
  /** How many alerts joined a run beside its own, and `most` of the oldest of them: those that fire first, then the most severe. */
  alertsOf(
    run: Pick<RunRecord, 'id' | 'alertId'>,
    most: number,
  ): Promise<{ readonly count: number; readonly alerts: readonly AlertRecord[] }>;
  /**
   * A page of the alerts that joined a run, in the order of their ids, `next` to go on; null = there are no more. Only those that are
   * in the same episode still. Locked until the commit; those that somebody else has locked are left out.
   */
  page(
    runId: string,
    after: string,
    limit: number,
  ): Promise<{ readonly alerts: readonly AlertRecord[]; readonly next: string | null }>;
  /** What joined one run has joined another one as well. */
  copy(fromRunId: string, toRunId: string): Promise<void>;
}
