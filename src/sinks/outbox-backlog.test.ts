import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import type { ContractStore } from '../../test/contract/stores.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { createdAt, deliveryFixture, runFixture, sinkFixture, stepFixture } from '../../test/support/deliveries.ts';
import { noRuns } from '../../test/support/outbox.ts';
import { noConnection } from '../../test/support/sink-world.ts';
import type { Catalog } from '../core/catalog.ts';
import type { Store } from '../core/store.ts';
import type { PumpOptions } from '../lib/pump.ts';
import { silentLog } from '../lib/silent-log.ts';
import { waitFor } from '../../test/support/wait.ts';
import { createOutbox } from './outbox.ts';

// What a backlog of other work, or of its own, does to deliveries.

const never = new AbortController().signal;

describe.each(contractStores)('deliveries on $name', (database) => {
  let opened: ContractStore;
  let printed: number;
  /** What the Sink waits for. */
  let hanging: Promise<void>;
  beforeEach(async () => {
    printed = 0;
    hanging = Promise.resolve();
    opened = await database.open({ clock: createFakeClock(createdAt) });
  });
  afterEach(() => opened.close());

  function outboxOn(store: Store, maxConcurrent = 4): PumpOptions {
    const sink = () => sinkFixture({ type: 'stdout', limits: { maxConcurrent, ratePerMinute: null } });
    return createOutbox({
      store,
      catalog: { current: () => ({ sink }) as unknown as Catalog },
      connect: noConnection,
      http: { send: () => Promise.reject(new Error('not used')) },
      secrets: { get: () => null },
      childRuns: noRuns,
      clock: opened.clock,
      log: silentLog,
      metrics: { increment: () => undefined, observe: () => undefined, set: () => undefined },
      owner: 'one',
      random: () => 1,
      publicUrl: null,
      dataFolder: '/nowhere',
      eventsOf: () => null,
      writeStdout() {
        printed += 1;
        return hanging;
      },
      stepsView: () => ({}),
    });
  }

  async function insert(count: number): Promise<readonly string[]> {
    const rows = Array.from({ length: count }, (_, index) =>
      deliveryFixture({ id: `d${100 + index}`, runId: 'r1', alertId: `a${index}` }),
    );
    await opened.store.transaction('run-end', (tx) => tx.deliveries.insert(rows));
    return rows.map(({ id }) => id);
  }

  test.runIf(database.name === 'PostgreSQL')('go out while runs have all their connections', async () => {
    const [id = ''] = await insert(1);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let begun = 0;
    const runs = Array.from({ length: 30 }, () =>
      opened.store.transaction('claim', async (tx) => {
        await tx.runs.find('r1');
        begun += 1;
        await released;
      }),
    );
    try {
      await outboxOn(opened.store).handle(id, never, never);
      expect(printed).toBe(1);
      expect(begun).toBeLessThan(runs.length);
    } finally {
      release();
      await Promise.all(runs);
    }
  });

  test('have one transaction on a Sink at a time', async () => {
    const ids = await insert(40);
    const { store } = opened;
    let [open, most] = [0, 0];
    const watched: Store = {
      ...store,
      async transaction(name, work) {
        open += 1;
        most = Math.max(most, open);
        try {
          return await store.transaction(name, work);
        } finally {
          open -= 1;
        }
      },
    };
    const outbox = outboxOn(watched, 2);
    for (let due = ids; due.length > 0; due = await outbox.due(40, 40)) {
      await Promise.all(due.map((id) => outbox.handle(id, never, never)));
    }
    expect(printed).toBe(40);
    expect(most).toBe(1);
  });

  test('are not rendered while this process has all places of the Sink', async () => {
    const ids = await insert(20);
    const { store } = opened;
    let rendered = 0;
    const find = (id: string) => {
      rendered += 1;
      return store.read.runs.find(id);
    };
    const watched: Store = { ...store, read: { ...store.read, runs: { ...store.read.runs, find } } };
    let release: () => void = () => undefined;
    hanging = new Promise<void>((resolve) => (release = resolve));
    const outbox = outboxOn(watched, 2);
    const sending = ids.slice(0, 2).map((id) => outbox.handle(id, never, never));
    await waitFor('two sends', () => printed === 2);
    await Promise.all(ids.slice(2).map((id) => outbox.handle(id, never, never)));
    expect(rendered).toBe(2);
    expect((await opened.store.read.deliveries.find(ids[5] ?? ''))?.waitingFor).toBe('place');
    // A place that is free although both are being sent here is not used: the row is due for the next look.
    await opened.query
      .updateTable('sink_outputs')
      .set({ lease_until: null })
      .where('lease_until', 'is not', null)
      .execute();
    await opened.query
      .updateTable('sink_outputs')
      .set({ wake_at: createdAt })
      .where('id', '=', ids[5] ?? '')
      .execute();
    await outbox.handle(ids[5] ?? '', never, never);
    expect(await opened.store.read.deliveries.find(ids[5] ?? '')).toMatchObject({
      status: 'pending',
      leaseOwner: null,
      wakeAt: createdAt,
      attempts: 0,
      fence: 0,
    });
    expect([rendered, printed]).toEqual([2, 2]);
    release();
    await Promise.all(sending);
  });

  test('that wait already are left alone', async () => {
    const [id = ''] = await insert(1);
    await opened.query.updateTable('sink_outputs').set({ wake_at: '2026-03-02T00:00:00.000Z' }).execute();
    let transactions = 0;
    const { store } = opened;
    const watched: Store = {
      ...store,
      transaction(name, work) {
        transactions += 1;
        return store.transaction(name, work);
      },
    };
    await outboxOn(watched).handle(id, never, never);
    expect([transactions, printed]).toEqual([0, 0]);
  });

  test('hold no copy of the report, whichever Sinks are told, and send it whole each time', async () => {
    const text = 'x'.repeat(20_000);
    const result = { summary: 'OOM', findings: [], report: text };
    const told = ['d1', 'd2'].map((id) => deliveryFixture({ id, alertId: null, sinkName: `sink-${id}` }));
    await opened.store.transaction('run-end', async (tx) => {
      await tx.runs.insert({ run: runFixture(), plan: null });
      await tx.runs.writeSteps([stepFixture({ result })]);
      await tx.deliveries.insert(told);
    });
    const outbox = outboxOn(opened.store);
    for (const { id } of told) {
      await outbox.handle(id, never, never);
      const found = await opened.store.read.deliveries.find(id);
      expect(found).toMatchObject({ status: 'sent', payload: { report: { report: text } } });
      expect(JSON.stringify(found?.rendered).length).toBeLessThan(4_000);
    }
    const rows = await opened.execute('SELECT payload FROM sink_outputs WHERE payload IS NOT NULL');
    expect(rows).toEqual([]);
  });

  test('that an older version kept whole are sent as they are', async () => {
    const payload = { event: 'run-finished', report: { report: 'old' } };
    const old = deliveryFixture({ runId: null, alertId: null, payload, attempts: 1 });
    await opened.store.transaction('run-end', (tx) => tx.deliveries.insert([old]));
    await outboxOn(opened.store).handle('d1', never, never);
    expect(await opened.store.read.deliveries.find('d1')).toMatchObject({ status: 'sent', payload, rendered: null });
  });
});
