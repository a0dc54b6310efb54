import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Database } from '../tables/all.ts';

/** Rows that contradict each other. */
export interface Inconsistency {
  /** What is wrong, `deliveries without their run`. */
  readonly problem: string;
  /** At most 1000: a check stops counting there. */
  readonly count: number;
  /** A few of them. */
  readonly examples: readonly string[];
  /** What a person does about it. */
  readonly next: string;
}

const mostCounted = 1000;
const mostExamples = 3;

const restore = 'restore the copy or backup from before, or report this with the log of the server';

interface Check {
  readonly problem: string;
  readonly next: string;
  /** A query of `id`, text. */
  readonly find: RawBuilder<{ readonly id: string }>;
}

const checks: readonly Check[] = [
  {
    problem: 'steps without their run',
    next: restore,
    find: sql`SELECT id FROM workflow_steps WHERE NOT EXISTS (SELECT 1 FROM workflows WHERE workflows.id = workflow_steps.workflow_id)`,
  },
  {
    problem: 'evidence without its run',
    next: restore,
    find: sql`SELECT workflow_id AS id FROM evidence WHERE NOT EXISTS (SELECT 1 FROM workflows WHERE workflows.id = evidence.workflow_id)`,
  },
  {
    problem: 'slots of no unfinished run',
    next: 'a running server frees them within a minute: fist serve',
    find: sql`SELECT key AS id FROM slots WHERE NOT EXISTS
      (SELECT 1 FROM workflows WHERE workflows.id = slots.workflow_id AND workflows.status IN ('pending', 'running'))`,
  },
  {
    problem: 'pending deliveries without their run or alert',
    next: restore,
    find: sql`SELECT id FROM sink_outputs WHERE status = 'pending' AND (
      (workflow_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM workflows WHERE workflows.id = sink_outputs.workflow_id))
      OR (alert_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.id = sink_outputs.alert_id)))`,
  },
  {
    problem: 'pending deliveries that nothing will wake',
    next: 'fist describe delivery/ID; a running server looks for them each minute',
    find: sql`SELECT id FROM sink_outputs WHERE status = 'pending' AND wake_at IS NULL AND waiting_for IS NULL`,
  },
  {
    problem: 'unfinished runs that nothing will wake',
    next: 'a running server wakes them within a minute and counts them in fist_runs_stuck_total: fist serve',
    find: sql`SELECT id FROM workflows WHERE status IN ('pending', 'running') AND wake_at IS NULL AND NOT EXISTS
      (SELECT 1 FROM slots JOIN workflows AS holder ON holder.id = slots.workflow_id
       WHERE slots.key = workflows.slot_key AND holder.status IN ('pending', 'running'))`,
  },
  {
    problem: 'unfinished runs without their plan',
    next: restore,
    find: sql`SELECT id FROM workflows WHERE status IN ('pending', 'running') AND plan_hash IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM plans WHERE plans.hash = workflows.plan_hash)`,
  },
  {
    problem: 'unfinished runs without their alert',
    next: restore,
    find: sql`SELECT id FROM workflows WHERE status IN ('pending', 'running') AND alert_id IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM alerts WHERE alerts.id = workflows.alert_id)`,
  },
  {
    problem: 'finished runs that still hold a lease or a wake-up',
    next: restore,
    find: sql`SELECT id FROM workflows WHERE status NOT IN ('pending', 'running') AND (wake_at IS NOT NULL OR lease_owner IS NOT NULL)`,
  },
  {
    problem: 'open alerts whose newest run is missing',
    next: restore,
    // One that came back without a run keeps naming that of its last episode, which retention deletes.
    find: sql`SELECT id FROM alerts WHERE status IN ('triaging', 'escalated') AND workflow_id IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM workflows WHERE workflows.id = alerts.workflow_id)`,
  },
  {
    problem: 'alerts of a group without their run',
    next: restore,
    find: sql`SELECT alert_id AS id FROM run_alerts WHERE NOT EXISTS (SELECT 1 FROM workflows WHERE workflows.id = run_alerts.workflow_id)
      OR NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.id = run_alerts.alert_id)`,
  },
  {
    problem: 'history of no alert',
    next: restore,
    find: sql`SELECT alert_id AS id FROM alert_transitions WHERE NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.id = alert_transitions.alert_id)`,
  },
  {
    problem: 'labels of no alert',
    next: 'they find nothing and take a little room; report this',
    find: sql`SELECT alert_id AS id FROM alert_labels WHERE NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.id = alert_labels.alert_id)`,
  },
];

/** Rows that contradict each other, the same questions on both databases. Reads whole tables. */
export async function findInconsistencies(query: Kysely<Database>): Promise<readonly Inconsistency[]> {
  const found: Inconsistency[] = [];
  for (const { problem, next, find } of checks) {
    const { rows } = await sql<{ readonly id: string }>`${find} LIMIT ${sql.lit(mostCounted)}`.execute(query);
    if (rows.length === 0) continue;
    const examples = [...new Set(rows.map(({ id }) => id))].slice(0, mostExamples);
    found.push({ problem, count: rows.length, examples, next });
  }
  return found;
}
