import type { AgentReader, AgentStore } from './agent-store.ts';
import type { AlertContent, AlertRecord, AlertTransition, StoredAlert } from './alert.ts';
import type { DeliveryReader, DeliveryStore } from './delivery-store.ts';
import type { AppError } from './errors.ts';
import type { DeadLetterRecord, SourceEventRecord } from './event.ts';
import type { AlertAnswer, GroupStore } from './group-store.ts';
import type { JsonObject } from './json.ts';
import type { LearnedReader, LearnedStore } from './learned-store.ts';
import type { ListReader } from './lists.ts';
import type { CommitHints } from './ports.ts';
import type { ResourceRecord } from './resource.ts';
import type { RetentionStore } from './retention.ts';
import type { RunRecord } from './run.ts';
import type { RunReader, RunStore } from './run-store.ts';
import type { Timestamp } from './time.ts';

/** Names of the commits of design 3.1.8 and the others; crash points and metrics are named after them. */
export const transactionNames = [
  'intake',
  'expire',
  'claim',
  'renew',
  'step-start',
  'step-process',
  'agent-events',
  'step-end',
  'run-end',
  'run-wait',
  'cancel',
  'retry',
  'verdict',
  'model-check',
  'namespace-data',
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
  /** Why it takes no write any more until the program is started again (damage, a file that is gone); null = it does. */
  lost(): AppError | null;
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
  readonly agent: AgentStore;
  readonly learned: LearnedStore;
  readonly groups: GroupStore;
  readonly deliveries: DeliveryStore;
  readonly resources: ResourceStore;
  readonly duties: DutyStore;
  readonly retention: RetentionStore;
}

/** The read side used by programs inside transactions and out of them. Lists for people are in StoreReader.lists. */
export interface StoreReader {
  readonly runs: RunReader;
  readonly agent: AgentReader;
  readonly learned: LearnedReader;
  readonly deliveries: DeliveryReader;
  readonly lists: ListReader;
}

/** Names an alert (design 3.2.1). */
export type AlertIdentity = Pick<AlertRecord, 'namespace' | 'source' | 'fingerprint'>;

/** Names a run and the episode that it is of. */
export type RunOfAlert = Pick<RunRecord, 'id' | 'alertId' | 'episode'>;

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
  saveContents(contents: readonly AlertContent[]): Promise<void>;
  /** Inserts rows and sees to their `alert_labels`. Throws StoreConflict where one of the identities is there already. */
  insertAll(alerts: readonly AlertRecord[]): Promise<void>;
  /** The run of an alert begins: an open alert is being triaged. Nothing where the alert has gone on to another episode. */
  beginTriage(run: RunOfAlert, at: Timestamp): Promise<void>;
  /**
   * The run of an alert ended: one that still fires is escalated; without a report an earlier one stays. Locks the alert:
   * intake locks alerts before runs, so who writes to both and knows the alert does the same. Two that wait for each other
   * cost a second.
   */
  endTriage(run: RunOfAlert & Pick<RunRecord, 'namespace'>, at: Timestamp, report: JsonObject | null): Promise<void>;
  /** Writes what the run of their group found to alerts, each by its id. */
  saveAnswers(answers: readonly AlertAnswer[]): Promise<void>;
  addTransitions(transitions: readonly AlertTransition[]): Promise<void>;
  /** Sources with open alerts, those that are no longer in the catalog too. */
  sourcesWithOpen(): Promise<readonly { readonly namespace: string; readonly source: string }[]>;
  /**
   * Open alerts of a Source last received before `before`, at most `limit`. Locked until the commit; those that somebody
   * else has locked are left out.
   */
  findExpired(namespace: string, source: string, before: Timestamp, limit: number): Promise<readonly AlertRecord[]>;
  /** Open alerts whose run a policy put off until `now` or earlier, at most `limit`. Locked as in `findExpired`. */
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
  readonly runs: StartedRuns;
}

/** Runs of a Source that count for its storm cap. */
export interface RunMinute {
  /** Minutes since the epoch. */
  readonly minute: number;
  readonly runs: number;
}

/** Runs that a transaction begins in the newest minute that it knows. */
export interface StartedRuns extends RunMinute {
  /** Most in that minute, on all replicas together; 0 = any number. */
  readonly cap: number;
}

/** What is asked about the event of a delivery id. */
export type KeyedEvent = Pick<SourceEventRecord, 'id' | 'outcome' | 'contentHash' | 'workflowTriggered'>;

export interface EventStore {
  /** Events by their delivery id, in the order of `keys`; undefined where there is none. */
  findKeyed(keys: readonly DeliveryKey[]): Promise<readonly (KeyedEvent | undefined)[]>;
  /** Content hashes by event id, for the bump of an unchanged repeat. Absent where there is no such event. */
  contentHashes(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Throws StoreConflict where one of the delivery keys is there already. */
  insertAll(events: readonly SourceEventRecord[]): Promise<void>;
  update(id: string, changes: Partial<SourceEventRecord>): Promise<void>;
  /** Counts events that came so many `times` again, last at `at`. Throws StoreConflict where one was deleted meanwhile. */
  bumpAll(bumps: readonly { readonly id: string; readonly times: number; readonly at: Timestamp }[]): Promise<void>;
  addDeadLetters(letters: readonly DeadLetterRecord[]): Promise<void>;
  /** Runs of Sources in their newest minute, by `namespace/name`. */
  runMinutes(sources: readonly Pick<SourceActivity, 'namespace' | 'source'>[]): Promise<ReadonlyMap<string, RunMinute>>;
  /**
   * One entry for each Source; one with `events` 0 counts its runs alone. To be called last: all replicas write these few
   * rows. Throws StoreConflict where runs of others have taken the room under a cap meanwhile.
   */
  countActivity(activity: readonly SourceActivity[]): Promise<void>;
  /** Says why a Source that runs by itself does not; null = it does. What is wrong with its last event stays then. */
  noteFailure(source: Pick<SourceActivity, 'namespace' | 'source'>, failure: string | null): Promise<void>;
}

/** Duties: jobs that one replica does for all, each minute. */
export interface DutyStore {
  /**
   * True for exactly one caller of each time of a duty, on all replicas together. `at` is the time when it is due, not the
   * caller's. An earlier one than the last is refused, unless it is so much earlier that the clock was put back.
   */
  claim(name: string, at: Timestamp): Promise<boolean>;
  /** The last time of a duty that was claimed; null = it never was. */
  last(name: string): Promise<Timestamp | null>;
}

export interface ResourceStore {
  /** Makes the table hold exactly these. */
  replaceAll(resources: readonly ResourceRecord[]): Promise<void>;
}
