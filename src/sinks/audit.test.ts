import { defaultRetryForMs } from '../core/catalog.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import type { FakeClock } from '../../test/support/clock.ts';
import { contractStores } from '../../test/contract/stores.ts';
import type { ContractStore } from '../../test/contract/stores.ts';
import { createdAt, deliveryFixture } from '../../test/support/deliveries.ts';
import { toTimestamp } from '../core/time.ts';
import { auditDeliveries } from './audit.ts';
import { leaseMs } from './outbox.ts';
import { afterAttempt } from './retry-policy.ts';
import { silentLog } from '../lib/silent-log.ts';

describe.each(contractStores)('the audit of deliveries on $name', (database) => {
  let opened: ContractStore;
  let clock: FakeClock;
  let counted: unknown[];
  beforeEach(async () => {
    clock = createFakeClock(createdAt);
    opened = await database.open({ clock });
    counted = [];
  });
  afterEach(() => opened.close());

  function audit(): Promise<number> {
    const increment = (name: string, labels: unknown): void => void counted.push([name, labels]);
    const metrics = { increment, observe: () => undefined, set: () => undefined };
    return auditDeliveries({ store: opened.store, clock, log: silentLog, metrics });
  }

  /** Tried once just now; the receiver wants to be asked again in an hour. */
  async function insertWaiting(): Promise<void> {
    const tried = deliveryFixture({ attempts: 1 });
    const wish = { ok: false, retry: true, reason: 'answered 503', retryAfterMs: 3_600_000 } as const;
    const waiting = { ...tried, ...afterAttempt(tried, wish, defaultRetryForMs, { nowMs: clock.now(), random: 1 }) };
    await opened.store.transaction('run-end', (tx) => tx.deliveries.insert([waiting]));
  }

  test('the longest wait there is, is left alone', async () => {
    await insertWaiting();
    expect(await audit()).toBe(0);
    expect(counted).toEqual([]);
    expect(await opened.store.read.deliveries.due(toTimestamp(clock.now()), 10)).toEqual([]);
  });

  test('a delivery from before the clock was put back is due now, and counted', async () => {
    await insertWaiting();
    clock.shiftWallClock(-86_400_000);
    expect(await audit()).toBe(1);
    expect(counted).toEqual([['fist_deliveries_stuck_total', { reason: 'ClockPutBack' }]]);
    expect(await opened.store.read.deliveries.due(toTimestamp(clock.now()), 10)).toEqual(['d1']);
    expect(await audit()).toBe(0);
  });

  test("a claim from before the clock was put back is nobody's, also where it was put back by minutes only", async () => {
    const leaseUntil = toTimestamp(clock.now() + 300_000);
    const held = deliveryFixture({ leaseOwner: 'dead', leaseUntil, wakeAt: leaseUntil });
    await opened.store.transaction('run-end', (tx) => tx.deliveries.insert([held]));
    expect(await audit()).toBe(1);
    expect(counted).toEqual([['fist_deliveries_stuck_total', { reason: 'ClockPutBack' }]]);
    const dueAfter = (milliseconds: number) =>
      opened.store.read.deliveries.due(toTimestamp(clock.now() + milliseconds), 10);
    expect(await dueAfter(leaseMs - 1)).toEqual([]);
    expect(await dueAfter(leaseMs)).toEqual(['d1']);
  });

  test('a claim of somebody at work is left alone', async () => {
    const leaseUntil = toTimestamp(clock.now() + leaseMs);
    const held = deliveryFixture({ leaseOwner: 'x', leaseUntil, wakeAt: leaseUntil });
    await opened.store.transaction('run-end', (tx) => tx.deliveries.insert([held]));
    expect(await audit()).toBe(0);
  });
});
