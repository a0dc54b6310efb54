import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn, longDeed, never } from '../../../test/support/engine-tests.ts';
import { createEngineWorld, planOf, step } from '../../../test/support/engine.ts';
import type { Deed } from '../../../test/support/engine.ts';
import type { AgentEvent, AgentEventKind, NewAgentEvent } from '../../core/agent-event.ts';
import { AppError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Store } from '../../core/store.ts';
import { releaseDeadLeases } from '../driver.ts';
import { succeeded } from '../steps/define.ts';
import type { StepIo } from '../steps/define.ts';
import { chargesOf } from './agent-journal.ts';

const contents: Readonly<Partial<Record<AgentEventKind, JsonObject>>> = {
  answered: { model: 'fake/small', usage: null },
  failed: { model: 'fake/small', reason: 'Timeout' },
  called: { call: { name: 'kubernetes_get' }, result: { status: 'ok', reason: null } },
};

function event(kind: AgentEventKind, tokens = 0, turn = 0): NewAgentEvent {
  return { kind, content: { ...contents[kind], turn }, tokens, costMicros: tokens * 3, evidenceHash: null };
}

const one = planOf([step('think')]);
const today = '2026-01-01';

describe('what events cost', () => {
  const spent = (charges: ReturnType<typeof chargesOf>) =>
    [...charges.byDay].map(([day, { tokens, costMicros }]) => `${day} ${tokens} ${costMicros}`);

  test('a request is charged with what it reserves, then with what it used', () => {
    const asked = chargesOf(null, [event('noted'), event('asked', 100)], today);
    expect(spent(asked)).toEqual(['2026-01-01 100 300']);
    const answered = chargesOf(asked.open, [event('answered', 40), event('called')], '2026-01-02');
    expect(spent(answered)).toEqual(['2026-01-01 -60 -180']);
    expect(answered.open).toBeNull();
  });

  test('more than was reserved is charged as well, and an end without a beginning as it is', () => {
    expect(spent(chargesOf(null, [event('asked', 10), event('failed', 15)], today))).toEqual(['2026-01-01 15 45']);
    expect(spent(chargesOf(null, [event('answered', 15)], today))).toEqual(['2026-01-01 15 45']);
  });

  test('a request whose end nobody knows stays charged', () => {
    const lost = chargesOf(null, [event('asked', 10), event('asked', 20)], today);
    expect(spent(chargesOf(lost.open, [event('answered', 5)], today))).toEqual(['2026-01-01 -15 -45']);
  });
});

/** Asks until it has so many answers, and goes on where an earlier attempt was. `ask` is the effect. */
function conversation(turns: number, ask: (turn: number, io: StepIo) => Promise<void> | void): Deed {
  return async (io) => {
    const answered = (await io.journal.events()).filter(({ kind }) => kind === 'answered');
    for (let turn = answered.length + 1; turn <= turns; turn += 1) {
      await io.journal.append([event('asked', 100, turn)]);
      await ask(turn, io);
      await io.journal.append([event('answered', 30, turn), event('called', 0, turn)]);
    }
    await io.journal.append([{ ...event('closed'), evidenceHash: 'the same' }]);
    return succeeded({ turns });
  };
}

describe.each(contractStores)('the journal of an agent step on $name', (database) => {
  const on = engineOn(database);

  async function eventsOf(id: string): Promise<readonly AgentEvent[]> {
    const events = await on.store.read.agent.events(id, { after: 0, limit: 500 });
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    return events;
  }
  const lines = (events: readonly AgentEvent[]) =>
    events.map(({ path, attempt, kind, content }) => `${path}#${attempt} ${kind} ${Number(content['turn'])}`);

  test('is written as it happens, and counted for run, Workflow and day', async () => {
    const seen: number[] = [];
    const it = on.world({
      think: conversation(2, async (turn, { runId }) => {
        seen.push((await eventsOf(runId)).length);
        expect((await it.run(runId)).modelTokens).toBe(turn === 1 ? 100 : 130);
      }),
    });
    const id = await it.addRun(planOf([step('first'), step('think')]));
    await it.runAll();
    expect(seen).toEqual([1, 4]);
    const events = await eventsOf(id);
    expect(lines(events)).toEqual(
      '2#1 asked 1,2#1 answered 1,2#1 called 1,2#1 asked 2,2#1 answered 2,2#1 called 2,2#1 closed 0'.split(','),
    );
    expect(events.every(({ runId, at }) => runId === id && at === on.now())).toBe(true);
    expect(await it.run(id)).toMatchObject({
      status: 'succeeded',
      agentEvents: 7,
      modelTokens: 60,
      modelCostMicros: 180,
    });
    expect(await on.store.read.agent.spentOn(today, one)).toEqual({ tokens: 60, costMicros: 180 });
  });

  test('is that of the step: another agent step of the run goes on with the numbers, not with the conversation', async () => {
    const it = on.world({ think: conversation(1, () => undefined), again: conversation(1, () => undefined) });
    const id = await it.addRun(planOf([step('think'), step('again')]));
    await it.runAll();
    const each = ['asked 1', 'answered 1', 'called 1', 'closed 0'];
    expect(lines(await eventsOf(id))).toEqual(
      ['1#1', '2#1'].flatMap((attempt) => each.map((line) => `${attempt} ${line}`)),
    );
  });

  test('shows the conversation of an earlier run that closed with the same evidence', async () => {
    const found: (readonly AgentEvent[])[] = [];
    const think: Deed = async (io) => {
      found.push(await io.conversationWith('the same'), await io.conversationWith('another'));
      return conversation(1, () => undefined)(io);
    };
    const it = on.world({ think });
    const alert = await it.addAlert();
    const first = await it.addRun(one, {}, alert);
    await it.runAll();
    await it.addRun(one, { episode: 2 }, alert);
    await it.runAll();
    expect(found).toEqual([[], [], await eventsOf(first), []]);
  });

  test('of a run that was taken over is written no more', async () => {
    const long = longDeed();
    const errors: unknown[] = [];
    const first = on.world({ think: long.deed });
    const id = await first.addRun(one);
    void first.engine.advance(id, never);
    await on.clock.advance(0);
    await releaseDeadLeases(on.store, on.clock);
    await on.world({ think: conversation(1, () => undefined) }).runAll();
    const before = await eventsOf(id);
    await long.seen[0]?.journal.append([event('answered', 7)]).catch((error: unknown) => errors.push(error));
    expect(errors).toMatchObject([{ code: 'StaleFence' }]);
    expect(await eventsOf(id)).toEqual(before);
    expect(await first.run(id)).toMatchObject({ agentEvents: 4, modelTokens: 30 });
    long.finish();
    await on.clock.advance(0);
  });

  test('of an attempt that has ended is written no more, though the worker has the run', async () => {
    let late: StepIo | undefined;
    const deed: Deed = (io) => {
      if (io.attempt > 1) return longOne.deed(io);
      late = io;
      return new Promise(() => undefined);
    };
    const longOne = longDeed();
    const it = on.world({ think: deed });
    const retry = { limit: 1, backoffMs: 0, maxBackoffMs: 0 };
    const id = await it.addRun(planOf([step('think', { timeoutMs: 10_000, retry })]));
    void it.engine.advance(id, never);
    await on.clock.advance(0);
    // The time-out, and the time to clean up.
    for (let second = 0; second < 16; second += 1) await on.clock.advance(1000);
    expect(longOne.seen).toHaveLength(1);
    await expect(late?.journal.append([event('asked', 7)])).rejects.toMatchObject({ code: 'StaleFence' });
    expect(await eventsOf(id)).toEqual([]);
    longOne.finish();
    await on.clock.advance(0);
    expect(await it.run(id)).toMatchObject({ status: 'succeeded', agentEvents: 0 });
  });

  test('what the store refuses interrupts the attempt, whatever the step makes of it', async () => {
    let isAway = true;
    const store: Store = {
      ...on.store,
      transaction: (name, work) =>
        isAway && name === 'agent-events'
          ? Promise.reject(new AppError('StoreUnavailable', 'away'))
          : on.store.transaction(name, work),
    };
    const think: Deed = async (io) => {
      await io.journal.append([event('asked', 100)]).catch(() => undefined);
      return succeeded({});
    };
    const it = createEngineWorld({ store, clock: on.clock, deeds: { think } });
    const id = await it.addRun(one);
    await expect(it.engine.advance(id, never)).rejects.toMatchObject({ code: 'StoreUnavailable' });
    isAway = false;
    await releaseDeadLeases(on.store, on.clock);
    await it.runAll();
    expect(await it.journal(id)).toEqual(['1#1 failed Interrupted', '1#2 succeeded']);
  });

  const moments = [1, 2, 3, 4, 5, 6, 7].flatMap((nth) => [`before the ${nth}. commit`, `after the ${nth}. commit`]);
  test.each([...moments, 'while the model is asked'])(
    'a process that is killed %s: the next one goes on where the conversation was',
    async (moment) => {
      let commits = 0;
      let isDead = false;
      const dies = (when: string) => {
        if (moment === when) isDead = true;
        if (isDead) throw new Error(`the process was killed ${when}`);
      };
      const mortal: Store = {
        ...on.store,
        async transaction(name, work) {
          if (isDead) throw new Error('the process is dead');
          if (name !== 'agent-events') return on.store.transaction(name, work);
          commits += 1;
          const result = await on.store.transaction(name, async (tx) => {
            const value = await work(tx);
            dies(`before the ${commits}. commit`);
            return value;
          });
          dies(`after the ${commits}. commit`);
          return result;
        },
      };
      const asked: number[] = [];
      const first = createEngineWorld({
        store: mortal,
        clock: on.clock,
        deeds: {
          think: conversation(3, (turn) => {
            asked.push(turn);
            if (turn === 2) dies('while the model is asked');
          }),
        },
      });
      const id = await first.addRun(one);
      await first.engine.advance(id, never).catch(() => undefined);
      expect(isDead).toBe(true);
      const stored = (await eventsOf(id)).flatMap(({ kind, content }) =>
        kind === 'answered' ? [content['turn']] : [],
      );
      await releaseDeadLeases(on.store, on.clock);
      const again: number[] = [];
      await on.world({ think: conversation(3, (turn) => void again.push(turn)) }).runAll();
      // Nothing is asked twice whose answer is stored.
      expect(again).toEqual([1, 2, 3].filter((turn) => !stored.includes(turn)));
      const events = await eventsOf(id);
      expect(events.filter(({ kind }) => kind === 'answered').map(({ content }) => content['turn'])).toEqual([1, 2, 3]);
      const lost = events.filter(
        ({ kind }, index) => kind === 'asked' && events[index + 1]?.kind !== 'answered',
      ).length;
      const expected = { tokens: 90 + lost * 100, costMicros: (90 + lost * 100) * 3 };
      expect(await on.store.read.agent.spentOn(today)).toEqual(expected);
      expect(await first.run(id)).toMatchObject({
        status: 'succeeded',
        modelTokens: expected.tokens,
        modelCostMicros: expected.costMicros,
      });
    },
  );
});
