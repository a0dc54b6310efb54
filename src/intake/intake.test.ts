import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { toEpochMs } from '../core/time.ts';
import {
  at,
  createWorld,
  firing,
  noon,
  notification,
  plan,
  resolved,
  source,
  workflow,
} from '../../test/support/intake.ts';
import type { World } from '../../test/support/intake.ts';

describe.each(contractStores)('intake on $name', ({ open }) => {
  let world: World;

  beforeEach(async () => {
    const opened = await open();
    world = createWorld(opened.store);
    return () => opened.close();
  });

  const nothing = { received: 0, opened: 0, repeated: 0, resolved: 0, ignored: 0, runs: 0 };

  /** Ends the newest run of an alert as the engine would. */
  async function endRun(minutes: number): Promise<void> {
    const run = (await world.runs()).at(-1);
    await world.write(async (tx) => {
      await tx.runs.update(run?.id ?? '', { status: 'succeeded', completedAt: at(minutes), wakeAt: null });
      if (run !== undefined) await tx.alerts.endTriage(run, at(minutes), null);
    });
  }

  describe('a new alert', () => {
    test('one transaction: event, alert, labels, history and a run that is due', async () => {
      const hints: object[] = [];
      world.store.onCommit((told) => hints.push(told));
      expect(await world.take(1, [firing()])).toEqual({ ...nothing, received: 1, opened: 1, runs: 1 });
      expect(hints).toEqual([{ runs: true, deliveries: false }]);
      const alert = await world.alert();
      const [run] = await world.runs();
      const [event] = (await world.store.read.lists.events({ limit: 10 })).items;
      expect(alert).toMatchObject({
        name: 'TestAlert',
        status: 'received',
        severity: 'warning',
        episode: 1,
        receiveCount: 1,
        externalId: 'e1',
        startsAt: noon,
        endsAt: null,
        receivedAt: at(1),
        lastReceivedAt: at(1),
        groupKey: 'g',
        summary: 'It hurts',
        workflowId: run?.id,
        sourceId: event?.id,
        announced: true,
        mutedUntil: null,
        createdAt: at(1),
      });
      expect(run).toMatchObject({
        name: 'triage',
        namespace: 'default',
        status: 'pending',
        triggerSource: 'default/am',
        alertId: alert.id,
        episode: 1,
        planHash: 'hash-1',
        wakeAt: at(1),
        deadlineAt: at(61),
        fence: 0,
        waitingFor: null,
        createdAt: at(1),
      });
      expect(run?.input).toMatchObject({
        source: { name: 'am', namespace: 'default', type: 'webhook' },
        alert: {
          id: alert.id,
          status: 'firing',
          labels: { alertname: 'TestAlert' },
          episode: 1,
          startsAt: noon,
          endsAt: null,
        },
        context: { runbooks: 'repo' },
        depth: 0,
      });
      expect(await world.store.read.runs.plan('hash-1')).toEqual(plan);
      expect(event).toMatchObject({
        sourceName: 'am',
        workflowTriggered: 'triage',
        outcome: { Opened: 1, RunCreated: 1 },
      });
      expect(await world.store.read.lists.transitions(alert.id)).toMatchObject([
        { episode: 1, fromStatus: null, toStatus: 'received', reason: 'Opened', sourceEventId: event?.id },
      ]);
      const found = await world.store.read.lists.alerts({ limit: 10, name: 'TestAlert' });
      expect(found.items).toHaveLength(1);
      expect(world.counted.get('fist_alerts_received_total am Opened')).toBe(1);
    });

    test('each alert of a notification is taken by itself', async () => {
      const items = [firing(), firing({ fingerprint: 'f2' }), resolved({ fingerprint: 'f3', endsAt: noon })];
      expect(await world.take(1, items)).toEqual({ ...nothing, received: 3, opened: 2, resolved: 1, runs: 2 });
      expect(await world.alerts()).toHaveLength(3);
    });

    test('no alerts at all are no error', async () => {
      expect(await world.take(1, [])).toEqual(nothing);
    });
  });

  describe('design 3.2 through the store', () => {
    test('line 1: the identity has namespace, Source and fingerprint', async () => {
      await world.take(1, [firing()]);
      world.source = source({ name: 'other' });
      expect(await world.take(1, [firing()])).toMatchObject({ opened: 1 });
      world.source = source({ namespace: 'team' });
      expect(await world.take(1, [firing()])).toMatchObject({ opened: 1 });
      expect(await world.alerts()).toHaveLength(3);
    });

    test('line 2: items of one identity are folded in array order, one run for the last episode', async () => {
      const items = [firing(), resolved({ endsAt: at(1) }), firing({ startsAt: at(2) }), firing({ fingerprint: 'f0' })];
      expect(await world.take(3, items)).toEqual({ ...nothing, received: 4, opened: 3, resolved: 1, runs: 2 });
      expect(await world.alert()).toMatchObject({ status: 'received', episode: 2, receiveCount: 3, startsAt: at(2) });
      expect((await world.runs()).map(({ episode }) => episode)).toEqual([1, 2]);
      const reasons = await world.store.read.lists.transitions((await world.alert()).id);
      expect(reasons.map(({ reason }) => reason)).toEqual(['Opened', 'Resolved', 'Reopened']);
    });

    test('line 2: a bad item is dead-lettered, the others count', async () => {
      const bad = [{ index: 1, field: 'alerts[1].labels', message: 'must be an object', body: '{"x":1}' }];
      expect(await world.take(1, [firing()], { bad })).toEqual({
        ...nothing,
        received: 2,
        opened: 1,
        ignored: 1,
        runs: 1,
      });
      const { items } = await world.store.read.lists.deadLetters({ limit: 10 });
      expect(items).toMatchObject([
        { reason: 'BadItem', message: 'alerts[1].labels: must be an object', sourceName: 'am' },
      ]);
      expect((await world.store.read.lists.deadLetter(items[0]?.id ?? ''))?.body).toBe('{"x":1}');
      await world.take(5, [firing()], { bad });
      expect((await world.store.read.lists.deadLetters({ limit: 10 })).items).toHaveLength(1);
    });

    test('line 5: a repeat is counted, no run, and its event is bumped, not stored again', async () => {
      await world.take(1, [firing()]);
      expect(await world.take(5, [firing()])).toEqual({ ...nothing, received: 1, repeated: 1 });
      expect(await world.alert()).toMatchObject({
        episode: 1,
        receiveCount: 2,
        lastReceivedAt: at(5),
        updatedAt: at(5),
      });
      expect(await world.runs()).toHaveLength(1);
      const { items } = await world.store.read.lists.events({ limit: 10 });
      expect(items).toMatchObject([
        { receiveCount: 2, receivedAt: at(1), lastReceivedAt: at(5), outcome: { Opened: 1, RunCreated: 1 } },
      ]);
      expect(world.counted.get('fist_alerts_deduplicated_total am')).toBe(1);
    });

    test('line 6: a missed resolve opens the next episode with its run', async () => {
      await world.take(1, [firing()]);
      expect(await world.take(31, [firing({ startsAt: at(30) })])).toMatchObject({ opened: 1, runs: 1 });
      expect((await world.runs()).map(({ episode }) => episode)).toEqual([1, 2]);
    });

    test('lines 7, 9: closing and reopening', async () => {
      await world.take(1, [firing()]);
      expect(await world.take(5, [resolved({ endsAt: at(4) })])).toEqual({ ...nothing, received: 1, resolved: 1 });
      expect(await world.alert()).toMatchObject({
        status: 'resolved',
        endsAt: at(4),
        resolvedAt: at(5),
        announced: false,
      });
      expect(await world.take(9, [firing({ startsAt: at(8) })])).toMatchObject({ opened: 1, runs: 1 });
      expect(await world.alert()).toMatchObject({ status: 'received', episode: 2, resolvedAt: null, announced: true });
    });

    test('line 8: a resolve that came first is a closed row, no run, no notice', async () => {
      expect(await world.take(1, [resolved({ endsAt: noon })])).toEqual({ ...nothing, received: 1, resolved: 1 });
      expect(await world.alert()).toMatchObject({ status: 'resolved', episode: 0 });
      expect(await world.take(1.1, [firing()])).toMatchObject({ ignored: 1, runs: 0 });
      expect(await world.deliveries()).toEqual([]);
    });

    test('line 12: a notification with a delivery key that came before is answered again, without effect', async () => {
      const first = await world.take(1, [firing()], { deliveryKey: 'k' });
      expect(await world.take(200, [firing()], { deliveryKey: 'k' })).toEqual(first);
      expect(await world.alert()).toMatchObject({ receiveCount: 1, episode: 1 });
      expect(world.counted.get('fist_alerts_received_total am Opened')).toBe(1);
      expect(await world.take(200, [firing()], { deliveryKey: 'k2' })).toMatchObject({ repeated: 1 });
    });

    test('line 12: a delivery key that comes with another body is new input, counted and said', async () => {
      const sent = [firing({ fingerprint: 'f2' })];
      for (const turn of ['in a later batch', 'in the same batch']) {
        const deliveryKey = turn;
        const items = sent.map((item) => ({ ...item, fingerprint: turn }));
        const taken =
          turn === 'in a later batch'
            ? [await world.take(1, [firing()], { deliveryKey }), await world.take(2, items, { deliveryKey })]
            : await Promise.all([world.take(3, [firing()], { deliveryKey }), world.take(3, items, { deliveryKey })]);
        expect(taken[1]).toEqual({ ...nothing, received: 1, opened: 1, runs: 1 });
        expect(await world.alert(turn)).toMatchObject({ receiveCount: 1 });
        // Its repeat is one of a notification without a key.
        expect(await world.take(4, items, { deliveryKey })).toMatchObject({ received: 1, repeated: 1 });
      }
      expect(world.counted.get('fist_delivery_keys_reused_total am')).toBe(4);
      const { items: events } = await world.store.read.lists.events({ limit: 10 });
      expect(events.map(({ outcome, receiveCount }) => [outcome, receiveCount])).toEqual([
        [{ DeliveryKeyReused: 1, Opened: 1, RunCreated: 1 }, 2],
        [{ Repeated: 1 }, 1],
        [{ DeliveryKeyReused: 1, Opened: 1, RunCreated: 1 }, 2],
        [{ Opened: 1, RunCreated: 1 }, 1],
      ]);
      const { sources } = await world.store.read.lists.activity();
      expect(sources.get('default/am')?.lastProblem).toMatch(/^DeliveryKeyReused: /);
    });

    test('line 13: a rise of a severity that is set apart starts a run', async () => {
      await world.take(1, [firing()]);
      expect(await world.take(2, [firing({ severity: 'critical' })])).toMatchObject({ opened: 1, runs: 1 });
      expect(await world.alert()).toMatchObject({ severity: 'critical', episode: 2 });
      expect(await world.take(3, [firing({ severity: 'info' })])).toMatchObject({ repeated: 1, runs: 0 });
    });

    test('line 14: the last annotations win; the run keeps its snapshot', async () => {
      await world.take(1, [firing()]);
      const before = await world.alert();
      await world.take(2, [
        firing({ annotations: { summary: 'Worse' }, summary: 'Worse', generatorUrl: 'http://new' }),
      ]);
      const after = await world.alert();
      expect(after).toMatchObject({ summary: 'Worse', annotations: { summary: 'Worse' }, generatorUrl: 'http://new' });
      expect(after.contentHash).not.toBe(before.contentHash);
      expect((await world.runs())[0]?.input.alert?.summary).toBe('It hurts');
      expect((await world.store.read.lists.events({ limit: 10 })).items).toHaveLength(2);
    });

    test('line 15: a filter refuses an item: counted on the event, no row', async () => {
      world.source = source({
        accepts: (labels) => (labels['severity'] === 'critical' ? null : { reason: 'FilterMismatch', message: '' }),
      });
      const critical = firing({ fingerprint: 'f2', labels: { severity: 'critical' } });
      expect(await world.take(1, [firing(), critical])).toEqual({
        ...nothing,
        received: 2,
        opened: 1,
        ignored: 1,
        runs: 1,
      });
      expect(await world.alerts()).toHaveLength(1);
      const { items } = await world.store.read.lists.events({ limit: 10 });
      expect(items).toMatchObject([{ outcome: { FilterMismatch: 1, Opened: 1, RunCreated: 1 } }]);
    });

    test('line 15: filters see the name and the severity that stand apart from the labels', async () => {
      world.source = source({
        accepts: ({ alertname, severity }) =>
          alertname === 'TestAlert' && severity === 'warning' ? null : { reason: 'FilterMismatch', message: '' },
      });
      expect(await world.take(1, [firing({ labels: {} })])).toMatchObject({ opened: 1 });
      expect((await world.alert()).labels).toEqual({});
    });

    test('line 15: a resolve of an open alert passes filters and mutes', async () => {
      await world.take(1, [firing()]);
      world.source = source({ accepts: () => ({ reason: 'FilterMismatch', message: '' }), suspend: true });
      expect(await world.take(5, [resolved({ endsAt: at(4) })])).toMatchObject({ resolved: 1 });
      expect(await world.deliveries()).toMatchObject([{ event: 'alert-resolved', sinkName: 'out' }]);
      expect(await world.take(6, [resolved({ endsAt: at(4) })])).toMatchObject({ ignored: 1 });
    });

    test('line 15: refused notifications that repeat are bumped, too', async () => {
      world.source = source({ accepts: () => ({ reason: 'FilterMismatch', message: '' }) });
      await world.take(1, [firing()]);
      await world.take(2, [firing()]);
      expect((await world.store.read.lists.events({ limit: 10 })).items).toMatchObject([{ receiveCount: 2 }]);
    });

    test('line 17: truncated alerts are counted and told, absence resolves nothing', async () => {
      await world.take(1, [firing(), firing({ fingerprint: 'f2' })]);
      await world.take(2, [firing()], { truncatedAlerts: 7 });
      expect((await world.alert('f2')).status).toBe('received');
      expect(world.counted.get('fist_alerts_truncated_total am')).toBe(7);
      expect((await world.store.read.lists.activity()).sources.get('default/am')).toMatchObject({
        eventsProcessed: 2,
        lastEventTime: at(2),
        lastProblem: 'TruncatedAlerts: the sender left out 7 alerts (max_alerts)',
      });
    });

    test('line 18: an absent Workflow: the run is there, failed, and the alert is escalated', async () => {
      world.workflow = undefined;
      expect(await world.take(1, [firing()])).toMatchObject({ opened: 1, runs: 1 });
      const [run] = await world.runs();
      expect(run).toMatchObject({
        status: 'failed',
        errorCode: 'WorkflowNotReady',
        planHash: null,
        wakeAt: null,
        completedAt: at(1),
      });
      expect(run?.error).toBe('Source default/am triggers triage: there is no Workflow default/triage');
      expect(await world.alert()).toMatchObject({ status: 'escalated', workflowId: run?.id });
      expect(await world.take(2, [firing()])).toMatchObject({ repeated: 1 });
      expect((await world.store.read.lists.transitions(run?.alertId ?? '')).map(({ reason }) => reason)).toEqual([
        'Opened',
        'WorkflowNotReady',
      ]);
    });

    test('line 18: an invalid Workflow whose sinks are known tells them', async () => {
      const conditions = [
        { type: 'Ready', status: 'False', reason: 'SinkNotFound', message: 'Sink x does not exist' },
      ] as const;
      world.workflow = workflow({ ready: false, conditions });
      await world.take(1, [firing()]);
      const [run] = await world.runs();
      expect(run?.error).toBe('Workflow default/triage is not ready: SinkNotFound: Sink x does not exist');
      expect(await world.deliveries()).toEqual(
        ['out', 'quiet'].map((sinkName) => ({
          event: 'run-finished',
          sinkName,
          runId: run?.id,
          alertId: run?.alertId,
        })),
      );
    });

    test('line 19: a resolve is told to sinks that want it, with the run', async () => {
      await world.take(1, [firing()]);
      await world.take(5, [resolved({ endsAt: at(4) })]);
      const [run] = await world.runs();
      expect(await world.deliveries()).toEqual([
        { event: 'alert-resolved', sinkName: 'out', runId: run?.id, alertId: run?.alertId },
      ]);
      expect(run).toMatchObject({ status: 'pending', cancelRequestedAt: null });
      await world.take(6, [resolved({ endsAt: at(4) })]);
      expect(await world.deliveries()).toHaveLength(1);
    });

    test('line 19: where a notification ends an episode and opens the next, each end is told with its own run', async () => {
      await world.take(1, [firing()]);
      await world.take(5, [resolved({ endsAt: at(4) }), firing({ startsAt: at(5) })]);
      await world.take(8, [resolved({ startsAt: at(5), endsAt: at(7) })]);
      const [first, second] = (await world.runs()).toSorted((one, other) => one.episode - other.episode);
      expect((await world.deliveries()).map(({ runId }) => runId)).toEqual([first?.id, second?.id]);
      expect(first?.id).not.toBe(second?.id);
    });

    test('line 19: onResolve: cancel asks the runs to end', async () => {
      world.workflow = workflow({ plan: { ...plan, onResolve: 'cancel' } });
      await world.take(1, [firing()]);
      world.workflow = workflow({ planHash: 'hash-2' });
      await world.take(5, [resolved({ endsAt: at(4) })]);
      expect(await world.runs()).toMatchObject([
        { status: 'pending', cancelRequestedAt: at(5), cancelReason: 'Resolved', wakeAt: at(5) },
      ]);
    });

    test('line 19: a resolve with the next episode behind it ends the runs of its own episode only', async () => {
      world.workflow = workflow({ plan: { ...plan, onResolve: 'cancel' } });
      await world.take(1, [firing()]);
      const [first] = await world.runs();
      // In work, so the newer episode does not supersede it.
      const held = { status: 'running', leaseOwner: 'x', leaseUntil: at(9), wakeAt: at(9) } as const;
      await world.write((tx) => tx.runs.update(first?.id ?? '', held));
      await world.take(5, [resolved({ endsAt: at(4) }), firing({ startsAt: at(5) })]);
      expect(await world.runs()).toMatchObject([
        { episode: 1, cancelReason: 'Resolved' },
        { episode: 2, cancelReason: null },
      ]);
    });

    test('line 19: onResolve: cancel ends the run of an alert that opens and ends in one notification', async () => {
      world.workflow = workflow({ plan: { ...plan, onResolve: 'cancel' } });
      await world.take(5, [firing(), resolved({ endsAt: at(4) })]);
      expect(await world.runs()).toMatchObject([{ status: 'pending', cancelReason: 'Resolved' }]);
    });

    test('line 19: an alert that opens and ends in one notification has its run and its end told', async () => {
      expect(await world.take(5, [firing(), resolved({ endsAt: at(4) })])).toMatchObject({
        opened: 1,
        resolved: 1,
        runs: 1,
      });
      expect(await world.deliveries()).toMatchObject([{ event: 'alert-resolved', sinkName: 'out' }]);
      expect(await world.alert()).toMatchObject({ status: 'resolved', announced: false });
    });
  });

  describe('design 3.1.17: a newer episode and the older runs', () => {
    async function reopen(): Promise<void> {
      await world.take(5, [resolved({ endsAt: at(4) })]);
      await world.take(9, [firing({ startsAt: at(8) })]);
    }

    test('a run that has not begun is told to end', async () => {
      await world.take(1, [firing()]);
      await reopen();
      expect(await world.runs()).toMatchObject([
        { episode: 1, cancelReason: 'Superseded', cancelRequestedAt: at(9), wakeAt: at(9) },
        { episode: 2, cancelReason: null },
      ]);
    });

    test('one that a person asked for anew is left alone', async () => {
      await world.take(1, [firing()]);
      const [run] = await world.runs();
      if (run === undefined) throw new Error('no run');
      const again = { ...run, id: `${run.id}-again`, retryOf: run.id };
      await world.write((tx) => tx.runs.insert({ run: again, plan }));
      await reopen();
      const cancelled = (await world.runs()).filter(({ cancelReason }) => cancelReason !== null);
      expect(cancelled).toMatchObject([{ id: run.id, cancelReason: 'Superseded' }]);
    });

    test.each(['slot', 'approval', 'timer'] as const)('so is one that waits for %s', async (waitingFor) => {
      await world.take(1, [firing()]);
      const [run] = await world.runs();
      await world.write((tx) => tx.runs.update(run?.id ?? '', { status: 'running', waitingFor, wakeAt: null }));
      await reopen();
      expect((await world.runs())[0]?.cancelReason).toBe('Superseded');
    });

    test.each(['retry', 'child', null] as const)(
      'one in the middle of its work (%s) may finish',
      async (waitingFor) => {
        await world.take(1, [firing()]);
        const [run] = await world.runs();
        const lease = waitingFor === null ? { leaseOwner: 'w', leaseUntil: at(20) } : {};
        await world.write((tx) => tx.runs.update(run?.id ?? '', { status: 'running', waitingFor, ...lease }));
        await reopen();
        expect((await world.runs())[0]?.cancelReason).toBeNull();
      },
    );

    test('runs of another Workflow are left alone', async () => {
      await world.take(1, [firing()]);
      world.source = source({ triggerWorkflow: 'other' });
      world.workflow = workflow({ name: 'other' });
      await reopen();
      expect(await world.runs()).toMatchObject([{ cancelReason: null }, { name: 'other' }]);
    });
  });

  describe('mutes (line 20): no run now, and the last state is told in the end', () => {
    test('suspended: stored, nothing runs', async () => {
      world.source = source({ suspend: true });
      expect(await world.take(1, [firing()])).toEqual({ ...nothing, received: 1, opened: 1 });
      expect(await world.alert()).toMatchObject({
        status: 'received',
        announced: false,
        mutedUntil: at(6),
        mutedReason: 'Suspended',
      });
      expect(world.counted.get('fist_runs_muted_total am Suspended')).toBe(1);
      expect((await world.store.read.lists.events({ limit: 1 })).items).toMatchObject([
        { outcome: { Opened: 1, Suspended: 1 }, workflowTriggered: null },
      ]);
    });

    test('suspended: what still fires when it is over gets its run, within the storm cap', async () => {
      world.source = source({ suspend: true });
      await world.take(
        1,
        ['f1', 'f2', 'f3'].map((fingerprint) => firing({ fingerprint })),
      );
      await world.take(2, [resolved({ fingerprint: 'f3', endsAt: at(2) })]);
      expect(await world.sweep(6)).toMatchObject({ resumed: 0 });
      expect(await world.alert()).toMatchObject({ mutedUntil: at(11), mutedReason: 'Suspended' });
      world.source = source({ stormCapPerMinute: 1 });
      expect([await world.sweep(11), await world.sweep(12), await world.sweep(13)]).toMatchObject(
        [1, 1, 0].map((resumed) => ({ resumed })),
      );
      expect(await world.alert()).toMatchObject({ announced: true, mutedReason: null });
    });

    test('no Workflow named: stored, nothing runs, nothing fails', async () => {
      world.source = source({ triggerWorkflow: '' });
      expect(await world.take(1, [firing()])).toMatchObject({ opened: 1, runs: 0 });
      expect(await world.runs()).toEqual([]);
    });

    test('cooldown: a flap within it is not told; still firing after it, the run comes', async () => {
      world.source = source({ cooldownMs: 30 * 60_000 });
      await world.take(1, [firing()]);
      await endRun(2);
      await world.take(5, [resolved({ endsAt: at(4) })]);
      expect(await world.deliveries()).toHaveLength(1);
      expect(await world.take(9, [firing({ startsAt: at(8) })])).toMatchObject({ opened: 1, runs: 0 });
      expect(await world.alert()).toMatchObject({ episode: 2, mutedUntil: at(32), announced: false });
      await world.take(11, [resolved({ endsAt: at(10) })]);
      expect(await world.deliveries()).toHaveLength(1);
      expect(await world.alert()).toMatchObject({ mutedUntil: null });
      await world.take(13, [firing({ startsAt: at(12) })]);
      expect(await world.sweep(31)).toEqual({ expired: 0, resumed: 0 });
      expect(await world.sweep(32)).toEqual({ expired: 0, resumed: 1 });
      expect((await world.runs()).map(({ episode }) => episode)).toEqual([1, 3]);
      expect(await world.alert()).toMatchObject({ mutedUntil: null, announced: true });
      await world.take(40, [resolved({ endsAt: at(39) })]);
      expect(await world.deliveries()).toHaveLength(2);
    });

    test('cooldown: the sweep decides by the one of now, from the end of the last run', async () => {
      world.source = source({ cooldownMs: 30 * 60_000 });
      await world.take(1, [firing()]);
      await endRun(2);
      await world.take(5, [resolved({ endsAt: at(4) })]);
      await world.take(9, [firing({ startsAt: at(8) })]);
      world.source = source({ cooldownMs: 48 * 60_000 });
      expect(await world.sweep(32)).toEqual({ expired: 0, resumed: 0 });
      expect(await world.alert()).toMatchObject({ mutedUntil: at(50), mutedReason: 'Cooldown' });
      expect(await world.sweep(50)).toEqual({ expired: 0, resumed: 1 });
    });

    test('cooldown: a missed resolve leaves the sinks with a firing alert, so its end is told', async () => {
      world.source = source({ cooldownMs: 60 * 60_000 });
      await world.take(1, [firing()]);
      await endRun(2);
      expect(await world.take(31, [firing({ startsAt: at(30) })])).toMatchObject({ opened: 1, runs: 0 });
      await world.take(40, [resolved({ endsAt: at(39) })]);
      expect(await world.deliveries()).toMatchObject([{ event: 'alert-resolved' }]);
    });

    test('flap cap: so many runs an hour, then one when the hour has passed', async () => {
      world.source = source({ flapCapPerHour: 2 });
      let runs = 0;
      for (let flap = 0; flap < 10; flap += 1) {
        runs += (await world.take(flap * 4, [firing({ startsAt: at(flap * 4) })])).runs;
        if (flap < 9) await world.take(flap * 4 + 2, [resolved({ endsAt: at(flap * 4 + 1) })]);
      }
      expect(runs).toBe(2);
      expect(await world.alert()).toMatchObject({ status: 'received', episode: 10, mutedUntil: at(41) });
      expect(await world.sweep(42)).toMatchObject({ resumed: 0 });
      expect(await world.alert()).toMatchObject({ mutedUntil: at(47) });
      expect(await world.sweep(61)).toMatchObject({ resumed: 1 });
      expect((await world.runs()).map(({ episode }) => episode)).toEqual([1, 2, 10]);
    });

    test('flap cap: of a hundred toggles so many are told, and the last state is', async () => {
      world.source = source({ flapCapPerHour: 5 });
      for (let toggle = 0; toggle < 100; toggle += 1) {
        const minute = toggle / 10;
        await world.take(minute, [
          toggle % 2 === 0 ? firing({ startsAt: at(minute) }) : resolved({ endsAt: at(minute) }),
        ]);
      }
      await world.take(10, [firing({ startsAt: at(10) })]);
      const told = await world.deliveries();
      expect(await world.runs()).toHaveLength(5);
      expect(told.filter(({ event }) => event === 'alert-resolved').length).toBeLessThanOrEqual(5);
      expect(await world.alert()).toMatchObject({ status: 'received', mutedReason: 'FlapCap' });
      await world.sweep(61);
      expect((await world.runs()).at(-1)?.episode).toBe((await world.alert())?.episode);
    });

    test('a mute by labels: stored and counted, without a run; what still fires when it ends gets one', async () => {
      const mute = { reason: 'Maintenance', message: 'nightly', untilMs: toEpochMs(at(30)) } as const;
      world.source = source({ mutes: (labels, nowMs) => (labels['severity'] && nowMs < mute.untilMs ? mute : null) });
      expect(await world.take(1, [firing()])).toEqual({ ...nothing, received: 1, opened: 1 });
      expect(world.counted.get('fist_runs_muted_total am Maintenance')).toBe(1);
      expect(await world.alert()).toMatchObject({ status: 'received', mutedReason: 'Maintenance', mutedUntil: at(6) });
      expect(await world.sweep(7)).toMatchObject({ resumed: 0 });
      expect(await world.alert()).toMatchObject({ mutedReason: 'Maintenance', mutedUntil: at(12) });
      expect(await world.sweep(29)).toMatchObject({ resumed: 0 });
      expect(await world.alert()).toMatchObject({ mutedUntil: at(30) });
      expect(await world.sweep(30)).toMatchObject({ resumed: 1 });
      expect(await world.alert()).toMatchObject({ mutedReason: null });
    });

    test('flap cap: runs of another Workflow do not count', async () => {
      world.source = source({ flapCapPerHour: 1, triggerWorkflow: 'another' });
      await world.take(0, [firing()]);
      await world.take(2, [resolved({ endsAt: at(1) })]);
      world.source = source({ flapCapPerHour: 1 });
      expect(await world.take(4, [firing({ startsAt: at(4) })])).toMatchObject({ opened: 1, runs: 1 });
      await world.take(6, [resolved({ endsAt: at(5) })]);
      expect(await world.take(8, [firing({ startsAt: at(8) })])).toMatchObject({ opened: 1, runs: 0 });
      // The sweep counts in the same way.
      world.source = source({ flapCapPerHour: 2 });
      expect(await world.sweep(63)).toMatchObject({ resumed: 1 });
    });

    test('storm guard: the rest of a storm runs in the next minutes', async () => {
      world.source = source({ stormCapPerMinute: 3 });
      const storm = Array.from({ length: 8 }, (_, index) => firing({ fingerprint: `f${index}` }));
      expect(await world.take(0.5, storm)).toMatchObject({ opened: 8, runs: 3 });
      expect(await world.sweep(0.9)).toMatchObject({ resumed: 0 });
      expect(await world.sweep(1)).toMatchObject({ resumed: 3 });
      expect(await world.sweep(2)).toMatchObject({ resumed: 2 });
      expect(await world.runs()).toHaveLength(8);
    });

    test('storm guard: who waits can be seen, and has its turn in the minute in which there may be room', async () => {
      world.source = source({ stormCapPerMinute: 3 });
      const storm = Array.from({ length: 20 }, (_, index) => firing({ fingerprint: `f${index}` }));
      await world.take(0.5, storm);
      const waits = async () => {
        const until = (await world.alerts()).filter((alert) => alert.mutedReason === 'StormGuard');
        return Object.fromEntries(
          [...Map.groupBy(until, ({ mutedUntil }) => mutedUntil)].map(([minute, all]) => [minute, all.length]),
        );
      };
      const waiting = async () => (await world.store.read.lists.activity()).sources.get('default/am')?.waiting;
      expect([await waits(), await waiting()]).toEqual([{ [at(1)]: 17 }, 17]);
      expect(await world.sweep(1)).toMatchObject({ resumed: 3 });
      expect(await waits()).toEqual({ [at(2)]: 3, [at(3)]: 3, [at(4)]: 3, [at(5)]: 3, [at(6)]: 2 });
      // One is resolved, and new ones take room.
      await world.take(2, [resolved({ fingerprint: 'f19', endsAt: at(2) }), firing({ fingerprint: 'new' })]);
      expect(await world.sweep(2)).toMatchObject({ resumed: 2 });
      for (const minute of [3, 4, 5]) expect(await world.sweep(minute)).toMatchObject({ resumed: 3 });
      expect(await world.sweep(6)).toMatchObject({ resumed: 2 });
      expect([await waits(), await waiting()]).toEqual([{}, 0]);
      expect(await world.runs()).toHaveLength(20);
    });

    test('a muted alert whose Workflow is not ready by then is escalated', async () => {
      world.source = source({ stormCapPerMinute: 1 });
      await world.take(0, [firing({ fingerprint: 'f0' }), firing()]);
      world.workflow = undefined;
      expect(await world.sweep(1)).toMatchObject({ resumed: 1 });
      const alert = await world.alert();
      expect(alert).toMatchObject({ status: 'escalated', mutedUntil: null });
      expect((await world.store.read.lists.transitions(alert.id)).map(({ reason }) => reason)).toEqual([
        'Opened',
        'WorkflowNotReady',
      ]);
    });

    test.each([
      ['gone', { name: 'another' }, 'SourceUnavailable'],
      ['vanishing', { leaving: true }, 'SourceUnavailable'],
      [
        'declared in a way that cannot be used',
        { ready: false, suspend: true, triggerWorkflow: '' },
        'SourceUnavailable',
      ],
      ['suspended', { suspend: true }, 'Suspended'],
    ] as const)(
      'an alert that was put off while its Source is %s waits, says so, and gets its run afterwards',
      async (_state, changes, mutedReason) => {
        world.source = source({ stormCapPerMinute: 1 });
        await world.take(0, [firing(), firing({ fingerprint: 'f2' })]);
        world.source = source(changes);
        expect([await world.sweep(1), await world.sweep(5.9)]).toMatchObject([{ resumed: 0 }, { resumed: 0 }]);
        world.source = source();
        expect(await world.alert('f2')).toMatchObject({ mutedUntil: at(6), mutedReason, announced: false });
        expect(await world.sweep(6)).toMatchObject({ resumed: 1 });
        expect(await world.alert('f2')).toMatchObject({ mutedUntil: null, mutedReason: null, announced: true });
      },
    );

    test('an alert that was put off waits for nothing once its Source begins no runs', async () => {
      world.source = source({ stormCapPerMinute: 1 });
      await world.take(0, [firing(), firing({ fingerprint: 'f2' })]);
      world.source = source({ triggerWorkflow: '' });
      expect(await world.sweep(1)).toMatchObject({ resumed: 0 });
      expect(await world.alert('f2')).toMatchObject({ mutedUntil: null, mutedReason: null });
    });
  });

  describe('expiry (line 16)', () => {
    test('an open alert that is not received for expireAfter is closed, without notice and run', async () => {
      await world.take(0, [firing(), firing({ fingerprint: 'f2' })]);
      await world.take(60, [firing({ fingerprint: 'f2' })]);
      expect(await world.sweep(24 * 60)).toMatchObject({ expired: 0 });
      expect(await world.sweep(24 * 60 + 1)).toMatchObject({ expired: 1 });
      const alert = await world.alert();
      expect(alert).toMatchObject({ status: 'resolved', resolvedAt: at(24 * 60 + 1), announced: true });
      expect((await world.store.read.lists.transitions(alert.id)).at(-1)).toMatchObject({
        reason: 'Expired',
        toStatus: 'resolved',
      });
      expect((await world.alert('f2')).status).toBe('received');
      expect(await world.deliveries()).toEqual([]);
      expect(await world.take(25 * 60, [firing()])).toMatchObject({ opened: 1, runs: 1 });
    });

    test('its end is told when it comes after all: once, with its run, whatever the filters say', async () => {
      await world.take(0, [firing()]);
      await world.sweep(24 * 60 + 1);
      world.source = source({ accepts: () => ({ reason: 'FilterMismatch', message: '' }) });
      const late = () => world.take(25 * 60, [resolved({ endsAt: at(24 * 60) })]);
      expect(await late()).toMatchObject({ resolved: 1, opened: 0, runs: 0 });
      const [run] = await world.runs();
      const told = [{ event: 'alert-resolved', sinkName: 'out', runId: run?.id, alertId: run?.alertId }];
      expect(await world.deliveries()).toEqual(told);
      const alert = await world.alert();
      expect(alert).toMatchObject({ status: 'resolved', episode: 1, endsAt: at(24 * 60), announced: false });
      expect((await world.store.read.lists.transitions(alert.id)).map(({ reason }) => reason)).toEqual([
        'Opened',
        'Expired',
        'ResolvedLate',
      ]);
      expect(await late()).toMatchObject({ ignored: 1 });
      world.source = source();
      expect(await late()).toMatchObject({ ignored: 1 });
      expect(await world.deliveries()).toEqual(told);
    });

    test('what fires again before its end was told has that end told with its own', async () => {
      await world.take(0, [firing()]);
      await world.sweep(24 * 60 + 1);
      world.source = source({ suspend: true });
      expect(await world.take(25 * 60, [firing({ startsAt: at(25 * 60) })])).toMatchObject({ opened: 1, runs: 0 });
      await world.take(26 * 60, [resolved({ startsAt: at(25 * 60), endsAt: at(26 * 60) })]);
      expect(await world.deliveries()).toMatchObject([{ event: 'alert-resolved' }]);
      expect(await world.alert()).toMatchObject({ episode: 2, announced: false });
    });

    test('an end of which nobody heard the beginning is told to nobody, expired or not', async () => {
      world.source = source({ suspend: true });
      await world.take(0, [firing()]);
      await world.sweep(24 * 60 + 1);
      expect(await world.take(25 * 60, [resolved({ endsAt: at(24 * 60) })])).toMatchObject({ ignored: 1 });
      expect(await world.deliveries()).toEqual([]);
    });

    test('alerts of a Source that is gone expire after a day', async () => {
      await world.take(0, [firing()]);
      world.source = source({ name: 'another', expireAfterMs: 0 });
      expect(await world.sweep(24 * 60)).toMatchObject({ expired: 0 });
      expect(await world.sweep(24 * 60 + 1)).toMatchObject({ expired: 1 });
    });

    test('0 is never; many are closed in several transactions', async () => {
      world.source = source({ expireAfterMs: 0 });
      await world.take(
        0,
        Array.from({ length: 250 }, (_, index) => firing({ fingerprint: `f${index}` })),
      );
      expect(await world.sweep(1e6)).toMatchObject({ expired: 0 });
      world.source = source({ expireAfterMs: 1000 });
      expect(await world.sweep(1e6)).toMatchObject({ expired: 250 });
    });
  });

  describe('failures', () => {
    test('a body that is no notification is kept as dead letter', async () => {
      await world.deadLetter('NotJson', 'the body is not JSON', '{"version":');
      const { items } = await world.store.read.lists.deadLetters({ limit: 10 });
      expect(items).toMatchObject([
        { reason: 'NotJson', message: 'the body is not JSON', namespace: 'default', sourceName: 'am' },
      ]);
      expect(world.counted.get('fist_dead_letters_total am NotJson')).toBe(1);
    });

    test('nothing is written where a part of it fails', async () => {
      const broken = notification([firing({ name: null as unknown as string })]);
      await expect(world.take(1, broken.items)).rejects.toThrow(/null/i);
      expect(await world.alerts()).toEqual([]);
      expect(await world.runs()).toEqual([]);
      expect((await world.store.read.lists.events({ limit: 10 })).items).toEqual([]);
      expect(world.counted.size).toBe(0);
    });

    test('the answer waits for the commit', async () => {
      const order: string[] = [];
      world.store.onCommit(() => order.push('committed'));
      const accepted = world.take(1, [firing()]).then(() => order.push('answered'));
      order.push('sent');
      await accepted;
      expect(order).toEqual(['sent', 'committed', 'answered']);
    });
  });

  test('a storm of one alert: counters exact, one run (reliability target 7)', async () => {
    const wave = () => Promise.all(Array.from({ length: 1000 }, () => world.take(1, [firing()])));
    const answers = [...(await wave()), ...(await wave())];
    expect(answers.filter(({ opened }) => opened === 1)).toHaveLength(1);
    expect(answers.filter(({ repeated }) => repeated === 1)).toHaveLength(1999);
    expect(await world.alert()).toMatchObject({ receiveCount: 2000 });
    expect(await world.runs()).toHaveLength(1);
    expect((await world.store.read.lists.events({ limit: 10 })).items).toMatchObject([{ receiveCount: 2000 }]);
  });
});
