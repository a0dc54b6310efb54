import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StepOutcome } from '../../src/core/run.ts';
import { addMs, toEpochMs, toTimestamp } from '../../src/core/time.ts';
import { auditRuns } from '../../src/workflows/engine/audit.ts';
import { succeeded } from '../../src/workflows/steps/define.ts';
import type { StepIo } from '../../src/workflows/steps/define.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { planOf, step } from '../support/engine.ts';
import { contractDrivers, createRecorder } from '../contract/drivers.ts';
import type { DriverProcess, DriverWorld } from '../contract/drivers.ts';

const failing = {
  ok: false,
  code: 'CommandFailed',
  message: 'x',
  retryable: true,
  result: null,
  evidence: [],
} as const;
const noMetrics = { increment: () => undefined, observe: () => undefined, set: () => undefined };
const threeSteps = planOf([step('one'), step('two'), step('three')]);

/** A step that goes on until it is told to stop. */
function endless(io: StepIo): Promise<never> {
  return new Promise((_, reject) => {
    io.signal.addEventListener('abort', () => reject(io.signal.reason as Error), { once: true });
  });
}

describe.each(contractDrivers)('the driver, $name', (contract) => {
  let world: DriverWorld;
  beforeEach(async () => {
    world = await contract.open();
  });
  afterEach(() => world.close());

  const now = (): string => toTimestamp(world.clock.now());
  const hasStatus = (process: DriverProcess, id: string, status: string) => async () =>
    (await process.run(id)).status === status;
  async function ends(process: DriverProcess, ids: readonly string[]): Promise<void> {
    await world.until('all runs end', async () => {
      const rows = await world.query
        .selectFrom('workflows')
        .select('id')
        .where('status', 'in', ['pending', 'running'])
        .where('id', 'in', ids)
        .execute();
      return rows.length === 0;
    });
  }

  /** The worker of this step learns that it is late, and stops. The run looks as if it had died. */
  async function dies(io: StepIo): Promise<StepOutcome> {
    const move = (by: number) =>
      world.query
        .updateTable('workflows')
        .set((run) => ({ fence: run('fence', '+', by) }))
        .where('id', '=', io.runId)
        .execute();
    await move(1);
    await io.onProcess({ pid: 4711, startTime: '99' }).catch(() => undefined);
    await move(-1);
    return succeeded({});
  }

  describe('wakes a run', () => {
    test('at the commit that made it due', async () => {
      const process = await world.start({ isBlind: true });
      // Its first look is over.
      await world.pass(600);
      for (let count = 0; count < 12; count += 1) {
        const id = await process.addRun(threeSteps);
        await world.until('the run ends', hasStatus(process, id, 'succeeded'));
        expect(await process.run(id)).toMatchObject({ fence: 1 });
      }
    });

    test('without any hint, if the job is lost: soon', async () => {
      const process = await world.start({ isDeaf: true });
      const id = await process.addRun(threeSteps);
      await world.until('the run ends', hasStatus(process, id, 'succeeded'));
      expect(await process.run(id)).toMatchObject({ fence: 1 });
    });

    test('at its time, not before: a retry', async () => {
      const process = await world.start({ deeds: { one: (io) => (io.attempt < 3 ? failing : succeeded({})) } });
      const retry = { limit: 2, backoffMs: 400, maxBackoffMs: 400 };
      const id = await process.addRun(planOf([step('one', { retry })]));
      await world.until('the run ends', hasStatus(process, id, 'succeeded'));
      const rows = await world.steps(id);
      expect(rows.map((row) => row.attempt)).toEqual([1, 2, 3]);
      for (const [index, row] of rows.entries()) {
        const before = rows[index - 1];
        if (before === undefined) continue;
        expect(toEpochMs(row.startedAt ?? '') - toEpochMs(before.completedAt ?? '')).toBeGreaterThanOrEqual(400);
      }
    });

    test('whose worker died, when the lease is over', async () => {
      const first = await world.start({ deeds: { one: dies } });
      const id = await first.addRun(threeSteps);
      await world.until('the worker is dead', async () => first.counted.includes('fist_stale_writes_total run'));
      await first.driver.stop(1000);
      const second = await world.start();
      await world.pass(800);
      expect(await second.run(id)).toMatchObject({ status: 'running', fence: 1 });
      await world.endLease(id);
      await world.until('the run ends', hasStatus(second, id, 'succeeded'));
      expect(await second.journal(id)).toEqual([
        '1#1 failed Interrupted',
        '1#2 succeeded',
        '2#1 succeeded',
        '3#1 succeeded',
      ]);
    });
  });

  test.each(['in some days', null])('leaves a run alone that waits for an approval, wake-up %s', async (wake) => {
    const process = await world.start();
    const wakeAt = wake === null ? null : addMs(now(), 3 * 24 * 60 * 60_000);
    const waiting = { status: 'running', fence: 1, startedAt: now(), waitingFor: 'approval', wakeAt } as const;
    const id = await process.addRun(threeSteps, waiting);
    await world.pass(800);
    expect(await process.run(id)).toMatchObject({ status: 'running', fence: 1, waitingFor: 'approval' });
    // The decision, in its transaction.
    await process.store.transaction('retry', (tx) => tx.runs.update(id, { wakeAt: now() }));
    await world.until('the run goes on', hasStatus(process, id, 'succeeded'));
  });

  describe('cancels a run', () => {
    test('that waits', async () => {
      const process = await world.start();
      const wakeAt = addMs(now(), 3 * 24 * 60 * 60_000);
      const waiting = { status: 'running', fence: 1, startedAt: now(), waitingFor: 'approval', wakeAt } as const;
      const id = await process.addRun(threeSteps, waiting);
      await process.store.transaction('cancel', (tx) => tx.runs.requestCancel(id, now(), 'no more'));
      await world.until('the run is cancelled', hasStatus(process, id, 'cancelled'));
      expect(await process.run(id)).toMatchObject({ error: 'no more', wakeAt: null });
    });

    test('that executes', async () => {
      let begun = 0;
      const process = await world.start({
        deeds: {
          two: (io) => {
            begun += 1;
            return endless(io);
          },
        },
      });
      const id = await process.addRun(threeSteps);
      await world.until('the step begins', () => begun === 1);
      await process.store.transaction('cancel', (tx) => tx.runs.requestCancel(id, now(), 'no more'));
      await world.until('the run is cancelled', hasStatus(process, id, 'cancelled'));
      expect(await process.journal(id)).toEqual(['1#1 succeeded', '2#1 cancelled Cancelled', '3#1 skipped']);
    });
  });

  describe('is not held up', () => {
    test('by a run that kills its worker each time: it ends as CrashLoop', async () => {
      const process = await world.start({
        concurrency: 2,
        deeds: { poison: dies },
      });
      const poison = await process.addRun(planOf([step('poison')]));
      for (let deaths = 1; deaths <= 5; deaths += 1) {
        await world.until('the worker dies', () => process.counted.length > 0 && deathsOf(process) === deaths);
        await world.endLease(poison);
      }
      const other = await process.addRun(threeSteps);
      await ends(process, [poison, other]);
      expect(await process.run(poison)).toMatchObject({ status: 'failed', errorCode: 'CrashLoop' });
      expect(await process.run(other)).toMatchObject({ status: 'succeeded', fence: 1 });
    });

    test('by runs whose steps throw what they should not: they fail, once', async () => {
      const process = await world.start({ concurrency: 2, deeds: { one: () => Promise.reject(new TypeError('x')) } });
      const ids = await Promise.all(Array.from({ length: 6 }, () => process.addRun(planOf([step('one')]))));
      const other = await process.addRun(planOf([step('two')]));
      await ends(process, [...ids, other]);
      for (const id of ids) expect(await process.journal(id)).toEqual(['1#1 failed Internal']);
      expect((await process.run(other)).status).toBe('succeeded');
    });

    test('by runs that cannot even be taken up', async () => {
      const process = await world.start({ concurrency: 2 });
      const broken = { ...threeSteps, steps: null as never };
      const wakeAt = addMs(now(), -1000);
      for (let count = 0; count < 6; count += 1)
        await process.addRun({ ...broken, name: `b${count}`, steps: [] }, { wakeAt });
      await world.query
        .updateTable('plans')
        .set({ plan: JSON.stringify(broken) })
        .execute();
      const other = await process.addRun(threeSteps);
      await ends(process, [other]);
      expect((await process.run(other)).status).toBe('succeeded');
    });

    test('by long runs: many short ones pass', async () => {
      const process = await world.start({ concurrency: 6, deeds: { long: endless } });
      const long = await Promise.all([1, 2, 3].map(() => process.addRun(planOf([step('long')]))));
      const ids: string[] = [];
      for (let count = 0; count < world.many; count += 1) ids.push(await process.addRun(planOf([step('short')])));
      await ends(process, ids);
      for (const id of long) expect((await process.run(id)).status).toBe('running');
    });

    test('by a Workflow at its limit', async () => {
      const process = await world.start({ concurrency: 4, deeds: { long: endless } });
      const limited = planOf([step('long')], { name: 'limited', maxConcurrent: 1 });
      const waiting = [];
      for (let count = 0; count < 20; count += 1) waiting.push(await process.addRun(limited));
      const ids = [];
      for (let count = 0; count < 20; count += 1) ids.push(await process.addRun(threeSteps));
      await ends(process, ids);
      const states = await Promise.all(waiting.map((id) => process.run(id)));
      expect(states.filter((run) => run.leaseOwner !== null)).toHaveLength(1);
      expect(states.filter((run) => run.waitingFor === 'slot')).toHaveLength(19);
    });
  });

  describe('with two processes', () => {
    test('3.1.16 one run of an alert executes at a time', async () => {
      const recorder = createRecorder(world, (io) => io.alert?.fingerprint ?? '');
      const deeds = { one: recorder.deed, two: recorder.deed };
      const [first] = await Promise.all([world.start({ deeds }), world.start({ deeds })]);
      const plan = planOf([step('one'), step('two')]);
      const ids: string[] = [];
      for (let count = 0; count < 4; count += 1) {
        const alert = await first.addAlert();
        for (let episode = 1; episode <= 5; episode += 1) ids.push(await first.addRun(plan, { episode }, alert));
      }
      await ends(first, ids);
      expect([...recorder.most.values()]).toEqual([1, 1, 1, 1]);
      expect(recorder.mostAll()).toBeGreaterThan(1);
      expect(recorder.executed.toSorted()).toEqual(ids.flatMap((id) => [`${id}/1`, `${id}/2`]).toSorted());
    });

    test('3.1.16 maxConcurrent runs of a Workflow execute at a time, and each gets its turn', async () => {
      const recorder = createRecorder(world, () => 'all');
      const deeds = { one: recorder.deed };
      const [first, second] = await Promise.all([world.start({ deeds }), world.start({ deeds })]);
      const plan = planOf([step('one')], { maxConcurrent: 3 });
      const adding = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? first : second).addRun(plan));
      await ends(first, await Promise.all(adding));
      expect(recorder.most.get('all')).toBeLessThanOrEqual(3);
      expect(recorder.mostAll()).toBeGreaterThan(1);
      expect(await world.query.selectFrom('slots').selectAll().execute()).toEqual([]);
      expect(await auditRuns({ store: world.store, clock: world.clock, log: silentLog, metrics: noMetrics })).toBe(0);
    });

    test('both work, and each run is executed once', async () => {
      const recorders = [createRecorder(world, () => ''), createRecorder(world, () => '')] as const;
      const processes = await Promise.all(
        recorders.map((recorder) => world.start({ deeds: { one: recorder.deed }, concurrency: 2 })),
      );
      const [first] = processes;
      if (first === undefined) throw new Error('no process');
      const ids: string[] = [];
      for (let count = 0; count < 40; count += 1) ids.push(await first.addRun(planOf([step('one')])));
      await ends(first, ids);
      const executed = recorders.map((recorder) => recorder.executed.length);
      expect(Math.min(...executed)).toBeGreaterThan(0);
      expect(recorders.flatMap((recorder) => recorder.executed).toSorted()).toEqual(
        ids.map((id) => `${id}/1`).toSorted(),
      );
    });

    test('one that stops takes nothing new, gives back what it has, and the other goes on with it', async () => {
      const first = await world.start({ deeds: { one: endless } });
      const ids = [await first.addRun(threeSteps), await first.addRun(threeSteps)];
      await world.until(
        'both have begun',
        async () => (await Promise.all(ids.map((id) => world.steps(id)))).flat().length === 2,
      );
      let ended: boolean | undefined;
      const stopping = first.driver.stop(5000).then((value) => (ended = value));
      await world.until('it has stopped', () => ended !== undefined);
      await stopping;
      expect(ended).toBe(true);
      for (const id of ids) {
        expect(await first.journal(id)).toEqual(['1#1 failed Stopped']);
        expect(await first.run(id)).toMatchObject({ status: 'running', leaseOwner: null });
      }
      ids.push(await first.addRun(threeSteps));
      await world.pass(700);
      expect(await first.journal(ids[2] ?? '')).toEqual([]);
      const second = await world.start();
      await ends(second, ids);
      expect(await second.journal(ids[0] ?? '')).toContain('1#2 succeeded');
    });
  });

  test('3.1.7 a worker whose lease was taken over writes nothing more', async () => {
    let finish = (): void => undefined;
    const first = await world.start({
      deeds: { two: () => new Promise((resolve) => (finish = () => resolve(succeeded({ by: 'first' })))) },
    });
    const id = await first.addRun(threeSteps);
    await world.until('the second step begins', async () => (await world.steps(id)).length === 2);
    await world.endLease(id);
    const taken = await world.store.transaction('claim', (tx) =>
      tx.runs.claim(id, 'second', now(), addMs(now(), 30_000)),
    );
    expect(taken).toMatchObject({ fence: 2, leaseOwner: 'second' });
    const before = { run: await first.run(id), steps: await world.steps(id) };
    finish();
    await world.until('the first worker sees it', () => first.counted.includes('fist_stale_writes_total run'));
    expect({ run: await first.run(id), steps: await world.steps(id) }).toEqual(before);
  });
});

function deathsOf(process: DriverProcess): number {
  return process.counted.filter((line) => line === 'fist_stale_writes_total run').length;
}
