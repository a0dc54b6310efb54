import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { canonicalSha256 } from '../../lib/hash.ts';
import { ModelFailure, modelFailureReasons } from './model.ts';
import type { ModelFailureReason, ModelRequest, PatientModel } from './model.ts';

// What a model answered in one conversation, to be answered again without it: no request is kept, only what it hashes to.

const rates = z.object({ input: z.number(), cacheRead: z.number(), cacheWrite: z.number(), output: z.number() });
const price = rates.extend({ beyond: z.object({ inputTokens: z.number(), rates }).optional() }).nullable();
const count = z.int().min(0);

const failure = z.object({
  model: z.string(),
  reason: z.enum(Object.keys(modelFailureReasons) as [ModelFailureReason, ...ModelFailureReason[]]),
  message: z.string(),
});

const answered = z.object({
  model: z.string(),
  price,
  message: z.object({
    role: z.literal('assistant'),
    text: z.string(),
    calls: z.array(z.object({ id: z.string(), name: z.string(), input: z.string() })),
    raw: z.json(),
  }),
  finish: z.enum(['stop', 'tool-calls', 'length', 'other']),
  usage: z
    .object({ inputTokens: count, cacheReadTokens: count, cacheWriteTokens: count, outputTokens: count })
    .nullable(),
});

/** The answers of one conversation in their order. */
export const recordingSchema = z.object({
  schema_version: z.literal(1),
  model: z.string(),
  context_tokens: count,
  /** Of one answer. */
  max_output_tokens: count,
  price,
  /** Stands in front of each report that comes of it; null: the reports are those of then. */
  notice: z.string().nullable().default(null),
  exchanges: z.array(
    z.object({
      request_sha256: z.string(),
      /** From the request to its answer, with all tries. */
      duration_ms: z.number().min(0),
      failures: z.array(failure),
      /** null: the last failure was the end of it. */
      answered: answered.nullable(),
    }),
  ),
});
export type Recording = z.output<typeof recordingSchema>;
type Exchange = Recording['exchanges'][number];

/** A model that keeps what it answers, beside the conversation's delimiter, which is another one each time. */
export function recordModel(
  model: PatientModel,
  maxOutputTokens: number,
  nowMs: () => number,
): { readonly model: PatientModel; readonly recording: () => Recording } {
  const exchanges: Exchange[] = [];
  return {
    recording: () => ({
      schema_version: 1,
      model: model.name,
      context_tokens: model.contextTokens,
      max_output_tokens: maxOutputTokens,
      price: model.price,
      notice: null,
      exchanges,
    }),
    model: {
      ...model,
      async ask(request, onFailure) {
        const startedMs = nowMs();
        const failures: Exchange['failures'] = [];
        const keep = (given: Exchange['answered']): void => {
          const duration_ms = Math.round(nowMs() - startedMs);
          exchanges.push({ request_sha256: hashOf(request), duration_ms, failures, answered: given });
        };
        try {
          const given = await model.ask(request, (failed, by) => {
            failures.push({ model: by.model, reason: failed.reason, message: failed.message });
            return onFailure(failed, by);
          });
          const { message, finish, usage } = given.answer;
          keep({ model: given.model, price: given.price, message, finish, usage } as Exchange['answered']);
          return given;
        } catch (error) {
          if (error instanceof ModelFailure) keep(null);
          throw error;
        }
      },
    },
  };
}

/** What a replay does with a request that is not the one of then: answer it, or say so in place of an answer. */
export type DifferingRequests = 'answered' | 'refused';

/**
 * Answers what was recorded, in its order; `differing` counts requests that are not those of then, because a tool answered something
 * else or the words of the prompt changed. What was not recorded, and what is to be refused, is a failure that says so.
 */
export function replayModel(
  recording: Recording,
  differingAre: DifferingRequests = 'answered',
): { readonly model: PatientModel; readonly differing: () => number } {
  const { model: name, context_tokens: contextTokens, exchanges, notice } = recording;
  let next = 0;
  let differing = 0;
  const model: PatientModel = {
    name,
    contextTokens,
    price: recording.price as PatientModel['price'],
    ...(notice === null ? {} : { notice }),
    async ask(request, onFailure) {
      request.signal.throwIfAborted();
      const fail = async (reason: ModelFailureReason, message: string): Promise<never> => {
        const failure = new ModelFailure(reason, message, { wasSent: false });
        await onFailure(failure, { model: name, isLast: true });
        throw failure;
      };
      const exchange = exchanges[next];
      next += 1;
      if (exchange === undefined) return fail('Unreachable', `the recording ends after ${exchanges.length} answers`);
      if (exchange.request_sha256 !== hashOf(request)) {
        differing += 1;
        if (differingAre === 'refused') return fail('BadRequest', differentText(next));
      }
      return repeat(exchange, onFailure);
    },
  };
  return { model, differing: () => differing };
}

function differentText(number: number): string {
  return `request ${number} is not the one that the recorded answer was given to: a tool answered something else than then, or other words were asked`;
}

async function repeat(
  { failures, answered: given }: Exchange,
  onFailure: Parameters<PatientModel['ask']>[1],
): ReturnType<PatientModel['ask']> {
  let last = new ModelFailure('BrokenAnswer', 'the recording has neither an answer nor a failure');
  for (const [index, { model, reason, message }] of failures.entries()) {
    last = new ModelFailure(reason, message);
    const isLast = given === null && index === failures.length - 1;
    if (!(await onFailure(last, { model, isLast })) || isLast) throw last;
  }
  if (given === null) throw last;
  const { model, price: paid, ...answer } = given;
  return { answer, model, price: paid as PatientModel['price'] };
}

/** The same for the same question, although each conversation has a delimiter of its own. */
function hashOf({ messages, tools, schema, maxOutputTokens }: ModelRequest): string {
  const text = JSON.stringify({ messages, tools, schema, maxOutputTokens });
  const [, delimiter] = /<<data (\S+) /.exec(text) ?? [];
  const plain = delimiter === undefined ? text : text.replaceAll(delimiter, 'DELIMITER');
  return canonicalSha256(JSON.parse(plain) as JsonObject);
}
