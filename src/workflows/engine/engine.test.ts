import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { createFakeClock } from '../../../test/support/clock.ts';
import type { FakeClock } from '../../../test/support/clock.ts';
import { createEngineWorld, planOf, silentLog, step } from '../../../test/support/engine.ts';
import type { Deed, EngineWorld, EngineWorldOptions } from '../../../test/support/engine.ts';
import { AppError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Evidence, StepOutcome } from '../../core/run.ts';
import type { Store } from '../../core/store.ts';
import { addMs, toTimestamp } from '../../core/time.ts';
import { createControl } from '../control.ts';
import { releaseDeadLeases } from '../driver.ts';
import { succeeded } from '../steps/define.ts';
import type { StepIo } from '../steps/define.ts';
import { auditRuns } from './audit.ts';

describe.each(contractStores)('the engine on $name', ({ open }) => {
  let clock: FakeClock;
  let store: Store;
  beforeEach(async () => {
    clock = createFakeClock();
    const opened = await open({ clock });
    store = opened.store;
    return () => opened.close();
  });

  const never = new AbortController().signal;

  function world(deeds: Readonly<Record<string, Deed>> = {}, options: Partial<EngineWorldOptions> = {}): EngineWorld {
    return createEngineWorld({ store, clock, deeds, ...options });
  }

  function control() {
    return createControl({
      store,
      clock,
      log: silentLog,
      catalog: { current: () => ({ workflow: () => undefined }) as never },
    });
  }

  const now = (): string => toTimestamp(clock.now());

  /** A deed that runs until it is let go or aborted, as a well-behaved step does. */
  function longDeed() {
    let letGo: ((outcome: StepOutcome) => void) | undefined;
    const seen: StepIo[] = [];
    const deed: Deed = (io) =>
      new Promise((resolve, reject) => {
        seen.push(io);
        letGo = resolve;
        io.signal.addEventListener('abort', () => reject(io.signal.reason as Error), { once: true });
      });
    return { deed, seen, finish: (outcome: StepOutcome = succeeded({ ok: true })) => letGo?.(outcome) };
  }

  function failure(changes: Partial<{ retryable: boolean; message: string; result: JsonObject }> = {}): StepOutcome {
    return {
      ok: false,
      code: 'CommandFailed',
      message: 'exit code 1',
      retryable: true,
      result: { exit_code: 1 },
      evidence: [],
      ...changes,
    };
  }

  function evidence(number: number): Evidence {
    return { id: `e${number}`, kind: 'command', object: 'step/x', command: 'true', time: now(), excerpt: 'x' };
  }

  const three = planOf([step('one'), step('two'), step('three')], { sinks: ['chat', 'out'] });

  describe('a run', () => {
    test('3.1.1 goes from pending to succeeded; final never changes, and a retry is a new run', async () => {
      const it = world();
      const id = await it.addRun(three);
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
      await expect(control().cancel(id, 'late')).rejects.toMatchObject({ code: 'Conflict' });
      expect(await it.run(id)).toEqual(ended);
      const again = await control().retry(id);
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
      const it = world({ one: () => failure() });
      const id = await it.addRun(plan);
      await it.runAll();
      expect(await it.run(id)).toMatchObject({
        status: 'running',
        leaseOwner: null,
        leaseUntil: null,
        waitingFor: 'retry',
        wakeAt: addMs(now(), 5000),
      });
    });

    test('3.1.3 each attempt is a row of its own, with the fence of its worker', async () => {
      const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 0, maxBackoffMs: 0 } })]);
      const it = world({ one: (io) => (io.attempt === 1 ? failure() : succeeded({ attempt: io.attempt })) });
      const id = await it.addRun(plan);
      await it.runAll();
      expect(await it.journal(id)).toEqual(['1#1 failed CommandFailed', '1#2 succeeded']);
      expect((await store.read.runs.steps(id)).map((row) => [row.fence, row.result])).toEqual([
        [1, { exit_code: 1 }],
        [1, { attempt: 2 }],
      ]);
    });

    test('3.1.4 after 60 s a worker gives the run back, due at once', async () => {
      const it = world({
        one: async () => {
          await clock.sleep(61_000);
          return succeeded({});
        },
      });
      const id = await it.addRun(three);
      const advancing = it.engine.advance(id, never);
      await clock.advance(61_000);
      await advancing;
      expect(await it.journal(id)).toEqual(['1#1 succeeded']);
      expect(await it.run(id)).toMatchObject({
        status: 'running',
        leaseOwner: null,
        waitingFor: null,
        wakeAt: now(),
        stepsCompleted: 1,
      });
      await it.runAll();
      expect(await it.run(id)).toMatchObject({ status: 'succeeded', fence: 2 });
    });

    test('3.1.16 a run that is given back due at once keeps its place in the Workflow', async () => {
      const it = world({
        one: async () => {
          await clock.sleep(61_000);
          return succeeded({});
        },
      });
      const plan = planOf([step('one'), step('two')], { maxConcurrent: 1 });
      const [first, other] = [await it.addRun(plan), await it.addRun(plan)];
      const advancing = it.engine.advance(first, never);
      await clock.advance(0);
      await it.engine.advance(other, never);
      await clock.advance(61_000);
      await advancing;
      expect(await it.run(first)).toMatchObject({ waitingFor: null, wakeAt: now() });
      expect(await it.run(other)).toMatchObject({ waitingFor: 'slot', wakeAt: null });
    });

    test('3.1.5 two workers: one claims it, the other finds nothing and that is no error', async () => {
      const long = longDeed();
      const it = world({ one: long.deed });
      const id = await it.addRun(three);
      const first = it.engine.advance(id, never);
      await clock.advance(0);
      expect(await it.run(id)).toMatchObject({
        status: 'running',
        fence: 1,
        leaseOwner: 'test',
        leaseUntil: addMs(now(), 30_000),
        wakeAt: addMs(now(), 30_000),
        startedAt: now(),
        currentStep: 'one',
      });
      await it.engine.advance(id, never);
      expect((await it.run(id)).fence).toBe(1);
      long.finish();
      await first;
      expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 succeeded', '3#1 succeeded']);
    });

    test('3.1.6 the lease is renewed every 10 s', async () => {
      const long = longDeed();
      const it = world({ one: long.deed });
      const id = await it.addRun(three);
      const advancing = it.engine.advance(id, never);
      await clock.advance(9_000);
      expect((await it.run(id)).leaseUntil).toBe('2026-01-01T00:00:30.000Z');
      await clock.advance(2_000);
      expect((await it.run(id)).leaseUntil).toBe('2026-01-01T00:00:40.000Z');
      await clock.advance(40_000);
      expect((await it.run(id)).leaseUntil).toBe('2026-01-01T00:01:20.000Z');
      long.finish();
      await advancing;
      expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 succeeded', '3#1 succeeded']);
    });

    test('3.1.6 not renewed for 20 s by the monotonic clock: the worker aborts its own work', async () => {
      const long = longDeed();
      const broken: Store = {
        ...store,
        transaction: (name, work) =>
          name === 'renew' ? Promise.reject(new Error('disk full')) : store.transaction(name, work),
      };
      const it = world({ one: long.deed }, { store: broken });
      const id = await it.addRun(three);
      const advancing = it.engine.advance(id, never);
      await clock.advance(19_000);
      expect(long.seen[0]?.signal.aborted).toBe(false);
      await clock.advance(1_500);
      expect(long.seen[0]?.signal.aborted).toBe(true);
      await advancing;
      expect(await it.journal(id)).toEqual(['1#1 running']);
      expect(it.counted).toContain('fist_stale_writes_total run');
      await clock.advance(10_000);
      const next = world();
      await next.runAll();
      expect(await it.journal(id)).toEqual([
        '1#1 failed Interrupted',
        '1#2 succeeded',
        '2#1 succeeded',
        '3#1 succeeded',
      ]);
    });

    /** The store, with something that happens as soon as a claim is committed. */
    function afterClaim(happens: () => Promise<void> | void): Store {
      return {
        ...store,
        async transaction(name, work) {
          const result = await store.transaction(name, work);
          if (name === 'claim') await happens();
          return result;
        },
      };
    }

    test('3.1.6 a worker that stood still between its claim and the attempt aborts it at once', async () => {
      const seen: boolean[] = [];
      const one: Deed = (io) => {
        seen.push(io.signal.aborted);
        return succeeded({});
      };
      const it = world({ one }, { store: afterClaim(() => clock.advance(20_000)) });
      const id = await it.addRun(three);
      await it.engine.advance(id, never);
      expect(seen).toEqual([true]);
      expect(await it.journal(id)).toEqual(['1#1 running']);
      expect(it.counted).toContain('fist_stale_writes_total run');
    });

    test('an attempt leaves nothing on the signal that all attempts of a server share', async () => {
      const stopping = new AbortController();
      const it = world();
      await it.engine.advance(await it.addRun(three), stopping.signal);
      expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
    });

    test('3.1.10 a stop that comes with the claim is heard by the first attempt', async () => {
      const stopping = new AbortController();
      const long = longDeed();
      const one: Deed = (io) => (io.signal.aborted ? failure() : long.deed(io));
      const it = world({ one }, { store: afterClaim(() => stopping.abort()) });
      const id = await it.addRun(three);
      await it.engine.advance(id, stopping.signal);
      expect(await it.journal(id)).toEqual(['1#1 failed Stopped']);
      expect(await it.run(id)).toMatchObject({ status: 'running', leaseOwner: null, wakeAt: now() });
    });

    test('a run that this program cannot take up is put off, and is not in the way of others; one whose store is away is not', async () => {
      let error: Error = new Error('Unexpected token in the plan');
      const failing: Store = {
        ...store,
        transaction: (name, work) => (name === 'claim' ? Promise.reject(error) : store.transaction(name, work)),
      };
      const it = world({}, { store: failing });
      const id = await it.addRun(three);
      await expect(it.engine.advance(id, never)).rejects.toThrow('Unexpected token');
      expect(await it.run(id)).toMatchObject({ status: 'pending', wakeAt: addMs(now(), 30_000) });
      const other = await it.addRun(three);
      error = new AppError('StoreUnavailable', 'the disk is full');
      await expect(it.engine.advance(other, never)).rejects.toThrow('the disk is full');
      expect(await it.run(other)).toMatchObject({ wakeAt: now() });
    });

    test('3.1.7 a result of a worker whose fence is old is not written', async () => {
      const long = longDeed();
      const it = world({ one: long.deed });
      const id = await it.addRun(three);
      const advancing = it.engine.advance(id, never);
      await clock.advance(0);
      await store.transaction('recover', (tx) => tx.runs.releaseLeases(now()));
      const other = world({ one: () => succeeded({ by: 'other' }) });
      await other.runAll();
      long.finish(succeeded({ by: 'first' }));
      await advancing;
      expect(it.counted.filter((name) => name.startsWith('fist_stale'))).toEqual(['fist_stale_writes_total run']);
      expect(await it.journal(id)).toEqual([
        '1#1 failed Interrupted',
        '1#2 succeeded',
        '2#1 succeeded',
        '3#1 succeeded',
      ]);
      expect((await store.read.runs.steps(id))[1]?.result).toEqual({ by: 'other' });
    });

    test('3.1.8 the first claim starts the first step, a step end the next one or ends the run; effects lie between', async () => {
      const names: string[] = [];
      let open = 0;
      const watched: Store = {
        ...store,
        transaction: (name, work) =>
          store.transaction(name, async (tx) => {
            names.push(name);
            open += 1;
            const result = await work(tx);
            open -= 1;
            return result;
          }),
      };
      const seen: unknown[] = [];
      const look = async (io: StepIo) => {
        const [row] = (await store.read.runs.steps(io.runId)).slice(-1);
        seen.push([io.path, row?.path, row?.status, open]);
        return succeeded({});
      };
      const it = world({ one: look, two: look, three: look }, { store: watched });
      await it.addRun(three);
      names.splice(0);
      await it.runAll();
      expect(names).toEqual(['claim', 'step-end', 'step-end', 'run-end']);
      expect(seen).toEqual([
        ['1', '1', 'running', 0],
        ['2', '2', 'running', 0],
        ['3', '3', 'running', 0],
      ]);
    });

    test('3.1.9 a cancel that comes while the worker gives the run back is not lost', async () => {
      const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 60_000, maxBackoffMs: 60_000 } })]);
      const it = world({
        one: async (io) => {
          await control().cancel(io.runId, 'changed my mind');
          return failure();
        },
      });
      const id = await it.addRun(plan);
      await it.runAll();
      expect(await it.run(id)).toMatchObject({ status: 'cancelled', error: 'changed my mind', errorCode: 'Cancelled' });
    });

    test('3.1.15 a cancel that comes as a run ends without an attempt in work is too late', async () => {
      const late: Store = {
        ...store,
        async transaction(name, work) {
          if (name === 'run-end') await store.transaction('cancel', (tx) => tx.runs.requestCancel(id, now(), 'late'));
          return store.transaction(name, work);
        },
      };
      const it = world({}, { store: late });
      const id = await it.addRun(three, { planHash: null });
      await it.engine.advance(id, never);
      expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'WorkflowNotReady', cancelReason: 'late' });
    });

    test('3.1.10 an interrupted attempt is marked by the next claim and runs again, outside the retry limit', async () => {
      const long = longDeed();
      const first = world({ two: long.deed });
      const id = await first.addRun(three);
      void first.engine.advance(id, never);
      await clock.advance(0);
      expect(await releaseDeadLeases(store, clock)).toBe(1);
      const second = world();
      await second.runAll();
      expect(await second.journal(id)).toEqual([
        '1#1 succeeded',
        '2#1 failed Interrupted',
        '2#2 succeeded',
        '3#1 succeeded',
      ]);
      expect((await store.read.runs.steps(id)).map((row) => row.fence)).toEqual([1, 1, 2, 2]);
      long.finish();
      await clock.advance(0);
    });

    test('3.1.10 five interruptions in a row: failed/CrashLoop', async () => {
      const it = world({ one: () => new Promise(() => undefined) });
      const id = await it.addRun(three);
      for (let life = 0; life < 5; life += 1) {
        void it.engine.advance(id, never);
        await clock.advance(0);
        await releaseDeadLeases(store, clock);
      }
      await world().runAll();
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
      const it = world({ one: dying(3), two: dying(4) });
      const id = await it.addRun(three);
      for (let life = 0; life < 7; life += 1) {
        void it.engine.advance(id, never);
        await clock.advance(0);
        await releaseDeadLeases(store, clock);
      }
      await it.runAll();
      expect(await it.run(id)).toMatchObject({ status: 'succeeded' });
      expect((await it.journal(id)).filter((line) => line.endsWith('Interrupted'))).toHaveLength(7);
    });

    test('3.1.10 a step with `interrupted: fail` is never repeated', async () => {
      const it = world({ one: () => new Promise(() => undefined) });
      const id = await it.addRun(planOf([step('one', { interrupted: 'fail' })]));
      void it.engine.advance(id, never);
      await clock.advance(0);
      await releaseDeadLeases(store, clock);
      await world().runAll();
      expect(await it.journal(id)).toEqual(['1#1 failed Interrupted']);
      expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'Interrupted' });
    });

    test('3.1.11 the process of an interrupted attempt is killed before the attempt is repeated', async () => {
      const events: string[] = [];
      const commands = {
        run: () => Promise.reject(new Error('not used')),
        killLeftover: (process: { pid: number }) => {
          events.push(`killed ${process.pid}`);
          return Promise.resolve(true);
        },
      };
      const first = world({
        one: async (io) => {
          await io.onProcess({ pid: 4711, startTime: '99' });
          return new Promise(() => undefined);
        },
      });
      const id = await first.addRun(three);
      void first.engine.advance(id, never);
      await clock.advance(0);
      expect((await store.read.runs.steps(id))[0]?.process).toEqual({ pid: 4711, startTime: '99' });
      await releaseDeadLeases(store, clock);
      const second = world(
        {
          one: (io) => {
            events.push(`attempt ${io.attempt}`);
            return succeeded({});
          },
        },
        { commands },
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
        observedAt: async () => now(),
      };
      const look: Deed = async (io) => {
        await io.cluster?.get('nodes', null, 'n1');
        return succeeded({});
      };
      const it = world({ look }, { cluster });
      const plan = planOf([step('look')]);
      const ids = [await it.addRun(plan), await it.addRun(plan)];
      await it.runAll();
      await clock.advance(15_000);
      await it.runAll();
      for (const id of ids) expect((await it.run(id)).wakeAt).toBe(addMs(now(), 75_000));
      await clock.advance(20_000);
      await it.runAll();
      for (const id of ids) expect(await it.journal(id)).toHaveLength(2);
      down = false;
      const ended = await it.addRun(planOf([step('one')]));
      await it.runAll();
      await it.addRun(plan);
      await it.runAll();
      await clock.advance(0);
      await it.runAll();
      for (const id of ids) {
        expect(await it.journal(id)).toEqual([
          '1#1 failed ClusterUnavailable',
          '1#2 failed ClusterUnavailable',
          '1#3 succeeded',
        ]);
      }
      await store.transaction('run-wait', (tx) => tx.runs.hasten(ended, now()));
      expect(await it.run(ended)).toMatchObject({ status: 'succeeded', wakeAt: null });
    });

    test('3.1.10 what the store refuses in the middle of a step interrupts the attempt, whatever the step makes of it', async () => {
      const refusing: Store = {
        ...store,
        transaction: (name, work) =>
          name === 'step-process'
            ? Promise.reject(new AppError('StoreUnavailable', 'the disk is full'))
            : store.transaction(name, work),
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
        const id = await world().addRun(planOf([step('one')]));
        const first = world({ one: deed }, { store: refusing });
        await expect(first.engine.advance(id, never)).rejects.toMatchObject({ code: 'StoreUnavailable' });
        expect(await first.journal(id)).toEqual(['1#1 running']);
        await clock.advance(30_000);
        await world().runAll();
        expect(await first.journal(id)).toEqual(['1#1 failed Interrupted', '1#2 succeeded']);
        expect(await first.run(id)).toMatchObject({ status: 'succeeded' });
      }
    });

    test('3.1.10 a result that the store refuses is an interrupted attempt', async () => {
      const refusing: Store = {
        ...store,
        transaction: (name, work) =>
          name === 'step-end' || name === 'run-end'
            ? Promise.reject(new AppError('StoreUnavailable', 'the disk is full'))
            : store.transaction(name, work),
      };
      const id = await world().addRun(three);
      const first = world({}, { store: refusing });
      await expect(first.engine.advance(id, never)).rejects.toMatchObject({ code: 'StoreUnavailable' });
      await clock.advance(30_000);
      await world().runAll();
      expect((await first.journal(id)).slice(0, 2)).toEqual(['1#1 failed Interrupted', '1#2 succeeded']);
      expect(await first.run(id)).toMatchObject({ status: 'succeeded' });
    });

    test('3.1.12 retries wait for their moment without a worker, then end', async () => {
      const plan = planOf([step('one', { retry: { limit: 2, backoffMs: 1000, maxBackoffMs: 60_000 } })]);
      const it = world({ one: () => failure() }, { jitter: 0.5 });
      const id = await it.addRun(plan);
      await it.runAll();
      expect((await it.run(id)).wakeAt).toBe(addMs(now(), 500));
      await clock.advance(499);
      await it.runAll();
      expect(await it.journal(id)).toHaveLength(1);
      await clock.advance(1);
      await it.runAll();
      expect((await it.run(id)).wakeAt).toBe(addMs(now(), 1000));
      await clock.advance(1000);
      await it.runAll();
      expect(await it.journal(id)).toEqual([1, 2, 3].map((attempt) => `1#${attempt} failed CommandFailed`));
      expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'CommandFailed' });
    });

    test('3.1.13 a wall clock that jumped ahead times out no run that could not run: deadlines move by the jump, once', async () => {
      const long = longDeed();
      const it = world({ held: long.deed });
      const held = await it.addRun(planOf([step('held'), step('last')], { deadlineMs: 120_000 }));
      const waiting = await it.addRun(planOf([step('one')], { deadlineMs: 120_000 }));
      const done = await it.addRun(planOf([step('one')], { deadlineMs: 120_000 }));
      await it.engine.advance(done, never);
      const { deadlineAt } = await it.run(waiting);
      const working = it.engine.advance(held, never);
      await clock.advance(10_000);
      clock.shiftWallClock(3_600_000);
      const later = await it.addRun(planOf([step('later')], { deadlineMs: 120_000 }));
      await clock.advance(5_000);
      expect(long.seen[0]?.signal.aborted).toBe(false);
      await it.engine.advance(waiting, never);
      long.finish();
      await working;
      for (const id of [held, waiting]) expect(await it.run(id)).toMatchObject({ status: 'succeeded' });
      expect(await it.journal(held)).toEqual(['1#1 succeeded', '2#1 succeeded']);
      expect((await it.run(waiting)).deadlineAt).toBe(addMs(deadlineAt, 3_600_000));
      expect((await it.run(done)).deadlineAt).toBe(deadlineAt);
      // Of the new time, so it did not move, and time that passes counts as ever.
      const { deadlineAt: ofLater } = await it.run(later);
      await clock.advance(110_000);
      await it.engine.advance(await it.addRun(three), never);
      expect((await it.run(later)).deadlineAt).toBe(ofLater);
      await clock.advance(10_000);
      await it.runAll();
      expect(await it.run(later)).toMatchObject({ status: 'failed', errorCode: 'RunTimeout' });
    });

    test('3.1.13 a jump that the store could not note is noted by the next worker, before it takes a run', async () => {
      let fails = true;
      const failing: Store = {
        ...store,
        transaction: (name, work) =>
          name === 'recover' && fails
            ? Promise.reject(new AppError('StoreUnavailable', 'the disk is full'))
            : store.transaction(name, work),
      };
      const it = world({}, { store: failing });
      const id = await it.addRun(planOf([step('one')], { deadlineMs: 120_000 }));
      clock.shiftWallClock(3_600_000);
      await expect(it.engine.advance(id, never)).rejects.toMatchObject({ code: 'StoreUnavailable' });
      fails = false;
      await it.engine.advance(id, never);
      expect(await it.run(id)).toMatchObject({ status: 'succeeded' });
    });

    test('3.1.13 where others could work meanwhile, a jump moves no deadline; nor does a correction of the time', async () => {
      const shared = world({}, { isAlone: false });
      const alone = world();
      const plan = planOf([step('one')], { deadlineMs: 30_000 });
      const [one, other] = [await shared.addRun(plan), await alone.addRun(plan)];
      clock.shiftWallClock(60_000);
      await alone.engine.advance(other, never);
      expect(await alone.run(other)).toMatchObject({ errorCode: 'RunTimeout' });
      clock.shiftWallClock(3_600_000);
      await shared.engine.advance(one, never);
      expect(await shared.run(one)).toMatchObject({ errorCode: 'RunTimeout' });
    });

    test('3.1.13 a step is timed by the monotonic clock', async () => {
      const long = longDeed();
      const it = world({ one: long.deed });
      const id = await it.addRun(planOf([step('one', { timeoutMs: 60_000 })]));
      const working = it.engine.advance(id, never);
      await clock.advance(10_000);
      clock.shiftWallClock(3_600_000);
      await clock.advance(49_000);
      expect(long.seen[0]?.signal.aborted).toBe(false);
      await clock.advance(1_000);
      await working;
      expect(await it.journal(id)).toEqual(['1#1 failed Timeout']);
    });

    test('3.1.13 an attempt past its time-out is aborted: failed/Timeout', async () => {
      const long = longDeed();
      const it = world({ one: long.deed });
      const id = await it.addRun(planOf([step('one', { timeoutMs: 1500 })]));
      const advancing = it.engine.advance(id, never);
      await clock.advance(1499);
      expect(long.seen[0]?.signal.aborted).toBe(false);
      await clock.advance(1);
      await advancing;
      expect(await it.journal(id)).toEqual(['1#1 failed Timeout']);
      expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'Timeout' });
    });

    test('3.1.13 a step that does not heed the abort does not hold its run', async () => {
      const it = world({ one: () => new Promise(() => undefined) });
      const id = await it.addRun(planOf([step('one', { timeoutMs: 1000 })]));
      const advancing = it.engine.advance(id, never);
      await clock.advance(7_000);
      await advancing;
      expect(await it.journal(id)).toEqual(['1#1 failed Timeout']);
    });

    test('3.1.13 a run past its deadline is failed/RunTimeout, in a step and in a wait', async () => {
      const long = longDeed();
      const it = world({ one: long.deed, two: () => failure() });
      const inStep = await it.addRun(planOf([step('one')], { deadlineMs: 5000 }));
      const inWait = await it.addRun(
        planOf([step('two', { retry: { limit: 9, backoffMs: 60_000, maxBackoffMs: 60_000 } })], { deadlineMs: 5000 }),
      );
      const advancing = it.engine.advance(inStep, never);
      await it.engine.advance(inWait, never);
      await clock.advance(5000);
      await advancing;
      await it.runAll();
      expect(await it.run(inStep)).toMatchObject({ status: 'failed', errorCode: 'RunTimeout' });
      expect(await it.journal(inStep)).toEqual(['1#1 failed RunTimeout']);
      expect(await it.run(inWait)).toMatchObject({ status: 'failed', errorCode: 'RunTimeout' });
      expect(await it.journal(inWait)).toEqual(['1#1 failed CommandFailed']);
    });

    test('3.1.14 an output that cannot be evaluated fails a run that else succeeded; the first one is named', async () => {
      const it = world();
      const outputs = [
        { name: 'first', value: 'broken' },
        { name: 'second', value: '{{ .steps.one.result.done }}' },
        { name: 'third', value: 'broken' },
      ];
      const id = await it.addRun(planOf([step('one')], { outputs }));
      await it.runAll();
      expect(await it.run(id)).toMatchObject({
        status: 'failed',
        errorCode: 'TemplateInvalid',
        error: 'output "first": the template is broken',
        outputs: { first: '', second: 'one', third: '' },
      });
    });

    test('3.1.14 a failure skips the rest, and outputs and deliveries are still written', async () => {
      const it = world({ two: () => failure() });
      const outputs = [
        { name: 'first', value: '{{ .steps.one.result.done }}' },
        { name: 'last', value: '{{ .steps.three.result.done }}' },
        { name: 'status', value: '{{ .workflow.status }}' },
      ];
      const id = await it.addRun({ ...three, outputs });
      await it.runAll();
      expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 failed CommandFailed', '3#1 skipped']);
      expect(await it.run(id)).toMatchObject({
        status: 'failed',
        stepsCompleted: 1,
        error: 'step "two" (2) failed: exit code 1',
        outputs: { first: 'one', last: '', status: 'failed' },
      });
      const { items } = await store.read.lists.deliveries({ limit: 10, runId: id });
      expect(items.map(({ event, sinkName, status }) => `${event} ${sinkName} ${status}`).sort()).toEqual([
        'run-finished chat pending',
        'run-finished out pending',
      ]);
    });

    test('3.1.14 with continueOnError the run goes on and succeeds', async () => {
      const it = world({ one: () => failure() });
      const id = await it.addRun(planOf([step('one', { continueOnError: true }), step('two')]));
      await it.runAll();
      expect(await it.run(id)).toMatchObject({ status: 'succeeded', stepsCompleted: 2, error: null });
    });

    test('3.1.15 the holder sees a cancel within 1 s and aborts', async () => {
      const long = longDeed();
      const it = world({ one: long.deed });
      const id = await it.addRun(three);
      const advancing = it.engine.advance(id, never);
      await clock.advance(2_300);
      await control().cancel(id, 'by a person');
      await clock.advance(1_000);
      await advancing;
      expect(await it.journal(id)).toEqual(['1#1 cancelled Cancelled', '2#1 skipped', '3#1 skipped']);
      expect(await it.run(id)).toMatchObject({ status: 'cancelled', error: 'by a person', errorCode: 'Cancelled' });
    });

    test('3.1.15 a result that came first is kept, then cancelled', async () => {
      const it = world({
        one: async (io) => {
          await control().cancel(io.runId, 'enough');
          return succeeded({ kept: true });
        },
      });
      const id = await it.addRun(three);
      await it.runAll();
      expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 skipped', '3#1 skipped']);
      expect((await store.read.runs.steps(id))[0]?.result).toEqual({ kept: true });
      expect(await it.run(id)).toMatchObject({ status: 'cancelled', stepsCompleted: 1 });
    });

    test('3.1.15 a run without a lease is woken by its cancel; one that never began ends without a word', async () => {
      const it = world();
      const id = await it.addRun(three, { wakeAt: null });
      await control().cancel(id, 'not needed');
      expect((await it.run(id)).wakeAt).toBe(now());
      await it.runAll();
      expect(await it.run(id)).toMatchObject({ status: 'cancelled', startedAt: null });
      expect((await store.read.lists.deliveries({ limit: 10, runId: id })).items).toEqual([]);
    });
  });

  describe('slots', () => {
    test('3.1.16 one per alert, held to the final state; the next waiter is woken then', async () => {
      const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 5000, maxBackoffMs: 5000 } })]);
      const it = world({ one: (io) => (io.attempt === 1 ? failure() : succeeded({})) });
      const alert = await it.addAlert();
      const first = await it.addRun(plan, {}, alert);
      const second = await it.addRun(plan, { episode: 2 }, alert);
      const third = await it.addRun(plan, { episode: 3 }, alert);
      await it.runAll();
      expect(await it.run(first)).toMatchObject({ waitingFor: 'retry' });
      for (const id of [second, third]) {
        expect(await it.run(id)).toMatchObject({
          status: 'pending',
          waitingFor: 'slot',
          wakeAt: null,
          startedAt: null,
          leaseOwner: null,
        });
      }
      await clock.advance(5000);
      await it.engine.advance(first, never);
      expect((await it.run(second)).wakeAt).toBe(now());
      expect((await it.run(third)).wakeAt).toBeNull();
      await it.runAll();
      expect(await it.run(second)).toMatchObject({ waitingFor: 'retry' });
      for (let life = 0; life < 4; life += 1) {
        await clock.advance(5000);
        await it.runAll();
      }
      for (const id of [first, second, third]) expect((await it.run(id)).status).toBe('succeeded');
    });

    test('3.1.16 maxConcurrent per Workflow, freed while waiting', async () => {
      const plan = planOf([step('one', { retry: { limit: 1, backoffMs: 5000, maxBackoffMs: 5000 } })], {
        maxConcurrent: 2,
      });
      const deeds = [longDeed(), longDeed(), longDeed()] as const;
      let next = 0;
      const it = world({ one: (io) => (io.attempt === 1 ? (deeds[next++] ?? deeds[0]).deed(io) : succeeded({})) });
      const ids = [await it.addRun(plan), await it.addRun(plan), await it.addRun(plan)];
      const working: Promise<void>[] = [];
      for (const id of ids) {
        working.push(it.engine.advance(id, never));
        await clock.advance(0);
      }
      expect(await Promise.all(ids.map(async (id) => (await it.run(id)).waitingFor))).toEqual([null, null, 'slot']);
      deeds[0].finish(failure());
      await clock.advance(0);
      expect(await it.run(ids[0] ?? '')).toMatchObject({ waitingFor: 'retry' });
      expect((await it.run(ids[2] ?? '')).wakeAt).toBe(now());
      void it.engine.advance(ids[2] ?? '', never);
      await clock.advance(0);
      expect(deeds[2].seen).toHaveLength(1);
      // The retry is due, and both places are taken.
      await clock.advance(5000);
      await it.engine.advance(ids[0] ?? '', never);
      expect(await it.run(ids[0] ?? '')).toMatchObject({ status: 'running', waitingFor: 'slot', wakeAt: null });
      deeds[1].finish();
      deeds[2].finish();
      await clock.advance(0);
      await it.runAll();
      await Promise.all(working);
      for (const id of ids) expect((await it.run(id)).status).toBe('succeeded');
    });

    test('3.1.16 a waiter that was woken and then cancelled hands its wake-up on', async () => {
      const long = longDeed();
      const it = world({ one: long.deed });
      const alert = await it.addAlert();
      const plan = planOf([step('one')]);
      const holder = await it.addRun(plan, {}, alert);
      const second = await it.addRun(plan, { episode: 2 }, alert);
      const third = await it.addRun(planOf([step('other')]), { episode: 3 }, alert);
      const working = it.engine.advance(holder, never);
      await clock.advance(0);
      await it.engine.advance(second, never);
      await it.engine.advance(third, never);
      long.finish();
      await working;
      await control().cancel(second, 'Superseded');
      await it.engine.advance(second, never);
      expect((await it.run(second)).status).toBe('cancelled');
      await it.runAll();
      expect((await it.run(third)).status).toBe('succeeded');
    });

    test('3.1.17 a superseded run that waits ends at once; an executing one may finish only where nobody cancels it', async () => {
      const long = longDeed();
      const it = world({ one: long.deed });
      const alert = await it.addAlert();
      const plan = planOf([step('one')], { sinks: ['chat'] });
      const executing = await it.addRun(plan, {}, alert);
      const waiting = await it.addRun(plan, { episode: 2 }, alert);
      const working = it.engine.advance(executing, never);
      await clock.advance(0);
      await it.engine.advance(waiting, never);
      await store.transaction('intake', (tx) => tx.runs.requestCancel(waiting, now(), 'Superseded'));
      await it.runAll();
      expect(await it.run(waiting)).toMatchObject({ status: 'cancelled', error: 'Superseded' });
      expect((await store.read.lists.deliveries({ limit: 10, runId: waiting })).items).toEqual([]);
      long.finish();
      await working;
      expect((await it.run(executing)).status).toBe('succeeded');
    });
  });

  describe('around a run', () => {
    test('3.1.19 time is the injected clock', async () => {
      const it = world();
      const id = await it.addRun(three, { wakeAt: addMs(now(), 3_600_000) });
      await it.runAll();
      expect((await it.run(id)).status).toBe('pending');
      await clock.advance(3_600_000);
      await it.runAll();
      expect(await it.run(id)).toMatchObject({
        startedAt: '2026-01-01T01:00:00.000Z',
        completedAt: '2026-01-01T01:00:00.000Z',
      });
    });

    /** The audit, with what it counted and logged, sorted. */
    async function audited(): Promise<{ readonly found: number; readonly told: readonly string[] }> {
      const told: string[] = [];
      const line = (fields: object, message: string): void => {
        told.push(`${message} ${JSON.stringify('runs' in fields ? fields.runs : 1)}`);
      };
      const log = { ...silentLog, warn: line, error: line };
      const metrics = {
        increment: (name: string, labels: object, by = 1) => void told.push(`${name} ${JSON.stringify(labels)} ${by}`),
        observe: () => undefined,
        set: () => undefined,
      };
      const found = await auditRuns({ store, clock, log, metrics });
      return { found, told: told.sort() };
    }

    test('3.1.20 the auditor wakes what nothing else would wake, and counts it; in a correct program it finds nothing', async () => {
      const it = world();
      const alert = await it.addAlert();
      const lost = await it.addRun(three, { wakeAt: null, waitingFor: 'slot' }, alert);
      await clock.advance(60_000);
      expect(await audited()).toEqual({
        found: 1,
        told: ['fist_runs_stuck_total {"reason":"NoWakeUp"} 1', 'run-stuck 1'],
      });
      await it.runAll();
      expect((await it.run(lost)).status).toBe('succeeded');
      await clock.advance(60_000);
      expect(await audited()).toEqual({ found: 0, told: [] });
    });

    test('3.1.20 what is overdue is one line with a count, and is left alone', async () => {
      const it = world();
      const ids: string[] = [];
      for (const name of ['a', 'b', 'c']) ids.push(await it.addRun(planOf([step(name)])));
      const dueAt = now();
      await clock.advance(59_999);
      expect(await audited()).toEqual({ found: 0, told: [] });
      await clock.advance(1);
      expect(await audited()).toEqual({
        found: 3,
        told: ['fist_runs_stuck_total {"reason":"Overdue"} 3', 'runs-overdue 3'],
      });
      for (const id of ids) expect((await it.run(id)).wakeAt).toBe(dueAt);
    });

    test('3.1.20 a run that was due before the clock was put back does not wait for the old time', async () => {
      const it = world();
      const id = await it.addRun(three);
      await store.transaction('audit', (tx) => tx.runs.update(id, { wakeAt: toTimestamp(clock.now() + 3_600_000) }));
      await it.runAll();
      expect((await it.run(id)).status).toBe('pending');
      expect((await audited()).told).toEqual(['fist_runs_stuck_total {"reason":"ClockPutBack"} 1', 'run-stuck 1']);
      await it.runAll();
      expect((await it.run(id)).status).toBe('succeeded');
    });

    test('3.1.20 a lease from before the clock was put back keeps nobody off: its holder has the time of one, if it lives', async () => {
      const long = longDeed();
      const first = world({ one: long.deed });
      const dead = await first.addRun(three);
      void first.engine.advance(dead, never);
      await clock.advance(0);
      const ahead = addMs(now(), 3_600_000);
      await store.transaction('audit', (tx) => tx.runs.update(dead, { leaseUntil: ahead, wakeAt: ahead }));
      expect((await audited()).told).toEqual(['fist_runs_stuck_total {"reason":"ClockPutBack"} 1', 'run-stuck 1']);
      expect(await first.run(dead)).toMatchObject({
        leaseOwner: 'test',
        leaseUntil: addMs(now(), 30_000),
        wakeAt: addMs(now(), 30_000),
      });
      // It lives and renews.
      await clock.advance(29_000);
      expect((await first.run(dead)).leaseUntil).toBe(addMs(now(), 21_000));
      expect(await audited()).toEqual({ found: 0, told: [] });
      // From here on it is dead.
      const last = await first.run(dead);
      await store.transaction('audit', (tx) =>
        tx.runs.update(dead, { fence: last.fence + 1, leaseUntil: ahead, wakeAt: ahead }),
      );
      await audited();
      await clock.advance(30_000);
      await world().runAll();
      expect(await first.run(dead)).toMatchObject({ status: 'succeeded' });
      expect((await first.journal(dead)).slice(0, 2)).toEqual(['1#1 failed Interrupted', '1#2 succeeded']);
    });

    test('3.1.20 nobody is stuck while the slot is free for another one, who was woken and has not come yet', async () => {
      const it = world();
      const alert = await it.addAlert();
      const ids: string[] = [];
      for (let episode = 1; episode <= 3; episode += 1) ids.push(await it.addRun(three, { episode }, alert));
      const [first = '', second = '', third = ''] = ids;
      await store.transaction('claim', (tx) => tx.runs.takeSlot(`alert:${alert.id}`, 1, first, now()));
      for (const id of [second, third]) await it.engine.advance(id, never);
      await it.engine.advance(first, never);
      expect(await it.run(second)).toMatchObject({ waitingFor: 'slot', wakeAt: now() });
      expect(await it.run(third)).toMatchObject({ waitingFor: 'slot', wakeAt: null });
      expect((await audited()).found).toBe(0);
      await it.runAll();
      for (const id of ids) expect((await it.run(id)).status).toBe('succeeded');
    });

    test('3.1.20 orphaned slots are freed and their waiters woken', async () => {
      const it = world();
      const alert = await it.addAlert();
      await store.transaction('claim', (tx) => tx.runs.takeSlot(`alert:${alert.id}`, 1, 'nobody', now()));
      const id = await it.addRun(three, {}, alert);
      await it.runAll();
      expect((await it.run(id)).waitingFor).toBe('slot');
      expect(await audited()).toEqual({ found: 0, told: ['orphaned-slots-freed 1'] });
      await it.runAll();
      expect((await it.run(id)).status).toBe('succeeded');
    });

    test('3.1.21 the idempotency key is the same in all attempts', async () => {
      const keys: string[] = [];
      const it = world({
        one: (io) => {
          keys.push(io.idempotencyKey);
          return io.attempt < 3 ? failure() : succeeded({});
        },
      });
      const id = await it.addRun(planOf([step('one', { retry: { limit: 5, backoffMs: 0, maxBackoffMs: 0 } })]));
      await it.runAll();
      expect(keys).toEqual(Array.from({ length: 3 }, () => `${id}/1`));
    });

    test('the report of an attempt that failed is the analysis of its alert', async () => {
      const report = { summary: 's', report: '# Investigation Summary', findings: [], confidence: 0 };
      const it = world({ one: () => failure({ result: report }) });
      const alert = await it.addAlert();
      const id = await it.addRun(planOf([step('one')]), {}, alert);
      await it.runAll();
      expect(await it.run(id)).toMatchObject({ status: 'failed' });
      expect(await store.read.lists.alert(alert.id)).toMatchObject({ aiAnalysis: report, aiConfidence: 0 });
    });

    test('the alert is triaging at the start and escalated at the end while it still fires', async () => {
      const long = longDeed();
      const it = world({ one: long.deed });
      const alert = await it.addAlert();
      const id = await it.addRun(planOf([step('one')]), {}, alert);
      const working = it.engine.advance(id, never);
      await clock.advance(1000);
      expect(await store.read.lists.alert(alert.id)).toMatchObject({
        status: 'triaging',
        workflowId: id,
        triageStartedAt: '2026-01-01T00:00:00.000Z',
        triageCompletedAt: null,
      });
      const result = { summary: 's', report: '# Investigation Summary', findings: [], confidence: 0.8 };
      long.finish(succeeded(result));
      await working;
      expect(await store.read.lists.alert(alert.id)).toMatchObject({
        status: 'escalated',
        triageCompletedAt: now(),
        aiAnalysis: result,
        aiConfidence: 0.8,
      });
      const transitions = await store.read.lists.transitions(alert.id);
      expect(transitions.map(({ fromStatus, toStatus, reason }) => [fromStatus, toStatus, reason])).toEqual([
        ['received', 'triaging', 'RunStarted'],
        ['triaging', 'escalated', 'RunEnded'],
      ]);
    });

    test('an alert that was resolved meanwhile stays resolved; one in a later episode is left alone', async () => {
      const it = world();
      const resolved = await it.addAlert({ status: 'resolved', resolvedAt: now() });
      await it.addRun(three, {}, resolved);
      const later = await it.addAlert({ episode: 2 });
      await it.addRun(three, { episode: 1 }, later);
      await it.runAll();
      expect(await store.read.lists.alert(resolved.id)).toMatchObject({ status: 'resolved', triageCompletedAt: now() });
      expect(await store.read.lists.alert(later.id)).toMatchObject({
        status: 'received',
        triageCompletedAt: null,
        workflowId: null,
      });
    });

    test('run-started is announced once, by the first claim, to the sinks that want it', async () => {
      const plan = planOf([step('one', { retry: { limit: 2, backoffMs: 1000, maxBackoffMs: 1000 } })], {
        sinks: ['chat', 'out'],
      });
      const it = world(
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
        await clock.advance(1000);
      }
      const { items } = await store.read.lists.deliveries({ limit: 10, runId: id });
      expect(items.map((delivery) => `${delivery.event} ${delivery.sinkName}`).sort()).toEqual([
        'run-finished chat',
        'run-finished out',
        'run-started chat',
      ]);
    });

    test('a run whose plan is gone fails and says so', async () => {
      const it = world();
      const id = await it.addRun(three, { planHash: null });
      await it.runAll();
      expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'WorkflowNotReady' });
    });

    test('a defect of a step fails its attempt and not the engine', async () => {
      const it = world({
        one: () => {
          throw new TypeError('undefined is not a function');
        },
      });
      const id = await it.addRun(planOf([step('one'), step('x', { type: 'unknown' })]));
      await it.runAll();
      expect(await it.run(id)).toMatchObject({ status: 'failed', errorCode: 'Internal' });
    });

    test('a `when` that cannot be evaluated fails its step', async () => {
      const it = world();
      const id = await it.addRun(planOf([step('one', { when: 'broken' })]));
      await it.runAll();
      expect(await it.journal(id)).toEqual(['1#1 failed TemplateInvalid']);
      expect(await it.run(id)).toMatchObject({
        status: 'failed',
        error: 'step "one" (1) failed: the condition is broken',
      });
    });

    test('steps that `when` refuses are skipped, also before the end', async () => {
      const it = world();
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
        const list = Array.from({ length: count }, (_, index) => evidence(io.firstEvidenceNumber + index));
        return io.name === 'two' && io.attempt === 1
          ? { ...failure(), evidence: list }
          : { ...succeeded({}), evidence: list };
      };
      const it = world({ one: gather(2), two: gather(1), three: gather(3) });
      const retry = { limit: 1, backoffMs: 1000, maxBackoffMs: 1000 };
      const id = await it.addRun(planOf([step('one'), step('two', { retry }), step('three')]));
      await it.runAll();
      await clock.advance(1000);
      await it.runAll();
      expect(firsts).toEqual([1, 3, 4, 5]);
      expect((await store.read.runs.evidence(id)).map((item) => item.id)).toEqual([
        'e1',
        'e2',
        'e3',
        'e4',
        'e5',
        'e6',
        'e7',
      ]);
    });

    test('a graceful stop aborts the step, leaves its attempt to be repeated, and gives the run back at once', async () => {
      const long = longDeed();
      const it = world({ two: long.deed });
      const id = await it.addRun(three);
      const stopping = new AbortController();
      const working = it.engine.advance(id, stopping.signal);
      await clock.advance(0);
      stopping.abort();
      await working;
      expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 failed Stopped']);
      expect(await it.run(id)).toMatchObject({ status: 'running', leaseOwner: null, wakeAt: now(), waitingFor: null });
      await world().runAll();
      expect(await it.journal(id)).toEqual(['1#1 succeeded', '2#1 failed Stopped', '2#2 succeeded', '3#1 succeeded']);
    });

    test('a stop takes nothing new and keeps a result that came', async () => {
      const stopping = new AbortController();
      const it = world({
        one: () => {
          stopping.abort();
          return succeeded({ kept: true });
        },
      });
      const id = await it.addRun(three);
      await it.engine.advance(id, stopping.signal);
      expect(await it.journal(id)).toEqual(['1#1 succeeded']);
      expect(await it.run(id)).toMatchObject({ leaseOwner: null, wakeAt: now() });
      const untouched = await it.addRun(three);
      await it.engine.advance(untouched, stopping.signal);
      expect((await it.run(untouched)).fence).toBe(0);
    });
  });
});
