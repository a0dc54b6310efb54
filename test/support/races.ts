import type { Store, StoreTransaction } from '../../src/core/store.ts';
import type { ContractRows } from '../contract/stores.ts';
import { waitFor } from './wait.ts';

// Two transactions in an order that a test decides, on a database with many writers.

/** Steps of a transaction that a test lets happen in its order. */
export interface Pause {
  /** Resolves when the transaction has come to the pause. */
  readonly reached: Promise<void>;
  /** Lets it go on. */
  end(): void;
  /** To be awaited in the transaction. */
  hold(): Promise<void>;
}

export function createPause(): Pause {
  const [reached, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return {
    reached: reached.promise,
    end: ended.resolve,
    hold() {
      reached.resolve();
      return ended.promise;
    },
  };
}

/** The store, with a pause in each transaction that calls this method, after its answer has come. */
export function pauseAfter<Part extends keyof StoreTransaction>(
  store: Store,
  part: Part,
  method: keyof StoreTransaction[Part],
  pause: Pause,
): Store {
  const slowed = (tx: StoreTransaction): StoreTransaction => {
    const call = tx[part][method] as (...values: unknown[]) => Promise<unknown>;
    const slow = async (...values: unknown[]): Promise<unknown> => {
      const answer = await call(...values);
      await pause.hold();
      return answer;
    };
    return { ...tx, [part]: { ...tx[part], [method]: slow } };
  };
  return { ...store, transaction: (name, work) => store.transaction(name, (tx) => work(slowed(tx))) };
}

/** Resolves when the work has ended, well or not, or a transaction of the PostgreSQL database waits for another one's lock. */
export async function endedOrWaiting(work: Promise<unknown>, rows: ContractRows): Promise<void> {
  let hasEnded = false;
  const note = (): void => {
    hasEnded = true;
  };
  work.then(note, note);
  await waitFor('the work to end or to wait for a lock', async () => {
    const waiting = await rows.execute(
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    return hasEnded || waiting.length > 0;
  });
}
