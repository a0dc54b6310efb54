import { expect, test } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import { summaryText } from './trace.ts';

const run = { modelTokens: 0, modelCostMicros: 0 };
const opened = (price: JsonObject | null) => ({ kind: 'opened', content: { bounds: { price } } }) as const;

test('what costs nothing is told from what has no price', () => {
  expect(summaryText(run, [opened({ input: 0 })])).toBe('0 requests, 0 tool calls, 0 tokens, $0.00');
  expect(summaryText(run, [opened(null)])).toBe('0 requests, 0 tool calls, 0 tokens, no price known');
  expect(summaryText({ ...run, modelCostMicros: 12_000 }, [])).toBe('0 requests, 0 tool calls, 0 tokens, $0.0120');
});
