import { describe, expect, test } from 'vitest';
import { defaultRetryForMs } from '../core/catalog.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import { createdAt, deliveryFixture } from '../../test/support/deliveries.ts';
import { afterAttempt, isWornOut, longestWaitMs } from './retry-policy.ts';
import type { AttemptResult } from './retry-policy.ts';

const start = toEpochMs(createdAt);
const failure = { ok: false, retry: true, reason: 'answered 503' } as const;

function after(changes: Partial<DeliveryRecord>, result: AttemptResult, nowMs = start, random = 0) {
  return afterAttempt(deliveryFixture({ attempts: 1, ...changes }), result, defaultRetryForMs, { nowMs, random });
}

function delayMs(attempts: number, random: number, retryAfterMs?: number): number {
  const { wakeAt } = after(
    { attempts },
    retryAfterMs === undefined ? failure : { ...failure, retryAfterMs },
    start,
    random,
  );
  return toEpochMs(wakeAt ?? '') - start;
}

describe('afterAttempt', () => {
  test('a success is sent and final', () => {
    expect(after({ attempts: 2, error: 'before' }, { ok: true, reference: 'ref' })).toEqual({
      status: 'sent',
      sentAt: createdAt,
      reference: 'ref',
      error: null,
      errorCode: null,
      wakeAt: null,
    });
  });

  test('back-off doubles from 5 s to 15 min, with full jitter', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 2000].map((attempts) => delayMs(attempts, 1) / 1000)).toEqual([
      5, 10, 20, 40, 80, 160, 320, 640, 900, 900,
    ]);
    expect(delayMs(3, 0)).toBe(0);
    expect(delayMs(3, 0.25)).toBe(5000);
  });

  test('what a receiver is at work on is looked after when the Sink says, without an error', () => {
    const waits = { ...failure, waits: true, retryAfterMs: 2000, reference: 'request' };
    const again = { wakeAt: toTimestamp(start + 2000), error: null, errorCode: null, ambiguous: false };
    expect(after({ attempts: 9, error: 'before' }, waits, start, 1)).toEqual({ ...again, reference: 'request' });
    expect(after({ attempts: 9 }, waits, start + defaultRetryForMs).status).toBe('failed');
  });

  test("the receiver's wish is kept where it is longer", () => {
    expect(delayMs(1, 1, 60_000)).toBe(60_000);
    expect(delayMs(9, 1, 60_000)).toBe(900_000);
  });

  test('a wish for more than an hour is cut to an hour, the longest wait there is', () => {
    expect(delayMs(1, 1, 3_600_001)).toBe(3_600_000);
    expect(delayMs(1, 1, Number.POSITIVE_INFINITY)).toBe(3_600_000);
    expect(longestWaitMs).toBe(3_600_000);
  });

  test('attempts end by time, however many there were, and the last one is made when the time is up', () => {
    const day = defaultRetryForMs;
    expect(after({ attempts: 500 }, failure, start + day - 1).status).toBeUndefined();
    expect(after({ attempts: 500 }, failure, start + day)).toMatchObject({
      status: 'failed',
      error: 'gave up after 500 attempts: answered 503',
      errorCode: 'DeliveryFailed',
      wakeAt: null,
    });
    const late = { ...failure, retryAfterMs: 3_600_000 };
    expect(after({ attempts: 9 }, late, start + day - 60_000, 1).wakeAt).toBe(toTimestamp(start + day));
    const retriedAt = toTimestamp(start + day);
    expect(after({ attempts: 5, retriedAt }, failure, start + 2 * day - 1).status).toBeUndefined();
    expect(after({ attempts: 5, retriedAt }, failure, start + 2 * day).status).toBe('failed');
  });

  test('what is first tried when its time is up, because it waited for its turn or for the server, is tried five times', () => {
    const late = start + 3 * defaultRetryForMs;
    const wakeAt = (attempts: number) => after({ attempts }, failure, late, 1).wakeAt;
    expect([1, 2, 3, 4].map(wakeAt)).toEqual([5, 10, 20, 40].map((seconds) => toTimestamp(late + seconds * 1000)));
    expect(after({ attempts: 5 }, failure, late)).toMatchObject({ status: 'failed', wakeAt: null });
    expect(after({ attempts: 1 }, { ok: false, retry: false, reason: 'answered 410' }, late).status).toBe('failed');
  });

  test('a Sink may have another time', () => {
    const end = (nowMs: number) =>
      afterAttempt(deliveryFixture({ attempts: 5 }), failure, 60_000, { nowMs, random: 0 });
    expect(end(start + 59_999).status).toBeUndefined();
    expect(end(start + 60_000).status).toBe('failed');
  });

  test('a refusal is final and keeps its reason', () => {
    expect(after({}, { ok: false, retry: false, reason: 'answered 410' })).toMatchObject({
      status: 'failed',
      error: 'answered 410',
      errorCode: 'DeliveryRefused',
      wakeAt: null,
    });
  });

  test('once ambiguous, always ambiguous', () => {
    const ambiguous = { ...failure, ambiguous: true };
    expect(after({}, ambiguous).ambiguous).toBe(true);
    expect(after({ ambiguous: true }, failure).ambiguous).toBe(true);
    expect(after({}, failure).ambiguous).toBe(false);
  });

  test('attempts that were all interrupted end by their number', () => {
    expect(isWornOut({ interruptions: 9 })).toBe(false);
    expect(isWornOut({ interruptions: 10 })).toBe(true);
  });
});
