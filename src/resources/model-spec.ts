import { z } from 'zod';
import type { LlmConfig, LlmTarget, ModelBudget, PlanBudget } from '../core/plan.ts';
import { micros } from '../lib/dollars.ts';
import { secretRef } from '../lib/secret-reference.ts';

const dollars = z.number().min(0).max(100_000);

const llmTarget = z.strictObject({
  provider: z
    .string()
    .min(1)
    .max(63)
    .meta({ description: 'Model provider; none = analyzers only. An unknown one fails the agent steps.' }),
  model: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'Name of the model, as its provider calls it; of Azure, of its deployment.' }),
  endpoint: z
    .string()
    .max(2048)
    .optional()
    .meta({ description: 'Address of the provider, where it is not the usual one. It gets no key of the server.' }),
  apiKeySecret: secretRef
    .optional()
    .meta({ description: 'Secret with the key: name, or name/key. Absent: the key of the server.' }),
  contextTokens: z
    .int()
    .min(2048)
    .max(100_000_000)
    .optional()
    .meta({ description: 'Tokens that the model takes, its answer included; absent: what is known of it.' }),
  price: z
    .strictObject({
      input: dollars.meta({ description: 'Of what is sent.' }),
      output: dollars.meta({ description: 'Of what is answered.' }),
      cacheRead: dollars.optional().meta({ description: 'Of what is sent and was kept; default: as input.' }),
      cacheWrite: dollars.optional().meta({ description: 'Of what is sent to be kept; default: as input.' }),
    })
    .optional()
    .meta({ description: 'Dollars for a million tokens; absent: the list price, where it is known.' }),
});

/** `spec.runtime.llmConfig`. */
export const llmConfig = llmTarget.extend({
  maxOutputTokens: z
    .int()
    .min(256)
    .max(1_000_000)
    .optional()
    .meta({ description: 'Tokens of one answer at most; absent: LLM_MAX_TOKENS of the server, or a default.' }),
  fallbacks: z
    .array(llmTarget)
    .max(5)
    .optional()
    .meta({ description: 'Models that are asked in this order where those before have failed for good.' }),
});

const modelBudget = (description: string) =>
  z
    .strictObject({
      tokens: z
        .int()
        .min(1)
        .max(1_000_000_000_000)
        .optional()
        .meta({ description: 'In and out, of all requests. Absent = no limit.' }),
      dollars: z
        .number()
        .min(0.000001)
        .max(1_000_000)
        .optional()
        .meta({ description: 'As the price table says; what has no price there costs nothing. Absent = no limit.' }),
    })
    .optional()
    .meta({ description });

/** `spec.budget`. */
export const budget = z
  .strictObject({
    run: modelBudget('Of one run, together with what was asked on about it.'),
    day: modelBudget('Of all runs of the Workflow on a day (UTC), on all replicas.'),
  })
  .meta({
    description:
      'What models may use at most, asked before each request. A request that does not fit is not sent: the report is then what is known by then, with the reason BudgetExceeded.',
  });

/** As a plan has it; null where there is none. */
export function compileLlmConfig(given: z.output<typeof llmConfig> | undefined): LlmConfig | null {
  if (given === undefined) return null;
  const { maxOutputTokens, fallbacks } = given;
  return {
    ...compileLlmTarget(given),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(fallbacks === undefined ? {} : { fallbacks: fallbacks.map((each) => compileLlmTarget(each)) }),
  };
}

function compileLlmTarget(given: z.output<typeof llmTarget>): LlmTarget {
  const { provider, model = null, endpoint = null, apiKeySecret = null, contextTokens, price } = given;
  return {
    provider,
    model,
    endpoint,
    apiKeySecret,
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(price === undefined
      ? {}
      : {
          price: { ...price, cacheRead: price.cacheRead ?? price.input, cacheWrite: price.cacheWrite ?? price.input },
        }),
  };
}

/** As a plan has it. */
export function compileBudget({ run, day }: z.output<typeof budget>): PlanBudget {
  const limits = (given: typeof run): ModelBudget | null =>
    given === undefined
      ? null
      : { tokens: given.tokens ?? null, costMicros: given.dollars === undefined ? null : micros(given.dollars) };
  return { run: limits(run), day: limits(day) };
}
