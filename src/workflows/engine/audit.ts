import type { Metrics } from '../../core/metrics.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Store } from '../../core/store.ts';
import { addMs, toTimestamp } from '../../core/time.ts';

/** Due for so long without a lease is stuck (design 3.1.20), and so is what nothing keeps waiting for longer than that. */
const overdueMs = 60_000;

export interface AuditOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Wakes runs that nothing else would wake and frees slots without a holder; counts and logs both. To be called each
 * minute by one replica. Returns how many runs were stuck: 0 in a correct program that is not overloaded.
 */
export async function auditRuns({ store, clock, log, metrics }: AuditOptions): Promise<number> {
  const now = toTimestamp(clock.now());
  const { stuck, slots } = await store.transaction('audit', async (tx) => {
    const slots = await tx.runs.freeOrphanSlots(now);
    const stuck = await tx.runs.stuck(now, addMs(now, -overdueMs), addMs(now, overdueMs));
    for (const { id, reason } of stuck) if (reason !== 'Overdue') await tx.runs.update(id, { wakeAt: now });
    return { stuck, slots };
  });
  for (const { id, reason } of stuck) {
    metrics.increment('fist_runs_stuck_total', { reason });
    log.error({ run: id, reason, next: `fist describe run/${id}` }, 'run-stuck');
  }
  if (slots > 0) log.error({ slots }, 'orphaned-slots-freed');
  return stuck.length;
}
