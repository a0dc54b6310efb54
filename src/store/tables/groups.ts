import { number, table, text } from './table.ts';

/** One row for each group of alerts, with its newest run. */
export const alertGroups = table('alert_groups', ['id'], {
  id: text(),
  namespace: text(),
  workflow_id: text().as('runId'),
  // The one that it came after, so that of two replicas one makes the next.
  previous_id: text().nullable().as('previousRunId'),
});

/** Alerts that a run answers for beside its own. */
export const runAlerts = table('run_alerts', ['alert_id', 'workflow_id'], {
  alert_id: text(),
  workflow_id: text().as('runId'),
  episode: number(),
});
