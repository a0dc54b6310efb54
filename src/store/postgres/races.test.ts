import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import type { ContractStore } from '../../../test/contract/stores.ts';
import { createPause, endedOrWaiting } from '../../../test/support/races.ts';
import { eventFixture, someTime } from '../../../test/support/rows.ts';
import type { ResourceRecord } from '../../core/resource.ts';
import { addMs } from '../../core/time.ts';

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
});
