import type { DeliveryRecord, DeliveryVerdict } from '../core/delivery.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { DeliveryEnd } from '../core/delivery-store.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';

/** A sink's verdict, or why nothing was sent. */
export type AttemptResult = DeliveryVerdict & { readonly code?: ErrorCode };

const firstBackoffMs = 5_000;
const maxBackoffMs = 15 * 60_000;
/** A receiver that asks for more is asked again after this. */
const maxRetryAfterMs = 3_600_000;
const mostInterruptions = 10;
/** What waited for its turn, or for this server, until its time was up is tried so often all the same: a minute or so. */
const leastAttempts = 5;

/** No pending delivery that nobody holds has a `wake_at` further ahead than this. */
export const longestWaitMs = Math.max(maxBackoffMs, maxRetryAfterMs);

/** The moment and the dice of a decision: `random` is from 0 to 1. */
export interface Moment {
  readonly nowMs: number;
  readonly random: number;
}

/**
 * What becomes of the delivery row. Attempts end by time: `retryForMs` after it was due first (or a person asked for it
 * again), with a last one at that very moment, but not before there were {@link leastAttempts}; only a refusal is final at once. Back-off is exponential with full jitter. Pure.
 */
export function afterAttempt(
  delivery: DeliveryRecord,
  result: AttemptResult,
  retryForMs: number,
  { nowMs, random }: Moment,
): DeliveryEnd {
  if (result.ok) {
    return {
      wakeAt: null,
      status: 'sent',
      sentAt: toTimestamp(nowMs),
      reference: result.reference,
      error: null,
      errorCode: null,
    };
  }
  const errorCode = result.code ?? (result.retry ? 'DeliveryFailed' : 'DeliveryRefused');
  const ambiguous = delivery.ambiguous || result.ambiguous === true;
  const kept = result.reference === undefined ? {} : { reference: result.reference };
  const endsMs = toEpochMs(delivery.retriedAt ?? delivery.createdAt) + retryForMs;
  const isOver = nowMs >= endsMs && delivery.attempts >= leastAttempts;
  if (!result.retry || isOver) {
    const tries = delivery.attempts === 1 ? '1 attempt' : `${delivery.attempts} attempts`;
    const error = result.retry ? `gave up after ${tries}: ${result.reason}` : result.reason;
    return { wakeAt: null, status: 'failed', error, errorCode, ambiguous, ...kept };
  }
  if (result.waits === true) {
    const lookMs = nowMs + Math.min(maxRetryAfterMs, result.retryAfterMs ?? firstBackoffMs);
    return { wakeAt: toTimestamp(lookMs), error: null, errorCode: null, ambiguous, ...kept };
  }
  const ceilingMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** (delivery.attempts - 1));
  const wishedMs = Math.min(maxRetryAfterMs, result.retryAfterMs ?? 0);
  const againMs = nowMs + Math.max(Math.floor(ceilingMs * random), wishedMs);
  const nextMs = nowMs < endsMs ? Math.min(endsMs, againMs) : againMs;
  return { wakeAt: toTimestamp(nextMs), error: result.reason, errorCode, ambiguous, ...kept };
}

/** Attempts that were all interrupted end by their number: a delivery that kills the process must not do so for a day. */
export function isWornOut({ interruptions }: Pick<DeliveryRecord, 'interruptions'>): boolean {
  return interruptions >= mostInterruptions;
}
