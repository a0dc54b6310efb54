import type { LlmConfig } from '../../core/plan.ts';
import type { InvestigationFailure } from '../../investigation/input.ts';
import { oneLine } from '../../lib/printable.ts';

/** A provider that `llmConfig.provider` may name. */
export interface ModelProvider {
  readonly name: string;
  readonly description: string;
}

/** All of them, in the order in which they are listed to people. There is no stand-in for one that is absent. */
export const modelProviders: readonly ModelProvider[] = [
  { name: 'none', description: 'No model: the analyzers alone.' },
];

/** ModelUnknown, or null where the provider is known: only a provider of the registry is accepted; there is no stand-in, least of all `mock`. */
export function refuseModel(config: LlmConfig | null): InvestigationFailure | null {
  if (config === null || config.provider === 'none') return null;
  const known = modelProviders.map((provider) => provider.name).join(', ');
  return {
    code: 'ModelUnknown',
    message: `llmConfig.provider ${JSON.stringify(oneLine(config.provider, 60))} is no model provider of this version (known: ${known})`,
    retryable: false,
  };
}
