import type { TransactionName } from '../../core/store.ts';
import type { QueueLimits } from '../commit/hooks.ts';
import { createIntakeGate } from './intake-gate.ts';

/** Who may use how many connections of the pool at a time. */
export interface PoolShares {
  /** Does the work of this transaction when there is a place. Rejects with StoreUnavailable where intake waits too long. */
  pass<T>(name: TransactionName, work: () => Promise<T>): Promise<T>;
}

const ofDeliveries: ReadonlySet<TransactionName> = new Set(['delivery-claim', 'delivery-end']);
/** So many connections stay free for deliveries, whatever else there is to do: a backlog of runs must not keep people in the dark. */
const keptForDeliveries = 2;
/** Nor may deliveries keep runs from their work. */
const mostForDeliveries = 3;

/** Shares out the `connections` of a pool. Reads of one statement are not counted. */
export function createPoolShares(connections: number, limits: QueueLimits, monotonic: () => number): PoolShares {
  const forOthers = Math.max(1, connections - keptForDeliveries);
  const intake = createIntakeGate(forOthers, limits, monotonic);
  const others = createShare(forOthers);
  const deliveries = createShare(Math.min(mostForDeliveries, connections));
  return {
    pass(name, work) {
      if (ofDeliveries.has(name)) return deliveries(work);
      return name === 'intake' ? intake.pass(() => others(work)) : others(work);
    },
  };
}

/** So much work at a time, the rest in the order in which it came. */
function createShare(places: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
