import { agentEvents, modelSpending } from './agent.ts';
import { alertLabels, alertLabelsDue, alerts, alertTransitions, alertWords, alertWordsDue } from './alerts.ts';
import { duties, installation, schemaInfo } from './database.ts';
import { deliveries, sinkLanes } from './deliveries.ts';
import { deadLetters, sourceEvents } from './events.ts';
import { alertGroups, runAlerts } from './groups.ts';
import { modelChecks, namespaceData, runVerdicts } from './learned.ts';
import { resourceActivity, resources } from './resources.ts';
import { evidence, plans, runs, slots, steps } from './runs.ts';
import type { RowOf } from './table.ts';

/** Every table by its name in the database. A test compares this with a fresh database of either kind. */
export const tables = {
  schema_info: schemaInfo,
  installation,
  alerts,
  alert_labels: alertLabels,
  alert_labels_due: alertLabelsDue,
  alert_words: alertWords,
  alert_words_due: alertWordsDue,
  alert_transitions: alertTransitions,
  source_events: sourceEvents,
  dead_letters: deadLetters,
  plans,
  workflows: runs,
  workflow_steps: steps,
  evidence,
  agent_events: agentEvents,
  model_spending: modelSpending,
  run_verdicts: runVerdicts,
  model_checks: modelChecks,
  namespace_data: namespaceData,
  slots,
  alert_groups: alertGroups,
  run_alerts: runAlerts,
  sink_outputs: deliveries,
  sink_lanes: sinkLanes,
  custom_resources: resources,
  resource_activity: resourceActivity,
  ticks: duties,
};

/** Rows as they are in the database, for Kysely. */
export type Database = { [Name in keyof typeof tables]: RowOf<(typeof tables)[Name]> };
