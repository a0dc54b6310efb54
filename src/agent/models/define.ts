import type { Model, Price } from './model.ts';

/** What a provider is opened with. */
export interface ModelSettings {
  /** As the Workflow writes it; the provider's default where it names none. */
  readonly model: string;
  /** null = the provider's own. */
  readonly endpoint: string | null;
  /** null = none is configured. */
  readonly apiKey: string | null;
  /** The one outbound client in the form that SDKs take: addresses are checked, answers bounded, redirects are answers. */
  readonly fetch: typeof globalThis.fetch;
  readonly contextTokens: number;
  readonly price: Price | null;
}

/** A provider of models, one file each. */
export interface ModelDefinition {
  /** As `llmConfig.provider` names it. */
  readonly name: string;
  /** Other names, `claude` for `anthropic`. */
  readonly aliases: readonly string[];
  /** One line, for people. */
  readonly description: string;
  /** null: the Workflow must name a model. */
  readonly defaultModel: string | null;
  /** Address where the Workflow names none; null: it must name one. */
  readonly defaultEndpoint: string | null;
  /** Whether it answers without a key. */
  readonly needsKey: boolean;
  /** The environment variable that holds the key where no Secret is named, `ANTHROPIC_API_KEY`. */
  readonly keyVariable: string;
  /** Loads the SDK, only now. */
  open(settings: ModelSettings): Promise<Model>;
}

/** The identity, for its type. */
export function defineModel(definition: ModelDefinition): ModelDefinition {
  return definition;
}
