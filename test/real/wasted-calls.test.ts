import { expect, test } from 'vitest';
import { readCases } from '../../src/app/evaluation/cases.ts';
import { evaluate } from '../../src/app/evaluation/evaluate.ts';
import { modelFigures } from '../../src/app/evaluation/model-text.ts';
import { repositoryRoot } from '../support/processes.ts';
import { scriptedInvestigator } from '../support/scripted-investigator.ts';

// How good the tools are at being asked: a model that asks the same sensible questions about each recorded incident gets an answer to
// nearly all of them. What was denied, or had no data, is counted from the conversations.
test('in the scripted set at most two calls at the median are for nothing', { timeout: 300_000 }, async () => {
  const cases = (await readCases(`${repositoryRoot}examples/eval`)).filter((_, index) => index % 3 === 0);
  const asked = {
    model: scriptedInvestigator(),
    maxOutputTokens: 1000,
    requestTimeoutMs: 60_000,
    when: 'always' as const,
    secrets: [],
  };
  const evaluation = await evaluate(cases, { now: () => 0, model: { kind: 'live', asked, keep: null } });
  const figures = modelFigures(evaluation);
  if (figures === null) throw new Error('the model was asked about nothing');
  const { wasted_calls: wasted, tool_calls: calls } = figures;
  console.info(
    `scripted set: ${figures.asked} conversations, tool calls ${calls.min}/${calls.median}/${calls.max}, for nothing ${wasted.min}/${wasted.median}/${wasted.max}`,
  );
  expect(figures.asked).toBe(cases.length);
  expect(figures.ended).toEqual([['concluded', cases.length]]);
  expect(calls.median).toBeGreaterThanOrEqual(6);
  expect(wasted.median).toBeLessThanOrEqual(2);
});
