import { anthropic } from './anthropic.ts';
import { azure } from './azure.ts';
import { bedrock } from './bedrock.ts';
import type { ModelDefinition } from './define.ts';
import { google } from './google.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { openai } from './openai.ts';

/** All providers, in the order in which they are listed to people. There is no stand-in for one that is absent, least of all `mock`. */
export const modelDefinitions: readonly ModelDefinition[] = [
  anthropic,
  openai,
  openaiCompatible,
  google,
  bedrock,
  azure,
];

/** The provider with this name, or other name. */
export function findModelDefinition(name: string): ModelDefinition | undefined {
  return modelDefinitions.find((definition) => definition.name === name || definition.aliases.includes(name));
}

/** What `llmConfig.provider` may say: `none`, names and other names. */
export const modelProviderNames: readonly string[] = [
  'none',
  ...modelDefinitions.flatMap(({ name, aliases }) => [name, ...aliases]),
];

/** Environment variables that any provider looks at. */
export const modelVariables: readonly string[] = modelDefinitions.flatMap(
  ({ keyVariables, variables, credentials }) => [...keyVariables, ...variables, ...credentials],
);
