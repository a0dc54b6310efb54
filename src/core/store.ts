import type { AlertState } from './alert-fold.ts';
import type { AlertRecord, AlertTransition } from './alert.ts';
import type { DeliveryRecord } from './delivery.ts';
import type { DeadLetterRecord, SourceEventRecord } from './event.ts';
import type { ErrorCode } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { Plan } from './plan.ts';
import type { CommitHints } from './ports.ts';
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
  'recover',
  'delivery-claim',
  'delivery-end',
  'resources',
] as const;
export type TransactionName = (typeof transactionNames)[number];

/**
 * The store. `transaction` is the one way to write: callers that arrive during a commit share the next one, each in a
 * savepoint of its own, and their promises resolve after the commit. `work` may only await calls on `tx`; nothing else
 * (no timer, no I/O), because every other writer waits for it.
 */
export interface Store {
  transaction<T>(name: TransactionName, work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
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

export interface AlertStore {
  /** The hot path's look at one identity: no labels, no annotations, no analysis. */
  findState(namespace: string, source: string, fingerprint: string): Promise<StoredAlert | undefined>;
  /** Writes all of a state but its id. */
  saveState(alert: StoredAlert, updatedAt: Timestamp): Promise<void>;
  findByIdentity(namespace: string, source: string, fingerprint: string): Promise<AlertRecord | undefined>;
  findById(id: string): Promise<AlertRecord | undefined>;
  /** Inserts the row and its `alert_labels`. */
  insert(alert: AlertRecord): Promise<void>;
  update(id: string, changes: Partial<AlertRecord>): Promise<void>;
  addTransition(transition: AlertTransition): Promise<void>;
  /** Sources with open alerts, those that are no longer in the catalog too. */
  sourcesWithOpen(): Promise<readonly { readonly namespace: string; readonly source: string }[]>;
  /** Open alerts of a Source last received before `before`, at most `limit`. */
  findExpired(namespace: string, source: string, before: Timestamp, limit: number): Promise<readonly AlertRecord[]>;
  /** Open alerts whose run a policy put off until `now` or earlier, at most `limit`. */
  findMuted(now: Timestamp, limit: number): Promise<readonly AlertRecord[]>;
}

export interface EventStore {
  findByDeliveryKey(namespace: string, source: string, key: string): Promise<SourceEventRecord | undefined>;
  /** Whether this event has this content, for the bump of an unchanged repeat. */
  hasContent(id: string, contentHash: string): Promise<boolean>;
  insert(event: SourceEventRecord): Promise<void>;
  update(id: string, changes: Partial<SourceEventRecord>): Promise<void>;
  bump(id: string, at: Timestamp): Promise<void>;
  addDeadLetter(letter: DeadLetterRecord): Promise<void>;
  /** Counts an event for the Source's status; `problem` is what is wrong with its notifications, null = nothing. */
  countActivity(namespace: string, source: string, at: Timestamp, problem: string | null): Promise<void>;
}

export interface RunReader {
  find(id: string): Promise<RunRecord | undefined>;
  plan(hash: string): Promise<Plan | undefined>;
  /** All attempts of a run, oldest first. */
  steps(runId: string): Promise<readonly StepRecord[]>;
  evidence(runId: string): Promise<readonly Evidence[]>;
  /** Ids of unfinished runs with `wake_at <= now` and no live lease, oldest first. */
  due(now: Timestamp, limit: number): Promise<readonly string[]>;
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

export interface RunStore extends RunReader {
  /** Inserts the run (and its plan, once per hash). False where (alert, episode, workflow) has one already. */
  insert(run: NewRun): Promise<boolean>;
  /** Runs of an alert that have not ended, oldest first. */
  unfinishedOfAlert(alertId: string): Promise<readonly RunRecord[]>;
  /** Runs of this alert and Workflow created since, for cooldown and flap cap. */
  countSince(alertId: string, workflow: string, since: Timestamp): Promise<number>;
  /** Design 3.1.5 in one statement; undefined = someone else has it, or it is not due. */
  claim(id: string, owner: string, now: Timestamp, leaseUntil: Timestamp): Promise<RunRecord | undefined>;
  /** Design 3.1.7: locks the run where the fence matches and it is running; undefined = stale. Writes the progress, if given. */
  lock(id: string, fence: number, progress?: RunProgress): Promise<RunLock | undefined>;
  /** The run has its slots for the first time. */
  start(id: string, at: Timestamp): Promise<void>;
  /** Extends the lease; false = stale. */
  renew(id: string, fence: number, leaseUntil: Timestamp): Promise<boolean>;
  /** Gives the lease back. Only after {@link RunStore.lock} or claim in the same transaction. */
  release(id: string, wait: RunWait): Promise<void>;
  /** Locks the run and writes its final state; false = stale. */
  finish(id: string, fence: number, end: RunEnd): Promise<boolean>;
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

export interface DeliveryStore extends DeliveryReader {
  insert(deliveries: readonly DeliveryRecord[]): Promise<void>;
  claim(id: string, owner: string, now: Timestamp, leaseUntil: Timestamp): Promise<DeliveryRecord | undefined>;
  /** Only where the fence matches; false = stale. */
  finish(id: string, fence: number, changes: Partial<DeliveryRecord>): Promise<boolean>;
  /** At the start of the only server: no worker is alive, so every leased delivery is due now. Returns how many there were. */
  releaseLeases(now: Timestamp): Promise<number>;
}

/** A `custom_resources` row. */
export interface ResourceRecord {
  readonly apiVersion: string;
  readonly kind: 'Source' | 'Workflow' | 'Sink';
  readonly namespace: string;
  readonly name: string;
  /** JSON text of the spec; secrets are references only. */
  readonly spec: string;
  /** JSON text of the status. */
  readonly status: string;
  readonly updatedAt: Timestamp;
}

export interface ResourceStore {
  /** Makes the table hold exactly these. */
  replaceAll(resources: readonly ResourceRecord[]): Promise<void>;
}

/** Lists for the API. Keyset pages, newest first; every one uses an index. What may be large is left out of lists. */
export interface ListReader {
  /** Throws InvalidInput for a cursor that is not from here; so do the other pages. */
  alerts(query: AlertQuery): Promise<ListPage<AlertSummary>>;
  alert(id: string): Promise<AlertRecord | undefined>;
  alertByIdentity(namespace: string, source: string, fingerprint: string): Promise<AlertRecord | undefined>;
  /** Oldest first. */
  transitions(alertId: string): Promise<readonly AlertTransition[]>;
  runs(query: RunQuery): Promise<ListPage<RunSummary>>;
  events(query: EventQuery): Promise<ListPage<EventSummary>>;
  event(id: string): Promise<SourceEventRecord | undefined>;
  deliveries(query: DeliveryQuery): Promise<ListPage<DeliverySummary>>;
  deadLetters(query: PageQuery): Promise<ListPage<DeadLetterSummary>>;
  deadLetter(id: string): Promise<DeadLetterRecord | undefined>;
  /** By namespace and name. */
  resources(kind: ResourceRecord['kind']): Promise<readonly ResourceRecord[]>;
  /** Pending rows, for `fist_queue_depth`. */
  depths(): Promise<{ readonly runs: number; readonly deliveries: number }>;
  /** Sources: events and last event time; Sinks: sent and last sent; by `namespace/name`. */
  activity(): Promise<ResourceActivity>;
}

export type AlertSummary = Omit<AlertRecord, 'aiAnalysis'>;
export type RunSummary = Omit<RunRecord, 'outputs'>;
export type EventSummary = Omit<SourceEventRecord, 'eventData'>;
export type DeliverySummary = Omit<DeliveryRecord, 'data' | 'payload'>;
export type DeadLetterSummary = Omit<DeadLetterRecord, 'body'>;

export interface ResourceActivity {
  readonly sources: ReadonlyMap<
    string,
    {
      readonly eventsProcessed: number;
      readonly lastEventTime: Timestamp;
      /** `Reason: message` of the last notification's trouble; null = none. */
      readonly lastProblem: string | null;
    }
  >;
  readonly sinks: ReadonlyMap<
    string,
    { readonly messagesSent: number; readonly lastSentTime: Timestamp | null; readonly lastError: string | null }
  >;
}

export interface PageQuery {
  /** At most 500. */
  readonly limit: number;
  readonly cursor?: string;
  /** For the contract's aliases only. */
  readonly offset?: number;
}

export interface AlertQuery extends PageQuery {
  readonly status?: string;
  readonly severity?: string;
  readonly name?: string;
  readonly namespace?: string;
  /** Label equality; all must hold. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface RunQuery extends PageQuery {
  readonly status?: string;
  readonly workflow?: string;
  readonly namespace?: string;
  readonly alertId?: string;
}

export interface EventQuery extends PageQuery {
  /** Name of the Source. */
  readonly source?: string;
  readonly namespace?: string;
}

export interface DeliveryQuery extends PageQuery {
  readonly status?: string;
  readonly runId?: string;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}
