import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { at, createWorld, firing, noon, resolved, source, workflow } from '../../test/support/intake.ts';
import type { World } from '../../test/support/intake.ts';

describe.each(contractStores)('a run about an alert that somebody asks for, on $name', ({ open }) => {
  let world: World;
  beforeEach(async () => {
    const opened = await open();
    world = createWorld(opened.store);
    return () => opened.close();
  });

  /** Ends the newest run as an engine would, but for what it found. */
  async function endRun(): Promise<string> {
    const id = (await world.runs()).at(-1)?.id ?? '';
    await world.write((tx) => tx.runs.update(id, { status: 'succeeded', wakeAt: null, completedAt: at(1) }));
    return id;
  }

  test('is of the Workflow that its Source triggers, whatever kept it from a run, and has the alert as it stands', async () => {
    world.source = source({ suspend: true });
    await world.take(0, [firing()]);
    expect(await world.alert()).toMatchObject({ mutedReason: 'Suspended', announced: false, workflowId: null });
    const { runId, ...rest } = await world.start(5, 'f1', { by: 'Mia' });
    expect(rest).toEqual({ workflow: 'default/triage', retryOf: null });
    expect(await world.runs()).toMatchObject([
      {
        id: runId,
        name: 'triage',
        status: 'pending',
        triggerSource: 'request of Mia',
        episode: 1,
        planHash: 'hash-1',
        wakeAt: at(5),
        input: {
          source: { name: 'am', type: 'webhook' },
          alert: { name: 'TestAlert', status: 'firing', startsAt: noon },
        },
      },
    ]);
    expect(await world.alert()).toMatchObject({
      workflowId: runId,
      mutedReason: null,
      mutedUntil: null,
      announced: true,
    });
    expect(world.counted.get('fist_runs_total triage pending')).toBe(1);
    // Nor does the sweep make another one.
    world.source = source();
    expect(await world.sweep(20)).toEqual({ expired: 0, resumed: 0 });
    expect(await world.runs()).toHaveLength(1);
  });

  test('tells its Sinks of the end of the alert, as any other run does', async () => {
    world.source = source({ suspend: true });
    await world.take(0, [firing()]);
    const { runId } = await world.start(5);
    await endRun();
    await world.take(10, [resolved({ endsAt: at(10) })]);
    expect(await world.deliveries()).toMatchObject([{ event: 'alert-resolved', sinkName: 'out', runId }]);
  });

  test('waits for none of the same Workflow: one at a time', async () => {
    await world.take(0, [firing()]);
    const refused = {
      code: 'Conflict',
      message: expect.stringMatching(/^run\/\w{8} is about this alert and has not ended: pending$/),
    };
    await expect(world.start(1)).rejects.toMatchObject(refused);
    const first = await endRun();
    const { retryOf, runId } = await world.start(2);
    expect(retryOf).toBe(first);
    await expect(world.start(3)).rejects.toMatchObject(refused);
    await endRun();
    expect(await world.start(4)).toMatchObject({ retryOf: runId });
  });

  test('asked for twice at the same time, is made once', async () => {
    world.source = source({ suspend: true });
    await world.take(0, [firing()]);
    const settled = await Promise.allSettled([world.start(1), world.start(1), world.start(1)]);
    expect(settled.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
    for (const one of settled) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'Conflict' });
    expect(await world.runs()).toHaveLength(1);
  });

  test('of a later episode repeats nothing', async () => {
    await world.take(0, [firing()]);
    await endRun();
    await world.take(10, [resolved({ endsAt: at(10) })]);
    world.source = source({ suspend: true });
    await world.take(20, [firing({ startsAt: at(20) })]);
    expect(await world.start(21)).toMatchObject({ retryOf: null });
    expect((await world.runs()).map(({ episode }) => episode)).toEqual([1, 2]);
  });

  test('of a resolved alert says that it is, and tells nobody that it fires', async () => {
    world.source = source({ suspend: true });
    await world.take(0, [firing()]);
    await world.take(10, [resolved({ endsAt: at(10) })]);
    await world.start(11);
    expect((await world.runs())[0]?.input.alert).toMatchObject({ status: 'resolved', endsAt: at(10) });
    expect(await world.alert()).toMatchObject({ status: 'resolved', announced: false });
  });

  test('may be of another Workflow, also where its Source is gone', async () => {
    await world.take(0, [firing()]);
    world.workflow = workflow({ name: 'deep', planHash: 'hash-deep' });
    const { retryOf } = await world.start(1, 'f1', { workflow: 'deep' });
    expect(retryOf).toBeNull();
    expect((await world.runs()).map(({ name }) => name)).toEqual(['triage', 'deep']);
  });

  test.each([
    [
      'that its Source does not trigger',
      source({ triggerWorkflow: '' }),
      null,
      {
        code: 'Conflict',
        field: 'workflow',
        message: 'Source default/am triggers no Workflow, so a Workflow has to be named',
      },
    ],
    [
      'that does not exist',
      source(),
      'nothing',
      { code: 'WorkflowNotReady', message: 'there is no Workflow default/nothing', next: 'fist get workflows' },
    ],
  ])('of a Workflow %s is refused', async (_, changed, name, error) => {
    await world.take(0, [firing()]);
    world.source = changed;
    await expect(world.start(1, 'f1', { workflow: name })).rejects.toMatchObject(error);
    expect(await world.runs()).toHaveLength(1);
  });

  test('of a Workflow that is not ready is refused', async () => {
    await world.take(0, [firing()]);
    world.workflow = workflow({ ready: false });
    const error = { code: 'WorkflowNotReady', next: 'fist describe workflow/default/triage' };
    await expect(world.start(1)).rejects.toMatchObject(error);
  });

  test('about no alert is refused', async () => {
    await world.take(0, [firing()]);
    const alertId = '019ca945-0a00-7000-8000-00000000ffff';
    await expect(world.start(1, 'f1', { alertId })).rejects.toMatchObject({ code: 'NotFound' });
  });
});
