import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { chooseAlerts, investigateIn } from '../src/app/investigate.ts';
import { openDump } from '../src/kube/dump/dump.ts';
import { askIncidents } from './support/eval.ts';
import { repositoryRoot } from './support/processes.ts';
import { createReportCheck } from './support/report-check.ts';

// All of them are asked in test/real/eval.test.ts.
test(
  'every tenth of the recorded incidents has an answer as good as the committed one, and a report that is one',
  { timeout: 60_000 },
  async () => {
    const { worse, reports } = await askIncidents(10);
    expect(worse).toEqual([]);
    expect(reports.problems).toEqual([]);
  },
);

test('the reports of the stories are right in form and no longer than a screen', async () => {
  const reports = createReportCheck();
  for (const story of ['oom-crash-loop', 'bad-rollout', 'log-injection', 'pending-pod']) {
    const folder = `${repositoryRoot}examples/${story}`;
    const cluster = await openDump(`${folder}/dump`);
    const alerts = await chooseAlerts(readFileSync(`${folder}/alerts/firing.json`, 'utf8'), null);
    reports.add(story, (await investigateIn(cluster, alerts)).result);
    await cluster.close();
  }
  expect(reports.problems).toEqual([]);
  // One of them says that the cluster is a recorded one; a live report lacks it.
  expect(reports.lines().most).toBeLessThanOrEqual(33);
});
