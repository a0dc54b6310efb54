import { lowestIdAt } from '../../src/lib/id.ts';
import { createWordWriter } from '../../src/store/alerts/word-index.ts';
import { sqlOf } from '../../src/store/sql/dialect.ts';
import { tables } from '../../src/store/tables/all.ts';
import type { Database } from '../../src/store/tables/all.ts';
import type { Table } from '../../src/store/tables/table.ts';
import type { ContractRows } from './stores.ts';

/** Rows of each large table. */
export const manyRows = 10_000;
const startMs = Date.parse('2026-01-01T00:00:00.000Z');
/** One row a minute. */
const everyMs = 60_000;

/** The time of the nth row. */
export function timeOf(n: number): string {
  return new Date(startMs + n * everyMs).toISOString();
}

/** The id of the nth row of each table. */
export function rowId(n: number): string {
  return lowestIdAt(startMs + n * everyMs);
}

/** The last thousandth part is still in work, as in a database that has run for a while. */
export function isRecent(n: number): boolean {
  return n >= manyRows - manyRows / 100;
}

type Rows = readonly Record<string, unknown>[];

/** Fills the tables that grow without end. */
export async function fillMany(rows: ContractRows): Promise<void> {
  const { query, database } = rows;
  const isSqlite = !database.startsWith('postgres');
  const all = Array.from({ length: manyRows }, (_, n) => n);
  if (isSqlite) await rows.execute('BEGIN');
  const insert = async (table: keyof Database, added: Rows) => {
    const { columns: known }: Table = tables[table];
    const names = Object.keys(added[0] ?? {});
    const columns = names.map((column) => ({ column, isJson: /json|members/.test(known[column]?.kind ?? '') }));
    const write = sqlOf(query).insertMany(query, { table, columns }, '');
    const values = added.map((row) => names.map((name) => row[name]));
    for (let start = 0; start < values.length; start += 2000) await write(values.slice(start, start + 2000));
  };
  await insert('alerts', all.map(alertRow));
  await insert('alert_labels', all.flatMap(labelRows));
  await insert('alert_transitions', [
    ...all.map((n) => transitionRow(n, n)),
    ...all.map((n) => transitionRow(n + manyRows, 7)),
  ]);
  await insert('source_events', all.map(eventRow));
  await insert('dead_letters', all.map(letterRow));
  await insert('workflows', all.map(runRow));
  await insert('workflow_steps', all.map(stepRow));
  await insert('evidence', all.map(evidenceRow));
  await insert('agent_events', all.map(agentEventRow));
  await insert('model_spending', all.map(spendingRow));
  await insert('sink_outputs', all.map(deliveryRow));
  await insert('slots', all.filter(isRecent).map(slotRow));
  await insert('alert_groups', all.map(groupRow));
  await insert('run_alerts', all.map(memberRow));
  const writeWords = createWordWriter(query);
  for (let written = 0; written < (manyRows * 5) / 6;) written += (await writeWords(1000)).alerts;
  if (isSqlite) await rows.execute('COMMIT');
  // PostgreSQL does so by itself; SQLite never does.
  if (!isSqlite) await rows.execute('VACUUM ANALYZE');
}

const labelsOf = (n: number) => ({
  alertname: `Name${n % 40}`,
  team: `team-${n % 5}`,
  env: 'prod',
  pod: `pod-${n}`,
  namespace: `namespace-${n % 7}`,
});

function alertRow(n: number) {
  const isOpen = isRecent(n) || n % 100 === 0;
  return {
    id: rowId(n),
    namespace: n % 2 === 0 ? 'shop' : `namespace-${n % 19}`,
    source: `source-${n % 3}`,
    fingerprint: `fingerprint-${n}`,
    status: isOpen ? 'received' : 'resolved',
    severity: ['critical', 'warning', 'info'][n % 3],
    alert_name: `Name${n % 40}`,
    name: `Name${n % 40}`,
    summary: `Pod number ${n} of the Checkout service is crash looping`,
    labels: JSON.stringify(labelsOf(n)),
    annotations: '{}',
    content_hash: 'hash',
    episode: 1,
    receive_count: 1,
    auto_resolved: 0,
    skewed: 0,
    announced: 0,
    muted_until: n % 1000 === 0 ? timeOf(n) : null,
    received_at: timeOf(n),
    last_received_at: timeOf(n),
    created_at: timeOf(n),
    updated_at: timeOf(n),
  };
}

function labelRows(n: number) {
  return Object.entries(labelsOf(n)).map(([name, value]) => ({ name, value, alert_id: rowId(n) }));
}

function transitionRow(n: number, alert: number) {
  return {
    id: rowId(n),
    alert_id: rowId(alert),
    episode: 1,
    to_status: 'received',
    reason: 'Opened',
    at: timeOf(n),
  };
}

function eventRow(n: number) {
  return {
    id: rowId(n),
    namespace: n % 2 === 0 ? 'shop' : `namespace-${n % 19}`,
    source_name: `source-${n % 3}`,
    source_type: 'webhook',
    event_data: '{}',
    content_hash: `hash-${n}`,
    delivery_key: n % 10 === 0 ? `key-${n}` : null,
    outcome: '{}',
    receive_count: 1,
    received_at: timeOf(n),
    last_received_at: timeOf(n),
  };
}

function letterRow(n: number) {
  return {
    id: rowId(n),
    namespace: 'shop',
    source_name: `source-${n % 3}`,
    reason: n % 100 === 0 ? 'BadEnvelope' : 'BadItem',
    message: 'm',
    body: 'b',
    received_at: timeOf(n),
  };
}

function runRow(n: number) {
  const status = isRecent(n) ? ['pending', 'running'][n % 2] : ['succeeded', 'failed'][Number(n % 10 === 0)];
  return {
    id: rowId(n),
    name: `workflow-${n % 4}`,
    namespace: n % 2 === 0 ? 'shop' : 'bank',
    trigger_source: 'shop/source-1',
    status,
    // One alert that flaps has a twentieth of all runs.
    alert_id: rowId(n % 20 === 0 ? 7 : n),
    episode: n,
    plan_hash: 'plan',
    steps_completed: 1,
    total_steps: 1,
    input_context: '{}',
    outputs: '{}',
    error_code: status === 'failed' ? ['Timeout', 'StepFailed'][Number(n % 100 === 0)] : null,
    fence: 1,
    lease_owner: status === 'running' ? 'worker' : null,
    lease_until: status === 'running' ? timeOf(manyRows + 10) : null,
    wake_at: status === 'running' ? timeOf(manyRows + 10) : status === 'pending' && n % 4 === 0 ? timeOf(n) : null,
    waiting_for: status === 'pending' && n % 4 !== 0 ? 'slot' : null,
    slot_key: status === 'pending' && n % 4 !== 0 ? 'key-1' : null,
    deadline_at: timeOf(n + 1440),
    completed_at: isRecent(n) ? null : timeOf(n + 1),
    created_at: timeOf(n),
  };
}

function stepRow(n: number) {
  return {
    id: rowId(n),
    workflow_id: rowId(n),
    name: 'one',
    step_type: 'cli',
    path: '1',
    attempt: 1,
    status: 'succeeded',
    fence: 1,
    result: '{}',
    retryable: 0,
    created_at: timeOf(n),
  };
}

function evidenceRow(n: number) {
  return {
    workflow_id: rowId(n),
    number: 1,
    step_path: '1',
    kind: 'log',
    object: 'pod/shop/x',
    command: 'c',
    observed_at: timeOf(n),
    excerpt: 'e',
  };
}

function agentEventRow(n: number) {
  return {
    workflow_id: rowId(n),
    sequence: 1,
    path: '1',
    attempt: 1,
    kind: 'closed',
    content: '{}',
    tokens: 0,
    cost_micros: 0,
    evidence_hash: n % 2 === 0 ? `hash-${n % 1000}` : null,
    at: timeOf(n),
  };
}

function spendingRow(n: number) {
  const day = timeOf(n * 1440).slice(0, 10);
  return { day, namespace: 'shop', workflow: `workflow-${n % 4}`, tokens: 1000, cost_micros: 12_000 };
}

function deliveryRow(n: number) {
  const status = isRecent(n) ? 'pending' : ['sent', 'failed'][Number(n % 50 === 0)];
  return {
    id: rowId(n),
    namespace: 'shop',
    workflow_id: n % 10 === 0 ? null : rowId(n),
    alert_id: rowId(n),
    event: 'run-finished',
    sink_name: `sink-${n % 3}`,
    sink_type: 'webhook',
    data: '{}',
    status,
    attempts: 1,
    ambiguous: 0,
    idempotency_key: `key-${n}`,
    fence: 1,
    wake_at: status === 'pending' ? timeOf(n) : null,
    sent_at: status === 'sent' ? timeOf(n + 1) : null,
    incident: n % 4 === 0 ? `cause-${n % 200}` : null,
    created_at: timeOf(n),
  };
}

function slotRow(n: number) {
  return { key: `key-${n}`, ordinal: 0, workflow_id: rowId(n), taken_at: timeOf(n) };
}

function groupRow(n: number) {
  return { id: `group-${n}`, namespace: 'shop', workflow_id: rowId(n), previous_id: null };
}

/** One run has a twentieth of them. */
function memberRow(n: number) {
  return { alert_id: rowId(n), workflow_id: rowId(n % 20 === 0 ? 7 : n), episode: 1 };
}
