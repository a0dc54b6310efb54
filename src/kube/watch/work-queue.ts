import type { RateLimit } from '../../core/catalog.ts';
import { toAppError } from '../../core/errors.ts';
import type { Clock, Log } from '../../core/ports.ts';
import { backOffMs } from '../../lib/back-off.ts';
import type { BackOff } from '../../lib/back-off.ts';
import { createComplaints } from '../../lib/complaints.ts';
import { startPump } from '../../lib/pump.ts';
import { createRateLimiter } from '../../lib/rate-limit.ts';
import { KubeFailure } from '../connection/failure.ts';
import { createKeyedDelays } from './keyed-delays.ts';

/** What one look at an object came to. */
export interface Handled {
  readonly key: string;
  readonly durationMs: number;
  /** null = it went well. */
  readonly error: Error | null;
  /** Failures in a row, this one counted. */
  readonly failures: number;
}

export interface WorkQueueOptions {
  /** For the log. */
  readonly name: string;
  /**
   * Brings one object to where it should be; answers after how many milliseconds it wants to look at it again (null = when
   * something is told). What it throws is tried again after a pause that grows, at least as long as the server asked for.
   */
  readonly handle: (key: string, signal: AbortSignal) => Promise<number | null>;
  /** How many at once; 2 where absent. */
  readonly concurrency?: number;
  /** Of one key, after failures in a row. */
  readonly backOff?: BackOff;
  /** How often anything is handled at all, whatever happens. */
  readonly rate?: RateLimit;
  readonly onHandled?: (handled: Handled) => void;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Keys of objects to look at: one key is never in work twice at once, and many adds of it are one look. */
export interface WorkQueue {
  /** As soon as there is room; of one that is in work: once more, after it. */
  add(key: string): void;
  /** After so long, or sooner where it is there already. */
  addAfter(key: string, delayMs: number): void;
  /** Forgets a key whose object is gone: what waits, and its failures. One that is in work ends. */
  forget(key: string): void;
  /** Keys that are due or in work. */
  readonly depth: number;
  /** Keys whose last look failed. */
  readonly failing: number;
  /** Takes nothing more, lets what is in work end for `finishMs`, then aborts it. True if all ended within `timeoutMs`. */
  stop(timeoutMs: number, finishMs?: number): Promise<boolean>;
}

const standardBackOff: BackOff = { firstMs: 5, mostMs: 5 * 60_000 };
const standardRate: RateLimit = { requestsPerMinute: 1200, burst: 500 };
/** Nothing is lost that is not hinted at; this is for a clock that jumps. */
const pollMs = 5000;

/** A queue over the pump: it says what is due, the pump leads. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock, log, random, backOff = standardBackOff, rate = standardRate, concurrency = 2 } = options;
  const waiting = createKeyedDelays();
  const active = new Set<string>();
  /** Told while it was in work. */
  const again = new Map<string, number>();
  const failures = new Map<string, number>();
  const limiter = createRateLimiter(rate);
  const complain = createComplaints(log, clock);
  let isStopping = false;

  function plan(key: string, atMs: number): void {
    if (isStopping) return;
    if (active.has(key)) again.set(key, Math.min(atMs, again.get(key) ?? Number.POSITIVE_INFINITY));
    else {
      waiting.add(key, atMs);
      pump.hint();
    }
  }

  async function due(_limit: number, room: number): Promise<readonly string[]> {
    const nowMs = clock.monotonic();
    const keys: string[] = [];
    while (keys.length < room && limiter.waitMs(nowMs) === 0) {
      const key = waiting.take(nowMs);
      if (key === undefined) break;
      limiter.take(nowMs);
      active.add(key);
      keys.push(key);
    }
    return keys;
  }

  async function nextDueAt(): Promise<number | null> {
    const nextMs = waiting.nextAtMs();
    if (nextMs === null) return null;
    const nowMs = clock.monotonic();
    return clock.now() + Math.max(nextMs - nowMs, limiter.waitMs(nowMs));
  }

  async function handle(key: string, signal: AbortSignal): Promise<void> {
    const beganMs = clock.monotonic();
    let nextMs: number | null = null;
    let error: Error | null = null;
    try {
      const afterMs = await options.handle(key, signal);
      failures.delete(key);
      if (afterMs !== null) nextMs = clock.monotonic() + afterMs;
    } catch (thrown) {
      error = toAppError(thrown);
      if (!signal.aborted) nextMs = clock.monotonic() + pauseAfter(key, thrown);
    }
    active.delete(key);
    const toldMs = again.get(key);
    again.delete(key);
    const atMs = Math.min(nextMs ?? Number.POSITIVE_INFINITY, toldMs ?? Number.POSITIVE_INFINITY);
    if (Number.isFinite(atMs)) plan(key, atMs);
    const count = failures.get(key) ?? 0;
    options.onHandled?.({ key, durationMs: clock.monotonic() - beganMs, error, failures: count });
  }

  function pauseAfter(key: string, thrown: unknown): number {
    const count = (failures.get(key) ?? 0) + 1;
    failures.set(key, count);
    const error = toAppError(thrown);
    const fields = { queue: options.name, key, failures: count, reason: error.message, next: error.next };
    if (error.code === 'Internal')
      complain('error', key, { ...fields, error: thrown }, 'an object could not be handled');
    else complain('warn', key, fields, 'an object could not be handled; it is tried again');
    const askedMs = thrown instanceof KubeFailure ? (thrown.afterMs ?? 0) : 0;
    return Math.max(backOffMs(backOff, count, random()), Math.min(askedMs, backOff.mostMs));
  }

  const pump = startPump({ name: options.name, due, nextDueAt, handle, concurrency, pollMs, clock, log });

  return {
    add: (key) => plan(key, clock.monotonic()),
    addAfter: (key, delayMs) => plan(key, clock.monotonic() + Math.max(0, delayMs)),
    forget(key) {
      waiting.remove(key);
      again.delete(key);
      failures.delete(key);
    },
    get depth() {
      return waiting.dueCount(clock.monotonic()) + active.size;
    },
    get failing() {
      return failures.size;
    },
    stop(timeoutMs, finishMs) {
      isStopping = true;
      return pump.stop(timeoutMs, finishMs);
    },
  };
}
