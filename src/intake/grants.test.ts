import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { at, createWorld, firing, plan, resolved, source, workflow } from '../../test/support/intake.ts';
import type { World } from '../../test/support/intake.ts';

// A Source of namespace default that triggers a Workflow of namespace platform.

describe.each(contractStores)('a Workflow of another namespace, on $name', ({ open }) => {
  let world: World;
  beforeEach(async () => {
    const opened = await open();
    world = createWorld(opened.store);
    world.source = source({ triggerWorkflow: 'platform/triage', flapCapPerHour: 2 });
    grant('default');
    return () => opened.close();
  });

  function grant(...accessFrom: readonly string[]): void {
    world.workflow = workflow({ namespace: 'platform', plan: { ...plan, namespace: 'platform' }, accessFrom });
  }
  const runs = async () => (await world.runs()).map(({ namespace, name, status }) => `${namespace}/${name} ${status}`);
  const deliveries = async () =>
    (await world.store.read.lists.deliveries({ limit: 10 })).items.map(
      ({ namespace, sinkName, event }) => `${namespace}/${sinkName} ${event}`,
    );

  test('its runs count for the flap cap of the Source, and each episode has one', async () => {
    await world.take(0, [firing()]);
    await world.take(1, [resolved({ endsAt: at(1) })]);
    await world.take(2, [firing({ startsAt: at(2) })]);
    await world.take(3, [resolved({ startsAt: at(2), endsAt: at(3) })]);
    await world.take(4, [firing({ startsAt: at(4) })]);
    expect(await runs()).toEqual(['platform/triage pending', 'platform/triage pending']);
    expect((await world.alert()).mutedReason).toBe('FlapCap');
    await expect(world.start(5)).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('pending'),
    });
  });

  test('refused, the run has failed where it was asked for, tells nobody, and counts all the same', async () => {
    grant('another');
    for (const minute of [0, 2, 4]) {
      await world.take(minute, [firing({ startsAt: at(minute) })]);
      await world.take(minute + 1, [resolved({ startsAt: at(minute), endsAt: at(minute + 1) })]);
    }
    expect(await runs()).toEqual(['default/platform/triage failed', 'default/platform/triage failed']);
    expect(await deliveries()).toEqual([]);
    await expect(world.start(9)).rejects.toMatchObject({
      code: 'WorkflowNotReady',
      message: 'there is no Workflow platform/triage that grants namespace default',
      field: 'workflow',
    });
    world.workflow = undefined;
    await expect(world.start(9)).rejects.toMatchObject({
      message: 'there is no Workflow platform/triage that grants namespace default',
    });
  });

  test('withdrawn while its run is at work: the end of the alert is told as ever; after it nothing is', async () => {
    await world.take(0, [firing()]);
    grant();
    await world.take(1, [resolved({ endsAt: at(1) })]);
    expect(await deliveries()).toEqual(['platform/out alert-resolved']);
    for (const { id } of await world.runs())
      await world.write((tx) => tx.runs.update(id, { status: 'succeeded', completedAt: at(1), wakeAt: null }));
    grant('default');
    await world.take(70, [firing({ startsAt: at(70) })]);
    for (const { id } of await world.runs())
      await world.write((tx) => tx.runs.update(id, { status: 'succeeded', completedAt: at(70), wakeAt: null }));
    grant();
    await world.take(140, [resolved({ startsAt: at(70), endsAt: at(140) })]);
    expect(await deliveries()).toEqual(['platform/out alert-resolved']);
  });
});
