import { readFileSync } from 'node:fs';
import type { ChaosDatabase } from './database.ts';
import type { Ledger } from './traffic.ts';
import type { Receiver } from '../support/receiver.ts';
import type { Sandbox } from './sandbox.ts';

interface RunRow {
  readonly id: string;
  readonly status: string;
  readonly alert_id: string | null;
  readonly episode: number;
  readonly retry_of: string | null;
}

interface StepRow {
  readonly run: string;
  readonly path: string;
  readonly attempt: number;
  readonly status: string;
  readonly type: string;
}

interface AlertRow {
  readonly id: string;
  /** The value of the label `id`. */
  readonly name: string;
  readonly episode: number;
  readonly receive_count: number;
}

interface DeliveryRow {
  readonly run: string | null;
  readonly event: string;
  readonly status: string;
  readonly key: string;
  readonly ambiguous: boolean;
  readonly attempts: number;
  readonly error: string | null;
}

/** What the database says at one moment. */
export interface Snapshot {
  readonly runs: readonly RunRow[];
  readonly steps: readonly StepRow[];
  readonly alerts: readonly AlertRow[];
  readonly deliveries: readonly DeliveryRow[];
}

/** What the steps and the deliveries did outside. */
export type Effects = Pick<Sandbox, 'executions' | 'receiver'>;

const unfinishedStatuses = ['pending', 'running'];

/** Reads the tables; the server may be up or dead. */
export async function readSnapshot(database: ChaosDatabase): Promise<Snapshot> {
  const rows = async (sql: string): Promise<unknown> => await database.query(sql);
  const alerts = await database.query('SELECT id, labels, episode, receive_count FROM alerts');
  const deliveries = await database.query(
    'SELECT workflow_id AS run, event, status, idempotency_key AS key, ambiguous, attempts, error FROM sink_outputs',
  );
  return {
    runs: (await rows('SELECT id, status, alert_id, episode, retry_of FROM workflows')) as readonly RunRow[],
    steps: (await rows(
      'SELECT workflow_id AS run, path, attempt, status, step_type AS type FROM workflow_steps ORDER BY attempt',
    )) as readonly StepRow[],
    alerts: alerts.map((row) => ({ ...row, name: readLabels(row['labels'])['id'] ?? '' }) as unknown as AlertRow),
    deliveries: deliveries.map((row) => ({ ...row, ambiguous: Boolean(row['ambiguous']) }) as unknown as DeliveryRow),
  };
}

/** JSON is text in SQLite, and parsed by the driver of PostgreSQL. */
function readLabels(value: unknown): Readonly<Record<string, string>> {
  return (typeof value === 'string' ? JSON.parse(value) : value) as Readonly<Record<string, string>>;
}

/** Runs and deliveries that have not come to an end. */
export async function countUnfinished(database: ChaosDatabase): Promise<number> {
  const rows = await database.query(
    "SELECT (SELECT count(*) FROM workflows WHERE status IN ('pending', 'running')) + (SELECT count(*) FROM sink_outputs WHERE status = 'pending') AS n",
  );
  return Number(rows[0]?.['n']);
}

/** All broken promises of the end state, in words; empty = everything held. */
export function findProblems(effects: Effects, ledger: Ledger, now: Snapshot): readonly string[] {
  const executed = readFileSync(effects.executions, 'utf8').split('\n').filter(Boolean);
  return [...findStoredProblems(effects, ledger, now), ...executionProblems(now.steps, executed)];
}

/** The same where nobody wrote down what the steps did. */
export function findStoredProblems(
  effects: { readonly receiver: Pick<Receiver, 'requests'> },
  ledger: Ledger,
  now: Snapshot,
): readonly string[] {
  return [
    ...ledger.wrongAnswers.map((answer) => `answered ${answer}`),
    ...alertProblems(now, ledger),
    ...runProblems(now, ledger),
    ...stepProblems(now.steps),
    ...deliveryProblems(now, effects),
  ];
}

/** Every alert that was answered 2xx is there, as often as it was acknowledged, with a run for each episode. */
export function alertProblems(
  { alerts, runs }: Snapshot,
  ledger: Pick<Ledger, 'sent' | 'acknowledged'>,
): readonly string[] {
  const byId = new Map(alerts.map((alert) => [alert.name, alert]));
  const lost = [...ledger.acknowledged].flatMap(([id, acknowledged]) => {
    const received = byId.get(id)?.receive_count ?? 0;
    return received >= acknowledged
      ? []
      : [`${id} was answered 2xx ${acknowledged} times, the store has it ${received} times`];
  });
  const invented = [...byId].flatMap(([id, alert]) => {
    const sent = ledger.sent.get(id) ?? 0;
    return alert.receive_count <= sent
      ? []
      : [`${id} was sent ${sent} times, the store has it ${alert.receive_count} times`];
  });
  const episodes = new Set(runs.filter((run) => run.retry_of === null).map((run) => `${run.alert_id} ${run.episode}`));
  const withoutRun = [...byId].flatMap(([id, alert]) =>
    Array.from({ length: alert.episode }, (_, index) => index + 1)
      .filter((episode) => !episodes.has(`${alert.id} ${episode}`))
      .map((episode) => `${id} has no run for episode ${episode}`),
  );
  return [...lost, ...invented, ...withoutRun];
}

/** Every run is in a final state; what the API promised about runs holds. */
function runProblems({ runs, steps }: Snapshot, ledger: Pick<Ledger, 'retried' | 'cancelled'>): readonly string[] {
  const ids = new Set(runs.map((run) => run.id));
  return [
    ...runs
      .filter((run) => unfinishedStatuses.includes(run.status))
      .map((run) => `run ${run.id} is still ${run.status}`),
    ...[...ledger.retried].filter((id) => !ids.has(id)).map((id) => `run ${id} of an acknowledged retry is gone`),
    ...[...ledger.cancelled].filter((id) => !ids.has(id)).map((id) => `run ${id} of an acknowledged cancel is gone`),
    ...steps
      .filter((step) => step.status === 'running')
      .map((step) => `step ${step.run} ${step.path} is still running`),
  ];
}

/** The journal: at most one success per path, nothing after it. */
function stepProblems(steps: readonly StepRow[]): readonly string[] {
  const done = new Map<string, StepRow>();
  return steps.flatMap((step) => {
    const key = `${step.run} ${step.path}`;
    const success = done.get(key);
    if (step.status === 'succeeded' && success === undefined) done.set(key, step);
    return success === undefined
      ? []
      : [`${key} has attempt ${step.attempt} after attempt ${success.attempt} succeeded`];
  });
}

/** What was really executed, compared with the journal. */
function executionProblems(steps: readonly StepRow[], executed: readonly string[]): readonly string[] {
  const lines = new Map<string, number>();
  for (const line of executed) lines.set(line, (lines.get(line) ?? 0) + 1);
  const known = new Set(steps.map((step) => `${step.run} ${step.path} ${step.attempt}`));
  const successes = new Map<string, StepRow>();
  for (const step of steps.filter(({ status }) => status === 'succeeded').reverse())
    successes.set(`${step.run} ${step.path}`, step);
  const missing = [...successes.values()].flatMap((step) => {
    const line = `${step.run} ${step.path} ${step.attempt}`;
    return step.type !== 'cli' || lines.has(line) ? [] : [`${line} is committed as done, but was never executed`];
  });
  const wrong = [...lines].flatMap(([line, count]) => {
    const [run = '', path = '', attempt = ''] = line.split(' ');
    const success = successes.get(`${run} ${path}`);
    return [
      ...(count > 1 ? [`${line} was executed ${count} times`] : []),
      ...(known.has(line) ? [] : [`${line} was executed, but the journal has no such attempt`]),
      ...(success !== undefined && Number(attempt) > success.attempt
        ? [`${line} was executed after attempt ${success.attempt} was committed as done`]
        : []),
    ];
  });
  return [...missing, ...wrong];
}

/** Every ended run was announced once; a second copy only where the row says that it may have been sent twice. */
function deliveryProblems(
  { runs, deliveries }: Snapshot,
  { receiver }: { readonly receiver: Pick<Receiver, 'requests'> },
): readonly string[] {
  const received = new Map<string, number>();
  for (const { headers } of receiver.requests) {
    const key = String(headers['idempotency-key']);
    received.set(key, (received.get(key) ?? 0) + 1);
  }
  const known = new Set(deliveries.map((row) => row.key));
  const announced = new Map<string, number>();
  for (const { run, event } of deliveries) {
    if (run !== null && event === 'run-finished') announced.set(run, (announced.get(run) ?? 0) + 1);
  }
  return [
    ...deliveries
      .filter((row) => row.status === 'pending')
      .map((row) => `delivery ${row.key} is still pending after ${row.attempts} attempts: ${row.error}`),
    ...deliveries.filter((row) => row.status === 'failed').map((row) => `delivery ${row.key} failed: ${row.error}`),
    ...deliveries
      .filter((row) => row.status === 'sent' && !received.has(row.key))
      .map((row) => `delivery ${row.key} is sent, but never arrived`),
    ...deliveries
      .filter((row) => (received.get(row.key) ?? 0) > 1 && !row.ambiguous)
      .map((row) => `delivery ${row.key} arrived ${received.get(row.key)} times and is not marked ambiguous`),
    ...[...received.keys()]
      .filter((key) => !known.has(key))
      .map((key) => `${key} arrived, but there is no such delivery`),
    ...runs
      .filter((run) => run.status === 'succeeded' || run.status === 'failed')
      .filter((run) => announced.get(run.id) !== 1)
      .map((run) => `run ${run.id} (${run.status}) has ${announced.get(run.id) ?? 0} run-finished deliveries`),
  ];
}

/** What was committed at an earlier moment is still so: rows, final states, successes, counts. */
export function changedFacts(before: Snapshot, now: Snapshot): readonly string[] {
  const runs = new Map(now.runs.map((run) => [run.id, run]));
  const steps = new Map(now.steps.map((step) => [`${step.run} ${step.path} ${step.attempt}`, step]));
  const alerts = new Map(now.alerts.map((alert) => [alert.id, alert]));
  return [
    ...before.runs.flatMap((run) => {
      const status = runs.get(run.id)?.status;
      if (unfinishedStatuses.includes(run.status)) return status === undefined ? [`run ${run.id} is gone`] : [];
      return status === run.status ? [] : [`run ${run.id} was ${run.status} and is ${status}`];
    }),
    ...before.steps.flatMap((step) => {
      const status = steps.get(`${step.run} ${step.path} ${step.attempt}`)?.status;
      if (step.status === 'running' || status === step.status) return [];
      return [`step ${step.run} ${step.path} ${step.attempt} was ${step.status} and is ${status}`];
    }),
    ...before.alerts
      .filter((alert) => (alerts.get(alert.id)?.receive_count ?? 0) < alert.receive_count)
      .map((alert) => `alert ${alert.id} was received ${alert.receive_count} times and has fewer now`),
  ];
}
