import { afterEach, beforeEach } from 'vitest';
import { defaultSinkLimits } from '../../src/core/catalog.ts';
import type { SinkLimits } from '../../src/core/catalog.ts';
import type { DeliveryRecord } from '../../src/core/delivery.ts';
import type { Store, StoreTransaction } from '../../src/core/store.ts';
import type { DeliveryClaim, DeliveryEnd, DeliveryReader } from '../../src/core/delivery-store.ts';
import { addMs, toTimestamp } from '../../src/core/time.ts';
import type { Timestamp } from '../../src/core/time.ts';
import type { ContractDatabase, ContractStore } from '../contract/stores.ts';
import { createFakeClock } from './clock.ts';
import type { FakeClock } from './clock.ts';
import { deliveryFixture } from './deliveries.ts';

// What the tests of the store of deliveries share.

/** When each test begins. */
export const created = '2026-01-01T00:00:00.000Z';
export const leaseMs = 60_000;
export const sent: DeliveryEnd = { status: 'sent', wakeAt: null, sentAt: created, error: null };

/** Of no alert and no run, so that none waits for another. */
export function delivery(changes: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return deliveryFixture({ runId: null, alertId: null, wakeAt: created, createdAt: created, ...changes });
}

/** The store and the clock of the test that runs, and what one does with deliveries. */
export interface DeliveriesBench {
  readonly store: Store;
  /** Any statement, beside the store. */
  readonly query: ContractStore['query'];
  /** Stands still until it is told to move. */
  readonly clock: FakeClock;
  now(): Timestamp;
  /** Commits that announced deliveries. */
  hinted(): number;
  reader(): DeliveryReader;
  write<T>(work: (deliveries: StoreTransaction['deliveries']) => Promise<T>): Promise<T>;
  insert(...deliveries: DeliveryRecord[]): Promise<void>;
  claim(id: string, changes?: Partial<DeliveryClaim>): Promise<DeliveryRecord | undefined>;
  finish(id: string, end?: DeliveryEnd, limits?: SinkLimits): Promise<boolean>;
  row(id: string): Promise<DeliveryRecord>;
  due(limit?: number): Promise<readonly string[]>;
  /** Claims all that are due, in their order, and again while there are others. */
  claimAll(limits: SinkLimits): Promise<readonly string[]>;
}

/** For the tests of one `describe`: opens an empty store before each and closes it after. */
export function deliveriesOn(database: ContractDatabase): DeliveriesBench {
  let opened: ContractStore;
  let clock: FakeClock;
  let hinted: number;
  beforeEach(async () => {
    clock = createFakeClock(created);
    opened = await database.open({ clock });
    hinted = 0;
    opened.store.onCommit(({ deliveries }) => (hinted += Number(deliveries)));
  });
  afterEach(() => opened.close());
  const on: DeliveriesBench = {
    get store() {
      return opened.store;
    },
    get query() {
      return opened.query;
    },
    get clock() {
      return clock;
    },
    now: () => toTimestamp(clock.now()),
    hinted: () => hinted,
    reader: () => opened.store.read.deliveries,
    write: (work) => opened.store.transaction('delivery-claim', (tx) => work(tx.deliveries)),
    insert: (...deliveries) => on.write((store) => store.insert(deliveries)),
    async claim(id, changes = {}) {
      const [wanted, now] = [await on.row(id), on.now()];
      const leaseUntil = addMs(now, leaseMs);
      const claimed = { delivery: wanted, owner: 'one', now, leaseUntil, limits: defaultSinkLimits, sends: true };
      return on.write((store) => store.claim({ ...claimed, ...changes }));
    },
    async finish(id, end = sent, limits = defaultSinkLimits) {
      const held = await on.row(id);
      return on.write((store) => store.finish(held, end, on.now(), limits));
    },
    async row(id) {
      const found = await on.reader().find(id);
      if (found === undefined) throw new Error(`there is no ${id}`);
      return found;
    },
    due: (limit = 10) => on.reader().due(on.now(), limit),
    async claimAll(limits) {
      const claimed: string[] = [];
      for (let ids = await on.due(); ids.length > 0; ids = await on.due()) {
        for (const id of ids) if ((await on.claim(id, { limits })) !== undefined) claimed.push(id);
      }
      return claimed;
    },
  };
  return on;
}
