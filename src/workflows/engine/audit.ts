import { mostCounted } from '../../core/lists.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Store } from '../../core/store.ts';
import { addMs, toTimestamp } from '../../core/time.ts';
import { leaseMs } from './claim.ts';

/** Due for so long without a lease is overdue (design 3.1.20). */
const overdueMs = 60_000;
/** No lease, and no wake-up of what waits for nothing else, lies further ahead: twice a lease, for clocks that differ. */
const furthestMs = 2 * leaseMs;

export interface AuditOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Wakes runs that nothing else would wake, ends leases that lie further ahead than any can, and frees slots without a
 * holder; counts and logs them, and counts what is overdue. To be called each minute by one replica. Returns how many runs
 * there were: 0 in a correct program that is not overloaded.
 */
export async function auditRuns({ store, clock, log, metrics }: AuditOptions): Promise<number> {
  const now = toTimestamp(clock.now());
  // Before those that are woken now.
  const overdue = (await store.read.runs.due(addMs(now, -overdueMs), mostCounted)).length;
  const { stuck, slots } = await store.transaction('audit', async (tx) => {
    const slots = await tx.runs.freeOrphanSlots(now);
    const stuck = await tx.runs.stuck(now, addMs(now, furthestMs));
    // A holder may be at work: it gets the time of a lease, and renews it.
    const ends = addMs(now, leaseMs);
    for (const { id, isHeld } of stuck) {
      await tx.runs.update(id, isHeld ? { wakeAt: ends, leaseUntil: ends } : { wakeAt: now });
    }
    return { stuck, slots };
  });
  for (const { id, reason } of stuck) {
    metrics.increment('fist_runs_stuck_total', { reason });
    log.error({ run: id, reason, next: `fist describe run/${id}` }, 'run-stuck');
  }
  if (overdue > 0) {
    metrics.increment('fist_runs_stuck_total', { reason: 'Overdue' }, overdue);
    log.warn({ runs: overdue, next: 'fist get runs --status pending' }, 'runs-overdue');
  }
  if (slots > 0) log.error({ slots }, 'orphaned-slots-freed');
  return stuck.length + overdue;
}
