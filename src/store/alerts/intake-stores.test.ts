import { beforeEach, describe, expect, test } from 'vitest';
import type { Store, StoreTransaction } from '../../core/store.ts';
import { addMs } from '../../core/time.ts';
import { createAlertStore } from './store.ts';
import { openDatabase } from '../sqlite/open.ts';
import { contractStores } from '../../../test/contract/stores.ts';
import { equalities } from '../../../test/support/matchers.ts';
import { alertFixture, eventFixture, letterFixture, someTime } from '../../../test/support/rows.ts';

const noRuns = { minute: 0, runs: 0, cap: 0 };

describe.each(contractStores)('what intake reads and writes on $name', ({ open }) => {
  let store: Store;

  beforeEach(async () => {
    const opened = await open();
    store = opened.store;
    return () => opened.close();
  });

  function write<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    return store.transaction('intake', work);
  }

  describe('alerts', () => {
    test('a row comes back as it went in', async () => {
      const alert = alertFixture({
        labels: JSON.parse('{"__proto__":"p","名前":"値"}'),
        aiAnalysis: { findings: [] },
        aiConfidence: 0.5,
        cause: 'the disk is full',
        skewed: true,
        announced: true,
        mutedUntil: someTime,
        mutedReason: 'FlapCap',
      });
      await write((tx) => tx.alerts.insertAll([alert]));
      expect(await store.read.lists.alertByIdentity('default', 'am', 'f1')).toEqual(alert);
      expect(await store.read.lists.alert(alert.id)).toEqual(alert);
      const { namespace, source, fingerprint } = alert;
      const identities = [
        { namespace: 'other', source, fingerprint },
        { namespace, source, fingerprint },
      ];
      expect(await write((tx) => tx.alerts.findStates(identities))).toMatchObject([
        undefined,
        { id: alert.id, skewed: true, announced: true },
      ]);
      expect(await write((tx) => tx.alerts.findStates([]))).toEqual([]);
    });

    test('what PostgreSQL cannot store is replaced everywhere, so that both databases hold the same', async () => {
      const labels = JSON.parse('{"nul":"a\\u0000b","half":"\\ud800","\\udc00":"name"}') as Record<string, string>;
      const alert = alertFixture({ labels, summary: 'a\0b \ud800', groupKey: '\0' });
      await write((tx) => tx.alerts.insertAll([alert]));
      expect(await store.read.lists.alert(alert.id)).toEqual({
        ...alert,
        labels: { nul: 'a\ufffdb', half: '\ufffd', '\ufffd': 'name' },
        summary: 'a\ufffdb \ufffd',
        groupKey: '\ufffd',
      });
    });

    test('an identity is unique', async () => {
      await write((tx) => tx.alerts.insertAll([alertFixture()]));
      const both = [alertFixture({ fingerprint: 'f2' }), alertFixture()];
      await expect(write((tx) => tx.alerts.insertAll(both))).rejects.toMatchObject({ code: 'StoreConflict' });
      expect((await store.read.lists.alerts({ limit: 10 })).items).toHaveLength(1);
      await write((tx) => tx.alerts.insertAll([alertFixture({ namespace: 'other' })]));
    });

    test('alerts are found by any number of labels', async () => {
      const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`label${index}`, `value${index}`]));
      const alert = alertFixture({ labels: many });
      await write((tx) => tx.alerts.insertAll([alert, alertFixture({ fingerprint: 'f2', labels: {} })]));
      const found = await store.read.lists.alerts({
        limit: 10,
        matchers: equalities({ label0: 'value0', label30: 'value30', label59: 'value59' }),
      });
      expect(found.items.map(({ id }) => id)).toEqual([alert.id]);
    });

    test('the state is saved whole, the rest stays', async () => {
      const alert = alertFixture();
      await write((tx) => tx.alerts.insertAll([alert]));
      const changes = {
        status: 'resolved' as const,
        severity: 'critical' as const,
        episode: 2,
        receiveCount: 9,
        startsAt: addMs(someTime, 1),
        endsAt: addMs(someTime, 2),
        skewed: true,
        receivedAt: addMs(someTime, 3),
        lastReceivedAt: addMs(someTime, 4),
        resolvedAt: addMs(someTime, 5),
        contentHash: 'h2',
        sourceId: 's',
        workflowId: 'w',
        triageCompletedAt: addMs(someTime, 6),
        announced: true,
        mutedUntil: addMs(someTime, 7),
        mutedReason: 'StormGuard' as const,
        updatedAt: addMs(someTime, 8),
      };
      await write((tx) => tx.alerts.saveStates([{ id: alert.id, ...changes }]));
      expect(await store.read.lists.alert(alert.id)).toEqual({ ...alert, ...changes });
    });

    test('the insertion of alerts that fails ends after that of their labels', async () => {
      const connection = openDatabase(':memory:');
      let isWritten = false;
      const alerts = createAlertStore(connection.query, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        isWritten = true;
      });
      await expect(alerts.insertAll([alertFixture({ name: null as never })])).rejects.toThrow(/NOT NULL/);
      expect(isWritten).toBe(true);
      connection.close();
    });

    test('the content is replaced, and nothing else', async () => {
      const alert = alertFixture();
      const content = {
        externalId: null,
        summary: null,
        description: 'd',
        annotations: { a: 'b\0' },
        generatorUrl: 'http://g',
        groupKey: 'g',
      };
      await write((tx) => tx.alerts.insertAll([alert]));
      await write((tx) => tx.alerts.saveContents([{ id: alert.id, ...content }]));
      const stored = { ...alert, ...content, annotations: { a: 'b\ufffd' } };
      expect(await store.read.lists.alert(alert.id)).toEqual(stored);
    });

    test('transitions keep their order', async () => {
      const alert = alertFixture();
      const transition = {
        alertId: alert.id,
        episode: 1,
        fromStatus: null,
        toStatus: 'received',
        reason: 'Opened',
        at: someTime,
        sourceEventId: null,
      } as const;
      const resolved = { ...transition, fromStatus: 'received', toStatus: 'resolved', reason: 'Resolved' } as const;
      await write(async (tx) => {
        await tx.alerts.insertAll([alert]);
        await tx.alerts.addTransitions([transition, resolved]);
      });
      expect(await store.read.lists.transitions(alert.id)).toEqual([transition, resolved]);
    });

    test('open alerts that were not received for long are found, oldest first', async () => {
      const received = (fingerprint: string, minutes: number, changes = {}) =>
        alertFixture({ fingerprint, lastReceivedAt: addMs(someTime, minutes * 60_000), ...changes });
      const alerts = [
        received('new', 30),
        received('old', 5),
        received('older', 1, { status: 'escalated' }),
        received('closed', 1, { status: 'resolved' }),
        received('elsewhere', 1, { source: 'other' }),
      ];
      await write((tx) => tx.alerts.insertAll(alerts));
      const before = addMs(someTime, 20 * 60_000);
      const found = (limit: number) => write((tx) => tx.alerts.findExpired('default', 'am', before, limit));
      expect((await found(10)).map(({ fingerprint }) => fingerprint)).toEqual(['older', 'old']);
      expect(await found(1)).toHaveLength(1);
    });

    test('muted alerts are found when their time has come', async () => {
      const alerts = [
        alertFixture({ fingerprint: 'due', mutedUntil: someTime }),
        alertFixture({ fingerprint: 'later', mutedUntil: addMs(someTime, 1) }),
        alertFixture({ fingerprint: 'closed', mutedUntil: someTime, status: 'resolved' }),
        alertFixture({ fingerprint: 'never' }),
      ];
      await write((tx) => tx.alerts.insertAll(alerts));
      const found = await write((tx) => tx.alerts.findMuted(someTime, 10));
      expect(found.map(({ fingerprint }) => fingerprint)).toEqual(['due']);
    });
  });

  describe('events', () => {
    test('an event is found by its delivery key, which is unique for a Source', async () => {
      const event = eventFixture({ deliveryKey: 'k' });
      await write((tx) => tx.events.insertAll([event]));
      const keys = ['other', 'am'].map((source) => ({ namespace: 'default', source, key: 'k' }));
      expect(await write((tx) => tx.events.findKeyed(keys))).toMatchObject([
        undefined,
        { outcome: event.outcome, contentHash: event.contentHash },
      ]);
      await expect(write((tx) => tx.events.insertAll([eventFixture({ deliveryKey: 'k' })]))).rejects.toMatchObject({
        code: 'StoreConflict',
      });
    });

    test('a repeat bumps the row; its outcome may change', async () => {
      const event = eventFixture();
      await write(async (tx) => {
        await tx.events.insertAll([event]);
        await tx.events.bumpAll([{ id: event.id, times: 3, at: addMs(someTime, 5) }]);
        await tx.events.update(event.id, { outcome: { FiringAgain: 1 }, workflowTriggered: 'triage' });
      });
      expect(await store.read.lists.event(event.id)).toEqual({
        ...event,
        receiveCount: 4,
        lastReceivedAt: addMs(someTime, 5),
        outcome: { FiringAgain: 1 },
        workflowTriggered: 'triage',
      });
      expect(await write((tx) => tx.events.contentHashes([event.id, 'absent']))).toEqual(new Map([[event.id, 'hash']]));
    });

    test('a repeat of an event that is gone is refused, so that it is decided anew', async () => {
      const bump = write((tx) => tx.events.bumpAll([{ id: 'gone', times: 1, at: someTime }]));
      await expect(bump).rejects.toMatchObject({ code: 'StoreConflict' });
    });

    test('a dead letter keeps 64 KiB, cut at a whole character and marked', async () => {
      const short = letterFixture('short');
      const long = { ...letterFixture('long'), body: `x${'é'.repeat(50_000)}` };
      await write((tx) => tx.events.addDeadLetters([short, long]));
      expect((await store.read.lists.deadLetter(short.id))?.body).toBe(short.body);
      const body = (await store.read.lists.deadLetter(long.id))?.body ?? '';
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(64 * 1024);
      expect(body).toMatch(/^xé+\n\[cut: 100001 bytes came\]$/);
    });

    test('activity counts runs of a Source in its newest minute, and refuses more than its cap', async () => {
      const am = { namespace: 'default', source: 'am' };
      const count = (minute: number, runs: number, cap: number, events = 1) =>
        write((tx) =>
          tx.events.countActivity([{ ...am, events, at: someTime, problem: null, runs: { minute, runs, cap } }]),
        );
      const stored = async () => (await write((tx) => tx.events.runMinutes([am]))).get('default/am');
      expect(await stored()).toBeUndefined();
      await count(1000, 2, 5);
      await count(1000, 3, 5);
      await expect(count(1000, 1, 5)).rejects.toMatchObject({ code: 'StoreConflict' });
      await count(1000, 0, 5);
      expect(await stored()).toEqual({ minute: 1000, runs: 5 });
      await count(1000, 1, 0);
      expect(await stored()).toEqual({ minute: 1000, runs: 6 });
      await count(1001, 1, 5);
      // A little late: counts in the newer minute.
      await count(991, 1, 5);
      expect(await stored()).toEqual({ minute: 1001, runs: 2 });
      // The clock was put back.
      await count(990, 1, 5, 0);
      expect(await stored()).toEqual({ minute: 990, runs: 1 });
      const { sources } = await store.read.lists.activity();
      expect(sources.get('default/am')).toMatchObject({ eventsProcessed: 6, waiting: 0 });
    });

    test('activity counts events of a Source', async () => {
      const am = { namespace: 'default', source: 'am' };
      await write((tx) =>
        tx.events.countActivity([
          { ...am, events: 1, at: someTime, problem: 'TruncatedAlerts', runs: noRuns },
          { ...am, source: 'other', events: 1, at: someTime, problem: null, runs: noRuns },
        ]),
      );
      await write((tx) =>
        tx.events.countActivity([{ ...am, events: 1, at: addMs(someTime, 1), problem: null, runs: noRuns }]),
      );
      const { sources } = await store.read.lists.activity();
      expect([...sources].sort(([one], [other]) => one.localeCompare(other))).toMatchObject([
        ['default/am', { eventsProcessed: 2, lastEventTime: addMs(someTime, 1), lastProblem: null }],
        ['default/other', { eventsProcessed: 1 }],
      ]);
    });
  });

  test('why a Source does not run is told until it does; what is wrong with its last event stays', async () => {
    const am = { namespace: 'default', source: 'am' };
    const seen = async () => (await store.read.lists.activity()).sources.get('default/am');
    await write((tx) => tx.events.noteFailure(am, 'Unreachable: nobody answers'));
    expect(await seen()).toEqual({
      eventsProcessed: 0,
      lastEventTime: null,
      lastProblem: 'Failing: Unreachable: nobody answers',
      waiting: 0,
    });
    await write((tx) => tx.events.noteFailure(am, null));
    expect(await seen()).toMatchObject({ lastProblem: null });
    const problem = 'TruncatedAlerts: 3';
    await write((tx) => tx.events.countActivity([{ ...am, events: 1, at: someTime, problem, runs: noRuns }]));
    await write((tx) => tx.events.noteFailure(am, null));
    expect(await seen()).toMatchObject({ eventsProcessed: 1, lastEventTime: someTime, lastProblem: problem });
  });

  test('resources: the table holds exactly what was given', async () => {
    const resource = (name: string, spec = '{}') =>
      ({
        apiVersion: 'punchingfist.io/v1alpha1',
        kind: 'Sink',
        namespace: 'default',
        name,
        spec,
        status: '{}',
        updatedAt: someTime,
      }) as const;
    await write((tx) => tx.resources.replaceAll([resource('a'), resource('b')]));
    await write((tx) => tx.resources.replaceAll([resource('b', '{"type":"stdout"}'), resource('c')]));
    expect(await store.read.lists.resources('Sink')).toEqual([resource('b', '{"type":"stdout"}'), resource('c')]);
  });
});

test("the hot path's queries use their indexes", () => {
  const { raw } = openDatabase(':memory:');
  const plan = (sql: string) =>
    raw
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row['detail']))
      .join('; ');
  expect(plan("SELECT * FROM alerts WHERE fingerprint = 'f' AND source = 's' AND namespace = 'n'")).toContain(
    'fingerprint=? AND source=? AND namespace=?',
  );
  expect(
    plan("SELECT * FROM source_events WHERE delivery_key = 'k' AND source_name = 's' AND namespace = 'n'"),
  ).toContain('source_events_by_delivery_key');
  expect(plan("SELECT * FROM alerts WHERE muted_until <= 'x' AND status <> 'resolved' ORDER BY muted_until")).toContain(
    'alerts_muted',
  );
  expect(
    plan(
      "SELECT * FROM alerts WHERE source = 's' AND namespace = 'n' AND last_received_at < 'x' AND status <> 'resolved' ORDER BY last_received_at",
    ),
  ).toContain('alerts_open_by_last_received');
  raw.close();
});
