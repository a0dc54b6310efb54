import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { createFakeClock } from '../../../test/support/clock.ts';
import { engineOn, longDeed, never } from '../../../test/support/engine-tests.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import { addMs } from '../../core/time.ts';

// Replicas compare their clocks with the server's every ten seconds, each at a time of its own: for so long one of them
// may be an hour ahead of another, after the server's clock was set or after a replica stood still.

const hourMs = 3_600_000;
const postgres = contractStores.filter(({ name }) => name === 'PostgreSQL');

describe.each(postgres)('3.1.19 two replicas on $name of which one is an hour behind', (database) => {
  const on = engineOn(database);
  /** The one that is ahead. */
  const ahead = () => {
    const clock = createFakeClock(addMs(on.now(), hourMs));
    return { clock, ...on.world({}, { clock, isAlone: false }) };
  };

  test('what the one behind works on is taken over, its attempt is made again once, and its own end is refused', async () => {
    const long = longDeed();
    const behind = on.world({ one: long.deed }, { isAlone: false });
    const id = await behind.addRun(planOf([step('one'), step('two')]));
    const working = behind.engine.advance(id, never);
    await on.clock.advance(1000);
    const other = ahead();
    await other.runAll();
    long.finish();
    await working;
    const journal = ['1#1 failed Interrupted', '1#2 succeeded', '2#1 succeeded'];
    expect(await behind.journal(id)).toEqual(journal);
    await behind.runAll();
    await other.runAll();
    expect(await behind.journal(id)).toEqual(journal);
    expect(await behind.run(id)).toMatchObject({ status: 'succeeded', fence: 2 });
  });

  test('the one behind finds out within ten seconds, with its next renewal', async () => {
    const long = longDeed();
    const behind = on.world({ one: long.deed }, { isAlone: false });
    const id = await behind.addRun(planOf([step('one')]));
    const working = behind.engine.advance(id, never);
    await on.clock.advance(9000);
    await ahead().runAll();
    expect(long.seen[0]?.signal.aborted).toBe(false);
    await on.clock.advance(1000);
    await working;
    expect(long.seen[0]?.signal.reason).toMatchObject({ code: 'StaleFence' });
    expect(await behind.run(id)).toMatchObject({ status: 'succeeded', fence: 2 });
  });

  test('a step that must not be repeated fails', async () => {
    const long = longDeed();
    const behind = on.world({ one: long.deed }, { isAlone: false });
    const id = await behind.addRun(planOf([step('one', { interrupted: 'fail' })]));
    const working = behind.engine.advance(id, never);
    await on.clock.advance(1000);
    await ahead().runAll();
    long.finish();
    await working;
    expect(await behind.run(id)).toMatchObject({ status: 'failed', errorCode: 'Interrupted' });
  });

  test('who renewed under the new time keeps its run, though the other one is behind', async () => {
    const long = longDeed();
    const { clock } = ahead();
    const holder = on.world({ one: long.deed }, { clock, isAlone: false });
    const id = await holder.addRun(planOf([step('one')]));
    const working = holder.engine.advance(id, never);
    await clock.advance(11_000);
    await on.world({}, { isAlone: false }).runAll();
    long.finish();
    await working;
    expect(await holder.journal(id)).toEqual(['1#1 succeeded']);
  });

  test('the one behind times out nobody; the one ahead ages what waits', async () => {
    const behind = on.world({}, { isAlone: false });
    const plan = planOf([step('one')], { deadlineMs: hourMs / 2 });
    const [taken, left] = [await behind.addRun(plan), await behind.addRun(plan)];
    await behind.engine.advance(taken, never);
    await ahead().engine.advance(left, never);
    expect(await behind.run(taken)).toMatchObject({ status: 'succeeded' });
    expect(await behind.run(left)).toMatchObject({ status: 'failed', errorCode: 'RunTimeout' });
  });
});
