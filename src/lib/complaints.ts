import type { Clock, Log } from '../core/ports.ts';

/** Logs what may go wrong again and again: the first time, and then at most once in a while. */
export type Complain = (
  level: 'warn' | 'error',
  /** What counts as the same. */
  key: string,
  fields: Readonly<Record<string, unknown>>,
  message: string,
) => void;

/** Keys that are remembered; beyond it the oldest is forgotten. */
const mostKeys = 1000;

/** The same key at most once in `intervalMs`; `leftOut` in the next line counts what was not logged. */
export function createComplaints(log: Log, clock: Clock, intervalMs = 60_000): Complain {
  const told = new Map<string, { readonly atMs: number; leftOut: number }>();
  return (level, key, fields, message) => {
    const nowMs = clock.monotonic();
    const last = told.get(key);
    if (last !== undefined && nowMs - last.atMs < intervalMs) {
      last.leftOut += 1;
      return;
    }
    told.delete(key);
    told.set(key, { atMs: nowMs, leftOut: 0 });
    if (told.size > mostKeys) told.delete(told.keys().next().value ?? '');
    log[level](last === undefined || last.leftOut === 0 ? fields : { ...fields, leftOut: last.leftOut }, message);
  };
}
