import type { AlertRecord, AlertTransition } from './alert.ts';
import type { DeliveryRecord } from './delivery.ts';
import type { DeadLetterRecord, SourceEventRecord } from './event.ts';
import type { Plan } from './plan.ts';
import type { CommitHints } from './ports.ts';
import type { Evidence, RunRecord, RunStatus, StepRecord } from './run.ts';
import type { Timestamp } from './time.ts';

/** Names of the commits of design 3.1.8 and the others; crash points and metrics are named after them. */
export const transactionNames = [
  'intake',
  'expire',
  'claim',
  'renew',
  'step-start',
  'step-end',
  'run-end',
  'run-wait',
  'cancel',
  'retry',
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

export interface AlertStore {
  findByIdentity(namespace: string, source: string, fingerprint: string): Promise<AlertRecord | undefined>;
  findById(id: string): Promise<AlertRecord | undefined>;
  /** Inserts the row and its `alert_labels`. */
  insert(alert: AlertRecord): Promise<void>;
  update(id: string, changes: Partial<AlertRecord>): Promise<void>;
  addTransition(transition: AlertTransition): Promise<void>;
  /** Open alerts of a Source last received before `before`, at most `limit`. */
  findExpired(namespace: string, source: string, before: Timestamp, limit: number): Promise<readonly AlertRecord[]>;
}

export interface EventStore {
  findByDeliveryKey(namespace: string, source: string, key: string): Promise<SourceEventRecord | undefined>;
  /** The newest event with this content, for the bump of an unchanged repeat. */
  findByContent(namespace: string, source: string, contentHash: string): Promise<{ readonly id: string } | undefined>;
  insert(event: SourceEventRecord): Promise<void>;
  update(id: string, changes: Partial<SourceEventRecord>): Promise<void>;
  bump(id: string, at: Timestamp): Promise<void>;
  addDeadLetter(letter: DeadLetterRecord): Promise<void>;
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
  /** Design 3.1.7: locks the run where the fence matches and it is running; false = stale. */
  lock(id: string, fence: number): Promise<boolean>;
  renew(id: string, fence: number, leaseUntil: Timestamp): Promise<boolean>;
  update(id: string, changes: Partial<RunRecord>): Promise<void>;
  insertStep(step: StepRecord): Promise<void>;
  updateStep(id: string, changes: Partial<StepRecord>): Promise<void>;
  addEvidence(runId: string, stepPath: string, evidence: readonly Evidence[]): Promise<void>;
  /** Takes the slot or returns false. Taking one that the run holds already is true. */
  takeSlot(key: string, ordinal: number, runId: string, at: Timestamp): Promise<boolean>;
  freeSlots(runId: string, keyPrefix?: string): Promise<readonly string[]>;
  /** Wakes the oldest run that waits for a slot with this key. */
  wakeWaiter(key: string, at: Timestamp): Promise<void>;
  /** Says which slot a run waits for, so that `wakeWaiter` finds it. */
  waitForSlot(runId: string, key: string): Promise<void>;
  hasStatus(id: string, statuses: readonly RunStatus[]): Promise<boolean>;
  /** Design 3.1.20: unfinished runs with no wake-up, or due for long without a lease. */
  stuck(now: Timestamp, dueBefore: Timestamp): Promise<readonly { readonly id: string; readonly reason: string }[]>;
  /** Slots of finished or absent runs. */
  freeOrphanSlots(): Promise<number>;
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

/** Lists for the API. Keyset pages, newest first; every one uses an index. */
export interface ListReader {
  alerts(query: AlertQuery): Promise<ListPage<AlertRecord>>;
  alert(id: string): Promise<AlertRecord | undefined>;
  transitions(alertId: string): Promise<readonly AlertTransition[]>;
  runs(query: RunQuery): Promise<ListPage<RunRecord>>;
  events(query: EventQuery): Promise<ListPage<SourceEventRecord>>;
  event(id: string): Promise<SourceEventRecord | undefined>;
  deliveries(query: DeliveryQuery): Promise<ListPage<DeliveryRecord>>;
  deadLetters(query: PageQuery): Promise<ListPage<DeadLetterRecord>>;
  deadLetter(id: string): Promise<DeadLetterRecord | undefined>;
  resources(kind: ResourceRecord['kind']): Promise<readonly ResourceRecord[]>;
  /** Rows in wait, for `fist_queue_depth`. */
  depths(): Promise<{ readonly runs: number; readonly deliveries: number }>;
  /** Sources: events and last event time; Sinks: sent and last sent; by `namespace/name`. */
  activity(): Promise<ResourceActivity>;
}

export interface ResourceActivity {
  readonly sources: ReadonlyMap<string, { readonly eventsProcessed: number; readonly lastEventTime: Timestamp }>;
  readonly sinks: ReadonlyMap<string, { readonly messagesSent: number; readonly lastSentTime: Timestamp | null; readonly lastError: string | null }>;
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
  readonly source?: string;
}

export interface DeliveryQuery extends PageQuery {
  readonly status?: string;
  readonly runId?: string;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

