/** A provider that `llmConfig.provider` may name. */
export interface ModelProvider {
  readonly name: string;
  readonly description: string;
}

/** All of them, in the order in which they are listed to people. There is no stand-in for one that is absent. */
export const modelProviders: readonly ModelProvider[] = [
  { name: 'none', description: 'No model: the analyzers alone.' },
];
