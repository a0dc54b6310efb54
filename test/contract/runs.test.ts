import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunRecord } from '../../src/core/run.ts';
import type { RunStore } from '../../src/core/run-store.ts';
import { addMs } from '../../src/core/time.ts';
import { createFakeClock } from '../support/clock.ts';
import { alertRecord, planOf, runRecord, step } from '../support/engine.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

const now = '2026-01-01T00:00:00.000Z';
const lease = addMs(now, 30_000);
const plan = planOf([step('one')]);

describe.each(contractStores)('runs on $name', ({ open }) => {
  let opened: ContractStore;
  let hinted = 0;
  beforeEach(async () => {
    opened = await open({ clock: createFakeClock(now) });
    hinted = 0;
    opened.store.onCommit((hints) => (hinted += Number(hints.runs)));
  });
  afterEach(() => opened.close());

  /** Each call in a transaction of its own. */
  const runs = new Proxy({} as RunStore, {
    get:
      (_, name) =>
      (...values: unknown[]) =>
        opened.store.transaction('claim', (tx) =>
          (tx.runs[name as keyof RunStore] as (...values: unknown[]) => Promise<unknown>)(...values),
        ),
  });

  async function add(changes: Partial<RunRecord> = {}): Promise<RunRecord> {
    const run = runRecord(plan, now, { planHash: 'h', ...changes });
    expect(await runs.insert({ run, plan })).toBe(true);
    return run;
  }

  describe('a run in the store', () => {
    test('comes back as it went in, and its commit is announced', async () => {
      const run = await add({ cancelReason: 'x', error: 'e', errorCode: 'Timeout', outputs: { a: '1' } });
      expect(await runs.find(run.id)).toEqual(run);
      expect(await runs.plan('h')).toEqual(plan);
      expect(await runs.find('nobody')).toBeUndefined();
      expect(await runs.plan('nothing')).toBeUndefined();
      expect(hinted).toBeGreaterThan(0);
    });

    test('3.2.18 is unique for alert, episode and workflow; a retry by a person is not', async () => {
      const alert = alertRecord(now);
      const first = await add({ alertId: alert.id, episode: 1 });
      const again = runRecord(plan, now, { alertId: alert.id, episode: 1 });
      expect(await runs.insert({ run: again, plan })).toBe(false);
      await add({ alertId: alert.id, episode: 2 });
      await add({ alertId: alert.id, episode: 1, retryOf: first.id });
      expect(await runs.briefsOfAlerts([alert.id], addMs(now, 1))).toHaveLength(3);
    });

    test('many runs share one plan', async () => {
      await add();
      await add();
      expect(await opened.query.selectFrom('plans').select('hash').execute()).toEqual([{ hash: 'h' }]);
    });
  });

  describe('3.1.5 a claim', () => {
    test('takes what is due and not leased, and raises the fence', async () => {
      const { id } = await add();
      expect(await runs.claim(id, 'a', addMs(now, -1), lease)).toBeUndefined();
      expect(await runs.claim(id, 'a', now, lease)).toMatchObject({
        status: 'running',
        fence: 1,
        leaseOwner: 'a',
        leaseUntil: lease,
        wakeAt: lease,
      });
      expect(await runs.claim(id, 'b', addMs(now, 29_999), lease)).toBeUndefined();
      expect(await runs.claim(id, 'b', lease, addMs(lease, 30_000))).toMatchObject({ fence: 2, leaseOwner: 'b' });
    });

    test('never takes what has ended', async () => {
      const { id } = await add({ status: 'succeeded', wakeAt: null });
      expect(await runs.claim(id, 'a', now, lease)).toBeUndefined();
      const strange = await add({ status: 'failed', wakeAt: now });
      expect(await runs.claim(strange.id, 'a', now, lease)).toBeUndefined();
      await runs.update(strange.id, { wakeAt: null });
      expect(await runs.due(now, 10)).toEqual([]);
      expect(await runs.nextWakeAt()).toBeNull();
    });

    test('finds due runs oldest first, without the leased ones', async () => {
      const late = await add({ wakeAt: addMs(now, -5) });
      const later = await add({ wakeAt: addMs(now, -9) });
      const future = await add({ wakeAt: addMs(now, 5) });
      const leased = await add({ wakeAt: now, leaseUntil: lease });
      expect(await runs.due(now, 10)).toEqual([later.id, late.id]);
      expect(await runs.due(now, 1)).toEqual([later.id]);
      expect(await runs.nextWakeAt()).toBe(addMs(now, -9));
      expect([future.id, leased.id]).not.toContain((await runs.due(now, 10))[0]);
    });
  });

  describe('3.1.7 a fence', () => {
    test('keeps a worker out whose run was taken over or has ended', async () => {
      const { id } = await add();
      await runs.claim(id, 'a', now, lease);
      expect(await runs.lock(id, 1)).toEqual({ cancelRequestedAt: null, cancelReason: null });
      expect(await runs.lock(id, 1, { stepsCompleted: 2, currentStep: 'x' })).toBeDefined();
      expect(await runs.find(id)).toMatchObject({ stepsCompleted: 2, currentStep: 'x' });
      expect(await runs.renew(id, 1, addMs(lease, 1))).toBe(true);
      expect(await runs.lock(id, 2)).toBeUndefined();
      expect(await runs.renew(id, 2, lease)).toBe(false);
      const end = {
        status: 'failed',
        stepsCompleted: 2,
        outputs: {},
        error: 'e',
        errorCode: 'Timeout',
        completedAt: now,
      } as const;
      expect(await runs.finish(id, 2, end)).toBeUndefined();
      expect(await runs.finish(id, 1, end)).toEqual({ cancelRequestedAt: null, cancelReason: null });
      expect(await runs.finish(id, 1, end)).toBeUndefined();
      expect(await runs.lock(id, 1)).toBeUndefined();
    });
  });

  describe('3.1.15 a cancel', () => {
    test('needs no fence, wakes a run without a lease, and leaves a leased one to its holder', async () => {
      const idle = await add({ wakeAt: null });
      const held = await add();
      await runs.claim(held.id, 'a', now, lease);
      hinted = 0;
      expect(await runs.requestCancel(idle.id, now, 'x')).toBe(true);
      expect(hinted).toBeGreaterThan(0);
      expect((await runs.find(idle.id))?.wakeAt).toBe(now);
      expect(await runs.requestCancel(held.id, now, 'x')).toBe(true);
      expect((await runs.find(held.id))?.wakeAt).toBe(lease);
      expect(await runs.lock(held.id, 1)).toEqual({ cancelRequestedAt: now, cancelReason: 'x' });
      expect(await runs.cancelRequestedAt(held.id)).toBe(now);
      const ended = await add({ status: 'failed' });
      expect(await runs.requestCancel(ended.id, now, 'x')).toBe(false);
    });
  });

  test('3.1.10 what waits for its next attempt may be made due; nothing else is', async () => {
    const wakeAt = addMs(now, 60_000);
    const waiting = await add({ status: 'running', waitingFor: 'retry', wakeAt });
    const others = [
      await add({ status: 'running', waitingFor: 'slot', wakeAt: null }),
      await add({ status: 'running', waitingFor: 'timer', wakeAt }),
      await add({ status: 'running', waitingFor: null, wakeAt: lease, leaseOwner: 'a', leaseUntil: lease }),
      await add({ status: 'failed', waitingFor: null, wakeAt: null }),
      await add({ status: 'running', waitingFor: 'retry', wakeAt: addMs(now, -1) }),
    ];
    hinted = 0;
    for (const { id } of others) await runs.hasten(id, now);
    for (const { id, wakeAt } of others) expect((await runs.find(id))?.wakeAt).toBe(wakeAt);
    expect(hinted).toBe(0);
    await runs.hasten(waiting.id, now);
    expect((await runs.find(waiting.id))?.wakeAt).toBe(now);
    expect(hinted).toBeGreaterThan(0);
  });

  test('3.1.13 deadlines move in pages, of unfinished runs that were there', async () => {
    const deadlineAt = addMs(now, 1000);
    const moved = [await add({ deadlineAt }), await add({ deadlineAt, status: 'running' }), await add({ deadlineAt })];
    const ended = await add({ deadlineAt, status: 'failed' });
    const later = await add({ deadlineAt, createdAt: addMs(now, 1) });
    let after: string | null = '';
    let pages = 0;
    for (; after !== null; pages += 1) after = await runs.moveDeadlines(5000, now, { after, limit: 2 });
    expect(pages).toBe(3);
    for (const { id } of moved) expect((await runs.find(id))?.deadlineAt).toBe(addMs(now, 6000));
    for (const { id } of [ended, later]) expect((await runs.find(id))?.deadlineAt).toBe(deadlineAt);
  });

  describe('3.1.16 slots', () => {
    test('are taken up to the limit, and by the same run again', async () => {
      expect(await runs.takeSlot('k', 2, 'r1', now)).toEqual({ taken: true, free: 1 });
      expect(await runs.takeSlot('k', 2, 'r1', now)).toEqual({ taken: true, free: 1 });
      expect(await runs.takeSlot('k', 2, 'r2', now)).toEqual({ taken: true, free: 0 });
      expect(await runs.takeSlot('k', 2, 'r3', now)).toEqual({ taken: false, free: 0 });
      await runs.takeSlot('other', 1, 'r1', now);
      await runs.freeSlot('r1', 'k', now);
      expect(await runs.takeSlot('k', 2, 'r3', now)).toMatchObject({ taken: true });
      expect(await runs.takeSlot('other', 1, 'r3', now)).toMatchObject({ taken: false });
      await runs.freeAllSlots('r1', [], now);
      expect(await runs.takeSlot('other', 1, 'r3', now)).toMatchObject({ taken: true });
      // The limit was lowered: who is in stays in.
      expect(await runs.takeSlot('k', 1, 'r2', now)).toEqual({ taken: true, free: 0 });
    });

    test('wake the oldest waiter that was not woken yet, one at a time', async () => {
      const wait = { status: 'pending', wakeAt: null, waitingFor: 'slot', slotKey: 'k' } as const;
      const first = await add();
      const second = await add();
      for (const { id } of [second, first]) await runs.release(id, wait);
      await runs.wakeWaiter('elsewhere', now);
      const woken = async () => [(await runs.find(first.id))?.wakeAt, (await runs.find(second.id))?.wakeAt];
      expect(await woken()).toEqual([null, null]);
      await runs.wakeWaiter('k', now);
      expect(await woken()).toEqual([now, null]);
      await runs.wakeWaiter('k', addMs(now, 1));
      expect(await woken()).toEqual([now, addMs(now, 1)]);
    });
  });

  describe('the start of the only server', () => {
    test('makes every leased run due, and leaves the others to their time', async () => {
      const held = await add();
      await runs.claim(held.id, 'gone', now, lease);
      const waiting = await add({ status: 'running', waitingFor: 'retry', wakeAt: lease });
      expect(await runs.releaseLeases(addMs(now, 1))).toBe(1);
      expect(await runs.find(held.id)).toMatchObject({
        leaseOwner: null,
        leaseUntil: null,
        wakeAt: addMs(now, 1),
        fence: 1,
      });
      expect(await runs.find(waiting.id)).toMatchObject({ wakeAt: lease });
    });
  });
});
