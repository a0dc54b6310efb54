import type { TransactionName } from '../core/store.ts';

/** Called around each commit with the names of its transactions: measuring, and tests of crashes. */
export interface CommitHooks {
  beforeCommit?(names: readonly TransactionName[]): void;
  afterCommit?(names: readonly TransactionName[]): void;
}

/** Bounds of the queue of `intake`: beyond them a sender is told to come again (503) and keeps its alerts. */
export interface QueueLimits {
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
}

export const defaultLimits: QueueLimits = { maxWaiting: 10_000, maxWaitMs: 5_000 };
