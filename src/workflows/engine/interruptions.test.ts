import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn, failure, longDeed, never, threeSteps } from '../../../test/support/engine-tests.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import type { Deed } from '../../../test/support/engine.ts';
import { AppError } from '../../core/errors.ts';
import type { Store } from '../../core/store.ts';
import { addMs } from '../../core/time.ts';
import { releaseDeadLeases } from '../driver.ts';
import { succeeded } from '../steps/define.ts';

describe.each(contractStores)('interrupted attempts on $name', (database) => {
  const on = engineOn(database);

  test('3.1.10 an interrupted attempt is marked by the next claim and runs again, outside the retry limit', async () => {
    const long = longDeed();
    const first = on.world({ two: long.deed });
    const id = await first.addRun(threeSteps);
    void first.engine.advance(id, never);
    await on.clock.advance(0);
    expect(await releaseDeadLeases(on.store, on.clock)).toBe(1);
    const second = on.world();
    await second.runAll();
    expect(await second.journal(id)).toEqual([
      '1#1 succeeded',
      '2#1 failed Interrupted',
      '2#2 succeeded',
      '3#1 succeeded',
    ]);
    expect((await on.store.read.runs.steps(id)).map((row) => row.fence)).toEqual([1, 1, 2, 2]);
    long.finish();
    await on.clock.advance(0);
  });

  test('3.1.11 a step hears how many attempts before it have ended: neither those cut short, nor those of other steps', async () => {
    const heard: string[] = [];
    const it = on.world({
      one: (io) => {
        heard.push(`${io.attempt}: ${io.endedBefore}`);
        if (io.attempt === 2 || io.attempt === 5) return new Promise(() => undefined);
        if (io.attempt === 3) throw new AppError('ClusterUnavailable', 'no answer');
        return io.attempt < 6 ? failure() : succeeded({});
      },
      two: (io) => {
        heard.push(`two ${io.attempt}: ${io.endedBefore}`);
        return succeeded({});
      },
    });
    const retry = { limit: 2, backoffMs: 0, maxBackoffMs: 0 };
    const id = await it.addRun(planOf([step('one', { retry }), step('two')]));
    for (let life = 0; life < 3; life += 1) {
      void it.engine.advance(id, never);
      await on.clock.advance(60_000);
      await releaseDeadLeases(on.store, on.clock);
    }
    await it.runAll();
    expect(heard).toEqual(['1: 0', '2: 1', '3: 1', '4: 1', '5: 2', '6: 2', 'two 1: 0']);
  });

  test('3.1.10 five interruptions in a row: failed/CrashLoop', async () => {
    const it = on.world({ one: () => new Promise(() => undefined) });
    const id = await it.addRun(threeSteps);
    for (let life = 0; life < 5; life += 1) {
      void it.engine.advance(id, never);
      await on.clock.advance(0);
      await releaseDeadLeases(on.store, on.clock);
    }
    await on.world().runAll();
    expect(await it.journal(id)).toEqual([
      ...[1, 2, 3, 4].map((attempt) => `1#${attempt} failed Interrupted`),
      '1#5 failed CrashLoop',
      '2#1 skipped',
      '3#1 skipped',
    ]);
    expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'CrashLoop' });
  });

  test('3.1.10 interruptions of another step do not count', async () => {
    const dying =
      (lives: number): Deed =>
      (io) =>
        io.attempt <= lives ? new Promise(() => undefined) : succeeded({});
    const it = on.world({ one: dying(3), two: dying(4) });
    const id = await it.addRun(threeSteps);
    for (let life = 0; life < 7; life += 1) {
      void it.engine.advance(id, never);
      await on.clock.advance(0);
      await releaseDeadLeases(on.store, on.clock);
    }
    await it.runAll();
    expect(await it.run(id)).toMatchObject({ status: 'succeeded' });
    expect((await it.journal(id)).filter((line) => line.endsWith('Interrupted'))).toHaveLength(7);
  });

  test('3.1.10 a step with `interrupted: fail` is never repeated', async () => {
    const it = on.world({ one: () => new Promise(() => undefined) });
    const id = await it.addRun(planOf([step('one', { interrupted: 'fail' })]));
    void it.engine.advance(id, never);
    await on.clock.advance(0);
    await releaseDeadLeases(on.store, on.clock);
    await on.world().runAll();
    expect(await it.journal(id)).toEqual(['1#1 failed Interrupted']);
    expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'Interrupted' });
  });

  test('3.1.11 the process of an interrupted attempt is killed before the attempt is repeated', async () => {
    const events: string[] = [];
    const killLeftover = async ({ pid }: { readonly pid: number }): Promise<boolean> => {
      events.push(`killed ${pid}`);
      return true;
    };
    const first = on.world({
      one: async (io) => {
        await io.onProcess({ pid: 4711, startTime: '99' });
        return new Promise(() => undefined);
      },
    });
    const id = await first.addRun(threeSteps);
    void first.engine.advance(id, never);
    await on.clock.advance(0);
    expect((await on.store.read.runs.steps(id))[0]?.process).toEqual({ pid: 4711, startTime: '99' });
    await releaseDeadLeases(on.store, on.clock);
    const second = on.world(
      {
        one: (io) => {
          events.push(`attempt ${io.attempt}`);
          return succeeded({});
        },
      },
      { killLeftover },
    );
    await second.runAll();
    expect(events).toEqual(['killed 4711', 'attempt 2']);
  });

  test('3.1.10 a run that waits for the cluster goes on when the cluster answers somebody else', async () => {
    let down = true;
    const read = async () => {
      if (down) throw new AppError('ClusterUnavailable', 'connection refused');
      return { kind: 'ok' as const, value: null };
    };
    const cluster = {
      description: 'test',
      get: read,
      list: async () => ({ ...(await read()), value: [] }),
      logs: async () => ({ ...(await read()), value: '' }),
      observedAt: async () => ({ at: on.now(), ahead: [] }),
    };
    const look: Deed = async (io) => {
      await io.cluster?.get('nodes', null, 'n1');
      return succeeded({});
    };
    const it = on.world({ look }, { cluster });
    const plan = planOf([step('look')]);
    const ids = [await it.addRun(plan), await it.addRun(plan)];
    await it.runAll();
    await on.clock.advance(15_000);
    await it.runAll();
    for (const id of ids) expect((await it.run(id)).wakeAt).toBe(addMs(on.now(), 75_000));
    await on.clock.advance(20_000);
    await it.runAll();
    for (const id of ids) expect(await it.journal(id)).toHaveLength(2);
    down = false;
    const ended = await it.addRun(planOf([step('one')]));
    await it.runAll();
    await it.addRun(plan);
    await it.runAll();
    await on.clock.advance(0);
    await it.runAll();
    for (const id of ids) {
      expect(await it.journal(id)).toEqual([
        '1#1 failed ClusterUnavailable',
        '1#2 failed ClusterUnavailable',
        '1#3 succeeded',
      ]);
    }
    await on.store.transaction('run-wait', (tx) => tx.runs.hasten(ended, on.now()));
    expect(await it.run(ended)).toMatchObject({ status: 'succeeded', wakeAt: null });
  });

  test('3.1.10 what the store refuses in the middle of a step interrupts the attempt, whatever the step makes of it', async () => {
    const refusing: Store = {
      ...on.store,
      transaction: (name, work) =>
        name === 'step-process'
          ? Promise.reject(new AppError('StoreUnavailable', 'the disk is full'))
          : on.store.transaction(name, work),
    };
    const hiding: Deed = async (io) => {
      await io.onProcess({ pid: 4711, startTime: '99' }).catch(() => undefined);
      return failure({ message: 'the command was killed', retryable: false });
    };
    const throwing: Deed = async (io) => {
      await io.onProcess({ pid: 4711, startTime: '99' });
      return succeeded({});
    };
    for (const deed of [hiding, throwing]) {
      const id = await on.world().addRun(planOf([step('one')]));
      const first = on.world({ one: deed }, { store: refusing });
      await expect(first.engine.advance(id, never)).rejects.toMatchObject({ code: 'StoreUnavailable' });
      expect(await first.journal(id)).toEqual(['1#1 running']);
      await on.clock.advance(30_000);
      await on.world().runAll();
      expect(await first.journal(id)).toEqual(['1#1 failed Interrupted', '1#2 succeeded']);
      expect(await first.run(id)).toMatchObject({ status: 'succeeded' });
    }
  });

  test('3.1.10 a result that the store refuses is an interrupted attempt', async () => {
    const refusing: Store = {
      ...on.store,
      transaction: (name, work) =>
        name === 'step-end' || name === 'run-end'
          ? Promise.reject(new AppError('StoreUnavailable', 'the disk is full'))
          : on.store.transaction(name, work),
    };
    const id = await on.world().addRun(threeSteps);
    const first = on.world({}, { store: refusing });
    await expect(first.engine.advance(id, never)).rejects.toMatchObject({ code: 'StoreUnavailable' });
    await on.clock.advance(30_000);
    await on.world().runAll();
    expect((await first.journal(id)).slice(0, 2)).toEqual(['1#1 failed Interrupted', '1#2 succeeded']);
    expect(await first.run(id)).toMatchObject({ status: 'succeeded' });
  });
});
