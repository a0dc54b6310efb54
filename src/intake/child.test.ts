import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { at, createWorld, firing, noon, plan, resolved, workflow } from '../../test/support/intake.ts';
import type { World } from '../../test/support/intake.ts';
import type { Catalog, CatalogWorkflow } from '../core/catalog.ts';
import type { ChildRunRequest } from '../core/ports.ts';
import type { RunRecord } from '../core/run.ts';
import { startChild } from './child.ts';

describe.each(contractStores)('runs that Sinks ask for, on $name', ({ open }) => {
  let world: World;
  let workflows: Map<string, CatalogWorkflow>;
  let first: RunRecord;

  beforeEach(async () => {
    const opened = await open();
    world = createWorld(opened.store);
    workflows = new Map();
    for (const name of ['triage', 'follow-up', 'a', 'b', 'c', 'd', 'e']) add(name);
    await world.take(1, [firing()]);
    first = (await world.runs())[0] as RunRecord;
    return () => opened.close();
  });

  function add(name: string, changes: Partial<CatalogWorkflow> = {}): void {
    workflows.set(name, workflow({ name, plan: { ...plan, name }, planHash: `hash-${name}`, ...changes }));
  }

  async function ask(changes: Partial<ChildRunRequest> = {}): Promise<RunRecord> {
    const catalog = { workflow: (_: string, name: string) => workflows.get(name) } as Catalog;
    const id = await startChild(
      { store: world.store, catalog: { current: () => catalog }, clock: createFakeClock(at(5)) },
      {
        key: 'd1',
        namespace: 'default',
        sinkName: 'more',
        workflow: 'follow-up',
        context: { team: 'storefront' },
        parentRunId: first.id,
        resolvedAt: null,
        ...changes,
      },
    );
    return (await world.store.read.runs.find(id)) as RunRecord;
  }

  test('it is about the alert of the run that led to it, and knows that run', async () => {
    const run = await ask();
    expect(run).toMatchObject({
      name: 'follow-up',
      triggerSource: 'Sink default/more',
      status: 'pending',
      alertId: first.alertId,
      episode: 1,
      planHash: 'hash-follow-up',
      requestedBy: 'd1',
      wakeAt: at(5),
      input: {
        source: first.input.source,
        alert: first.input.alert,
        context: { team: 'storefront' },
        depth: 1,
        parent: { runId: first.id, workflows: ['default/triage'] },
      },
    });
    expect(await world.store.read.runs.plan('hash-follow-up')).toMatchObject({ name: 'follow-up' });
  });

  test('a delivery that is sent again has one run; another delivery has another, of the same alert and Workflow', async () => {
    const run = await ask();
    expect((await ask()).id).toBe(run.id);
    expect((await Promise.all(Array.from({ length: 10 }, () => ask({ key: 'd2' })))).map(({ id }) => id)).toEqual(
      Array.from({ length: 10 }, () => expect.not.stringMatching(run.id) as string),
    );
    expect(await world.runs()).toHaveLength(3);
  });

  test('of an alert that is over it says so', async () => {
    const run = await ask({ resolvedAt: at(4) });
    expect(run.input.alert).toMatchObject({ status: 'resolved', endsAt: at(4), startsAt: noon });
  });

  test('it does not stand in the way of the run that a Source starts', async () => {
    await ask({ workflow: 'a', key: 'd1' });
    await world.take(6, [resolved({ endsAt: at(6) })]);
    add('triage');
    await ask({ workflow: 'b', key: 'd2' });
    expect(await world.take(8, [firing({ startsAt: at(8) })])).toMatchObject({ opened: 1, runs: 1 });
  });

  test('a Workflow that led there is refused with the line', async () => {
    const run = await ask();
    await expect(ask({ key: 'd2', parentRunId: run.id })).rejects.toMatchObject({
      code: 'Conflict',
      retryable: false,
      message:
        'Sink default/more would start a loop of Workflows: default/triage -> default/follow-up -> default/follow-up',
    });
    await expect(ask({ key: 'd3', parentRunId: run.id, workflow: 'triage' })).rejects.toMatchObject({
      message:
        'Sink default/more would start a loop of Workflows: default/triage -> default/follow-up -> default/triage',
    });
    expect(await world.runs()).toHaveLength(2);
  });

  test('a line has five runs, and no sixth', async () => {
    let parentRunId = first.id;
    for (const [place, name] of ['a', 'b', 'c', 'd'].entries()) {
      const run = await ask({ key: name, parentRunId, workflow: name });
      expect(run.input.depth).toBe(place + 1);
      parentRunId = run.id;
    }
    await expect(ask({ key: 'e', parentRunId, workflow: 'e' })).rejects.toMatchObject({
      code: 'Conflict',
      message:
        'Sink default/more would start one Workflow too many in a line of 5: default/triage -> default/a -> default/b -> default/c -> default/d -> default/e',
    });
  });

  test('a Workflow that is not there, or not ready, may be later', async () => {
    await expect(ask({ workflow: 'absent' })).rejects.toMatchObject({
      code: 'WorkflowNotReady',
      retryable: true,
      message: 'there is no Workflow default/absent',
    });
    add('follow-up', { ready: false });
    await expect(ask()).rejects.toMatchObject({ message: 'Workflow default/follow-up is not ready' });
    add('follow-up');
    expect(await ask()).toMatchObject({ name: 'follow-up' });
  });

  test('one of another namespace needs its grant, and is told as one that is not there without', async () => {
    const asked = (workflow: string) => ask({ workflow, key: 'd2' }).catch((error: unknown) => error);
    const refusal = {
      code: 'WorkflowNotReady',
      retryable: true,
      message: 'there is no Workflow other/follow-up that grants namespace default',
      next: 'who owns Workflows of namespace other grants it with spec.accessFrom: {namespaces: [default]}',
    };
    workflows.delete('follow-up');
    expect(await asked('other/follow-up')).toMatchObject(refusal);
    const elsewhere = { namespace: 'other', plan: { ...plan, namespace: 'other', name: 'follow-up' } };
    add('follow-up', elsewhere);
    expect(await asked('other/follow-up')).toMatchObject(refusal);
    expect(await world.runs()).toHaveLength(1);
    add('follow-up', { ...elsewhere, accessFrom: ['default'] });
    expect(await asked('other/follow-up')).toMatchObject({ namespace: 'other', name: 'follow-up' });
  });

  test('a line that an earlier version began has names alone, and is known all the same', async () => {
    const run = await ask();
    const parent = { runId: first.id, workflows: ['triage'] };
    const told = { ...run, input: { ...run.input, parent } };
    await world.write((tx) => tx.runs.update(run.id, { input: told.input }));
    await expect(ask({ key: 'd3', parentRunId: run.id, workflow: 'triage' })).rejects.toMatchObject({
      message: expect.stringContaining('default/triage -> default/follow-up -> default/triage') as string,
    });
  });

  test('where nobody knows the run that led to it any more, it begins a line', async () => {
    const run = await ask({ parentRunId: null });
    expect(run).toMatchObject({
      alertId: null,
      input: { alert: null, depth: 1, source: { name: 'more', type: 'sink' } },
    });
    expect(run.input.parent).toBeUndefined();
  });
});
