import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readCases } from '../src/app/evaluation/cases.ts';
import { evaluate } from '../src/app/evaluation/evaluate.ts';
import type { Evaluation } from '../src/app/evaluation/evaluate.ts';
import { repositoryRoot } from './support/processes.ts';

const folder = `${repositoryRoot}examples/eval`;

test('the recorded incidents: every answer is as good as the committed one', { timeout: 60_000 }, async () => {
  const committed = JSON.parse(readFileSync(`${folder}/results.json`, 'utf8')) as Evaluation;
  const now = await evaluate(await readCases(folder), () => 0);
  const rank = { right: 0, missed: 1, wrong: 2 } as const;
  const before = new Map(committed.outcomes.map(({ name, verdict }) => [name, verdict]));
  expect(now.outcomes.filter(({ name }) => !before.has(name)).map(({ name }) => name)).toEqual([]);
  const worse = now.outcomes.filter(({ name, verdict }) => rank[verdict] > rank[before.get(name) ?? 'wrong']);
  expect(worse.map(({ name, verdict, root_cause }) => `${name}: ${verdict}: ${root_cause}`)).toEqual([]);
});
