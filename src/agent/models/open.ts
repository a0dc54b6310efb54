import type { LlmConfig } from '../../core/plan.ts';
import type { Clock } from '../../core/ports.ts';
import type { InvestigationFailure } from '../../investigation/input.ts';
import type { OwnedHttpClient } from '../../lib/http.ts';
import { createModel } from './adapter.ts';
import { chooseModels, nameOfModel } from './choose.ts';
import type { ChoiceWorld, ChosenModel } from './choose.ts';
import { modelFetch } from './fetch.ts';
import { unfitReason } from './fitness.ts';
import type { KnownModel } from './fitness.ts';
import type { Model, PatientModel } from './model.ts';
import { createPatientModel } from './patience.ts';
import type { PatienceOptions } from './patience.ts';

/** What models are opened with. */
export interface ModelWorld extends ChoiceWorld, Pick<PatienceOptions, 'slots' | 'random'> {
  readonly http: Pick<OwnedHttpClient, 'send' | 'fetch'>;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  /** What a check said of a model; absent, or null = nothing: it is asked. */
  readonly checked?: (model: ChosenModel) => KnownModel['check'];
}

/** Whether a model can be asked. */
export type ModelAccess =
  /** None is wanted: the analyzers alone. */
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly failure: InvestigationFailure }
  | {
      readonly kind: 'open';
      readonly model: PatientModel;
      /** null: nobody says. */
      readonly maxOutputTokens: number | null;
      /** Of the models that are named, those that cannot be asked, and why. */
      readonly problems: readonly string[];
      /** Of those, what a check found unable. */
      readonly unfit: readonly string[];
    };

/**
 * Opens the models of an llmConfig, or those of the server where there is none. Loads nothing and asks nobody yet. A provider that
 * nobody knows is a refusal wherever it stands; a model that lacks something, or that a check found unable, is left out while another
 * one can be asked.
 */
export function openModel(config: LlmConfig | null, world: ModelWorld): ModelAccess {
  const chosen = chooseModels(config, world);
  if (chosen === null) return { kind: 'none' };
  const reasons = new Map(chosen.models.map((model) => [model, unfitOf(model, world)]));
  const [first, ...others] = chosen.models
    .filter((model) => reasons.get(model) === null)
    .map((model) => asModel(model, world));
  const unfit = [...reasons.values()].filter((reason) => reason !== null);
  const refused = chosen.problems.find(({ code }) => code === 'ModelUnknown') ?? chosen.problems[0];
  if (refused !== undefined && ((first === undefined && unfit.length === 0) || refused.code === 'ModelUnknown')) {
    const { code, message, next } = refused;
    return { kind: 'refused', failure: { code, message: `${message}; ${next}`, retryable: code === 'SecretMissing' } };
  }
  if (first === undefined) {
    const message = `${unfit.join('; ')}; fist model check tries again`;
    return { kind: 'refused', failure: { code: 'ModelUnfit', message, retryable: false } };
  }
  return {
    kind: 'open',
    model: createPatientModel({ ...world, models: [first, ...others] }),
    maxOutputTokens: config?.maxOutputTokens ?? world.defaults.maxOutputTokens,
    problems: chosen.problems.map(({ message }) => message),
    unfit,
  };
}

function unfitOf(model: ChosenModel, { checked }: ModelWorld): string | null {
  return unfitReason({ model: nameOfModel(model), check: checked?.(model) ?? null });
}

/** One model of those that were chosen. */
export function asModel(
  chosen: ChosenModel,
  { defaults, http, clock }: Pick<ModelWorld, 'defaults' | 'http' | 'clock'>,
): Model {
  const { definition, ...settings } = chosen;
  const { name, concurrency } = definition;
  const { model, endpoint, apiKey, contextTokens, price } = settings;
  return createModel({
    name: nameOfModel(chosen),
    contextTokens,
    price,
    place: { name: `${endpoint ?? name} ${model}`, slots: concurrency },
    apiKey,
    temperature: defaults.temperature,
    clock,
    open: () => definition.open({ ...settings, fetch: modelFetch(http.fetch), now: () => clock.now() }),
  });
}
