import { expect, test } from 'vitest';
import { readModelBudget } from './model-budget.ts';

test('there is no limit unless one is said; flags win over the environment', () => {
  expect(readModelBudget({}, {})).toBeNull();
  expect(readModelBudget({ llmDailyBudget: '0.5' }, {})).toEqual({ tokens: null, costMicros: 500_000 });
  const environment = { LLM_DAILY_BUDGET: '20', LLM_DAILY_TOKENS: '2000000' };
  expect(readModelBudget({}, environment)).toEqual({ tokens: 2_000_000, costMicros: 20_000_000 });
  expect(readModelBudget({ llmDailyTokens: '0' }, environment)).toEqual({ tokens: 0, costMicros: 20_000_000 });
  expect(readModelBudget({}, { LLM_DAILY_TOKENS: '' })).toBeNull();
});

test.each([
  [{ llmDailyBudget: '$20' }, {}, '--llm-daily-budget $20 is not dollars, such as 20 or 0.50', '--llm-daily-budget'],
  [{ llmDailyBudget: '-1' }, {}, '--llm-daily-budget -1 is not dollars, such as 20 or 0.50', '--llm-daily-budget'],
  [
    {},
    { LLM_DAILY_TOKENS: '2M' },
    'LLM_DAILY_TOKENS 2M is not a whole number of tokens, such as 2000000',
    'LLM_DAILY_TOKENS',
  ],
])('%j with %j is refused by name', (flags, environment, message, field) => {
  expect(() => readModelBudget(flags, environment)).toThrow(expect.objectContaining({ message, field }));
});
