import type { ModelCheckRecord } from './model-check.ts';
import type { NamespaceData } from './namespace-data.ts';
import type { Timestamp } from './time.ts';
import type { VerdictRecord } from './verdict.ts';

// The ports of what is learned: parts of the Store of store.ts.

export interface LearnedReader {
  /** All that is kept of what was said of these runs, those of one run oldest first. */
  verdictsOf(runIds: readonly string[]): Promise<readonly VerdictRecord[]>;
  /** What was said of runs for alerts of a name, in a namespace of Workflows; newest first, at most `most`. */
  verdictsOnAlerts(
    alerts: { readonly namespace: string; readonly alertName: string },
    most: number,
  ): Promise<readonly VerdictRecord[]>;
  /** The last check of each of these models, by hash; those that were never checked are left out. */
  modelChecks(hashes: readonly string[]): Promise<readonly ModelCheckRecord[]>;
  /** When a model was checked last; null = none ever was. */
  lastModelCheck(): Promise<Timestamp | null>;
  /** What servers answered last of each namespace, by namespace and kind; also what is old. */
  namespaceData(servers: readonly string[]): Promise<readonly NamespaceData[]>;
}

export interface LearnedStore extends LearnedReader {
  /** Adds what was said, and deletes what is older than the newest few of its run. The run is locked by the caller. */
  insertVerdict(verdict: VerdictRecord): Promise<void>;
  /** Keeps the last check of a model, and of all models the newest few hundred. */
  saveModelCheck(check: ModelCheckRecord): Promise<void>;
  /** Keeps what servers answered, and of all rows the newest. */
  saveNamespaceData(rows: readonly NamespaceData[]): Promise<void>;
  /** Deletes what was said before. Returns how many rows. */
  deleteVerdicts(before: Timestamp): Promise<number>;
}
