import type { Metrics } from '../core/metrics.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import { leaseMs } from './outbox.ts';
import { longestWaitMs } from './retry-policy.ts';

export interface DeliveryAuditOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** How far the clocks of two replicas, or two readings of one, may be apart without harm. */
const slackMs = 60_000;

/**
 * Wakes deliveries that nothing else would wake, and ends leases that lie further ahead than any can, as after the clock was
 * put back; counts and logs them. To be called each
 * minute by one replica. Returns how many there were: 0 in a correct program on a machine whose clock runs on.
 */
export async function auditDeliveries({ store, clock, log, metrics }: DeliveryAuditOptions): Promise<number> {
  const nowMs = clock.now();
  const latest = {
    wakeUp: toTimestamp(nowMs + longestWaitMs + slackMs),
    lease: toTimestamp(nowMs + leaseMs + slackMs),
  };
  const stuck = await store.transaction('audit', (tx) =>
    tx.deliveries.wakeStuck(toTimestamp(nowMs), latest, toTimestamp(nowMs + leaseMs)),
  );
  for (const { id, reason } of stuck) {
    metrics.increment('fist_deliveries_stuck_total', { reason });
    log.error({ delivery: id, reason, next: `fist describe delivery/${id}` }, 'delivery-stuck');
  }
  return stuck.length;
}
