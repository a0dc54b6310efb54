import { readCases } from '../src/app/evaluation/cases.ts';
import { evaluate } from '../src/app/evaluation/evaluate.ts';
import { modelFigures } from '../src/app/evaluation/model-text.ts';
import { scriptedInvestigator } from '../test/support/scripted-investigator.ts';
import type { World } from './world.ts';

/** What the conversations of the scripted set come to: recorded incidents, and a model that always asks the same (test/real/wasted-calls.test.ts). */
export async function measureScriptedSet(world: World): Promise<object> {
  const share = world.quick ? 24 : 3;
  const cases = (await readCases('examples/eval')).filter((_, index) => index % share === 0);
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
  const { requests, tool_calls: calls, wasted_calls: wasted } = figures;
  return {
    conversations: figures.asked,
    'requests min': requests.min,
    'requests median': requests.median,
    'requests max': requests.max,
    'calls min': calls.min,
    'calls median': calls.median,
    'calls max': calls.max,
    'wasted min': wasted.min,
    'wasted median': wasted.median,
    'wasted max': wasted.max,
  };
}
