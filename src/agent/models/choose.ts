import type { SecretReference } from '../../core/catalog.ts';
import type { LlmConfig, LlmTarget } from '../../core/plan.ts';
import { oneLine } from '../../lib/printable.ts';
import { parseSecretReference } from '../../lib/secret-reference.ts';
import { mostSimilar } from '../../lib/similar.ts';
import type { ModelDefinition, ModelSettings } from './define.ts';
import { findModelDefinition, modelDefinitions, modelProviderNames, modelVariables } from './index.ts';
import type { Price } from './model.ts';
import { lookUpModel } from './prices.ts';
import type { PriceTable } from './prices.ts';

/** What the server says of models; a Workflow's own words come first. */
export interface ModelDefaults {
  /** A provider's own name; null = only Workflows with an llmConfig ask a model. */
  readonly provider: string | null;
  readonly model: string | null;
  readonly endpoint: string | null;
  /** Of that provider. */
  readonly apiKey: string | null;
  readonly maxOutputTokens: number | null;
  readonly temperature: number | null;
  /** Environment variables of the providers that are set. */
  readonly variables: Readonly<Record<string, string>>;
}

/** A server that says nothing of models. */
export const noModelDefaults: ModelDefaults = {
  provider: null,
  model: null,
  endpoint: null,
  apiKey: null,
  maxOutputTokens: null,
  temperature: null,
  variables: {},
};

/** Why a model of an llmConfig cannot be asked. */
export interface ModelProblem {
  readonly code: 'ModelUnknown' | 'ModelMisconfigured' | 'SecretMissing';
  /** No server can bring what is missing: what stands there is wrong. */
  readonly isCertain: boolean;
  /** Path within the llmConfig. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly next: string;
}

/** A model that can be asked. */
export interface ChosenModel extends Omit<ModelSettings, 'fetch' | 'now'> {
  readonly definition: ModelDefinition;
  readonly contextTokens: number;
  readonly price: Price | null;
}

/** `anthropic/claude-sonnet-5-5`. */
export function nameOfModel({ definition, model }: Pick<ChosenModel, 'definition' | 'model'>): string {
  return `${definition.name}/${model}`;
}

export interface ChoiceWorld {
  readonly defaults: ModelDefaults;
  readonly prices: PriceTable;
  /** Of the Workflow's namespace; null = missing. */
  readonly secret: (reference: SecretReference) => string | null;
}

/**
 * The models that a Workflow's agent steps ask, the first one first and its fallbacks behind it, and what is wrong with those that
 * it cannot ask. null: none is wanted, the analyzers alone. Pure.
 *
 * The server's own key and credentials go to the address that the server, or the provider itself, chose, never to one that a
 * Workflow names.
 */
export function chooseModels(
  config: LlmConfig | null,
  world: ChoiceWorld,
): { readonly models: readonly ChosenModel[]; readonly problems: readonly ModelProblem[] } | null {
  const { defaults } = world;
  const provider = config?.provider ?? defaults.provider ?? 'none';
  if (provider === 'none') return null;
  const first: LlmTarget = config ?? { provider, model: null, endpoint: null, apiKeySecret: null };
  const targets = [first, ...(config?.fallbacks ?? [])];
  const chosen = targets.map((target, index) => chooseOne(target, index === 0 ? [] : ['fallbacks', index - 1], world));
  return { models: chosen.filter((each) => 'definition' in each), problems: chosen.filter((each) => 'code' in each) };
}

/** What is wrong with an llmConfig whatever Secrets there are, where the server brings nothing but its environment. Pure. */
export function llmConfigProblems(config: LlmConfig | null): readonly ModelProblem[] {
  if (config === null) return [];
  const variables = Object.fromEntries(
    modelVariables.map((name) => [name, name.endsWith('REGION') ? 'us-east-1' : 'set']),
  );
  const world = {
    defaults: { ...noModelDefaults, variables },
    prices: { date: '', models: [] },
    secret: () => 'there is one',
  };
  return chooseModels(config, world)?.problems ?? [];
}

function chooseOne(
  target: LlmTarget,
  path: readonly (string | number)[],
  { defaults, prices, secret }: ChoiceWorld,
): ChosenModel | ModelProblem {
  const definition = findModelDefinition(target.provider);
  if (definition === undefined) return unknownProvider(target.provider, path);
  const isOfServer = definition.name === defaults.provider;
  const named = target.model ?? (isOfServer ? defaults.model : null) ?? definition.defaultModel;
  const endpoint = target.endpoint ?? (isOfServer ? defaults.endpoint : null);
  const problem = endpointProblem(target, path) ?? missingPart(definition, named, endpoint, path);
  if (problem !== null || named === null) return problem ?? missing(definition, 'model', path);
  const model = definition.modelAliases[named] ?? named;
  const key = keyOf(target, definition, defaults, secret);
  const isTrusted = isServersPlace(target, definition, defaults);
  const variables = pick(defaults.variables, [
    ...definition.variables,
    ...(isTrusted && target.apiKeySecret === null ? definition.credentials : []),
  ]);
  const keyProblem = checkKey(target, definition, { apiKey: key, variables }, isTrusted, path);
  if (keyProblem !== null) return keyProblem;
  const known = lookUpModel(prices, definition, model);
  return {
    definition,
    model,
    endpoint,
    apiKey: key,
    variables,
    contextTokens: target.contextTokens ?? known?.contextTokens ?? definition.contextTokens,
    price: target.price ?? known?.price ?? null,
  };
}

/** Whether the place that is asked was chosen by the server, or is the provider's own. */
function isServersPlace({ endpoint }: LlmTarget, { name }: ModelDefinition, defaults: ModelDefaults): boolean {
  return endpoint === null || (name === defaults.provider && endpoint === defaults.endpoint);
}

function keyOf(
  target: LlmTarget,
  definition: ModelDefinition,
  defaults: ModelDefaults,
  secret: ChoiceWorld['secret'],
): string | null {
  if (target.apiKeySecret !== null) return secret(parseSecretReference(target.apiKeySecret));
  if (!isServersPlace(target, definition, defaults)) return null;
  if (definition.name === defaults.provider && defaults.apiKey !== null) return defaults.apiKey;
  const variable = definition.keyVariables.find((name) => defaults.variables[name] !== undefined);
  return variable === undefined ? null : (defaults.variables[variable] ?? null);
}

function pick(values: Readonly<Record<string, string>>, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}

function fieldOf(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${part}`),
    'llmConfig',
  );
}

function unknownProvider(provider: string, path: readonly (string | number)[]): ModelProblem {
  const own = modelDefinitions.map(({ name }) => name);
  const meant = mostSimilar(provider, modelProviderNames);
  const at = [...path, 'provider'];
  return {
    code: 'ModelUnknown',
    isCertain: true,
    path: at,
    message: `${fieldOf(at)} ${JSON.stringify(oneLine(provider, 60))} is no model provider of this version (known: none, ${own.join(', ')})`,
    next: meant === undefined ? 'none stands for the analyzers alone' : `did you mean ${meant}?`,
  };
}

function endpointProblem({ endpoint }: LlmTarget, path: readonly (string | number)[]): ModelProblem | null {
  if (endpoint === null) return null;
  const url = URL.parse(endpoint);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return null;
  const at = [...path, 'endpoint'];
  return {
    code: 'ModelMisconfigured',
    isCertain: true,
    path: at,
    message: `${fieldOf(at)} is no address: it begins with http:// or https:// and holds no credentials`,
    next: 'endpoint: http://ollama.models.svc:11434/v1, and a key in apiKeySecret',
  };
}

function missing(
  { name }: ModelDefinition,
  part: 'model' | 'endpoint',
  path: readonly (string | number)[],
): ModelProblem {
  const variable = part === 'model' ? 'LLM_MODEL' : 'LLM_ENDPOINT';
  return {
    code: 'ModelMisconfigured',
    isCertain: false,
    path: [...path, part],
    message: `${fieldOf([...path, part])} is missing: ${name} has no ${part} of its own`,
    next: `add ${part} to the llmConfig, or start the server with LLM_PROVIDER=${name} and ${variable}`,
  };
}

function missingPart(
  definition: ModelDefinition,
  model: string | null,
  endpoint: string | null,
  path: readonly (string | number)[],
): ModelProblem | null {
  if (definition.needsEndpoint && endpoint === null) return missing(definition, 'endpoint', path);
  return model === null ? missing(definition, 'model', path) : null;
}

function checkKey(
  { apiKeySecret }: LlmTarget,
  definition: ModelDefinition,
  settings: Pick<ModelSettings, 'apiKey' | 'variables'>,
  isTrusted: boolean,
  path: readonly (string | number)[],
): ModelProblem | null {
  const at = [...path, 'apiKeySecret'];
  const { name, needsKey, keyVariables } = definition;
  if (apiKeySecret !== null && settings.apiKey === null)
    return {
      code: 'SecretMissing',
      isCertain: false,
      path: at,
      message: `there is no Secret ${apiKeySecret} for ${fieldOf(at)}`,
      next: `a Secret of that name in the Workflow's namespace, or a file ${apiKeySecret.includes('/') ? apiKeySecret : `${apiKeySecret}/token`} below --secrets-dir`,
    };
  if (needsKey && settings.apiKey === null)
    return {
      code: 'ModelMisconfigured',
      isCertain: false,
      path: at,
      message: isTrusted
        ? `${fieldOf(at)} is missing, and the server has no ${keyVariables[0] ?? 'key'}`
        : `${fieldOf(at)} is missing: the server's own key of ${name} does not go to an endpoint that a Workflow names`,
      next: 'apiKeySecret: name of a Secret, or name/key',
    };
  const why = definition.missing?.(settings) ?? null;
  if (why === null) return null;
  const message = `${name} cannot be asked: ${why}`;
  return {
    code: 'ModelMisconfigured',
    isCertain: false,
    path: at,
    message,
    next: 'set it, and start the server again',
  };
}
