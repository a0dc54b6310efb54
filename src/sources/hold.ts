import type { Clock } from '../core/ports.ts';
import { toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';

/** Who holds a job holds it for one window at a time, and asks for the next one in the middle of it. Milliseconds. */
export const windowMs = 15_000;
const againMs = 1000;

export interface HoldOptions {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** True for exactly one caller of each time, on all replicas together; an earlier time than the last is refused. */
  readonly claim: (at: Timestamp) => Promise<boolean>;
}

/**
 * Does `work` on one of all replicas at a time, for as long as it lives; its signal is aborted where it can no longer be
 * sure to be the only one. A holder that dies has asked for the window after its own at most, so another one begins within two
 * windows. Resolves when `signal` is aborted. `work` must not reject.
 */
export async function holdJob(options: HoldOptions, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const { clock, random, signal } = options;
  while (!signal.aborted) {
    const window = Math.floor(clock.now() / windowMs);
    if (await claims(options, window)) await hold(options, window, work);
    else await pause(options, (window + 1) * windowMs - clock.now() + random() * againMs);
  }
}

async function hold(options: HoldOptions, first: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const { clock, signal } = options;
  const losing = new AbortController();
  const working = work(AbortSignal.any([signal, losing.signal]));
  let window = first;
  while (!signal.aborted) {
    await pause(options, (window + 0.5) * windowMs - clock.now());
    if (await claims(options, window + 1)) window += 1;
    else if (clock.now() >= (window + 1) * windowMs - againMs) break;
    else await pause(options, againMs);
  }
  losing.abort();
  await working;
}

/** A store that does not answer says no. */
async function claims({ claim, signal }: HoldOptions, window: number): Promise<boolean> {
  if (signal.aborted) return false;
  return claim(toTimestamp(window * windowMs)).catch(() => false);
}

async function pause({ clock, signal }: HoldOptions, milliseconds: number): Promise<void> {
  if (milliseconds > 0) await clock.sleep(milliseconds, signal).catch(() => undefined);
}
