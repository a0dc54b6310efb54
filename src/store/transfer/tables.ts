import type { Database } from '../tables/all.ts';

/**
 * What an export leaves out: what says something about this database alone, and the indexes of labels and words, which
 * follow from `alerts`.
 */
type LeftOut =
  | 'schema_info'
  | 'installation'
  | 'alert_labels'
  | 'alert_labels_due'
  | 'alert_words'
  | 'alert_words_due'
  | 'sink_lanes'
  | 'ticks';
export type TransferTable = Exclude<keyof Database, LeftOut>;

/** Each table of an export; the compiler sees to it that none is missing. */
const order: Readonly<Record<TransferTable, true>> = {
  custom_resources: true,
  resource_activity: true,
  plans: true,
  source_events: true,
  dead_letters: true,
  alerts: true,
  alert_transitions: true,
  workflows: true,
  workflow_steps: true,
  evidence: true,
  agent_events: true,
  model_spending: true,
  run_verdicts: true,
  model_checks: true,
  namespace_data: true,
  slots: true,
  alert_groups: true,
  run_alerts: true,
  sink_outputs: true,
};

/** Names of the tables of an export, in the order in which it has them. */
export const transferTableNames = Object.keys(order) as readonly TransferTable[];
