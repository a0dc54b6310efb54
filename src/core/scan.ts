import type { FindingSeverity } from './finding.ts';
import type { Evidence } from './run.ts';

/** One thing that is broken, with what it brought about. */
export interface Broken {
  readonly severity: FindingSeverity;
  readonly category: string;
  readonly object: string;
  /** Since when, RFC 3339; null where nothing says. */
  readonly since: string | null;
  readonly cause: string;
  /** Other objects that are unwell because of it, or in the same way. */
  readonly affects: readonly string[];
  /** The first thing to do; reads only. */
  readonly look: string | null;
  readonly evidence_ids: readonly string[];
}

/** What is broken in a cluster, or in a namespace of it. */
export interface ScanResult {
  /** Worst first. */
  readonly broken: readonly Broken[];
  readonly evidence: readonly Evidence[];
  /** What could not be read, and why. */
  readonly not_read: readonly string[];
  readonly observed_at: string;
}
