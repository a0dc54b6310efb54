import { AppError } from '../core/errors.ts';
import type { ModelBudget } from '../core/plan.ts';
import { micros } from '../lib/dollars.ts';

/** Flags of `fist serve` that say what models may use on a day. */
export interface ModelBudgetFlags {
  readonly llmDailyBudget?: string;
  readonly llmDailyTokens?: string;
}

/** Flags win over `LLM_DAILY_BUDGET` and `LLM_DAILY_TOKENS`; without either there is no limit. Throws InvalidInput that names the flag. */
export function readModelBudget(
  flags: ModelBudgetFlags,
  environment: Readonly<Record<string, string | undefined>>,
): ModelBudget | null {
  const dollars = read(
    '--llm-daily-budget',
    flags.llmDailyBudget,
    'LLM_DAILY_BUDGET',
    environment,
    /^\d{1,7}(\.\d{1,6})?$/,
  );
  const tokens = read('--llm-daily-tokens', flags.llmDailyTokens, 'LLM_DAILY_TOKENS', environment, /^\d{1,12}$/);
  if (dollars === null && tokens === null) return null;
  return { tokens, costMicros: dollars === null ? null : micros(dollars) };
}

function read(
  flag: string,
  given: string | undefined,
  variable: string,
  environment: Readonly<Record<string, string | undefined>>,
  pattern: RegExp,
): number | null {
  const text = given ?? environment[variable];
  if (text === undefined || text === '') return null;
  if (pattern.test(text)) return Number(text);
  const field = given === undefined ? variable : flag;
  const wanted =
    flag === '--llm-daily-tokens' ? 'a whole number of tokens, such as 2000000' : 'dollars, such as 20 or 0.50';
  throw new AppError('InvalidInput', `${field} ${text} is not ${wanted}`, { field });
}
