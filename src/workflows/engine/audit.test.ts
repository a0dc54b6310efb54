import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn, longDeed, never, threeSteps } from '../../../test/support/engine-tests.ts';
import { planOf, runRecord, step } from '../../../test/support/engine.ts';
import { createPause, endedOrWaiting, pauseAfter } from '../../../test/support/races.ts';
import { addMs, toTimestamp } from '../../core/time.ts';
import { auditRuns } from './audit.ts';
import { silentLog } from '../../lib/silent-log.ts';

test.each(contractStores.filter(({ name }) => name === 'PostgreSQL'))(
  'a run that ends on $name while the auditor looks at it is not made due again: nobody could take it',
  async (database) => {
    const opened = await database.open();
    try {
      const { store, clock } = opened;
      const plan = planOf([step('one')]);
      const now = toTimestamp(clock.now());
      const run = runRecord(plan, now, { wakeAt: null });
      await store.transaction('intake', (tx) => tx.runs.insertAll([{ run, plan }]));
      const pause = createPause();
      const metrics = { increment: () => undefined, observe: () => undefined, set: () => undefined };
      const slowed = pauseAfter(store, 'runs', 'stuck', pause);
      const auditing = auditRuns({ store: slowed, clock, log: silentLog, metrics });
      await pause.reached;
      const ending = store.transaction('run-end', (tx) =>
        tx.runs.update(run.id, { status: 'cancelled', completedAt: now, wakeAt: null }),
      );
      await endedOrWaiting(ending, opened);
      pause.end();
      expect(await auditing).toBe(1);
      await ending;
      expect(await store.read.runs.find(run.id)).toMatchObject({ status: 'cancelled', wakeAt: null });
      expect(await store.read.runs.due(addMs(now, 60_000), 10)).toEqual([]);
    } finally {
      await opened.close();
    }
  },
);

describe.each(contractStores)('the audit on $name', (database) => {
  const on = engineOn(database);

  /** The audit, with what it counted and logged, sorted. */
  async function audited(): Promise<{ readonly found: number; readonly told: readonly string[] }> {
    const told: string[] = [];
    const line = (fields: object, message: string): void => {
      told.push(`${message} ${JSON.stringify('runs' in fields ? fields.runs : 1)}`);
    };
    const log = { ...silentLog, warn: line, error: line };
    const metrics = {
      increment: (name: string, labels: object, by = 1) => void told.push(`${name} ${JSON.stringify(labels)} ${by}`),
      observe: () => undefined,
      set: () => undefined,
    };
    const found = await auditRuns({ store: on.store, clock: on.clock, log, metrics });
    return { found, told: told.sort() };
  }

  test('3.1.20 the auditor wakes what nothing else would wake, and counts it; in a correct program it finds nothing', async () => {
    const it = on.world();
    const alert = await it.addAlert();
    const lost = await it.addRun(threeSteps, { wakeAt: null, waitingFor: 'slot' }, alert);
    await on.clock.advance(60_000);
    expect(await audited()).toEqual({
      found: 1,
      told: ['fist_runs_stuck_total {"reason":"NoWakeUp"} 1', 'run-stuck 1'],
    });
    await it.runAll();
    expect((await it.run(lost)).status).toBe('succeeded');
    await on.clock.advance(60_000);
    expect(await audited()).toEqual({ found: 0, told: [] });
  });

  test('3.1.20 what is overdue is one line with a count, and is left alone', async () => {
    const it = on.world();
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) ids.push(await it.addRun(planOf([step(name)])));
    const dueAt = on.now();
    await on.clock.advance(59_999);
    expect(await audited()).toEqual({ found: 0, told: [] });
    await on.clock.advance(1);
    expect(await audited()).toEqual({
      found: 3,
      told: ['fist_runs_stuck_total {"reason":"Overdue"} 3', 'runs-overdue 3'],
    });
    for (const id of ids) expect((await it.run(id)).wakeAt).toBe(dueAt);
  });

  test('3.1.20 a run that was due before the clock was put back does not wait for the old time', async () => {
    const it = on.world();
    const id = await it.addRun(threeSteps);
    await on.store.transaction('audit', (tx) =>
      tx.runs.update(id, { wakeAt: toTimestamp(on.clock.now() + 3_600_000) }),
    );
    await it.runAll();
    expect((await it.run(id)).status).toBe('pending');
    expect((await audited()).told).toEqual(['fist_runs_stuck_total {"reason":"ClockPutBack"} 1', 'run-stuck 1']);
    await it.runAll();
    expect((await it.run(id)).status).toBe('succeeded');
  });

  test('3.1.20 a lease from before the clock was put back keeps nobody off: its holder has the time of one, if it lives', async () => {
    const long = longDeed();
    const first = on.world({ one: long.deed });
    const dead = await first.addRun(threeSteps);
    void first.engine.advance(dead, never);
    await on.clock.advance(0);
    const ahead = addMs(on.now(), 3_600_000);
    await on.store.transaction('audit', (tx) => tx.runs.update(dead, { leaseUntil: ahead, wakeAt: ahead }));
    expect((await audited()).told).toEqual(['fist_runs_stuck_total {"reason":"ClockPutBack"} 1', 'run-stuck 1']);
    expect(await first.run(dead)).toMatchObject({
      leaseOwner: 'test',
      leaseUntil: addMs(on.now(), 30_000),
      wakeAt: addMs(on.now(), 30_000),
    });
    // It lives and renews.
    await on.clock.advance(29_000);
    expect((await first.run(dead)).leaseUntil).toBe(addMs(on.now(), 21_000));
    expect(await audited()).toEqual({ found: 0, told: [] });
    // From here on it is dead.
    const last = await first.run(dead);
    await on.store.transaction('audit', (tx) =>
      tx.runs.update(dead, { fence: last.fence + 1, leaseUntil: ahead, wakeAt: ahead }),
    );
    await audited();
    await on.clock.advance(30_000);
    await on.world().runAll();
    expect(await first.run(dead)).toMatchObject({ status: 'succeeded' });
    expect((await first.journal(dead)).slice(0, 2)).toEqual(['1#1 failed Interrupted', '1#2 succeeded']);
  });

  test('3.1.20 nobody is stuck while the slot is free for another one, who was woken and has not come yet', async () => {
    const it = on.world();
    const alert = await it.addAlert();
    const ids: string[] = [];
    for (let episode = 1; episode <= 3; episode += 1) ids.push(await it.addRun(threeSteps, { episode }, alert));
    const [first = '', second = '', third = ''] = ids;
    await on.store.transaction('claim', (tx) => tx.runs.takeSlot(`alert:${alert.id}`, 1, first, on.now()));
    for (const id of [second, third]) await it.engine.advance(id, never);
    await it.engine.advance(first, never);
    expect(await it.run(second)).toMatchObject({ waitingFor: 'slot', wakeAt: on.now() });
    expect(await it.run(third)).toMatchObject({ waitingFor: 'slot', wakeAt: null });
    expect((await audited()).found).toBe(0);
    await it.runAll();
    for (const id of ids) expect((await it.run(id)).status).toBe('succeeded');
  });

  test('3.1.20 orphaned slots are freed and their waiters woken', async () => {
    const it = on.world();
    const alert = await it.addAlert();
    await on.store.transaction('claim', (tx) => tx.runs.takeSlot(`alert:${alert.id}`, 1, 'nobody', on.now()));
    const id = await it.addRun(threeSteps, {}, alert);
    await it.runAll();
    expect((await it.run(id)).waitingFor).toBe('slot');
    expect(await audited()).toEqual({ found: 0, told: ['orphaned-slots-freed 1'] });
    await it.runAll();
    expect((await it.run(id)).status).toBe('succeeded');
  });
});
