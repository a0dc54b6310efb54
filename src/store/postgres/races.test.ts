import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import type { ContractStore } from '../../../test/contract/stores.ts';
import { createPause, endedOrWaiting } from '../../../test/support/races.ts';
import { planOf, runRecord, step } from '../../../test/support/engine.ts';
import { alertFixture, eventFixture, looseDelivery, someTime } from '../../../test/support/rows.ts';
import type { ResourceRecord } from '../../core/resource.ts';
import type { StoreTransaction } from '../../core/store.ts';
import { addMs } from '../../core/time.ts';
import { createAlertStore } from '../alerts/store.ts';
import { createWordWriter } from '../alerts/word-index.ts';
import { createStatementNames, executeOn, openPool, queryOn } from './connection.ts';
import type { Execute } from './connection.ts';

const postgres = contractStores.filter(({ name }) => name === 'PostgreSQL');

describe.each(postgres)('two transactions on $name', ({ open }) => {
  let opened: ContractStore;
  beforeEach(async () => {
    opened = await open();
    return () => opened.close();
  });

  test('resources: what one replica deletes is there when another one says so after it', async () => {
    const { store } = opened;
    const sink: ResourceRecord = {
      apiVersion: 'punchingfist.io/v1alpha1',
      kind: 'Sink',
      namespace: 'default',
      name: 'out',
      spec: '{}',
      status: '{}',
      updatedAt: someTime,
    };
    await store.transaction('resources', (tx) => tx.resources.replaceAll([sink]));
    const pause = createPause();
    const deleting = store.transaction('resources', async (tx) => {
      await tx.resources.replaceAll([]);
      await pause.hold();
    });
    await pause.reached;
    const writing = store.transaction('resources', (tx) => tx.resources.replaceAll([sink]));
    await endedOrWaiting(writing, opened);
    pause.end();
    await Promise.all([deleting, writing]);
    expect(await store.read.lists.resources('Sink')).toEqual([sink]);
  });

  test('retention keeps an event that comes again at that moment', async () => {
    const { store } = opened;
    const event = eventFixture();
    await store.transaction('intake', (tx) => tx.events.insertAll([event]));
    const pause = createPause();
    const bumping = store.transaction('intake', async (tx) => {
      await tx.events.bumpAll([{ id: event.id, times: 1, at: addMs(someTime, 60_000) }]);
      await pause.hold();
    });
    await pause.reached;
    const page = { after: '', before: 'z', endedBefore: addMs(someTime, 1), limit: 10 };
    const deleting = store.transaction('retention', (tx) => tx.retention.deletePage('events', page));
    await endedOrWaiting(deleting, opened);
    pause.end();
    await bumping;
    expect((await deleting).deleted).toEqual({});
    expect(await store.read.lists.event(event.id)).toMatchObject({ receiveCount: 2 });
  });

  describe('a retry while retention takes the run', () => {
    const ended = addMs(someTime, -1);
    const run = runRecord(planOf([step('one')]), someTime, { status: 'succeeded', wakeAt: null, completedAt: ended });
    const failed = { ...looseDelivery('key'), runId: run.id, status: 'failed', wakeAt: null } as const;
    const { id, namespace, sinkName } = failed;
    const page = { namespace, sinkName, after: '', limit: 10 };
    const take = async (tx: StoreTransaction) =>
      (await tx.retention.deletePage('runs', { after: '', before: 'z', endedBefore: someTime, limit: 10 })).deleted;
    beforeEach(() =>
      opened.store.transaction('intake', async (tx) => {
        await tx.runs.insert({ run, plan: null });
        await tx.deliveries.insert([failed]);
      }),
    );

    const retries: readonly [string, (tx: StoreTransaction) => Promise<unknown>, unknown, unknown][] = [
      ['a delivery', (tx) => tx.deliveries.retry(id, someTime), true, false],
      ['the deliveries of a Sink', (tx) => tx.deliveries.retryPage(page, someTime), [id], []],
      ['the run', (tx) => tx.runs.findLocked(run.id), expect.objectContaining({ id: run.id }), undefined],
    ];

    test.each(retries)('of %s has it to the end, or finds nothing', async (_what, retry, before, after) => {
      expect(await inTurn(retry, take)).toEqual([before, {}]);
      const { read } = opened.store;
      expect(await read.runs.find(run.id)).toBeDefined();
      await opened.query.updateTable('sink_outputs').set({ status: 'failed', wake_at: null }).execute();
      expect(await inTurn(take, retry)).toEqual([expect.objectContaining({ workflows: 1, sink_outputs: 1 }), after]);
      expect([await read.runs.find(run.id), await read.deliveries.find(id)]).toEqual([undefined, undefined]);
    });
  });

  /** The second begins when the first has done its work, and before its commit. */
  async function inTurn<One, Other>(
    first: (tx: StoreTransaction) => Promise<One>,
    second: (tx: StoreTransaction) => Promise<Other>,
  ): Promise<[One, Other]> {
    const { store } = opened;
    const pause = createPause();
    const one = store.transaction('retention', async (tx) => {
      const answer = await first(tx);
      await pause.hold();
      return answer;
    });
    await pause.reached;
    const other = store.transaction('retention', second);
    await endedOrWaiting(other, opened);
    pause.end();
    return Promise.all([one, other]);
  }

  describe('a run that begins while retention takes its plan', () => {
    const plan = planOf([step('one')]);
    const run = runRecord(plan, someTime, { planHash: 'old' });
    const begin = (tx: StoreTransaction) => tx.runs.insert({ run, plan });
    const takePlans = (tx: StoreTransaction) => tx.retention.deletePlans(addMs(someTime, 1));

    beforeEach(async () => {
      const { namespace, name } = plan;
      const row = { hash: 'old', namespace, name, plan: JSON.stringify(plan), created_at: someTime };
      await opened.query.insertInto('plans').values(row).execute();
    });

    test('keeps it', async () => {
      expect(await inTurn(begin, takePlans)).toEqual([true, 0]);
      expect(await opened.store.read.runs.plan('old')).toEqual(plan);
    });

    test('or brings it again', async () => {
      expect(await inTurn(takePlans, begin)).toEqual([1, true]);
      expect(await opened.store.read.runs.plan('old')).toEqual(plan);
    });
  });
});

describe.each(postgres)('words on $name', ({ openRows }) => {
  test('a summary that changes while the words of the earlier one are written is indexed after it', async () => {
    const rows = await openRows();
    const pool = openPool(rows.database, 1, () => undefined);
    try {
      const alerts = createAlertStore(rows.query);
      const alert = alertFixture({ summary: 'all is well' });
      await alerts.insertAll([alert]);
      const writer = executeOn(pool);
      const pause = createPause();
      const paused: Execute = async (text, values, name) => {
        if (/^delete from "alert_words_due"/i.test(text)) await pause.hold();
        return writer(text, values, name);
      };
      const write = createWordWriter(queryOn(paused, createStatementNames()));
      await writer('BEGIN');
      const writing = write(10);
      await pause.reached;
      const changing = alerts.saveContents([{ ...alert, summary: 'the disk is full' }]);
      await endedOrWaiting(changing, rows);
      pause.end();
      expect(await writing).toMatchObject({ alerts: 1 });
      await writer('COMMIT');
      await changing;
      expect(await write(10)).toMatchObject({ alerts: 1 });
      const found = await rows.query.selectFrom('alert_words').select('alert_id').where('word', '=', 'disk').execute();
      expect(found).toEqual([{ alert_id: alert.id }]);
    } finally {
      await pool.end();
      await rows.close();
    }
  });
});
