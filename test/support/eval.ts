import { readFileSync } from 'node:fs';
import { readCases } from '../../src/app/evaluation/cases.ts';
import { evaluate } from '../../src/app/evaluation/evaluate.ts';
import type { Evaluation } from '../../src/app/evaluation/evaluate.ts';
import { repositoryRoot } from './processes.ts';

const folder = `${repositoryRoot}examples/eval`;
const rank = { right: 0, missed: 1, wrong: 2 } as const;

/** The recorded incidents of which an answer is worse than the committed one; every `nth` case is asked. */
export async function worseAnswers(nth: number): Promise<readonly string[]> {
  const committed = JSON.parse(readFileSync(`${folder}/results.json`, 'utf8')) as Evaluation;
  const before = new Map(committed.outcomes.map(({ name, verdict }) => [name, verdict]));
  const cases = (await readCases(folder)).filter((_, index) => index % nth === 0);
  const { outcomes } = await evaluate(cases, () => 0);
  return outcomes.flatMap(({ name, verdict, root_cause }) => {
    const was = before.get(name);
    if (was !== undefined && rank[verdict] <= rank[was]) return [];
    return [`${name}: ${verdict}, ${was === undefined ? 'not in results.json' : `was ${was}`}: ${root_cause}`];
  });
}
