import type { JSONSchema7, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { Clock } from '../../core/ports.ts';
import { toAnswer } from './answer.ts';
import type { ModelSettings, SdkModel } from './define.ts';
import { toModelFailure } from './failure.ts';
import type { Model, ModelAnswer, ModelRequest } from './model.ts';
import { toPrompt } from './prompt.ts';
import { without } from './schema.ts';

/** What makes a model of an SDK's one of ours. */
export interface AdapterOptions extends Pick<Model, 'name' | 'contextTokens' | 'price' | 'place'> {
  /** Loads the SDK; called at the first request. */
  open(): Promise<SdkModel>;
  readonly apiKey: ModelSettings['apiKey'];
  /** null = the provider's own. */
  readonly temperature: number | null;
  readonly clock: Pick<Clock, 'now'>;
}

/** A model over its SDK. Nothing is loaded before it is asked, and nothing of the SDK's own is left: no retries, no telemetry, no log. */
export function createModel(options: AdapterOptions): Model {
  const { name, contextTokens, price, place } = options;
  let opened: Promise<SdkModel> | undefined;
  return {
    name,
    contextTokens,
    price,
    place,
    async ask(request) {
      request.signal.throwIfAborted();
      opened ??= options.open();
      return askOnce(await opened, request, options);
    },
  };
}

async function askOnce(sdk: SdkModel, request: ModelRequest, options: AdapterOptions): Promise<ModelAnswer> {
  const timeout = AbortSignal.timeout(request.timeoutMs);
  const signal = AbortSignal.any([timeout, request.signal]);
  try {
    await sdk.prepare?.();
    const result = await sdk.model.doGenerate({ ...callOptions(sdk, request, options), abortSignal: signal });
    return toAnswer(result, request, options.name, sdk.takesBack);
  } catch (thrown) {
    request.signal.throwIfAborted();
    throw toModelFailure(thrown, {
      model: options.name,
      apiKey: options.apiKey,
      timedOutAfterMs: timeout.aborted ? request.timeoutMs : null,
      nowMs: options.clock.now(),
    });
  }
}

function callOptions(
  { options: providerOptions, cacheMark, refusedWords = [] }: SdkModel,
  { messages, tools, schema, maxOutputTokens }: ModelRequest,
  { name, temperature }: AdapterOptions,
): LanguageModelV4CallOptions {
  const hasTools = tools.length > 0;
  return {
    // Only with tools does another request follow that begins the same.
    prompt: toPrompt(messages, {
      model: name,
      hasTools,
      ...(hasTools && cacheMark !== undefined ? { cacheMark } : {}),
    }),
    maxOutputTokens,
    ...(temperature === null ? {} : { temperature }),
    ...(hasTools
      ? {
          tools: tools.map(({ name: tool, description, input }) => ({
            type: 'function',
            name: tool,
            description,
            inputSchema: input as JSONSchema7,
          })),
        }
      : {}),
    ...(schema === null
      ? {}
      : {
          responseFormat: {
            type: 'json',
            name: schema.name,
            schema: without(refusedWords, schema.schema) as JSONSchema7,
          },
        }),
    ...(providerOptions === undefined ? {} : { providerOptions }),
  };
}
