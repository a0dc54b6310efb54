import type { ErrorCode } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { Plan } from './plan.ts';
import type { Evidence, ProcessIdentity, RunRecord, RunStatus, StepRecord, StepStatus, WaitingFor } from './run.ts';
import type { Timestamp } from './time.ts';

// The ports of runs, their steps, evidence and slots: parts of the Store of store.ts.

/** A run in the order in which runs are due. */
export interface DuePosition {
  readonly id: string;
  readonly wakeAt: Timestamp;
}

export interface RunReader {
  find(id: string): Promise<RunRecord | undefined>;
  plan(hash: string): Promise<Plan | undefined>;
  /** All attempts of a run, oldest first. */
  steps(runId: string): Promise<readonly StepRecord[]>;
  evidence(runId: string): Promise<readonly Evidence[]>;
  /** Ids of unfinished runs with `wake_at <= now` and no live lease, oldest first. */
  due(now: Timestamp, limit: number): Promise<readonly string[]>;
  /** As `due`, the next page after a position; null = from the start. In the order of `wakeAt`, then `id`. */
  duePage(now: Timestamp, after: DuePosition | null, limit: number): Promise<readonly DuePosition[]>;
  /** The earliest `wake_at` of unfinished runs. */
  nextWakeAt(): Promise<Timestamp | null>;
  /** When somebody asked the run to stop; null = nobody did. */
  cancelRequestedAt(id: string): Promise<Timestamp | null>;
  /** Of the run's newest evidence; 0 = it has none. */
  lastEvidenceNumber(runId: string): Promise<number>;
}

export interface NewRun {
  readonly run: RunRecord;
  readonly plan: Plan | null;
}

/** What starting and ending the work on an alert asks about its runs. */
export type RunBrief = Pick<
  RunRecord,
  | 'id'
  | 'alertId'
  | 'name'
  | 'namespace'
  | 'status'
  | 'episode'
  | 'planHash'
  | 'retryOf'
  | 'requestedBy'
  | 'leaseOwner'
  | 'waitingFor'
  | 'createdAt'
>;

export interface RunStore extends RunReader {
  /**
   * Inserts runs (and their plans, once per hash). Throws StoreConflict where (alert, episode, workflow) has one already.
   */
  insertAll(runs: readonly NewRun[]): Promise<void>;
  /** False where (alert, episode, workflow), or the delivery that asked for it, has one already. */
  insert(run: NewRun): Promise<boolean>;
  /**
   * Runs of these alerts, oldest first: those that have not ended, those created at `since` or later, and those of an
   * episode that the alert does not have yet.
   */
  briefsOfAlerts(alertIds: readonly string[], since: Timestamp): Promise<readonly RunBrief[]>;
  /** Design 3.1.5 in one statement; undefined = someone else has it, or it is not due. */
  claim(id: string, owner: string, now: Timestamp, leaseUntil: Timestamp): Promise<RunRecord | undefined>;
  /** Design 3.1.7: locks the run where the fence matches and it is running; undefined = stale. Writes the progress, if given. */
  lock(id: string, fence: number, progress?: RunProgress): Promise<RunLock | undefined>;
  /** The run has its slots for the first time. */
  start(id: string, at: Timestamp, progress: RunProgress): Promise<void>;
  /** Extends the lease; false = stale. */
  renew(id: string, fence: number, leaseUntil: Timestamp): Promise<boolean>;
  /** Gives the lease back. Only after {@link RunStore.lock} or claim in the same transaction. */
  release(id: string, wait: RunWait): Promise<void>;
  /** Makes a run that is due and that nobody holds due later. */
  postpone(id: string, now: Timestamp, until: Timestamp): Promise<void>;
  /** Makes an unfinished run due that nobody holds and that waits for its next attempt. */
  hasten(id: string, at: Timestamp): Promise<void>;
  /** Locks the run and writes its final state; undefined = stale. */
  finish(id: string, fence: number, end: RunEnd): Promise<RunLock | undefined>;
  /**
   * Moves the deadlines of unfinished runs that were created by then: a page after an id, in the order of ids. Resolves to
   * the last id of the page, null = there was none.
   */
  moveDeadlines(
    byMs: number,
    createdBy: Timestamp,
    page: { readonly after: string; readonly limit: number },
  ): Promise<string | null>;
  update(id: string, changes: Partial<RunRecord>): Promise<void>;
  /** {@link RunReader.find}, after whoever deletes the run; from then on nobody does until the commit. */
  findLocked(id: string): Promise<RunRecord | undefined>;
  /** Id of the run that a delivery asked for. */
  findRequested(deliveryId: string): Promise<string | undefined>;
  /** Whether another run has not ended. */
  hasOthers(run: Pick<RunRecord, 'id'>): Promise<boolean>;
  /** Asks an unfinished run to stop and wakes it if nobody holds it. The first reason stays. False = finished or absent. */
  requestCancel(id: string, at: Timestamp, reason: string): Promise<boolean>;
  /** At the start of the only server: no worker is alive, so every leased run is due now. Returns how many there were. */
  releaseLeases(now: Timestamp): Promise<number>;
  /** Writes rows of the journal: new ones, and how an attempt that is there ended. */
  writeSteps(steps: readonly StepRecord[]): Promise<void>;
  setStepProcess(id: string, process: ProcessIdentity): Promise<void>;
  addEvidence(runId: string, stepPath: string, evidence: readonly Evidence[]): Promise<void>;
  /** Takes one of `limit` slots. Taking one that the run holds already is true. `free` = slots left. */
  takeSlot(
    key: string,
    limit: number,
    runId: string,
    at: Timestamp,
  ): Promise<{ readonly taken: boolean; readonly free: number }>;
  /** Frees the run's slot with this key and wakes who waits for it. */
  freeSlot(runId: string, key: string, at: Timestamp): Promise<void>;
  /**
   * Frees all slots of the run and wakes who waits for one of these keys; also where the run held none: it may have been
   * woken for a slot that it no longer wants.
   */
  freeAllSlots(runId: string, keys: readonly string[], at: Timestamp): Promise<void>;
  /** Wakes the oldest run that waits for a slot with this key and was not woken yet. */
  wakeWaiter(key: string, at: Timestamp): Promise<void>;
  /**
   * Design 3.1.20: unfinished runs that nothing else would wake: those without a lease that have no wake-up, and those that
   * wait for nothing but a wake-up, or are held by a lease, that lies after `latest` because the clock was put back. Locked
   * until the commit; those that somebody else has locked are left out.
   */
  stuck(now: Timestamp, latest: Timestamp): Promise<readonly StuckRun[]>;
  /** Frees slots of finished or absent runs and wakes who waits for them. Returns how many there were. */
  freeOrphanSlots(at: Timestamp): Promise<number>;
}

export interface StuckRun {
  readonly id: string;
  readonly reason: 'NoWakeUp' | 'ClockPutBack';
  /** By a lease that is too long to be one; its holder may still be at work. */
  readonly isHeld: boolean;
}

/** What `describe run` shows of a run in work. */
export interface RunProgress {
  /** Steps of the plan's first level that are done. */
  readonly stepsCompleted: number;
  readonly currentStep: string | null;
}

/** What others may have written to a run while a worker holds it. */
export interface RunLock {
  readonly cancelRequestedAt: Timestamp | null;
  readonly cancelReason: string | null;
}

/** How a run goes on without a lease. */
export interface RunWait {
  /** `pending` for a run that never got its slots. */
  readonly status: 'pending' | 'running';
  readonly wakeAt: Timestamp | null;
  readonly waitingFor: WaitingFor | null;
  /** The slot that it waits for, so that {@link RunStore.wakeWaiter} finds it. */
  readonly slotKey: string | null;
}

/** The final state of a run. */
export interface RunEnd {
  readonly status: RunStatus;
  readonly stepsCompleted: number;
  readonly outputs: JsonObject;
  readonly error: string | null;
  readonly errorCode: ErrorCode | null;
  readonly completedAt: Timestamp;
}

/** The end of one attempt. */
export interface StepEnd {
  readonly status: StepStatus;
  readonly result: JsonValue;
  readonly error: string | null;
  readonly errorCode: ErrorCode | null;
  readonly retryable: boolean;
  readonly completedAt: Timestamp;
}
