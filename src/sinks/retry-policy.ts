import type { DeliveryRecord, DeliveryVerdict } from '../core/delivery.ts';
import type { ErrorCode } from '../core/errors.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';

/** A sink's verdict, or why nothing was sent. */
export type AttemptResult = DeliveryVerdict & { readonly code?: ErrorCode };

const firstBackoffMs = 5_000;
const maxBackoffMs = 5 * 60_000;
const maxAttempts = 10;
const maxAgeMs = 24 * 3_600_000;

/** What becomes of the delivery row. Back-off is exponential with full jitter; `random` is from 0 to 1. Pure. */
export function afterAttempt(
  delivery: DeliveryRecord,
  result: AttemptResult,
  nowMs: number,
  random: number,
): Partial<DeliveryRecord> {
  const released = { leaseOwner: null, leaseUntil: null, wakeAt: null };
  if (result.ok) {
    return {
      ...released,
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
  const nextMs = nowMs + Math.max(Math.floor(ceilingMs * random), result.retryAfterMs ?? 0);
  const exhausted = delivery.attempts >= maxAttempts || nextMs > toEpochMs(delivery.createdAt) + maxAgeMs;
  if (!result.retry || exhausted) {
    const error = result.retry ? `gave up after ${delivery.attempts} attempts: ${result.reason}` : result.reason;
    return { ...released, status: 'failed', error, errorCode, ambiguous };
  }
  return { ...released, wakeAt: toTimestamp(nextMs), error: result.reason, errorCode, ambiguous };
}

/** Attempts that were all interrupted end too: a delivery that kills the process must not do so for ever. */
export function isWornOut(delivery: DeliveryRecord): boolean {
  return delivery.attempts > maxAttempts;
}
