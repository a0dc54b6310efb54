import type { CatalogSource, RateLimit } from '../core/catalog.ts';
import type { Clock } from '../core/ports.ts';
import { createRateLimiter } from '../lib/rate-limit.ts';
import type { RateLimiter } from '../lib/rate-limit.ts';
import { retryAfterSeconds } from './errors.ts';
import { unavailable } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** Holds Sources to their `rateLimit`, in this process. */
export interface Rates {
  /** Why the Source takes no request now; null = it does. */
  refusal(source: CatalogSource): Refusal | null;
  /** Counts a request that is taken in. */
  take(source: CatalogSource): void;
  /** Whoever sent it had no right to: it does not count. */
  giveBack(source: CatalogSource): void;
}

export function createRates(clock: Pick<Clock, 'monotonic'>): Rates {
  const known = new Map<string, { readonly limit: RateLimit; readonly limiter: RateLimiter }>();

  function limiterOf({ namespace, name, rateLimit: limit }: CatalogSource): RateLimiter | null {
    if (limit === null) return null;
    const key = `${namespace}/${name}`;
    const entry = known.get(key);
    // A reload makes a new object of the same limit.
    if (entry?.limit.requestsPerMinute === limit.requestsPerMinute && entry.limit.burst === limit.burst)
      return entry.limiter;
    const limiter = createRateLimiter(limit);
    known.set(key, { limit, limiter });
    return limiter;
  }

  return {
    refusal(source) {
      const waitMs = limiterOf(source)?.waitMs(clock.monotonic()) ?? 0;
      return waitMs === 0 ? null : rateLimited(source, waitMs);
    },
    take: (source) => limiterOf(source)?.take(clock.monotonic()),
    giveBack: (source) => limiterOf(source)?.giveBack(),
  };
}

function rateLimited({ namespace, name, rateLimit }: CatalogSource, waitMs: number): Refusal {
  const message = `Source ${namespace}/${name} takes ${rateLimit?.requestsPerMinute ?? 0} requests a minute (spec.rateLimit)`;
  const refusal = unavailable('RateLimited', 'RateLimited', message, 'send it again after Retry-After');
  return { ...refusal, headers: { 'retry-after': retryAfterSeconds(waitMs) } };
}
