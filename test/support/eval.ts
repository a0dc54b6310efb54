import { readFileSync } from 'node:fs';
import { readCases } from '../../src/app/evaluation/cases.ts';
import { evaluate } from '../../src/app/evaluation/evaluate.ts';
import type { Evaluation } from '../../src/app/evaluation/evaluate.ts';
import { repositoryRoot } from './processes.ts';
import { createReportCheck } from './report-check.ts';
import type { ReportCheck } from './report-check.ts';

const folder = `${repositoryRoot}examples/eval`;
const rank = { right: 0, missed: 1, wrong: 2 } as const;

/** What came of asking recorded incidents. */
export interface Asked {
  /** Those of which the answer is worse than the committed one. */
  readonly worse: readonly string[];
  readonly reports: ReportCheck;
}

/** Asks every `nth` recorded incident. */
export async function askIncidents(nth: number): Promise<Asked> {
  const committed = JSON.parse(readFileSync(`${folder}/results.json`, 'utf8')) as Evaluation;
  const before = new Map(committed.outcomes.map(({ name, verdict }) => [name, verdict]));
  const cases = (await readCases(folder)).filter((_, index) => index % nth === 0);
  const reports = createReportCheck();
  const { outcomes } = await evaluate(cases, { now: () => 0, hear: (name, report) => reports.add(name, report) });
  const worse = outcomes.flatMap(({ name, verdict, root_cause }) => {
    const was = before.get(name);
    if (was !== undefined && rank[verdict] <= rank[was]) return [];
    return [`${name}: ${verdict}, ${was === undefined ? 'not in results.json' : `was ${was}`}: ${root_cause}`];
  });
  return { worse, reports };
}
