import { readFileSync } from 'node:fs';
import { chooseModels, nameOfModel, noModelDefaults } from '../agent/models/choose.ts';
import type { ChoiceWorld, ModelDefaults } from '../agent/models/choose.ts';
import { findModelDefinition, modelProviderNames, modelVariables } from '../agent/models/index.ts';
import { builtInPrices, readPrices, withPrices } from '../agent/models/prices.ts';
import type { PriceTable } from '../agent/models/prices.ts';
import { AppError } from '../core/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';
import { nextOfUnknown } from '../lib/similar.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The contract's variables: what the server says of models. A key by itself has nobody asked. Throws InvalidInput that names the variable. */
export function readModelDefaults(environment: Environment): ModelDefaults {
  const variables = Object.fromEntries(
    modelVariables.flatMap((name) => {
      const value = environment[name]?.trim() ?? '';
      return value === '' ? [] : [[name, value] as const];
    }),
  );
  const provider = readProvider(environment['LLM_PROVIDER']?.trim() ?? '', variables);
  const read = (name: string): string | null => {
    const text = environment[name]?.trim() ?? '';
    return text === '' ? null : text;
  };
  return {
    ...noModelDefaults,
    provider,
    model: read('LLM_MODEL'),
    endpoint: readEndpoint(read('LLM_ENDPOINT')),
    apiKey: read('LLM_API_KEY'),
    maxOutputTokens: readNumber('LLM_MAX_TOKENS', read('LLM_MAX_TOKENS'), 256, 1_000_000),
    temperature: readNumber('LLM_TEMPERATURE', read('LLM_TEMPERATURE'), 0, 2),
    variables,
  };
}

/** The keys and credentials among what the server says: nothing that is printed, stored or sent may hold one. */
export function modelSecrets({ apiKey, variables }: ModelDefaults): readonly string[] {
  const secret = Object.entries(variables).filter(([name]) => /KEY|TOKEN(?!_FILE)/.test(name));
  return [...(apiKey === null ? [] : [apiKey]), ...secret.map(([, value]) => value)];
}

/** The model of Workflows that name none, or why it cannot be asked; null = the analyzers alone. */
export function serverModel(models: Pick<ChoiceWorld, 'defaults' | 'prices'>): string | null {
  const chosen = chooseModels(null, { ...models, secret: () => null });
  const [model] = chosen?.models ?? [];
  if (model !== undefined) return nameOfModel(model);
  const [problem] = chosen?.problems ?? [];
  return problem === undefined ? null : `${models.defaults.provider} cannot be asked: ${problem.message}`;
}

/** The list prices, and in front of them those of a file. Throws InvalidInput that names the file. */
export function readPriceTable(file: string | null): PriceTable {
  const listed = builtInPrices();
  if (file === null) return listed;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new AppError('InvalidInput', `--model-prices: ${fileProblem(thrown)}`, { field: '--model-prices' });
  }
  return withPrices(readPrices(text, file), listed);
}

function readProvider(text: string, variables: Readonly<Record<string, string>>): string | null {
  if (text === '' || text === 'none') return null;
  if (text === 'auto') {
    if (variables['ANTHROPIC_API_KEY'] !== undefined) return 'anthropic';
    return variables['OPENAI_API_KEY'] === undefined ? null : 'openai';
  }
  const definition = findModelDefinition(text);
  if (definition !== undefined) return definition.name;
  throw new AppError('InvalidInput', `LLM_PROVIDER ${text} is no model provider of this version`, {
    field: 'LLM_PROVIDER',
    next: nextOfUnknown(text, modelProviderNames, `one of auto, ${modelProviderNames.join(', ')}`, 'LLM_PROVIDER='),
  });
}

function readEndpoint(text: string | null): string | null {
  if (text === null || /^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  throw new AppError('InvalidInput', `LLM_ENDPOINT ${text} is no address`, {
    field: 'LLM_ENDPOINT',
    next: 'LLM_ENDPOINT=http://127.0.0.1:11434/v1',
  });
}

function readNumber(name: string, text: string | null, least: number, most: number): number | null {
  if (text === null) return null;
  const number = Number(text);
  const isWhole = name === 'LLM_TEMPERATURE' || Number.isInteger(number);
  if (isWhole && number >= least && number <= most) return number;
  throw new AppError('InvalidInput', `${name} ${text} is not a number from ${least} to ${most}`, { field: name });
}
