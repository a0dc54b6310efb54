import { describe, expect, test } from 'vitest';
import { contractStores } from '../../../test/contract/stores.ts';
import { engineOn } from '../../../test/support/engine-tests.ts';
import { planOf, step } from '../../../test/support/engine.ts';
import type { Deed, EngineWorld } from '../../../test/support/engine.ts';
import type { NewAgentEvent } from '../../core/agent-event.ts';
import type { ModelBudget, Plan, PlanBudget } from '../../core/plan.ts';
import { succeeded } from '../steps/define.ts';

const none: PlanBudget = { run: null, day: null };
const tokens = (most: number): ModelBudget => ({ tokens: most, costMicros: null });
const dollars = (most: number): ModelBudget => ({ tokens: null, costMicros: most * 1_000_000 });

const next = { tokens: 100, costMicros: 500_000 };

function planWith(budget: Partial<PlanBudget>, name = 'triage') {
  return planOf([step('think')], { name, budget: { ...none, ...budget } });
}

const charged = { ...next, evidenceHash: null };
const asked: NewAgentEvent = { kind: 'asked', content: { phase: 'gather' }, ...charged };
const answered: NewAgentEvent = { kind: 'answered', content: { model: 'fake/small', usage: null }, ...charged };

describe.each(contractStores)('budgets above a step on $name', (database) => {
  const on = engineOn(database);

  /** Asks as long as it may, and says how often that was and why no more; a run that never may not end. */
  function asking(said: string[]): Deed {
    return async (io) => {
      for (let times = 0; times < 20; times += 1) {
        const refusal = await io.budgetRefusal(next);
        if (refusal !== null) {
          said.push(`${times}: ${refusal}`);
          return succeeded({});
        }
        await io.journal.append([asked]);
        await io.journal.append([answered]);
      }
      said.push('as often as it liked');
      return succeeded({});
    };
  }

  /** One run after the other. */
  async function each(it: EngineWorld, plans: readonly Plan[]): Promise<void> {
    for (const plan of plans) {
      await it.addRun(plan);
      await it.runAll();
    }
  }

  test('there are none where none is said', async () => {
    const said: string[] = [];
    const it = on.world({ think: asking(said) });
    await it.addRun(planOf([step('think')]));
    await it.addRun(planWith({ run: { tokens: null, costMicros: null } }));
    await it.runAll();
    expect(said).toEqual(['as often as it liked', 'as often as it liked']);
  });

  test('one of a run is for each run anew', async () => {
    const said: string[] = [];
    const it = on.world({ think: asking(said) });
    await each(it, [planWith({ run: tokens(350) }), planWith({ run: dollars(2) })]);
    expect(said).toEqual([
      '3: 350 tokens of one run, of which 300 are used',
      '4: $2.00 of one run, of which $2.00 are used',
    ]);
  });

  test('one of a day is for all runs of the Workflow, until the next day', async () => {
    const said: string[] = [];
    const it = on.world({ think: asking(said) });
    const plan = planWith({ day: tokens(250) });
    await each(it, [plan, planWith({ day: tokens(350) }), planWith({ day: tokens(100) }, 'other')]);
    await on.clock.advance(24 * 60 * 60_000);
    await each(it, [plan]);
    expect(said).toEqual([
      '2: 250 tokens of Workflow default/triage on 2026-01-01, of which 200 are used',
      '1: 350 tokens of Workflow default/triage on 2026-01-01, of which 300 are used',
      '1: 100 tokens of Workflow default/other on 2026-01-01, of which 100 are used',
      '2: 250 tokens of Workflow default/triage on 2026-01-02, of which 200 are used',
    ]);
  });

  test('one of the installation is for all Workflows, and the first that is used up counts', async () => {
    const said: string[] = [];
    const it = on.world({ think: asking(said) }, { modelBudget: dollars(3) });
    await each(it, [planWith({ run: tokens(200) }), planWith({}, 'other')]);
    expect(said).toEqual([
      '2: 200 tokens of one run, of which 200 are used',
      '4: $3.00 of this installation on 2026-01-01, of which $3.00 are used',
    ]);
  });

  test('a request in work counts for all replicas with what it reserves', async () => {
    const refusals: (string | null)[] = [];
    const holding = Promise.withResolvers<void>();
    const holder: Deed = async (io) => {
      await io.journal.append([asked]);
      holding.resolve();
      await released.promise;
      await io.journal.append([{ ...answered, tokens: 10, costMicros: 0 }]);
      return succeeded({});
    };
    const released = Promise.withResolvers<void>();
    const one = on.world({ think: holder }, { isAlone: false });
    const other = on.world(
      {
        think: async (io) => {
          refusals.push(await io.budgetRefusal(next));
          return succeeded({});
        },
      },
      { isAlone: false },
    );
    const plan = planWith({ day: tokens(199) });
    const [first, second, third] = [await one.addRun(plan), await one.addRun(plan), await one.addRun(plan)];
    const never = new AbortController().signal;
    const working = one.engine.advance(first, never);
    await holding.promise;
    await other.engine.advance(second, never);
    released.resolve();
    await working;
    await other.engine.advance(third, never);
    expect(refusals).toEqual(['199 tokens of Workflow default/triage on 2026-01-01, of which 100 are used', null]);
  });
});
