import type { DeliveryRecord, DeliveryVerdict } from '../core/delivery.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { DeliveryEnd } from '../core/store.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';

/** A sink's verdict, or why nothing was sent. */
export type AttemptResult = DeliveryVerdict & { readonly code?: ErrorCode };

const firstBackoffMs = 5_000;
const maxBackoffMs = 5 * 60_000;
/** A receiver that asks for more is asked again after this. */
const maxRetryAfterMs = 3_600_000;
const maxAttempts = 10;
const maxAgeMs = 24 * 3_600_000;

/** No pending delivery that nobody holds has a `wake_at` further ahead than this. */
export const longestWaitMs = Math.max(maxBackoffMs, maxRetryAfterMs);

/** What becomes of the delivery row. Back-off is exponential with full jitter; `random` is from 0 to 1. Pure. */
export function afterAttempt(
  delivery: DeliveryRecord,
  result: AttemptResult,
  nowMs: number,
  random: number,
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
  const ceilingMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** (delivery.attempts - 1));
  const wishedMs = Math.min(maxRetryAfterMs, result.retryAfterMs ?? 0);
  const nextMs = nowMs + Math.max(Math.floor(ceilingMs * random), wishedMs);
  const endsMs = toEpochMs(delivery.retriedAt ?? delivery.createdAt) + maxAgeMs;
  if (!result.retry || delivery.attempts >= maxAttempts || nextMs > endsMs) {
    const tries = delivery.attempts === 1 ? '1 attempt' : `${delivery.attempts} attempts`;
    const error = result.retry ? `gave up after ${tries}: ${result.reason}` : result.reason;
    return { wakeAt: null, status: 'failed', error, errorCode, ambiguous };
  }
  return { wakeAt: toTimestamp(nextMs), error: result.reason, errorCode, ambiguous };
}

/** Attempts that were all interrupted end too: a delivery that kills the process must not do so for ever. */
export function isWornOut(delivery: DeliveryRecord): boolean {
  return delivery.attempts > maxAttempts;
}
