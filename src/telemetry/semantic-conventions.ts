// The names that OpenTelemetry gives to what models and their tools do. They are in development and change from version to
// version, so this file is the only one that knows them, and says of which version they are:
// https://github.com/open-telemetry/semantic-conventions/tree/v1.41.1/docs/gen-ai

/** All spans say that their names are those of this version. */
export const schemaUrl = 'https://opentelemetry.io/schemas/1.41.1';

/** `gen_ai.operation.name`, which a span's name begins with. */
export const operations = {
  workflow: 'invoke_workflow',
  agent: 'invoke_agent',
  chat: 'chat',
  tool: 'execute_tool',
} as const;
export type Operation = (typeof operations)[keyof typeof operations];

export const names = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  workflow: 'gen_ai.workflow.name',
  agent: 'gen_ai.agent.name',
  conversation: 'gen_ai.conversation.id',
  model: 'gen_ai.request.model',
  mostTokens: 'gen_ai.request.max_tokens',
  outputType: 'gen_ai.output.type',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_creation.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  tool: 'gen_ai.tool.name',
  toolType: 'gen_ai.tool.type',
  callId: 'gen_ai.tool.call.id',
  error: 'error.type',
  // Of this program, which the conventions have no words for.
  run: 'fist.run.id',
  namespace: 'fist.namespace',
  path: 'fist.step.path',
  attempt: 'fist.step.attempt',
  phase: 'fist.request.phase',
} as const;

/** Of the whole of a process. */
export const resourceNames = {
  service: 'service.name',
  version: 'service.version',
  instance: 'service.instance.id',
} as const;

/** Where the provider is none of the conventions'. */
export const otherProvider = '_OTHER';
