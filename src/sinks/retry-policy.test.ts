import { describe, expect, test } from 'vitest';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import { createdAt, deliveryFixture } from '../../test/support/deliveries.ts';
import { afterAttempt, isWornOut, longestWaitMs } from './retry-policy.ts';

const start = toEpochMs(createdAt);
const failure = { ok: false, retry: true, reason: 'answered 503' } as const;

function delayMs(attempts: number, random: number, retryAfterMs?: number): number {
  const result = retryAfterMs === undefined ? failure : { ...failure, retryAfterMs };
  const { wakeAt } = afterAttempt(deliveryFixture({ attempts }), result, start, random);
  return toEpochMs(wakeAt ?? '') - start;
}

describe('afterAttempt', () => {
  test('a success is sent and final', () => {
    expect(
      afterAttempt(deliveryFixture({ attempts: 2, error: 'before' }), { ok: true, reference: 'ref' }, start, 0.5),
    ).toEqual({
      status: 'sent',
      sentAt: createdAt,
      reference: 'ref',
      error: null,
      errorCode: null,
      wakeAt: null,
    });
  });

  test('back-off doubles from 5 s to 5 min, with full jitter', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9].map((attempts) => delayMs(attempts, 1) / 1000)).toEqual([
      5, 10, 20, 40, 80, 160, 300, 300, 300,
    ]);
    expect(delayMs(3, 0)).toBe(0);
    expect(delayMs(3, 0.25)).toBe(5000);
  });

  test("the receiver's wish is kept where it is longer", () => {
    expect(delayMs(1, 1, 60_000)).toBe(60_000);
    expect(delayMs(9, 1, 60_000)).toBe(300_000);
  });

  test('a wish for more than an hour is cut to an hour, the longest wait there is', () => {
    expect(delayMs(1, 1, 3_600_001)).toBe(3_600_000);
    expect(delayMs(1, 1, Number.POSITIVE_INFINITY)).toBe(3_600_000);
    expect(longestWaitMs).toBe(3_600_000);
  });

  test('ten attempts or a day are enough', () => {
    expect(afterAttempt(deliveryFixture({ attempts: 10 }), failure, start, 0)).toMatchObject({
      status: 'failed',
      error: 'gave up after 10 attempts: answered 503',
      errorCode: 'DeliveryFailed',
      wakeAt: null,
    });
    const day = 24 * 3_600_000;
    expect(afterAttempt(deliveryFixture({ attempts: 2 }), failure, start + day - 1, 0).status).toBeUndefined();
    expect(afterAttempt(deliveryFixture({ attempts: 2 }), failure, start + day + 1, 0).status).toBe('failed');
    const retried = deliveryFixture({ attempts: 2, retriedAt: toTimestamp(start + day) });
    expect(afterAttempt(retried, failure, start + 2 * day - 1, 0).status).toBeUndefined();
    expect(afterAttempt(retried, failure, start + 2 * day + 1, 0).status).toBe('failed');
  });

  test('a refusal is final and keeps its reason', () => {
    const result = { ok: false, retry: false, reason: 'answered 410' } as const;
    expect(afterAttempt(deliveryFixture({ attempts: 1 }), result, start, 0)).toMatchObject({
      status: 'failed',
      error: 'answered 410',
      errorCode: 'DeliveryRefused',
    });
  });

  test('once ambiguous, always ambiguous', () => {
    const ambiguous = { ...failure, ambiguous: true };
    expect(afterAttempt(deliveryFixture({ attempts: 1 }), ambiguous, start, 0).ambiguous).toBe(true);
    expect(afterAttempt(deliveryFixture({ attempts: 1, ambiguous: true }), failure, start, 0).ambiguous).toBe(true);
    expect(afterAttempt(deliveryFixture({ attempts: 1 }), failure, start, 0).ambiguous).toBe(false);
  });

  test('attempts that were all interrupted end too', () => {
    expect(isWornOut(deliveryFixture({ attempts: 10 }))).toBe(false);
    expect(isWornOut(deliveryFixture({ attempts: 11 }))).toBe(true);
  });
});
