import type { ClosedCluster, Cluster } from '../core/cluster.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { AgentResult } from '../core/finding.ts';
import type { MetricsReader } from '../core/readers.ts';
import type { AlertSnapshot } from '../core/run.ts';
import type { Timestamp } from '../core/time.ts';
import type { Reads } from './reads.ts';

export interface InvestigationInput {
  /** null: none is configured, or it is closed. */
  readonly cluster: Cluster | null;
  /** Why it looks at none although there is one. */
  readonly closed?: ClosedCluster | null;
  /** null or absent: none are configured. */
  readonly metrics?: MetricsReader | null;
  readonly alert: AlertSnapshot | null;
  /** Other alerts of the same notification, or of the same group: one investigation answers for all of them. */
  readonly others?: readonly AlertSnapshot[];
  /** How many others there are, where not all of them are given. */
  readonly othersInAll?: number;
  /** What the Workflow asks, with the values of the alert in their places, for people: one line of the report. */
  readonly asked: string;
  /** Number of the first evidence id, so that ids are never used twice within a run. */
  readonly firstEvidenceNumber: number;
  /** Why the model that was asked for takes no part; null: none was asked for, or it does. */
  readonly refusal: InvestigationFailure | null;
  now(): Timestamp;
  readonly signal: AbortSignal;
}

/** Why the step fails although there is a result. */
export interface InvestigationFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

export interface InvestigationOutcome {
  readonly result: AgentResult;
  /** null = success. */
  readonly failure: InvestigationFailure | null;
  /** Objects with a path of links from what the alert names, `pod/shop/web-1`. */
  readonly linked: readonly string[];
  /** What can be read further; null = there is no cluster to look at. */
  readonly reads: Reads | null;
}
