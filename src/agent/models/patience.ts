import type { Clock } from '../../core/ports.ts';
import { ModelFailure } from './model.ts';
import type { Model, ModelAnswer, ModelFailureReason, ModelRequest, PatientModel, Price } from './model.ts';
import type { ModelSlots } from './slots.ts';

/** How often and how long one request is tried with one model. */
export interface Patience {
  readonly tries: number;
  /** Of the first pause, which doubles. */
  readonly firstMs: number;
  /** Of one pause, but for what the provider asks for. */
  readonly mostMs: number;
  /** All pauses together: who asks for more is not waited for. */
  readonly allMs: number;
}

export const usualPatience: Patience = { tries: 5, firstMs: 1000, mostMs: 30_000, allMs: 180_000 };

/** What garbled its answer once may do so again: the same words make the same mistake. */
const triesOf: Readonly<Partial<Record<ModelFailureReason, number>>> = { BrokenAnswer: 2, Timeout: 2 };

export interface PatienceOptions {
  /** The first is asked; each other one in its order where those before it have failed for good. */
  readonly models: readonly [Model, ...Model[]];
  readonly slots: ModelSlots;
  readonly clock: Pick<Clock, 'sleep'>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly patience?: Patience;
}

type Answered = Awaited<ReturnType<PatientModel['ask']>>;

/** Asks one request until it is answered, or none of the models will. A slot is held while a model is asked, not while it is waited for. */
export function createPatientModel(options: PatienceOptions): PatientModel {
  const { models } = options;
  // Who has failed for good is not asked again in this conversation.
  let first = 0;
  return {
    name: models[0].name,
    contextTokens: Math.min(...models.map(({ contextTokens }) => contextTokens)),
    price: dearest(models.map(({ price }) => price)),
    async ask(request, onFailure) {
      for (let index = first; ; index += 1) {
        const model = models[index];
        if (model === undefined) throw new Error('the last model throws its failure');
        const others = models.slice(index + 1);
        const tried = await askOne(model, others, request, onFailure, options);
        if (tried === null) continue;
        first = index;
        return tried;
      }
    },
  };
}

/** Null: somebody else is to be asked. Throws where nobody is. */
async function askOne(
  model: Model,
  others: readonly Model[],
  request: ModelRequest,
  onFailure: Parameters<PatientModel['ask']>[1],
  options: PatienceOptions,
): Promise<Answered | null> {
  const patience = options.patience ?? usualPatience;
  let waitedMs = 0;
  for (let attempt = 1; ; attempt += 1) {
    const asked = await askInSlot(model, request, options.slots);
    if (!(asked instanceof ModelFailure)) return { answer: asked, model: model.name, price: model.price };
    const pauseMs = pauseBefore(asked, attempt, patience.allMs - waitedMs, patience, options.random());
    const isLast = pauseMs === null && (others.length === 0 || !mayHelp(asked));
    const isToGoOn = await onFailure(asked, { model: model.name, isLast });
    if (isLast || !isToGoOn) throw asked;
    if (pauseMs === null) return null;
    await options.clock.sleep(pauseMs, request.signal);
    waitedMs += pauseMs;
  }
}

async function askInSlot(model: Model, request: ModelRequest, slots: ModelSlots): Promise<ModelAnswer | ModelFailure> {
  const giveBack = await slots.take(model.place, request.signal);
  try {
    return await model.ask(request);
  } catch (thrown) {
    if (thrown instanceof ModelFailure) return thrown;
    throw thrown;
  } finally {
    giveBack();
  }
}

/** Too long is too long for another one as well, as far as anybody knows: its window is no reason to be asked. */
function mayHelp({ reason }: ModelFailure): boolean {
  return reason !== 'ContextTooLong';
}

/**
 * How long to wait before the same request is tried again after so many tries (from 1); null = it is not. What the provider asks
 * for is the least, and on top of it comes full jitter, so that many that failed together come back apart. Pure.
 */
export function pauseBefore(
  { retryable, reason, retryAfterMs }: Pick<ModelFailure, 'retryable' | 'reason' | 'retryAfterMs'>,
  attempt: number,
  leftMs: number,
  { tries, firstMs, mostMs }: Patience,
  random: number,
): number | null {
  if (!retryable || attempt >= Math.min(tries, triesOf[reason] ?? tries)) return null;
  const pauseMs = Math.round((retryAfterMs ?? 0) + random * Math.min(mostMs, firstMs * 2 ** (attempt - 1)));
  return pauseMs <= leftMs ? pauseMs : null;
}

/** Each part of the dearest; null where one is unknown. */
function dearest(prices: readonly (Price | null)[]): Price | null {
  if (prices.length === 1) return prices[0] ?? null;
  const known = prices
    .filter((price) => price !== null)
    .flatMap((price) => [price, ...(price.beyond === undefined ? [] : [price.beyond.rates])]);
  if (prices.includes(null)) return null;
  const most = (part: 'input' | 'cacheRead' | 'cacheWrite' | 'output') =>
    Math.max(...known.map((rates) => rates[part]));
  return { input: most('input'), cacheRead: most('cacheRead'), cacheWrite: most('cacheWrite'), output: most('output') };
}
