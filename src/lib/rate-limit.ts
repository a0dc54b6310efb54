import type { RateLimit } from '../core/catalog.ts';

const minuteMs = 60_000;

/** Counts what comes against a {@link RateLimit}. Times are monotonic milliseconds. */
export interface RateLimiter {
  /** How long until one more has room; 0 = it has. */
  waitMs(nowMs: number): number;
  take(nowMs: number): void;
  /** One that was taken does not count. */
  giveBack(): void;
}

/**
 * A token bucket of `burst`, filled evenly, kept as one time (GCRA, ITU-T I.371): when the bucket is full again. Begins with a full
 * one.
 */
export function createRateLimiter({ requestsPerMinute, burst }: RateLimit): RateLimiter {
  const spacingMs = minuteMs / requestsPerMinute;
  let fullAtMs = Number.NEGATIVE_INFINITY;
  return {
    waitMs: (nowMs) => Math.max(0, fullAtMs - nowMs - (burst - 1) * spacingMs),
    take(nowMs) {
      fullAtMs = Math.max(fullAtMs, nowMs) + spacingMs;
    },
    giveBack() {
      fullAtMs -= spacingMs;
    },
  };
}
