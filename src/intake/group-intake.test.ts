import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import type { ContractStore } from '../../test/contract/stores.ts';
import { at, createWorld, firing, plan, resolved, source, workflow } from '../../test/support/intake.ts';
import type { World } from '../../test/support/intake.ts';
import { createPause, endedOrWaiting, pauseAfter } from '../../test/support/races.ts';
import type { AlertItem } from '../core/alert.ts';
import type { CatalogSource } from '../core/catalog.ts';
import type { RunRecord } from '../core/run.ts';
import type { Store, StoreTransaction } from '../core/store.ts';
import { addMs } from '../core/time.ts';

const grouping = { labels: ['namespace'], waitMs: 10_000, intervalMs: 5 * 60_000 };
const grouped = (changes: Partial<CatalogSource> = {}) => source({ grouping, ...changes });

/** An alert of a namespace, told apart by its fingerprint. */
function of(namespace: string, fingerprint: string, changes: Partial<AlertItem> = {}): AlertItem {
  return firing({ fingerprint, labels: { alertname: 'Down', severity: 'warning', namespace }, ...changes });
}

function many(count: number, namespace: (n: number) => string): readonly AlertItem[] {
  return Array.from({ length: count }, (_, n) => of(namespace(n), `f${String(n).padStart(5, '0')}`));
}

describe.each(contractStores)('groups of alerts on $name', ({ open }) => {
  let opened: ContractStore;
  let world: World;
  beforeEach(async () => {
    opened = await open();
    world = createWorld(opened.store);
    world.source = grouped();
    return () => opened.close();
  });

  async function only(): Promise<RunRecord> {
    const [run, ...others] = await world.runs();
    if (run === undefined || others.length > 0) throw new Error(`there are ${others.length + 1} runs`);
    return run;
  }

  async function membersOf(runId: string): Promise<readonly string[]> {
    const rows = await opened.query
      .selectFrom('run_alerts')
      .innerJoin('alerts', 'alerts.id', 'run_alerts.alert_id')
      .select('alerts.fingerprint')
      .where('run_alerts.workflow_id', '=', runId)
      .orderBy('alerts.fingerprint')
      .execute();
    return rows.map(({ fingerprint }) => fingerprint);
  }

  /** The run begins, as its claim does it, and ends. */
  async function work(run: RunRecord, minutes: number, end: Partial<RunRecord> = { status: 'succeeded' }) {
    await begin(run, minutes);
    await world.write(async (tx) => {
      await tx.runs.update(run.id, { completedAt: at(minutes), wakeAt: null, ...end });
      await tx.alerts.endTriage(run, at(minutes), null);
    });
  }

  async function begin(run: RunRecord, minutes: number): Promise<number> {
    return world.write(async (tx) => {
      const { count } = await tx.groups.alertsOf(run, 19);
      const group = { labels: {}, ...run.input.group, alerts: count, others: [] };
      const startedAt = at(minutes);
      await tx.runs.update(run.id, { status: 'running', waitingFor: null, startedAt, input: { ...run.input, group } });
      return count;
    });
  }

  test('alerts of one group have one run, which waits for more; the others say so and join it', async () => {
    const items = [of('shop', 'a'), of('shop', 'b'), of('bank', 'c'), of('shop', 'd')];
    expect(await world.take(1, items)).toEqual({
      received: 4,
      opened: 4,
      repeated: 0,
      resolved: 0,
      ignored: 0,
      runs: 2,
    });
    const [shop, bank] = await world.runs();
    expect(shop).toMatchObject({
      status: 'pending',
      waitingFor: 'timer',
      wakeAt: addMs(at(1), 10_000),
      input: { alert: { fingerprint: 'a' }, group: { labels: { namespace: 'shop' } } },
    });
    expect(bank?.input.group).toEqual({ labels: { namespace: 'bank' } });
    expect([await membersOf(shop?.id ?? ''), await membersOf(bank?.id ?? '')]).toEqual([['b', 'd'], []]);
    expect(await world.alert('a')).toMatchObject({ mutedReason: null, announced: true });
    expect(await world.alert('b')).toMatchObject({
      status: 'received',
      mutedReason: 'Grouped',
      mutedUntil: at(6),
      workflowId: shop?.id,
      announced: false,
    });
    const [event] = (await world.store.read.lists.events({ limit: 1 })).items;
    expect(event?.outcome).toEqual({ Opened: 4, RunCreated: 2, Grouped: 2 });
    expect(world.counted.get('fist_runs_muted_total am Grouped')).toBe(2);
  });

  test('an alert that has none of the labels, and one of a Source without groupBy, has its own', async () => {
    const labels = { alertname: 'Down', severity: 'warning' };
    expect(await world.take(1, [firing({ labels }), firing({ labels, fingerprint: 'f2' })])).toMatchObject({ runs: 2 });
    world.source = source();
    expect(await world.take(1, [of('shop', 'a'), of('shop', 'b')])).toMatchObject({ runs: 2 });
    expect((await world.runs()).map(({ waitingFor, input }) => [waitingFor, input.group])).toEqual(
      Array.from({ length: 4 }, () => [null, undefined]),
    );
  });

  test('where nobody waits for more, the run is due at once', async () => {
    world.source = grouped({ grouping: { ...grouping, waitMs: 0 } });
    await world.take(1, [of('shop', 'a'), of('shop', 'b')]);
    expect(await only()).toMatchObject({ wakeAt: at(1), waitingFor: null });
    expect(await membersOf((await only()).id)).toEqual(['b']);
  });

  test('what comes before the run begins joins it, in whichever notification; what comes later has the next one', async () => {
    await world.take(1, [of('shop', 'a')]);
    await world.take(1.1, [of('shop', 'b')]);
    const first = await only();
    expect(await begin(first, 1.2)).toBe(1);
    expect(await world.take(2, [of('shop', 'late'), of('shop', 'later')])).toMatchObject({ opened: 2, runs: 0 });
    expect(await membersOf(first.id)).toEqual(['b']);
    expect(await world.alert('late')).toMatchObject({
      mutedReason: 'Grouped',
      mutedUntil: at(6),
      workflowId: first.id,
    });
    await work(first, 3);
    // The interval is over for the first look: one begins, and the other one joins it.
    expect(await world.sweep(5)).toMatchObject({ resumed: 0 });
    expect(await world.sweep(6)).toMatchObject({ resumed: 1 });
    const [, second] = await world.runs();
    expect(second?.input).toMatchObject({ alert: { fingerprint: 'late' }, group: { labels: { namespace: 'shop' } } });
    expect(await membersOf(second?.id ?? '')).toEqual(['later']);
    expect(await world.alert('b')).toMatchObject({ status: 'escalated', mutedReason: null, workflowId: first.id });
    // One that is resolved by then needs none.
    await world.take(7, [of('shop', 'x')]);
    expect(await membersOf(second?.id ?? '')).toEqual(['later', 'x']);
  });

  test('a run that is at work is waited for, however long it takes', async () => {
    await world.take(1, [of('shop', 'a')]);
    const first = await only();
    await begin(first, 1.2);
    await world.take(2, [of('shop', 'late')]);
    for (const minute of [6, 11, 60]) expect(await world.sweep(minute)).toMatchObject({ resumed: 0 });
    await work(first, 61);
    expect(await world.sweep(66)).toMatchObject({ resumed: 1 });
  });

  test('a group whose run said nothing gets another one; nothing of it is lost', async () => {
    await world.take(1, [of('shop', 'a'), of('shop', 'b'), of('shop', 'c')]);
    const first = await only();
    await work(first, 2, { status: 'failed', errorCode: 'StepFailed' });
    expect(await world.sweep(5)).toMatchObject({ resumed: 0 });
    expect(await world.alert('b')).toMatchObject({ mutedReason: 'Grouped', workflowId: first.id });
    expect(await world.sweep(6)).toMatchObject({ resumed: 1 });
    const [, second] = await world.runs();
    expect(second?.input.alert?.fingerprint).toBe('b');
    expect(await membersOf(second?.id ?? '')).toEqual(['c']);
    await work(second as RunRecord, 7, { status: 'cancelled' });
    expect(await world.sweep(11)).toMatchObject({ resumed: 1 });
    expect((await world.runs()).at(-1)?.input.alert?.fingerprint).toBe('c');
  });

  test('what the run of a group found is told to alerts that nobody told: the process died', async () => {
    await world.take(1, [of('shop', 'a'), of('shop', 'b')]);
    const run = await only();
    const report = { report: '# R', findings: [], confidence: 0.7, root_cause: 'the disk is full' };
    await world.write((tx) => tx.runs.writeSteps([stepWith(run.id, report)]));
    await work(run, 2, { status: 'failed', errorCode: 'StepFailed' });
    expect(await world.sweep(6)).toMatchObject({ resumed: 0 });
    expect(await world.alert('b')).toMatchObject({
      status: 'escalated',
      workflowId: run.id,
      cause: 'the disk is full',
      aiConfidence: 0.7,
      triageCompletedAt: at(2),
      mutedReason: null,
      mutedUntil: null,
    });
    const history = await world.store.read.lists.transitions((await world.alert('b')).id);
    expect(history.map(({ reason }) => reason)).toEqual(['Opened', 'RunEnded']);
    expect(await world.runs()).toHaveLength(1);
  });

  test('an alert that fires anew joins the run again, or waits for the next one', async () => {
    await world.take(1, [of('shop', 'a'), of('shop', 'b')]);
    await world.take(1.05, [of('shop', 'b', { status: 'resolved', endsAt: at(1.04) })]);
    expect(await world.alert('b')).toMatchObject({ mutedReason: null });
    await world.take(1.1, [
      of('shop', 'b', { startsAt: at(1.09) }),
      of('shop', 'a', { status: 'resolved', endsAt: at(1.09) }),
    ]);
    await world.take(1.15, [of('shop', 'a', { startsAt: at(1.14) })]);
    const run = await only();
    expect(await membersOf(run.id)).toEqual(['a', 'b']);
    // Its own alert is no other one.
    expect(await begin(run, 1.2)).toBe(1);
    await world.take(2, [of('shop', 'b', { status: 'resolved', endsAt: at(1.9) })]);
    await world.take(3, [of('shop', 'b', { startsAt: at(2.5) })]);
    await work(run, 4);
    expect(await world.sweep(6)).toMatchObject({ resumed: 1 });
    expect((await world.runs()).at(-1)).toMatchObject({ episode: 3, input: { alert: { fingerprint: 'b' } } });
    expect(await world.alert('a')).toMatchObject({ status: 'escalated', mutedReason: null, episode: 2 });
  });

  test('the end of its own alert stops no run that may answer for others', async () => {
    world.workflow = workflow({ plan: { ...plan, onResolve: 'cancel' } });
    await world.take(1, [of('shop', 'a'), of('shop', 'b')]);
    await world.take(2, [resolved({ ...of('shop', 'a'), status: 'resolved', endsAt: at(1.9) })]);
    expect(await only()).toMatchObject({ cancelRequestedAt: null });
  });

  test('a storm: one run for each group, in one notification or in many (R22)', async () => {
    const storm = many(500, (n) => `namespace-${n % 5}`);
    for (let from = 0; from < 500; from += 10) await world.take(1 + from / 5000, storm.slice(from, from + 10));
    expect(await world.runs()).toHaveLength(5);
    const counts = await Promise.all((await world.runs()).map(({ id }) => membersOf(id)));
    expect(counts.map(({ length }) => length)).toEqual([99, 99, 99, 99, 99]);
  });

  test('a notification in parts: its run waits for the last one, and answers for all', async () => {
    expect(
      await world.take(
        1,
        many(1100, () => 'shop'),
      ),
    ).toMatchObject({ opened: 1100, runs: 1 });
    const run = await only();
    expect(await begin(run, 2)).toBe(1099);
    expect(run).toMatchObject({ waitingFor: 'timer', wakeAt: addMs(at(1), 10_000) });
    // Longer than it would, where a part comes late.
    const wakes: (string | null)[] = [];
    let minutes = 10;
    const slow: Store = {
      ...opened.store,
      async transaction(name, transaction) {
        const value = await opened.store.transaction(name, transaction);
        if (name === 'intake') {
          wakes.push((await world.runs()).at(-1)?.wakeAt ?? null);
          slowWorld.pass((minutes += 1 / 8));
        }
        return value;
      },
    };
    const slowWorld = createWorld(slow);
    slowWorld.source = grouped({ name: 'slow' });
    await slowWorld.take(
      10,
      many(1100, () => 'shop'),
    );
    expect(wakes).toEqual(
      [10, 10 + 1 / 8, 10 + 2 / 8, 10 + 3 / 8, 10 + 3 / 8].map((minute) => addMs(at(minute), 10_000)),
    );
  });

  test('a Source without groupBy asks nothing about groups', async () => {
    const noGroups = new Proxy({} as StoreTransaction['groups'], {
      get() {
        throw new Error('asked');
      },
    });
    const store: Store = {
      ...opened.store,
      transaction: (name, transaction) =>
        opened.store.transaction(name, (tx) => transaction({ ...tx, groups: noGroups })),
    };
    const plain = createWorld(store);
    expect(await plain.take(1, [firing(), firing({ fingerprint: 'f2' })])).toMatchObject({ runs: 2 });
    plain.source = grouped();
    await plain.take(1.1, [of('shop', 'a', { status: 'resolved', endsAt: at(1) })]);
    await expect(plain.take(2, [of('shop', 'b')])).rejects.toThrow('asked');
  });
});

function stepWith(runId: string, result: object) {
  return {
    id: `${runId}#1`,
    runId,
    name: 'look',
    type: 'agent',
    path: '1',
    attempt: 1,
    status: 'failed',
    fence: 1,
    result: result as never,
    error: null,
    errorCode: null,
    retryable: false,
    process: null,
    startedAt: at(1),
    completedAt: at(2),
    createdAt: at(1),
  } as const;
}

/** A replica has places for intake of its own; this store has one. */
function ofAnother(store: Store): Store {
  return { ...store, transaction: (name, work) => store.transaction(name === 'intake' ? 'expire' : name, work) };
}

const postgres = contractStores.filter(({ name }) => name === 'PostgreSQL');

describe.each(postgres)('groups on $name, of which two replicas take alerts', ({ open }) => {
  let opened: ContractStore;
  let one: World;
  beforeEach(async () => {
    opened = await open();
    one = createWorld(opened.store);
    one.source = grouped();
    return () => opened.close();
  });

  test.each([
    ['that is new', async () => undefined],
    [
      'that has had a run',
      async () => {
        await one.take(-60, [of('shop', 'before')]);
        const [run] = await one.runs();
        await one.write((tx) =>
          tx.runs.update(run?.id ?? '', { status: 'succeeded', completedAt: at(-59), wakeAt: null }),
        );
      },
    ],
  ])('a group %s gets one run of both', async (_state, prepare) => {
    await prepare();
    const before = (await one.runs()).length;
    const pause = createPause();
    const two = createWorld(pauseAfter(ofAnother(opened.store), 'groups', 'find', pause));
    two.source = grouped();
    const taking = two.take(1, [of('shop', 'b')]);
    await pause.reached;
    const first = one.take(1, [of('shop', 'a')]);
    await endedOrWaiting(first, opened);
    pause.end();
    await Promise.all([first, taking]);
    const runs = (await one.runs()).slice(before);
    expect(runs).toHaveLength(1);
    const alerts = (await one.alerts()).filter(({ fingerprint }) => fingerprint !== 'before');
    expect(alerts).toHaveLength(2);
    expect(alerts.filter(({ mutedReason }) => mutedReason === 'Grouped')).toHaveLength(1);
    expect(alerts.filter(({ mutedReason }) => mutedReason === null)).toHaveLength(1);
  });

  test('a run does not begin between the look of an alert and its joining', async () => {
    await one.take(1, [of('shop', 'a')]);
    const [run] = await one.runs();
    const pause = createPause();
    const two = createWorld(pauseAfter(ofAnother(opened.store), 'groups', 'find', pause));
    two.source = grouped();
    const taking = two.take(1.1, [of('shop', 'b')]);
    await pause.reached;
    const claiming = one.write(async (tx) => {
      await tx.runs.claim(run?.id ?? '', 'worker', at(2), at(3));
      return tx.groups.alertsOf({ id: run?.id ?? '', alertId: run?.alertId ?? null }, 19);
    });
    await endedOrWaiting(claiming, opened);
    pause.end();
    expect(await taking).toMatchObject({ opened: 1, runs: 0 });
    expect((await claiming).count).toBe(1);
  });
});
