import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFakeClock } from '../support/clock.ts';
import type { Plan } from '../../src/core/plan.ts';
import { conversing } from '../support/agent-conversation.ts';
import { createEngineWorld, planOf, step } from '../support/engine.ts';
import type { Deed } from '../support/engine.ts';
import { isOfWork, listenToStatements } from '../support/statements.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

// How much a run costs the database, counted and not timed: the statements that the engine's transactions consist of, from
// the claim to the end of the run, and their commits, each of which is one fsync. The run is of an alert and tells one Sink
// at its end. Its steps succeed at once, without evidence and without a process, each of which is a statement or a commit
// more. Not counted: BEGIN, COMMIT and savepoints among the statements; the index of words, which is written beside the
// commits; and what comes before (the search for due runs, jobs) and after (the delivery itself).

/** At most, for three steps; and for each step more. */
const most = {
  SQLite: { statements: 16, commits: 4 },
  PostgreSQL: { statements: 24, commits: 5 },
} as const;
const mostOfStep = { statements: 2, commits: 1 } as const;

describe.each(contractStores)('a run on $name', ({ name, open }) => {
  let opened: ContractStore;
  let serial = 0;
  beforeEach(async () => {
    // The index of words is written a second after a commit: it would come among those that are counted.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    opened = await open({ clock: createFakeClock() });
  });
  afterEach(async () => {
    await opened.close();
    vi.useRealTimers();
  });

  async function count(
    steps: number,
    deeds: Readonly<Record<string, Deed>> = {},
    changes: Partial<Plan> = {},
  ): Promise<{ readonly statements: readonly string[]; readonly commits: number }> {
    const sinks = [{ name: 'chat' }];
    const world = createEngineWorld({ ...opened, sinks, deeds });
    const plan = planOf(
      Array.from({ length: steps }, (_, index) => step(`step-${index}`)),
      { sinks: ['chat'], ...changes },
    );
    const alert = await world.addAlert({ fingerprint: `of ${steps} steps, ${(serial += 1)}` });
    // The engine keeps plans in memory.
    await world.engine.advance(await world.addRun(plan), new AbortController().signal);
    const id = await world.addRun(plan, {}, alert);
    const heard: string[] = [];
    const stop = listenToStatements((text) => heard.push(text));
    try {
      await world.engine.advance(id, new AbortController().signal);
    } finally {
      stop();
    }
    expect(await world.run(id)).toMatchObject({ status: 'succeeded', stepsCompleted: steps });
    expect(await world.journal(id)).toHaveLength(steps);
    const deliveries = await opened.execute(`SELECT event FROM sink_outputs WHERE workflow_id = '${id}'`);
    expect(deliveries).toEqual([{ event: 'run-finished' }]);
    const history = await opened.execute(`SELECT to_status FROM alert_transitions WHERE alert_id = '${alert.id}'`);
    expect(history.map((row) => row['to_status'])).toEqual(['triaging', 'escalated']);
    return {
      statements: heard.filter(isOfWork),
      commits: heard.filter((text) => text === 'COMMIT').length,
    };
  }

  test('of three steps is few statements and commits', async () => {
    const { statements, commits } = await count(3);
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(most[name].statements);
    expect(commits).toBeLessThanOrEqual(most[name].commits);
    // The count sees something.
    expect(statements.length).toBeGreaterThan(10);
    expect(commits).toBe(4);
  });

  test('costs six statements and two commits more with each request to a model, and a commit with each call', async () => {
    const of = (turns: number, calls: number) => count(1, { 'step-0': conversing(turns, calls) });
    const [none, turns, calls] = [await of(0, 0), await of(3, 1), await of(3, 3)];
    // A turn is a request and its calls.
    expect(turns.statements.length - none.statements.length).toBe(3 * (6 + 2));
    expect(turns.commits - none.commits).toBe(3 * (2 + 1));
    expect(calls.statements.length - turns.statements.length).toBe(3 * 2 * 2);
    expect(calls.commits - turns.commits).toBe(3 * 2);
  });

  test('costs a statement more with each request for each budget above the step', async () => {
    const deeds = { 'step-0': conversing(1, 1) };
    const budget = { tokens: 1_000_000, costMicros: null };
    // One with words and one with the answer beside it.
    const requests = 3;
    const none = await count(1, deeds);
    for (const [changes, budgets] of [
      [{ budget: { run: budget, day: null } }, 1],
      [{ budget: { run: budget, day: budget } }, 2],
    ] as const) {
      const some = await count(1, deeds, changes);
      expect(some.statements.length - none.statements.length).toBe(requests * budgets);
      expect(some.commits).toBe(none.commits);
    }
  });

  test('costs two statements and a commit more with each step', async () => {
    const [three, four] = [await count(3), await count(4)];
    expect(four.statements.length - three.statements.length).toBeLessThanOrEqual(mostOfStep.statements);
    expect(four.commits - three.commits).toBe(mostOfStep.commits);
  });
});
