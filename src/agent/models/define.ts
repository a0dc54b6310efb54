import type { LanguageModelV4, SharedV4ProviderOptions } from '@ai-sdk/provider';
import type { OwnPart } from './raw.ts';

/** What a provider is opened with. */
export interface ModelSettings {
  /** As the provider calls it. */
  readonly model: string;
  /** null = the provider's own. */
  readonly endpoint: string | null;
  /** null = none is configured. */
  readonly apiKey: string | null;
  /** Those of `variables` and `credentials` of its definition that are set. */
  readonly variables: Readonly<Record<string, string>>;
  /** The one outbound client in the form that SDKs take: addresses are checked, answers bounded, redirects are answers. */
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A model in the form of its SDK. */
export interface SdkModel {
  readonly model: LanguageModelV4;
  /** Of every request. */
  readonly options?: SharedV4ProviderOptions;
  /** Marks a message up to which the next request will be the same; absent: the provider sees that itself, or never. */
  readonly cacheMark?: SharedV4ProviderOptions;
  /** Words of JSON Schema that it refuses in a schema for an answer; who reads the answer checks them anyhow. */
  readonly refusedWords?: readonly string[];
  /** Whether its own parts may go back to it; absent: they may. */
  readonly takesBack?: (parts: readonly OwnPart[]) => boolean;
  /** Before every request; what it throws is that request's failure. */
  readonly prepare?: () => Promise<unknown>;
}

/** A provider of models, one file each. */
export interface ModelDefinition {
  /** As `llmConfig.provider` names it. */
  readonly name: string;
  /** Other names, `claude` for `anthropic`. */
  readonly aliases: readonly string[];
  /** `gen_ai.provider.name` of OpenTelemetry's conventions: the form of its API. */
  readonly telemetryName: string;
  /** One line, for people. */
  readonly description: string;
  /** Other names of models, `sonnet`. */
  readonly modelAliases: Readonly<Record<string, string>>;
  /** null: somebody must name a model. */
  readonly defaultModel: string | null;
  /** Whether somebody must name an address. */
  readonly needsEndpoint: boolean;
  /** Whether it answers nobody without a key. */
  readonly needsKey: boolean;
  /** Environment variables that hold the key where no Secret is named; the first that is set. */
  readonly keyVariables: readonly string[];
  /** Further environment variables that it is configured with. */
  readonly variables: readonly string[];
  /** And those that prove who asks: only for addresses that the server chose. */
  readonly credentials: readonly string[];
  /** Requests to one model at one address at the same time. */
  readonly concurrency: number;
  /** Tokens of a model that nobody knows. */
  readonly contextTokens: number;
  /** As what a model stands in the table of prices that is not there under this provider and its name. Absent = as nothing else. */
  readonly pricedAs?: (model: string) => PricedAs;
  /** Why it cannot be asked although model, address and key are there; null = it can. */
  readonly missing?: (settings: Pick<ModelSettings, 'apiKey' | 'variables'>) => string | null;
  /** Loads the SDK, only now. */
  open(settings: ModelSettings): Promise<SdkModel>;
}

/** A row of the table of prices that holds for a model of another name. */
export interface PricedAs {
  readonly provider: string;
  readonly model: string;
  /** Of the prices that stand there; absent = 1. */
  readonly times?: number;
}

/** The identity, for its type. */
export function defineModel(definition: ModelDefinition): ModelDefinition {
  return definition;
}
