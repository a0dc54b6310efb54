import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultSinkLimits } from '../../src/core/catalog.ts';
import type { RunStore } from '../../src/core/run-store.ts';
import { addMs, toTimestamp } from '../../src/core/time.ts';
import { createEngineWorld, planOf, step } from '../support/engine.ts';
import { deliveryFixture } from '../support/deliveries.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

const plan = planOf([step('one')]);
const end = {
  status: 'succeeded',
  stepsCompleted: 1,
  outputs: {},
  error: null,
  errorCode: null,
  completedAt: '2026-01-01T00:00:00.000Z',
} as const;

/** Issue 4, 3: a write is refused after its lease was taken over, by whichever statement the worker tries it. */
describe.each(contractStores)('3.1.7 with the token of a lease that was taken over, on $name,', ({ open }) => {
  let opened: ContractStore;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.close());
  const later = (milliseconds: number): string => addMs(toTimestamp(opened.clock.now()), milliseconds);

  /** A run that the first worker took, whose lease ended, and that the second one has now. */
  async function takenOver(): Promise<string> {
    const world = createEngineWorld({ store: opened.store, clock: opened.clock });
    const id = await world.addRun(plan);
    const claim = (owner: string, now: string) =>
      opened.store.transaction('claim', (tx) => tx.runs.claim(id, owner, now, addMs(now, 30_000)));
    expect(await claim('first', later(0))).toMatchObject({ fence: 1 });
    expect(await claim('second', later(29_000))).toBeUndefined();
    expect(await claim('second', later(31_000))).toMatchObject({ fence: 2, leaseOwner: 'second' });
    return id;
  }

  test.each<[string, (runs: RunStore, id: string, fence: number) => Promise<unknown>, unknown, unknown]>([
    ['lock', (runs, id, fence) => runs.lock(id, fence), undefined, { cancelRequestedAt: null, cancelReason: null }],
    ['progress', (runs, id, fence) => runs.lock(id, fence, { stepsCompleted: 1, currentStep: 'x' }), undefined, {}],
    ['renew', (runs, id, fence) => runs.renew(id, fence, later(90_000)), false, true],
    ['run-end', (runs, id, fence) => runs.finish(id, fence, end), undefined, { cancelReason: null }],
  ])('%s is refused, and nothing is written', async (_, write, refused, accepted) => {
    const id = await takenOver();
    const before = await opened.store.read.runs.find(id);
    expect(await opened.store.transaction('step-end', (tx) => write(tx.runs, id, 1))).toEqual(refused);
    expect(await opened.store.read.runs.find(id)).toEqual(before);
    const result = await opened.store.transaction('step-end', (tx) => write(tx.runs, id, 2));
    if (typeof accepted === 'object') expect(result).toMatchObject(accepted ?? {});
    else expect(result).toBe(accepted);
  });

  test('a delivery is not ended', async () => {
    const now = later(0);
    const delivery = deliveryFixture({ status: 'pending', wakeAt: now, fence: 0, leaseOwner: null, leaseUntil: null });
    await opened.store.transaction('intake', (tx) => tx.deliveries.insert([delivery]));
    const claim = (owner: string, at: string) =>
      opened.store.transaction('delivery-claim', (tx) =>
        tx.deliveries.claim({
          delivery,
          owner,
          now: at,
          leaseUntil: addMs(at, 60_000),
          limits: defaultSinkLimits,
          sends: true,
        }),
      );
    const first = await claim('first', now);
    const second = await claim('second', later(61_000));
    expect(second).toMatchObject({ fence: (first?.fence ?? 0) + 1, leaseOwner: 'second' });
    if (first === undefined || second === undefined) throw new Error('not claimed');
    const before = await opened.store.read.deliveries.find(delivery.id);
    const sent = { status: 'sent', wakeAt: null, sentAt: now } as const;
    const write = (fence: number) =>
      opened.store.transaction('delivery-end', async (tx) => [
        await tx.deliveries.finish({ ...first, fence }, sent, now, defaultSinkLimits),
      ]);
    expect(await write(first.fence)).toEqual([false]);
    expect(await opened.store.read.deliveries.find(delivery.id)).toEqual(before);
    expect(await write(second.fence)).toEqual([true]);
    expect(await opened.store.read.deliveries.find(delivery.id)).toMatchObject({ status: 'sent' });
  });
});
