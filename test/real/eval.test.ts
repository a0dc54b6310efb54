import { expect, test } from 'vitest';
import { askIncidents } from '../support/eval.ts';

test('every recorded incident has an answer as good as the committed one, and a report that is one screen', async () => {
  const { worse, reports } = await askIncidents(1);
  expect(worse).toEqual([]);
  expect(reports.problems).toEqual([]);
  const { median, p95, most, longest } = reports.lines();
  console.info(`lines of a report: median ${median}, 95 % have at most ${p95}, the longest (${longest}) has ${most}`);
  expect(median).toBeLessThanOrEqual(25);
  expect(p95).toBeLessThanOrEqual(45);
});
