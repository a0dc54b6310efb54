import type { ModelDefaults } from '../agent/models/choose.ts';
import { findModelDefinition } from '../agent/models/index.ts';
import { AppError } from '../core/errors.ts';
import type { LlmTarget } from '../core/plan.ts';
import { readModelDefaults } from './models.ts';

/** A model that a person names on the command line. */
export interface NamedModel {
  /** `anthropic/claude-sonnet-5-5`, or a provider that has a usual model; null = that of the environment. */
  readonly model: string | null;
  readonly endpoint: string | null;
  readonly contextTokens: number | null;
}

/**
 * What is asked, and with which settings of the environment, as a server would have them: key, model and address of another provider
 * are not of this one, and who types an address sends the key there. Throws InvalidInput where none is named.
 */
export function namedModel(
  { model: named, endpoint: given, contextTokens }: NamedModel,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly target: LlmTarget; readonly defaults: ModelDefaults } {
  const said = readModelDefaults(environment);
  const slash = named?.indexOf('/') ?? -1;
  const provider = (slash < 0 ? named : named?.slice(0, slash)) ?? said.provider;
  if (provider === null || provider === 'none')
    throw new AppError('InvalidInput', 'no model was named, and LLM_PROVIDER names none', {
      next: 'fist model check anthropic/claude-sonnet-5-5, or local/MODEL --endpoint http://127.0.0.1:11434',
    });
  const definition = findModelDefinition(provider);
  const isSame = said.provider === null || said.provider === definition?.name;
  const endpoint = given ?? (isSame ? said.endpoint : null);
  const model = slash < 0 ? '' : (named?.slice(slash + 1) ?? '');
  return {
    target: {
      provider,
      model: model === '' ? null : model,
      endpoint,
      apiKeySecret: null,
      ...(contextTokens === null ? {} : { contextTokens }),
    },
    defaults: {
      ...said,
      provider: definition?.name ?? null,
      endpoint,
      model: isSame ? said.model : null,
      apiKey: isSame ? said.apiKey : null,
    },
  };
}
