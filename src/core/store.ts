import type { AlertState } from './alert-fold.ts';
import type { AlertRecord, AlertStatus, AlertTransition } from './alert.ts';
import type { SinkLimits } from './catalog.ts';
import type { DeliveryRecord } from './delivery.ts';
import type { DeadLetterRecord, SourceEventRecord } from './event.ts';
import type { ErrorCode } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { Plan } from './plan.ts';
import type { ListReader } from './lists.ts';
import type { CommitHints } from './ports.ts';
import type { ResourceRecord } from './resource.ts';
import type { RetentionStore } from './retention.ts';
import type { Evidence, ProcessIdentity, RunRecord, RunStatus, StepRecord, StepStatus, WaitingFor } from './run.ts';
import type { Timestamp } from './time.ts';

/** Names of the commits of design 3.1.8 and the others; crash points and metrics are named after them. */
export const transactionNames = [
  'intake',
  'expire',
  'claim',
  'renew',
  'step-start',
  'step-process',
  'step-end',
  'run-end',
  'run-wait',
  'cancel',
  'retry',
  'audit',
  'tick',
  'recover',
  'delivery-claim',
  'delivery-end',
  'resources',
  'retention',
] as const;
export type TransactionName = (typeof transactionNames)[number];

/**
 * The store. `transaction` is the one way to write: callers that arrive during a commit share the next one, each in a
 * savepoint of its own, and their promises resolve after the commit. `work` may only await calls on `tx`; nothing else
 * (no timer, no I/O), because every other writer waits for it. Calls that do not need each other's
 * answers or order may be made together (allDone): over a network they then cost one exchange. None may outlive `work`.
 */
export interface Store {
  transaction<T>(name: TransactionName, work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  /** Commits a write that changes nothing: resolves where the store takes writes. Rejects with StoreUnavailable. */
  probe(): Promise<void>;
  /** Committed state, outside any transaction. */
  readonly read: StoreReader;
  /** Called after each commit that made runs or deliveries due. Returns the unsubscriber. */
  onCommit(listener: (hints: CommitHints) => void): () => void;
  close(): Promise<void>;
}

/** The write side, one small store per aggregate. */
export interface StoreTransaction {
  readonly alerts: AlertStore;
  readonly events: EventStore;
  readonly runs: RunStore;
  readonly deliveries: DeliveryStore;
  readonly resources: ResourceStore;
  readonly ticks: TickStore;
  readonly retention: RetentionStore;
}

/** The read side used by programs inside transactions and out of them. Lists for people are in StoreReader.lists. */
export interface StoreReader {
  readonly runs: RunReader;
  readonly deliveries: DeliveryReader;
  readonly lists: ListReader;
}

/** What intake reads of a stored alert: the fold's state and what the policies ask. */
export type StoredAlert = AlertState &
  Pick<
    AlertRecord,
    'id' | 'contentHash' | 'sourceId' | 'workflowId' | 'triageCompletedAt' | 'announced' | 'mutedUntil'
  >;

/** Names an alert (design 3.2.1). */
export type AlertIdentity = Pick<AlertRecord, 'namespace' | 'source' | 'fingerprint'>;

/** What the last notification replaces (design 3.2.14), of the alert with this id. */
export type AlertContent = Pick<
  AlertRecord,
  'id' | 'externalId' | 'summary' | 'description' | 'annotations' | 'generatorUrl' | 'groupKey'
>;

export interface AlertStore {
  /**
   * The hot path's look at alerts: no labels, no annotations, no analysis. In the order of `identities`, undefined where
   * there is none. The rows stay locked, one identity after the other, until the commit.
   */
  findStates(identities: readonly AlertIdentity[]): Promise<readonly (StoredAlert | undefined)[]>;
  /** Writes all of each state but its id. */
  saveStates(alerts: readonly (StoredAlert & Pick<AlertRecord, 'updatedAt'>)[]): Promise<void>;
  /** Writes of each state what a plain repeat changes: counts and times of receipt, content, event. */
  saveRepeats(alerts: readonly (StoredAlert & Pick<AlertRecord, 'updatedAt'>)[]): Promise<void>;
  saveState(alert: StoredAlert, updatedAt: Timestamp): Promise<void>;
  saveContents(contents: readonly AlertContent[]): Promise<void>;
  findByIdentity(namespace: string, source: string, fingerprint: string): Promise<AlertRecord | undefined>;
  findById(id: string): Promise<AlertRecord | undefined>;
  /** Inserts rows and sees to their `alert_labels`. Throws StoreConflict where one of the identities is there already. */
  insertAll(alerts: readonly AlertRecord[]): Promise<void>;
  insert(alert: AlertRecord): Promise<void>;
  update(id: string, changes: Partial<AlertRecord>): Promise<void>;
  /** Locks the alert until the commit. */
  lockStatus(id: string): Promise<Pick<AlertRecord, 'status' | 'episode'> | undefined>;
  /** A run of the locked alert began. */
  beginTriage(id: string, status: AlertStatus, runId: string, at: Timestamp): Promise<void>;
  /** A run of the locked alert ended; without a report an earlier one stays. */
  endTriage(id: string, status: AlertStatus, runId: string, at: Timestamp, report: JsonObject | null): Promise<void>;
  addTransitions(transitions: readonly AlertTransition[]): Promise<void>;
  addTransition(transition: AlertTransition): Promise<void>;
  /** Sources with open alerts, those that are no longer in the catalog too. */
  sourcesWithOpen(): Promise<readonly { readonly namespace: string; readonly source: string }[]>;
  /** Open alerts of a Source last received before `before`, at most `limit`. */
  findExpired(namespace: string, source: string, before: Timestamp, limit: number): Promise<readonly AlertRecord[]>;
  /** Open alerts whose run a policy put off until `now` or earlier, at most `limit`. */
  findMuted(now: Timestamp, limit: number): Promise<readonly AlertRecord[]>;
}

/** Names an event by its sender's delivery id. */
export interface DeliveryKey {
  readonly namespace: string;
  readonly source: string;
  readonly key: string;
}

/** Notifications of a Source, for its status. */
export interface SourceActivity {
  readonly namespace: string;
  readonly source: string;
  readonly events: number;
  /** Of the last one. */
  readonly at: Timestamp;
  /** What is wrong with the last one, null = nothing. */
  readonly problem: string | null;
}

export interface EventStore {
  /** Outcomes of events, in the order of `keys`; undefined where there is none. */
  findOutcomes(keys: readonly DeliveryKey[]): Promise<readonly (JsonObject | undefined)[]>;
  /** Content hashes by event id, for the bump of an unchanged repeat. Absent where there is no such event. */
  contentHashes(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Throws StoreConflict where one of the delivery keys is there already. */
  insertAll(events: readonly SourceEventRecord[]): Promise<void>;
  insert(event: SourceEventRecord): Promise<void>;
  update(id: string, changes: Partial<SourceEventRecord>): Promise<void>;
  /** Counts events that came so many `times` again, last at `at`. */
  bumpAll(bumps: readonly { readonly id: string; readonly times: number; readonly at: Timestamp }[]): Promise<void>;
  addDeadLetters(letters: readonly DeadLetterRecord[]): Promise<void>;
  addDeadLetter(letter: DeadLetterRecord): Promise<void>;
  /** One entry for each Source. To be called last: all replicas write these few rows. */
  countActivity(activity: readonly SourceActivity[]): Promise<void>;
}

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
  | 'leaseOwner'
  | 'waitingFor'
  | 'createdAt'
>;

export interface RunStore extends RunReader {
  /**
   * Inserts runs (and their plans, once per hash). Throws StoreConflict where (alert, episode, workflow) has one already.
   */
  insertAll(runs: readonly NewRun[]): Promise<void>;
  /** False where (alert, episode, workflow) has one already. */
  insert(run: NewRun): Promise<boolean>;
  /**
   * Runs of these alerts, oldest first: those that have not ended, those created at `since` or later, and those of an
   * episode that the alert does not have yet.
   */
  briefsOfAlerts(alertIds: readonly string[], since: Timestamp): Promise<readonly RunBrief[]>;
  /** Runs of this alert and Workflow created since, for cooldown and flap cap. */
  countSince(alertId: string, workflow: string, since: Timestamp): Promise<number>;
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
  /** Locks the run and writes its final state; undefined = stale. */
  finish(id: string, fence: number, end: RunEnd): Promise<RunLock | undefined>;
  update(id: string, changes: Partial<RunRecord>): Promise<void>;
  /** Asks an unfinished run to stop and wakes it if nobody holds it. The first reason stays. False = finished or absent. */
  requestCancel(id: string, at: Timestamp, reason: string): Promise<boolean>;
  /** At the start of the only server: no worker is alive, so every leased run is due now. Returns how many there were. */
  releaseLeases(now: Timestamp): Promise<number>;
  insertStep(step: StepRecord): Promise<void>;
  /** Writes how an attempt ended. */
  endStep(id: string, end: StepEnd): Promise<void>;
  setStepProcess(id: string, process: ProcessIdentity): Promise<void>;
  addEvidence(runId: string, stepPath: string, evidence: readonly Evidence[]): Promise<void>;
  /** Takes one of `limit` slots. Taking one that the run holds already is true. `free` = slots left. */
  takeSlot(
    key: string,
    limit: number,
    runId: string,
    at: Timestamp,
  ): Promise<{ readonly taken: boolean; readonly free: number }>;
  /** Frees the run's slots (of one key only, if given). */
  freeSlots(runId: string, key?: string): Promise<void>;
  /** Wakes the oldest run that waits for a slot with this key and was not woken yet. */
  wakeWaiter(key: string, at: Timestamp): Promise<void>;
  /**
   * Design 3.1.20: unfinished runs without a lease that have no wake-up, are due since `dueBefore`, or wait for nothing but
   * a wake-up after `dueAfter` (the clock was put back).
   */
  stuck(
    now: Timestamp,
    dueBefore: Timestamp,
    dueAfter: Timestamp,
  ): Promise<readonly { readonly id: string; readonly reason: 'NoWakeUp' | 'Overdue' | 'ClockPutBack' }[]>;
  /** Frees slots of finished or absent runs and wakes who waits for them. Returns how many there were. */
  freeOrphanSlots(at: Timestamp): Promise<number>;
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

export interface DeliveryReader {
  find(id: string): Promise<DeliveryRecord | undefined>;
  due(now: Timestamp, limit: number): Promise<readonly string[]>;
  nextWakeAt(): Promise<Timestamp | null>;
}

/** Who wants to work on a delivery, and under which limits of its Sink. */
export interface DeliveryClaim {
  readonly id: string;
  readonly owner: string;
  readonly now: Timestamp;
  readonly leaseUntil: Timestamp;
  readonly limits: SinkLimits;
  /** False: it ends or fails without a send, so it needs no place at the Sink. */
  readonly sends: boolean;
}

/** What came of an attempt; the lease is given back. A status that is not pending is final. */
export type DeliveryEnd = Pick<DeliveryRecord, 'wakeAt'> &
  Partial<Pick<DeliveryRecord, 'status' | 'sinkType' | 'sentAt' | 'reference' | 'error' | 'errorCode' | 'ambiguous'>>;

export interface DeliveryStore extends DeliveryReader {
  insert(deliveries: readonly DeliveryRecord[]): Promise<void>;
  /**
   * Takes a pending delivery that is due and that nobody holds. Undefined where it is none, and where it has to wait for
   * an earlier one or for a place at its Sink: that is written to the row, counts as no attempt, and the one that it
   * waits for wakes it.
   */
  claim(claim: DeliveryClaim): Promise<DeliveryRecord | undefined>;
  /** Keeps what will be sent; false = stale. */
  keepPayload(id: string, fence: number, sinkType: string, payload: JsonObject): Promise<boolean>;
  /**
   * Writes what came of a claimed delivery and wakes those that waited for it. Only where the fence matches and it is
   * pending; false = stale.
   */
  finish(
    delivery: Pick<DeliveryRecord, 'id' | 'fence' | 'namespace' | 'sinkName'>,
    end: DeliveryEnd,
    now: Timestamp,
    limits: SinkLimits,
  ): Promise<boolean>;
  /** Makes a failed delivery pending and due, its attempts counted anew; key and payload stay. False = it is not failed. */
  retry(id: string, now: Timestamp): Promise<boolean>;
  /**
   * Makes pending deliveries due that nothing else would wake: those without a wake-up, and those whose wake-up lies
   * after `latest` because the clock was put back. A lease that lies after it ends at `leaseUntil`.
   */
  wakeStuck(
    now: Timestamp,
    latest: Timestamp,
    leaseUntil: Timestamp,
  ): Promise<readonly { readonly id: string; readonly reason: 'NoWakeUp' | 'ClockPutBack' }[]>;
  /** At the start of the only server: no worker is alive, so every leased delivery is due now. Returns how many there were. */
  releaseLeases(now: Timestamp): Promise<number>;
}

/** What is done once for all replicas. */
export interface TickStore {
  /** True for exactly one caller of each tick, on all replicas together. `at` is the tick's own time, not the caller's. */
  claim(name: string, at: Timestamp): Promise<boolean>;
}

export interface ResourceStore {
  /** Makes the table hold exactly these. */
  replaceAll(resources: readonly ResourceRecord[]): Promise<void>;
}
