import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Ledger } from './traffic.ts';
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
  readonly labels: string;
  readonly episode: number;
  readonly receive_count: number;
}

interface DeliveryRow {
  readonly run: string | null;
  readonly event: string;
  readonly status: string;
  readonly key: string;
  readonly ambiguous: number;
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

const unfinishedStatuses = ['pending', 'running'];

/** Reads the database from outside, with a connection of its own; the server may be up or dead. */
export function readSnapshot(database: string): Snapshot {
  const connection = new DatabaseSync(database, { readOnly: true, timeout: 5000 });
  const all = (sql: string): unknown => connection.prepare(sql).all();
  try {
    return {
      runs: all('SELECT id, status, alert_id, episode, retry_of FROM workflows') as readonly RunRow[],
      steps: all(
        'SELECT workflow_id AS run, path, attempt, status, step_type AS type FROM workflow_steps ORDER BY attempt',
      ) as readonly StepRow[],
      alerts: all('SELECT id, labels, episode, receive_count FROM alerts') as readonly AlertRow[],
      deliveries: all(
        'SELECT workflow_id AS run, event, status, idempotency_key AS key, ambiguous, attempts, error FROM sink_outputs',
      ) as readonly DeliveryRow[],
    };
  } finally {
    connection.close();
  }
}

/** Runs and deliveries that have not come to an end. */
export function countUnfinished(database: string): number {
  const connection = new DatabaseSync(database, { readOnly: true, timeout: 5000 });
  try {
    const row = connection
      .prepare(
        "SELECT (SELECT count(*) FROM workflows WHERE status IN ('pending', 'running')) + (SELECT count(*) FROM sink_outputs WHERE status = 'pending') AS n",
      )
      .get();
    return Number(row?.['n']);
  } finally {
    connection.close();
  }
}

/** All broken promises of the end state, in words; empty = everything held. `earlier` are snapshots after each crash. */
export function findProblems(sandbox: Sandbox, ledger: Ledger, earlier: readonly Snapshot[]): readonly string[] {
  const now = readSnapshot(sandbox.database);
  const executed = readFileSync(sandbox.executions, 'utf8').split('\n').filter(Boolean);
  return [
    ...ledger.wrongAnswers.map((answer) => `answered ${answer}`),
    ...alertProblems(now, ledger),
    ...runProblems(now, ledger),
    ...stepProblems(now.steps),
    ...executionProblems(now.steps, executed),
    ...deliveryProblems(now, sandbox),
    ...earlier.flatMap((snapshot) => changedFacts(snapshot, now)),
  ];
}

/** Every alert that was answered 2xx is there, as often as it was acknowledged, with a run for each episode. */
function alertProblems({ alerts, runs }: Snapshot, ledger: Ledger): readonly string[] {
  const byId = new Map(alerts.map((alert) => [(JSON.parse(alert.labels) as { id: string }).id, alert]));
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
function runProblems({ runs, steps }: Snapshot, ledger: Ledger): readonly string[] {
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
function deliveryProblems({ runs, deliveries }: Snapshot, sandbox: Sandbox): readonly string[] {
  const received = new Map<string, number>();
  for (const { headers } of sandbox.receiver.requests) {
    const key = String(headers['idempotency-key']);
    received.set(key, (received.get(key) ?? 0) + 1);
  }
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
      .filter((row) => (received.get(row.key) ?? 0) > 1 && row.ambiguous === 0)
      .map((row) => `delivery ${row.key} arrived ${received.get(row.key)} times and is not marked ambiguous`),
    ...[...received.keys()]
      .filter((key) => !deliveries.some((row) => row.key === key))
      .map((key) => `${key} arrived, but there is no such delivery`),
    ...runs
      .filter((run) => run.status === 'succeeded' || run.status === 'failed')
      .filter((run) => announced.get(run.id) !== 1)
      .map((run) => `run ${run.id} (${run.status}) has ${announced.get(run.id) ?? 0} run-finished deliveries`),
  ];
}

/** What was committed before a crash is still so: rows, final states, successes, counts. */
function changedFacts(before: Snapshot, now: Snapshot): readonly string[] {
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
