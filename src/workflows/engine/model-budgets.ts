import type { SharedBudget } from '../../agent/budget.ts';
import { sharedBreachOf } from '../../agent/budget.ts';
import type { ModelCharge } from '../../core/agent-store.ts';
import type { ModelBudget } from '../../core/plan.ts';
import { dayOf } from '../../core/time.ts';
import { allDone } from '../../lib/all-done.ts';
import type { EngineContext, Work } from './work.ts';

/**
 * Why a request to a model that may use so much is not to be sent, by the budgets above its step: of the run, of its Workflow on this
 * day, of the installation on this day; null = it may be. What is reserved for requests in work counts, on all replicas, once
 * their `asked` is committed: each replica may be one request ahead of that.
 * `before`: what the runs spent that this one goes on from.
 */
export async function budgetRefusal(
  context: EngineContext,
  work: Work,
  before: ModelCharge,
  next: ModelCharge,
): Promise<string | null> {
  return sharedBreachOf(await sharedBudgets(context, work, before), next);
}

async function sharedBudgets(
  { store, now, modelBudget }: EngineContext,
  { run, plan }: Work,
  before: ModelCharge,
): Promise<readonly SharedBudget[]> {
  const { agent, runs } = store.read;
  const day = dayOf(now());
  const workflow = `Workflow ${run.namespace}/${run.name}`;
  const budgets = await allDone([
    budgetOf('one run', plan.budget?.run, async () => {
      const found = await runs.find(run.id);
      const { modelTokens = 0, modelCostMicros = 0 } = found ?? {};
      return { tokens: before.tokens + modelTokens, costMicros: before.costMicros + modelCostMicros };
    }),
    budgetOf(`${workflow} on ${day}`, plan.budget?.day, () => agent.spentOn(day, run)),
    budgetOf(`this installation on ${day}`, modelBudget, () => agent.spentOn(day)),
  ]);
  return budgets.filter((budget) => budget !== null);
}

/** null: there is no limit. */
async function budgetOf(
  of: string,
  limits: ModelBudget | null | undefined,
  spentSoFar: () => Promise<ModelCharge>,
): Promise<SharedBudget | null> {
  if (limits == null || (limits.tokens === null && limits.costMicros === null)) return null;
  return { of, limits, spent: await spentSoFar() };
}
