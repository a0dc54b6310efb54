import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports.ts';
import { createRateLimiter } from '../../lib/rate-limit.ts';
import type { RateLimiter } from '../../lib/rate-limit.ts';
import { createTimedCache } from './timed-cache.ts';

/** How long a refusal is taken for true: what is refused may be granted at any time, and is guessed at. */
const refusedMs = 10_000;
/** Answers of each kind that are kept; all else here is bounded by it as well. */
const mostVerdicts = 1000;
/** So long after they were accepted last, tokens and addresses still go before those that nobody knows. */
const recentMs = 60 * 60_000;
/** The kinds of questions, the first goes first: about whom was known lately, what somebody known may do, and about strangers. */
const kinds = ['recent', 'authenticated', 'unknown'] as const;
type Kind = (typeof kinds)[number];
/** Questions on their way; fewer of a kind leave places to those before it. */
const mostAtOnce: Readonly<Record<Kind, number>> = { recent: 8, authenticated: 7, unknown: 6 };
/** Questions that wait, of each kind. */
const mostWaiting = 100;
/** What is new: about strangers in all, for each address, and for each who is known. */
const newInAll = { requestsPerMinute: 600, burst: 100 };
const newOfOne = { requestsPerMinute: 150, burst: 25 };
const newOfAuthenticated = { requestsPerMinute: 600, burst: 1000 };

/** A question to the API server. */
export interface ReviewQuestion<T> {
  readonly key: string;
  /** What makes further questions recent, where it was accepted: a token, whatever else is asked of it. */
  readonly who: string;
  /** Who causes it: the address of a caller, or the user that a caller is. */
  readonly from: string;
  /** Whose token was accepted; false = anybody. */
  readonly isAuthenticated: boolean;
  readonly ask: () => Promise<T>;
  /** Milliseconds for which the answer is taken for true; null = it is a refusal. */
  readonly acceptedFor: (answer: T) => number | null;
}

/**
 * Answers what was asked before, and asks once for all that ask at the same time. Anybody may show any token, so questions about
 * those who were known lately go ahead of all others and have places of their own. What is new is bounded, for each who asks and for all
 * strangers together, but for addresses from which somebody known came. What is accepted and what is refused do not push each other
 * out. Throws RateLimited where there is no place.
 */
export function createReviewQueue(clock: Pick<Clock, 'monotonic'>) {
  const accepted = createTimedCache<object>(mostVerdicts);
  const refused = createTimedCache<object>(mostVerdicts);
  const recent = createTimedCache<true>(mostVerdicts);
  const shares = createTimedCache<RateLimiter>(mostVerdicts);
  const asking = new Map<string, Promise<object>>();
  const inAll = createRateLimiter(newInAll);
  const places = createPlaces();

  async function ask<T extends object>({ key, who, from, ask: send, acceptedFor }: ReviewQuestion<T>): Promise<T> {
    const verdict = await send();
    const nowMs = clock.monotonic();
    const forMs = acceptedFor(verdict);
    if (forMs === null) {
      refused.set(key, verdict, nowMs + refusedMs);
    } else {
      accepted.set(key, verdict, nowMs + forMs);
      for (const one of [who, from]) recent.set(one, true, nowMs + recentMs);
    }
    return verdict;
  }

  /** Takes one of what is new. Throws RateLimited. */
  function admit(
    { from, isAuthenticated }: Pick<ReviewQuestion<object>, 'from' | 'isAuthenticated'>,
    nowMs: number,
  ): void {
    const own = shares.get(from, nowMs) ?? createRateLimiter(isAuthenticated ? newOfAuthenticated : newOfOne);
    const isStranger = !isAuthenticated && recent.get(from, nowMs) === undefined;
    if (own.waitMs(nowMs) > 0 || (isStranger && inAll.waitMs(nowMs) > 0)) throw tooMany();
    own.take(nowMs);
    if (isStranger) inAll.take(nowMs);
    // Who asks nothing for so long has all of it again.
    shares.set(from, own, nowMs + 100_000);
  }

  return async <T extends object>(question: ReviewQuestion<T>): Promise<T> => {
    const { key, who, isAuthenticated } = question;
    const nowMs = clock.monotonic();
    const told = accepted.get(key, nowMs) ?? refused.get(key, nowMs);
    if (told !== undefined) return told as T;
    const asked = asking.get(key);
    if (asked !== undefined) return asked as Promise<T>;
    const kind = recent.get(who, nowMs) === true ? 'recent' : isAuthenticated ? 'authenticated' : 'unknown';
    if (kind !== 'recent') admit(question, nowMs);
    const answer = places(kind, () => ask(question)).finally(() => asking.delete(key));
    asking.set(key, answer);
    return answer;
  };
}

/** Who is one too many is told to come back, and all senders do. */
function tooMany(): AppError {
  return new AppError('RateLimited', 'the API server is asked about too many callers just now');
}

/** Runs work, so much at a time, and what goes first before the rest. */
function createPlaces() {
  const running: Record<Kind, number> = { recent: 0, authenticated: 0, unknown: 0 };
  const waiting: Readonly<Record<Kind, (() => void)[]>> = { recent: [], authenticated: [], unknown: [] };

  function hasPlace(kind: Kind): boolean {
    // Those of this kind and all behind it: `unknown` counts against `authenticated`, and not the other way round.
    const behind = kinds.slice(kinds.indexOf(kind)).reduce((sum, each) => sum + running[each], 0);
    const all = kinds.reduce((sum, each) => sum + running[each], 0);
    return all < mostAtOnce.recent && behind < mostAtOnce[kind];
  }
  /** Gives free places to those who wait. */
  function next(): void {
    for (const kind of kinds)
      while (waiting[kind].length > 0 && hasPlace(kind)) {
        running[kind] += 1;
        waiting[kind].shift()?.();
      }
  }
  return async <T>(kind: Kind, work: () => Promise<T>): Promise<T> => {
    if (!hasPlace(kind) && waiting[kind].length >= mostWaiting) throw tooMany();
    await new Promise<void>((resolve) => {
      waiting[kind].push(resolve);
      next();
    });
    try {
      return await work();
    } finally {
      running[kind] -= 1;
      next();
    }
  };
}
