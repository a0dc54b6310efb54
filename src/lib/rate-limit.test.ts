import { expect, test } from 'vitest';
import { createRateLimiter } from './rate-limit.ts';

/** Tries one each `everyMs` from 0 on; how many had room. */
function taken(limit: { requestsPerMinute: number; burst: number }, everyMs: number, untilMs: number): number {
  const limiter = createRateLimiter(limit);
  let count = 0;
  for (let nowMs = 0; nowMs < untilMs; nowMs += everyMs) {
    if (limiter.waitMs(nowMs) > 0) continue;
    limiter.take(nowMs);
    count += 1;
  }
  return count;
}

test('a burst at once, then evenly', () => {
  const limiter = createRateLimiter({ requestsPerMinute: 60, burst: 3 });
  for (let n = 0; n < 3; n++) {
    expect(limiter.waitMs(0)).toBe(0);
    limiter.take(0);
  }
  expect([0, 250, 999, 1000].map((nowMs) => limiter.waitMs(nowMs))).toEqual([1000, 750, 1, 0]);
  limiter.take(1000);
  expect(limiter.waitMs(1000)).toBe(1000);
});

test('after a pause there is room for a burst again, and for no more', () => {
  const limiter = createRateLimiter({ requestsPerMinute: 60, burst: 2 });
  limiter.take(0);
  limiter.take(0);
  const laterMs = 3_600_000;
  limiter.take(laterMs);
  expect(limiter.waitMs(laterMs)).toBe(0);
  limiter.take(laterMs);
  expect(limiter.waitMs(laterMs)).toBe(1000);
});

test.each([
  [{ requestsPerMinute: 60, burst: 1 }, 10, 600],
  [{ requestsPerMinute: 60, burst: 60 }, 10, 659],
  [{ requestsPerMinute: 7, burst: 1 }, 10, 70],
])('%j over ten minutes', (limit, everyMs, most) => {
  expect(taken(limit, everyMs, 600_000)).toBeLessThanOrEqual(most);
  expect(taken(limit, everyMs, 600_000)).toBeGreaterThan(most - 5);
});

test('what is given back has room again', () => {
  const limiter = createRateLimiter({ requestsPerMinute: 1, burst: 1 });
  limiter.take(0);
  limiter.giveBack();
  expect(limiter.waitMs(0)).toBe(0);
  limiter.take(0);
  expect(limiter.waitMs(0)).toBe(60_000);
});
