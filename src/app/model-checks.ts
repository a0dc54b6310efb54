import { chooseModels, nameOfModel } from '../agent/models/choose.ts';
import type { ChosenModel } from '../agent/models/choose.ts';
import { fitnessHash, fitnessOf, modelsChecked } from '../agent/models/fitness.ts';
import { openModel } from '../agent/models/open.ts';
import type { ModelAccess, ModelWorld } from '../agent/models/open.ts';
import { AppError } from '../core/errors.ts';
import type { CheckedModel, ModelCheckRecord, ModelFinding } from '../core/model-check.ts';
import type { LlmConfig, Plan } from '../core/plan.ts';
import type { CatalogHolder, Clock, ModelChecks, Secrets } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import { asksModel } from '../resources/agent-conditions.ts';
import { tryChosen } from './model-check.ts';

export interface ModelChecksOptions {
  readonly store: Store;
  readonly catalog: CatalogHolder;
  readonly secrets: Secrets;
  readonly clock: Clock;
  /** With the server's own settings, through its own client. */
  readonly models: Omit<ModelWorld, 'secret' | 'checked'>;
}

/** Knows which models can do what an investigation asks of them, and opens no other. */
export interface CheckedModels extends ModelChecks {
  /** Models for the runs of a namespace, without those that a check found unable. */
  open(namespace: string, config: LlmConfig | null): Promise<ModelAccess>;
}

/**
 * What checks of models said, in the store, so that all replicas know it. Nobody is asked but by `check`, which a person calls: a
 * model that nobody has checked is asked as if it could.
 */
export function createModelChecks({ store, catalog, secrets, clock, models }: ModelChecksOptions): CheckedModels {
  /** Models that are being checked in this process, by their hash. */
  const underWay = new Set<string>();

  const worldOf = (namespace: string): Omit<ModelWorld, 'checked'> => ({
    ...models,
    secret: (reference) => secrets.get(namespace, reference),
  });

  function chosen(namespace: string, config: LlmConfig | null): readonly ChosenModel[] {
    return chooseModels(config, worldOf(namespace))?.models ?? [];
  }

  async function recordsOf(all: readonly ChosenModel[]): Promise<(model: ChosenModel) => ModelCheckRecord | null> {
    const found = all.length === 0 ? [] : await store.read.learned.modelChecks(all.map(fitnessHash));
    const records = new Map(found.map((one) => [one.hash, one]));
    return (model) => records.get(fitnessHash(model)) ?? null;
  }

  async function checkOne(model: ChosenModel, timeoutMs: number, signal: AbortSignal): Promise<CheckedModel> {
    const hash = fitnessHash(model);
    if (underWay.has(hash))
      throw new AppError('Conflict', `${nameOfModel(model)} is being checked just now`, { next: 'fist get workflows' });
    underWay.add(hash);
    try {
      const checks: ModelFinding[] = [];
      const isWindowSet = model.contextTokens !== model.definition.contextTokens;
      await tryChosen(model, { ...models, isWindowSet, timeoutMs, signal }, (finding) => checks.push(finding));
      const { result, message } = fitnessOf(checks);
      const at = toTimestamp(clock.now());
      const found = { model: nameOfModel(model), endpoint: model.endpoint, message, checks, at };
      // What gave no answer may be away for a moment: that says nothing of what it can do.
      if (result !== 'unanswered')
        await store.transaction('model-check', (tx) => tx.learned.saveModelCheck({ ...found, hash, result }));
      return { ...found, result };
    } finally {
      underWay.delete(hash);
    }
  }

  return {
    async open(namespace, config) {
      const checked = await recordsOf(chosen(namespace, config));
      return openModel(config, { ...worldOf(namespace), checked });
    },
    async condition(plan) {
      if (!plan.steps.some(asksModel)) return null;
      const all = chosen(plan.namespace, plan.runtime.llmConfig);
      const checked = await recordsOf(all);
      const known = all.map((model) => ({ model: nameOfModel(model), check: checked(model) }));
      return modelsChecked(known, `${plan.namespace}/${plan.name}`);
    },
    async check(namespace, name, { timeoutMs, signal }) {
      const plan = planOf(catalog, namespace, name);
      const all = chosen(namespace, plan.runtime.llmConfig);
      const found: CheckedModel[] = [];
      for (const model of all) found.push(await checkOne(model, timeoutMs, signal));
      return found;
    },
  };
}

function planOf(catalog: CatalogHolder, namespace: string, name: string): Plan {
  const workflow = catalog.current().workflow(namespace, name);
  if (workflow === undefined)
    throw new AppError('NotFound', `there is no Workflow ${namespace}/${name}`, { next: 'fist get workflows' });
  if (workflow.plan !== null) return workflow.plan;
  throw new AppError('WorkflowNotReady', `Workflow ${namespace}/${name} is invalid`, {
    next: `fist describe workflow/${namespace}/${name}`,
  });
}
