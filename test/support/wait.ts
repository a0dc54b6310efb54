import { setTimeout as sleep } from 'node:timers/promises';

/** What other programs take of the machine makes a wait longer; that it may costs only who waits in vain. */
const patience = 3;

export interface WaitOptions {
  /** What is enough by far on a machine that does nothing else. */
  readonly timeoutMs?: number;
  /** In its place: no longer than this is what the test shows. */
  readonly withinMs?: number;
  readonly everyMs?: number;
  readonly explain?: () => string;
}

/**
 * Asks until `probe` gives something other than undefined, null or false. Rejects after a while with what was waited for and
 * `explain()`.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | Promise<T>,
  { timeoutMs = 20_000, withinMs = timeoutMs * patience, everyMs = 25, explain = () => '' }: WaitOptions = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const until = performance.now() + withinMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value as NonNullable<Exclude<T, false>>;
    if (performance.now() > until) throw new Error(`waited ${withinMs} ms for ${what}\n${explain()}`);
    await sleep(everyMs);
  }
}
