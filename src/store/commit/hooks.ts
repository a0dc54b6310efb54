import { AppError } from '../../core/errors.ts';
import type { TransactionName } from '../../core/store.ts';

/** Called around each commit with the names of its transactions, the same array twice: measuring, and tests of crashes. */
export interface CommitHooks {
  beforeCommit?(names: readonly TransactionName[]): void;
  afterCommit?(names: readonly TransactionName[]): void;
  /** The transaction met another one and is done again. */
  conflict?(name: TransactionName): void;
}

/**
 * Bounds of the queue of `intake`: beyond them a sender is told to come again (503) and keeps its alerts. What has waited
 * for longer is refused as well, when its turn comes: its sender no longer waits for it. No other writer is refused.
 */
export interface QueueLimits {
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
}

export const defaultLimits: QueueLimits = { maxWaiting: 2000, maxWaitMs: 5000 };

/** How either store refuses `intake`: as many writers wait, the first of them for so long. */
export function tooSlow(waiting: number, waitedMs: number): AppError {
  return new AppError(
    'StoreUnavailable',
    `the database is slow: ${waiting} writers wait for it, the first for ${Math.round(waitedMs)} ms`,
    {
      reason: 'StoreSlow',
      next: 'send it again later; if this stays, look at the machine and the disk of the database',
    },
  );
}
