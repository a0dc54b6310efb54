import type { Timestamp } from '../../core/time.ts';

/**
 * What the transactions of one commit made due. A query file notes it where it writes a `wake_at`; the store passes it on
 * with the commit and starts anew.
 */
export interface Hints {
  /** Runs that have a new `wake_at`, past or future. */
  readonly runs: { readonly id: string; readonly wakeAt: Timestamp }[];
  deliveries: boolean;
}

/** Nothing is due yet. */
export function noHints(): Hints {
  return { runs: [], deliveries: false };
}

/** Forgets everything. */
export function clearHints(hints: Hints): void {
  hints.runs.length = 0;
  hints.deliveries = false;
}
