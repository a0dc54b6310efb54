import { chooseModels } from '../agent/models/choose.ts';
import type { ChosenModel, ModelDefaults, ModelProblem } from '../agent/models/choose.ts';
import { checkModel, knownOfModel } from '../agent/models/check.ts';
import type { ModelFinding } from '../agent/models/check.ts';
import { findModelDefinition } from '../agent/models/index.ts';
import { costMicros, totalTokens } from '../agent/models/model.ts';
import type { Model, Usage } from '../agent/models/model.ts';
import { asModel } from '../agent/models/open.ts';
import { lookUpModel } from '../agent/models/prices.ts';
import type { PriceTable } from '../agent/models/prices.ts';
import { windowOfServer } from '../agent/models/window-of-server.ts';
import { AppError } from '../core/errors.ts';
import type { LlmTarget } from '../core/plan.ts';
import { systemClock } from '../lib/clock.ts';
import { dollarsText } from '../lib/dollars.ts';
import { createHttpClient } from '../lib/http.ts';
import type { OwnedHttpClient } from '../lib/http.ts';
import { plural } from '../lib/words.ts';
import { readModelDefaults, readPriceTable } from './models.ts';

export type { ModelFinding } from '../agent/models/check.ts';

/** Which model is tried; what is not said here says the environment, as it does for a server. */
export interface ModelTrial {
  /** `anthropic/claude-sonnet-5-5`; null = that of the environment. */
  readonly model: string | null;
  readonly endpoint: string | null;
  readonly contextTokens: number | null;
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
  const { target, defaults } = readTarget(trial, environment);
  const chosen = chooseModels(target, { defaults, prices, secret: () => null });
  for (const problem of chosen?.problems ?? []) hear(settingsFinding(problem, target.provider));
  const [settings] = chosen?.models ?? [];
  if (settings === undefined) return target.provider;
  const http = createHttpClient();
  try {
    const isWindowSet = trial.contextTokens !== null;
    await ask(settings, { http, defaults, prices, isWindowSet, timeoutMs: trial.timeoutMs }, hear);
  } finally {
    await http.close();
  }
  return `${settings.definition.name}/${settings.model}`;
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

interface Asked {
  readonly http: OwnedHttpClient;
  readonly defaults: ModelDefaults;
  readonly prices: PriceTable;
  readonly isWindowSet: boolean;
  readonly timeoutMs: number;
}

async function ask(
  settings: ChosenModel,
  { http, defaults, prices, isWindowSet, timeoutMs }: Asked,
  hear: (finding: ModelFinding) => void,
): Promise<void> {
  const { definition, endpoint, model: name, apiKey } = settings;
  const model = asModel(settings, { defaults, http, clock: systemClock() });
  const { signal } = new AbortController();
  const trial = checkModel(model, { maxOutputTokens, timeoutMs, signal });
  let step = await trial.next();
  for (; step.done !== true; step = await trial.next()) hear(step.value);
  const saidByServer =
    definition.needsEndpoint && endpoint !== null
      ? await windowOfServer(http, { endpoint, model: name, apiKey }, signal)
      : null;
  const isAssumed = !isWindowSet && lookUpModel(prices, definition.name, name) === null;
  for (const finding of knownOfModel(model, { isAssumed, saidByServer, priceDate: prices.date })) hear(finding);
  if (totalTokens(step.value) > 0) hear(spentFinding(model, step.value));
}

/** What the questions themselves used. */
function spentFinding({ price }: Model, used: Usage): ModelFinding {
  const cost = price === null ? '' : `, ${dollarsText(costMicros(used, price))}`;
  return { about: 'cost', result: 'ok', text: `these questions used ${plural(totalTokens(used), 'token')}${cost}` };
}

function readTarget(
  { model: named, endpoint: given, contextTokens }: ModelTrial,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly target: LlmTarget; readonly defaults: ModelDefaults } {
  const said = readModelDefaults(environment);
  const slash = named?.indexOf('/') ?? -1;
  const provider = (slash < 0 ? named : named?.slice(0, slash)) ?? said.provider;
  if (provider === null || provider === 'none')
    throw new AppError('InvalidInput', 'no model was named, and LLM_PROVIDER names none', {
      next: 'fist model check anthropic/claude-sonnet-5-5, or local/MODEL --endpoint http://127.0.0.1:11434',
    });
  const definition = findModelDefinition(provider);
  const isSame = said.provider === null || said.provider === definition?.name;
  const endpoint = given ?? (isSame ? said.endpoint : null);
  const model = slash < 0 ? null : (named?.slice(slash + 1) ?? null);
  return {
    target: { provider, model, endpoint, apiKeySecret: null, ...(contextTokens === null ? {} : { contextTokens }) },
    // Who types the address sends the key there.
    defaults: {
      ...said,
      provider: definition?.name ?? null,
      endpoint,
      model: isSame ? said.model : null,
      apiKey: isSame ? said.apiKey : null,
    },
  };
}
