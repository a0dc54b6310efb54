import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks until `probe` gives something other than undefined, null or false. Rejects after `timeoutMs` with what was
 * waited for and `explain()`.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | Promise<T>,
  {
    timeoutMs = 20_000,
    everyMs = 25,
    explain = () => '',
  }: { timeoutMs?: number; everyMs?: number; explain?: () => string } = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value as NonNullable<Exclude<T, false>>;
    if (performance.now() > until) throw new Error(`waited ${timeoutMs} ms for ${what}\n${explain()}`);
    await sleep(everyMs);
  }
}
