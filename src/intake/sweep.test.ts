import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import type { ContractStore } from '../../test/contract/stores.ts';
import { at, createWorld, firing, resolved, source } from '../../test/support/intake.ts';
import type { World } from '../../test/support/intake.ts';
import { createPause, endedOrWaiting, pauseAfter } from '../../test/support/races.ts';
import { AppError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';

const dayMinutes = 24 * 60;
const postgres = contractStores.filter(({ name }) => name === 'PostgreSQL');

describe.each(postgres)('the sweep on $name, beside the intake of another replica', ({ open }) => {
  let opened: ContractStore;
  let intake: World;
  beforeEach(async () => {
    opened = await open();
    intake = createWorld(opened.store);
    return () => opened.close();
  });

  test('an alert that comes again while it expires opens anew: nothing of it is lost', async () => {
    const again = firing({ startsAt: null });
    await intake.take(0, [again]);
    const pause = createPause();
    const sweeper = createWorld(pauseAfter(opened.store, 'alerts', 'findExpired', pause));
    const sweeping = sweeper.sweep(dayMinutes + 1);
    await pause.reached;
    const taking = intake.take(dayMinutes + 1, [again]);
    await endedOrWaiting(taking, opened);
    pause.end();
    expect(await sweeping).toEqual({ expired: 1, resumed: 0 });
    expect(await taking).toMatchObject({ opened: 1, runs: 1 });
    const alert = await intake.alert();
    expect(alert).toMatchObject({ status: 'received', episode: 2, receiveCount: 2, announced: true });
    const transitions = await intake.store.read.lists.transitions(alert.id);
    expect(transitions.map(({ fromStatus, toStatus }) => [fromStatus, toStatus])).toEqual([
      [null, 'received'],
      ['received', 'resolved'],
      ['resolved', 'received'],
    ]);
  });

  test('an alert that ends while its put-off run begins stays resolved, and the sinks hear of it', async () => {
    intake.source = source({ stormCapPerMinute: 1 });
    await intake.take(0, [firing({ fingerprint: 'other' })]);
    await intake.take(0, [firing()]);
    expect((await intake.alert()).mutedUntil).not.toBeNull();
    const pause = createPause();
    const sweeper = createWorld(pauseAfter(opened.store, 'alerts', 'findMuted', pause));
    const sweeping = sweeper.sweep(2);
    await pause.reached;
    const taking = intake.take(2, [resolved()]);
    await endedOrWaiting(taking, opened);
    pause.end();
    expect(await sweeping).toEqual({ expired: 0, resumed: 1 });
    expect(await taking).toMatchObject({ resolved: 1 });
    expect(await intake.alert()).toMatchObject({ status: 'resolved', receiveCount: 2, mutedUntil: null });
    expect((await intake.deliveries()).map(({ event }) => event)).toEqual(['alert-resolved']);
  });

  test('an alert that somebody is working on is left to the next sweep', async () => {
    intake.source = source({ stormCapPerMinute: 1 });
    await intake.take(0, [firing({ fingerprint: 'other' })]);
    await intake.take(0, [firing()]);
    const pause = createPause();
    const { namespace, name } = intake.source;
    const working = intake.write(async (tx) => {
      await tx.alerts.findStates([{ namespace, source: name, fingerprint: 'f1' }]);
      await pause.hold();
    });
    await pause.reached;
    const sweeping = intake.sweep(dayMinutes + 1);
    await endedOrWaiting(sweeping, opened);
    pause.end();
    await working;
    expect(await sweeping).toEqual({ expired: 1, resumed: 0 });
    expect((await intake.alert()).status).toBe('received');
    expect(await intake.sweep(dayMinutes + 2)).toMatchObject({ expired: 1 });
  });
});

test.each(postgres)(
  'a sweep on $name whose work is done again counts once: metrics and the storm cap',
  async (database) => {
    let commits = 0;
    const isConflict = (names: readonly string[]): boolean => names.includes('expire') && commits++ % 2 === 0;
    const opened = await database.open({
      hooks: {
        beforeCommit(names) {
          if (isConflict(names)) throw new AppError('StoreConflict', 'PostgreSQL: deadlock detected');
        },
      },
    });
    try {
      const world = createWorld(opened.store);
      world.source = source({ stormCapPerMinute: 3 });
      const take = async (minutes: number, fingerprint: string): Promise<number> =>
        (await world.take(minutes, [firing({ fingerprint })])).runs;
      for (const fingerprint of ['f1', 'f2', 'f3', 'f4']) await take(1, fingerprint);
      expect(await world.sweep(2)).toEqual({ expired: 0, resumed: 1 });
      expect(world.counted.get('fist_runs_total triage pending')).toBe(4);
      // The minute has one run so far: two more, and no third.
      expect([await take(2, 'f5'), await take(2, 'f6'), await take(2, 'f7')]).toEqual([1, 1, 0]);
      expect(await world.sweep(dayMinutes + 5)).toEqual({ expired: 7, resumed: 0 });
      expect(world.counted.get('fist_alerts_received_total am Expired')).toBe(7);
      expect(commits).toBeGreaterThan(6);
    } finally {
      await opened.close();
    }
  },
);

test('3.1.17 a run that the sweep begins supersedes the one of an earlier episode that has not begun', async () => {
  const store = openSqliteStore({ path: ':memory:' });
  const world = createWorld(store);
  await world.take(0, [firing()]);
  await world.take(1, [resolved({ endsAt: at(1) })]);
  world.source = source({ stormCapPerMinute: 1 });
  await world.take(2, [firing({ fingerprint: 'other' })]);
  expect(await world.take(2, [firing({ startsAt: at(2) })])).toMatchObject({ opened: 1, runs: 0 });
  expect(await world.sweep(4)).toEqual({ expired: 0, resumed: 1 });
  const ofAlert = (await world.runs()).filter(
    ({ alertId, input }) => alertId !== null && input.alert?.fingerprint === 'f1',
  );
  expect(ofAlert).toMatchObject([
    { episode: 1, cancelReason: 'Superseded', cancelRequestedAt: at(4), wakeAt: at(4) },
    { episode: 2, cancelReason: null, cancelRequestedAt: null },
  ]);
  expect(await world.alert()).toMatchObject({ workflowId: ofAlert[1]?.id, announced: true });
  await store.close();
});

test('a run that the sweep begins without a Workflow fails at once, and those who want to know are told', async () => {
  const store = openSqliteStore({ path: ':memory:' });
  const world = createWorld(store);
  world.source = source({ stormCapPerMinute: 1 });
  await world.take(0, [firing({ fingerprint: 'other' })]);
  await world.take(0, [firing()]);
  world.workflow = world.workflow && { ...world.workflow, ready: false };
  expect(await world.sweep(2)).toEqual({ expired: 0, resumed: 1 });
  expect((await world.runs()).at(-1)).toMatchObject({ status: 'failed', errorCode: 'WorkflowNotReady' });
  const alert = await world.alert();
  expect(alert).toMatchObject({ status: 'escalated', announced: true, mutedUntil: null });
  const transitions = await store.read.lists.transitions(alert.id);
  expect(transitions.at(-1)).toMatchObject({
    fromStatus: 'received',
    toStatus: 'escalated',
    reason: 'WorkflowNotReady',
  });
  expect((await world.deliveries()).map(({ event }) => event)).toContain('run-finished');
  await store.close();
});

test('an alert that expires while its run is put off waits for nothing any more', async () => {
  const store = openSqliteStore({ path: ':memory:' });
  const world = createWorld(store);
  world.source = source({ stormCapPerMinute: 1 });
  await world.take(0, [firing({ fingerprint: 'other' })]);
  await world.take(0, [firing()]);
  expect((await world.alert()).mutedReason).toBe('StormGuard');
  expect(await world.sweep(dayMinutes + 1)).toEqual({ expired: 2, resumed: 0 });
  expect(await world.alert()).toMatchObject({ status: 'resolved', mutedUntil: null, mutedReason: null });
  await store.close();
});

describe('a sweep of several transactions', () => {
  let store: Store;
  /** What happens as the transaction of the sweep that has this number, from 1, begins. */
  let atBegin: (transaction: number) => Promise<void> | void;
  let sweeper: World;
  beforeEach(() => {
    store = openSqliteStore({ path: ':memory:' });
    let begun = 0;
    sweeper = createWorld({
      ...store,
      async transaction(name, work) {
        if (name === 'expire') await atBegin((begun += 1));
        return store.transaction(name, work);
      },
    });
    atBegin = () => undefined;
    return () => store.close();
  });
  const alerts = (count: number) => Array.from({ length: count }, (_, index) => firing({ fingerprint: `f${index}` }));

  test('ends after the transaction under way when it is stopped, and the next one goes on', async () => {
    sweeper.source = source({ stormCapPerMinute: 1 });
    await sweeper.take(0, alerts(251));
    sweeper.source = source();
    const stopping = new AbortController();
    // The first one lists the Sources, the second one finds nothing to expire.
    atBegin = (transaction) => (transaction === 3 ? stopping.abort() : undefined);
    expect(await sweeper.sweep(1, stopping.signal)).toEqual({ expired: 0, resumed: 100 });
    expect(await sweeper.sweep(1)).toEqual({ expired: 0, resumed: 150 });
    const again = new AbortController();
    atBegin = () => again.abort();
    expect(await sweeper.sweep(dayMinutes + 5, again.signal)).toEqual({ expired: 0, resumed: 0 });
    const later = new AbortController();
    let left = 2;
    atBegin = () => ((left -= 1) === 0 ? later.abort() : undefined);
    expect(await sweeper.sweep(dayMinutes + 5, later.signal)).toEqual({ expired: 100, resumed: 0 });
    atBegin = () => undefined;
    expect(await sweeper.sweep(dayMinutes + 5)).toEqual({ expired: 151, resumed: 0 });
  });

  test('that a minute ends in keeps the storm cap of both, with the intake beside it', async () => {
    sweeper.source = source({ stormCapPerMinute: 3 });
    await sweeper.take(1, alerts(210));
    atBegin = async (transaction) => {
      // With the second 100 alerts.
      if (transaction === 4) await sweeper.take(3, [firing({ fingerprint: 'beside' })]);
    };
    expect(await sweeper.sweep(2)).toEqual({ expired: 0, resumed: 5 });
    expect(await sweeper.take(3, [firing({ fingerprint: 'after' })])).toMatchObject({ opened: 1, runs: 0 });
    const minutes = (await sweeper.runs()).map(({ createdAt }) => createdAt.slice(14, 16));
    expect(minutes).toEqual(['01', '01', '01', '02', '02', '02', '03', '03', '03']);
  });
});

test('a sweep counts the runs of each Source for its own cap, also where two have one name', async () => {
  const store = openSqliteStore({ path: ':memory:' });
  const world = createWorld(store);
  const sources = ['default', 'shop'].map((namespace) => source({ namespace, stormCapPerMinute: 2 }));
  const alerts = (name: string) => Array.from({ length: 4 }, (_, index) => firing({ fingerprint: `${name}${index}` }));
  const takeOfEach = async (minute: number, name: string): Promise<readonly number[]> => {
    const runs: number[] = [];
    for (const taking of sources) {
      world.source = taking;
      world.others = sources.filter((other) => other !== taking);
      runs.push((await world.take(minute, alerts(name))).runs);
    }
    return runs;
  };
  expect(await takeOfEach(1, 'f')).toEqual([2, 2]);
  expect(await world.sweep(2)).toEqual({ expired: 0, resumed: 4 });
  expect(await takeOfEach(2, 'g')).toEqual([0, 0]);
  expect(await takeOfEach(3, 'h')).toEqual([2, 2]);
  await store.close();
});
