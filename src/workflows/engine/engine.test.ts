import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn, evidenceOf, failure, never, threeSteps } from '../../../test/support/engine-tests.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import type { Store } from '../../core/store.ts';
import { addMs } from '../../core/time.ts';
import { succeeded } from '../steps/define.ts';
import type { StepIo } from '../steps/define.ts';

describe.each(contractStores)('the engine on $name', (database) => {
  const on = engineOn(database);

  test('3.1.1 goes from pending to succeeded; final never changes, and a retry is a new run', async () => {
    const it = on.world();
    const id = await it.addRun(threeSteps);
    expect((await it.run(id)).status).toBe('pending');
    await it.runAll();
    const ended = await it.run(id);
    expect(ended).toMatchObject({
      status: 'succeeded',
      stepsCompleted: 3,
      currentStep: null,
      wakeAt: null,
      leaseOwner: null,
    });
    expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 succeeded', '3#1 succeeded']);
    await it.engine.advance(id, never);
    await expect(on.control().cancel(id, 'late')).rejects.toMatchObject({ code: 'Conflict' });
    expect(await it.run(id)).toEqual(ended);
    const again = await on.control().retry(id);
    expect(await it.run(again)).toMatchObject({
      retryOf: id,
      status: 'pending',
      input: ended.input,
      planHash: ended.planHash,
    });
    await it.runAll();
    expect(await it.run(id)).toEqual(ended);
    expect(await it.run(again)).toMatchObject({ status: 'succeeded' });
  });

  test('3.1.2 waiting is running without a lease', async () => {
    const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 5000, maxBackoffMs: 5000 } })]);
    const it = on.world({ one: () => failure() });
    const id = await it.addRun(plan);
    await it.runAll();
    expect(await it.run(id)).toMatchObject({
      status: 'running',
      leaseOwner: null,
      leaseUntil: null,
      waitingFor: 'retry',
      wakeAt: addMs(on.now(), 5000),
    });
  });

  test('3.1.3 each attempt is a row of its own, with the fence of its worker', async () => {
    const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 0, maxBackoffMs: 0 } })]);
    const it = on.world({ one: (io) => (io.attempt === 1 ? failure() : succeeded({ attempt: io.attempt })) });
    const id = await it.addRun(plan);
    await it.runAll();
    expect(await it.journal(id)).toEqual(['1#1 failed CommandFailed', '1#2 succeeded']);
    expect((await on.store.read.runs.steps(id)).map((row) => [row.fence, row.result])).toEqual([
      [1, { exit_code: 1 }],
      [1, { attempt: 2 }],
    ]);
  });

  test('3.1.8 the first claim starts the first step, a step end the next one or ends the run; effects lie between', async () => {
    const names: string[] = [];
    let open = 0;
    const watched: Store = {
      ...on.store,
      transaction: (name, work) =>
        on.store.transaction(name, async (tx) => {
          names.push(name);
          open += 1;
          const result = await work(tx);
          open -= 1;
          return result;
        }),
    };
    const seen: unknown[] = [];
    const look = async (io: StepIo) => {
      const [row] = (await on.store.read.runs.steps(io.runId)).slice(-1);
      seen.push([io.path, row?.path, row?.status, open]);
      return succeeded({});
    };
    const it = on.world({ one: look, two: look, three: look }, { store: watched });
    await it.addRun(threeSteps);
    names.splice(0);
    await it.runAll();
    expect(names).toEqual(['claim', 'step-end', 'step-end', 'run-end']);
    expect(seen).toEqual([
      ['1', '1', 'running', 0],
      ['2', '2', 'running', 0],
      ['3', '3', 'running', 0],
    ]);
  });

  test('3.1.21 the idempotency key is the same in all attempts', async () => {
    const keys: string[] = [];
    const it = on.world({
      one: (io) => {
        keys.push(io.idempotencyKey);
        return io.attempt < 3 ? failure() : succeeded({});
      },
    });
    const id = await it.addRun(planOf([step('one', { retry: { limit: 5, backoffMs: 0, maxBackoffMs: 0 } })]));
    await it.runAll();
    expect(keys).toEqual(Array.from({ length: 3 }, () => `${id}/1`));
  });

  test('run-started is announced once, by the first claim, to the sinks that want it', async () => {
    const plan = planOf([step('one', { retry: { limit: 2, backoffMs: 1000, maxBackoffMs: 1000 } })], {
      sinks: ['chat', 'out'],
    });
    const it = on.world(
      { one: () => failure() },
      {
        sinks: [
          { name: 'chat', sendStarted: true },
          { name: 'out', sendStarted: false },
        ],
      },
    );
    const id = await it.addRun(plan);
    for (let life = 0; life < 3; life += 1) {
      await it.runAll();
      await on.clock.advance(1000);
    }
    const { items } = await on.store.read.lists.deliveries({ limit: 10, runId: id });
    expect(items.map((delivery) => `${delivery.event} ${delivery.sinkName}`).sort()).toEqual([
      'run-finished chat',
      'run-finished out',
      'run-started chat',
    ]);
  });

  test('a run whose plan is gone fails and says so', async () => {
    const it = on.world();
    const id = await it.addRun(threeSteps, { planHash: null });
    await it.runAll();
    expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'WorkflowNotReady' });
  });

  test('a defect of a step fails its attempt and not the engine', async () => {
    const it = on.world({
      one: () => {
        throw new TypeError('undefined is not a function');
      },
    });
    const id = await it.addRun(planOf([step('one'), step('x', { type: 'unknown' })]));
    await it.runAll();
    expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'Internal' });
  });

  test('a `when` that cannot be evaluated fails its step', async () => {
    const it = on.world();
    const id = await it.addRun(planOf([step('one', { when: 'broken' })]));
    await it.runAll();
    expect(await it.journal(id)).toEqual(['1#1 failed TemplateInvalid']);
    expect(await it.run(id)).toMatchObject({
      status: 'failed',
      error: 'step "one" (1) failed: the condition is broken',
    });
  });

  test('steps that `when` refuses are skipped, also before the end', async () => {
    const it = on.world();
    const id = await it.addRun(
      planOf([step('one', { when: 'false' }), step('two'), step('three', { when: '{{ .steps.one.success }}' })]),
    );
    const none = await it.addRun(planOf([step('one', { when: 'no' })]));
    await it.runAll();
    expect(await it.journal(id)).toEqual(['1#1 skipped', '2#1 succeeded', '3#1 skipped']);
    expect(await it.run(id)).toMatchObject({ status: 'succeeded', stepsCompleted: 3 });
    expect(await it.journal(none)).toEqual(['1#1 skipped']);
    expect((await it.run(none)).status).toBe('succeeded');
  });

  test('evidence is committed with its attempt and numbered through the run', async () => {
    const firsts: number[] = [];
    const gather = (count: number) => (io: StepIo) => {
      firsts.push(io.firstEvidenceNumber);
      const list = Array.from({ length: count }, (_, index) => evidenceOf(io.firstEvidenceNumber + index, on.now()));
      return io.name === 'two' && io.attempt === 1
        ? { ...failure(), evidence: list }
        : { ...succeeded({}), evidence: list };
    };
    const it = on.world({ one: gather(2), two: gather(1), three: gather(3) });
    const retry = { limit: 1, backoffMs: 1000, maxBackoffMs: 1000 };
    const id = await it.addRun(planOf([step('one'), step('two', { retry }), step('three')]));
    await it.runAll();
    await on.clock.advance(1000);
    await it.runAll();
    expect(firsts).toEqual([1, 3, 4, 5]);
    expect((await on.store.read.runs.evidence(id)).map((item) => item.id)).toEqual([
      'e1',
      'e2',
      'e3',
      'e4',
      'e5',
      'e6',
      'e7',
    ]);
  });
});
