import { chooseModels, nameOfModel } from '../agent/models/choose.ts';
import type { ChosenModel, ModelDefaults, ModelProblem } from '../agent/models/choose.ts';
import { checkModel, knownOfModel } from '../agent/models/check.ts';
import { findModelDefinition } from '../agent/models/index.ts';
import { costMicros, totalTokens } from '../agent/models/model.ts';
import type { Model, Usage } from '../agent/models/model.ts';
import { asModel } from '../agent/models/open.ts';
import type { ModelWorld } from '../agent/models/open.ts';
import { lookUpModel } from '../agent/models/prices.ts';
import type { PriceTable } from '../agent/models/prices.ts';
import { windowOfServer } from '../agent/models/window-of-server.ts';
import type { ModelFinding } from '../core/model-check.ts';
import type { Clock } from '../core/ports.ts';
import { systemClock } from '../lib/clock.ts';
import { dollarsText } from '../lib/dollars.ts';
import { createHttpClient } from '../lib/http.ts';
import { plural } from '../lib/words.ts';
import { readPriceTable } from './models.ts';
import { namedModel } from './named-model.ts';
import type { NamedModel } from './named-model.ts';

/** Which model is tried; what is not said here says the environment, as it does for a server. */
export interface ModelTrial extends NamedModel {
  /** File of prices. */
  readonly prices: string | null;
  /** Of one question. */
  readonly timeoutMs: number;
}

/** Of one answer: a report of a small case. */
const maxOutputTokens = 1500;

/** Tries a model; `hear` is told each thing as it is known. Returns the model's name. Throws InvalidInput where none is named. */
export async function tryModel(
  trial: ModelTrial,
  environment: Readonly<Record<string, string | undefined>>,
  hear: (finding: ModelFinding) => void,
): Promise<string> {
  const prices = readPriceTable(trial.prices);
  const { target, defaults } = namedModel(trial, environment);
  const chosen = chooseModels(target, { defaults, prices, secret: () => null });
  for (const problem of chosen?.problems ?? []) hear(settingsFinding(problem, target.provider));
  const [settings] = chosen?.models ?? [];
  if (settings === undefined) return target.provider;
  const http = createHttpClient();
  try {
    const { signal } = new AbortController();
    const isWindowSet = trial.contextTokens !== null;
    const { timeoutMs } = trial;
    await tryChosen(settings, { http, clock: systemClock(), defaults, prices, isWindowSet, timeoutMs, signal }, hear);
  } finally {
    await http.close();
  }
  return nameOfModel(settings);
}

/** In words of the command line, which has no Secrets. */
function settingsFinding({ path, message, next }: ModelProblem, provider: string): ModelFinding {
  const { needsKey = false, keyVariables = [] } = findModelDefinition(provider) ?? {};
  if (needsKey && path.at(-1) === 'apiKeySecret') {
    const variables = ['LLM_API_KEY', ...keyVariables].join(' or ');
    return {
      about: 'settings',
      result: 'failed',
      text: `there is no key of ${provider}`,
      next: `${variables} in the environment`,
    };
  }
  return { about: 'settings', result: 'failed', text: message.replaceAll('llmConfig.', ''), next };
}

/** What a model is tried with. */
export interface TrialWorld {
  readonly http: ModelWorld['http'];
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly defaults: ModelDefaults;
  readonly prices: PriceTable;
  /** Somebody said how much it takes. */
  readonly isWindowSet: boolean;
  /** Of one question. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Asks the three questions, and says what is known without asking. Rejects with the signal's reason. */
export async function tryChosen(
  settings: ChosenModel,
  { http, clock, defaults, prices, isWindowSet, timeoutMs, signal }: TrialWorld,
  hear: (finding: ModelFinding) => void,
): Promise<void> {
  const { definition, endpoint, model: name, apiKey } = settings;
  const model = asModel(settings, { defaults, http, clock });
  const trial = checkModel(model, { maxOutputTokens, timeoutMs, signal });
  let step = await trial.next();
  for (; step.done !== true; step = await trial.next()) hear(step.value);
  signal.throwIfAborted();
  const saidByServer =
    definition.needsEndpoint && endpoint !== null
      ? await windowOfServer(http, { endpoint, model: name, apiKey }, signal)
      : null;
  const isAssumed = !isWindowSet && lookUpModel(prices, definition, name) === null;
  for (const finding of knownOfModel(model, { isAssumed, saidByServer, priceDate: prices.date })) hear(finding);
  if (totalTokens(step.value) > 0) hear(spentFinding(model, step.value));
}

/** What the questions themselves used. */
function spentFinding({ price }: Model, used: Usage): ModelFinding {
  const cost = price === null ? '' : `, ${dollarsText(costMicros(used, price))}`;
  return { about: 'cost', result: 'ok', text: `these questions used ${plural(totalTokens(used), 'token')}${cost}` };
}
