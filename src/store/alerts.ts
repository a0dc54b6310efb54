import { sql } from 'kysely';
import type { Kysely, Selectable, Updateable } from 'kysely';
import type { AlertRecord, AlertStatus, Severity } from '../core/alert.ts';
import type { AlertStore, StoredAlert } from '../core/store.ts';
import { newId } from '../lib/id.ts';
import { labelInserter } from './alert-labels.ts';
import type { LabelWriter } from './alert-labels.ts';
import { alertRecord } from './rows.ts';
import type { AlertRow, AlertTransitionRow, Database } from './schema.ts';
import { statement } from './statements.ts';

/**
 * Reads and writes `alerts`, `alert_labels` and `alert_transitions` inside a transaction. Labels are written at once,
 * unless a database has a better way.
 */
export function createAlertStore(query: Kysely<Database>, writeLabels = labelInserter(query)): AlertStore {
  return { ...finders(query), ...sweepFinders(query), ...writers(query, writeLabels) };
}

function finders(query: Kysely<Database>): Pick<AlertStore, 'findState' | 'findByIdentity' | 'findById'> {
  type Identity = 'namespace' | 'source' | 'fingerprint';
  const identity = ['namespace', 'source', 'fingerprint'] as const;
  const state = statement<Identity, StateRow>(identity, (marker) =>
    query
      .selectFrom('alerts')
      .select(stateColumns)
      .where('fingerprint', '=', marker('fingerprint'))
      .where('source', '=', marker('source'))
      .where('namespace', '=', marker('namespace')),
  );
  const record = statement<Identity, Selectable<AlertRow>>(identity, (marker) =>
    query
      .selectFrom('alerts')
      .selectAll()
      .where('fingerprint', '=', marker('fingerprint'))
      .where('source', '=', marker('source'))
      .where('namespace', '=', marker('namespace')),
  );
  const byId = statement<'id', Selectable<AlertRow>>(['id'], (marker) =>
    query.selectFrom('alerts').selectAll().where('id', '=', marker('id')),
  );
  return {
    async findState(namespace, source, fingerprint) {
      const [row] = await state(query, { namespace, source, fingerprint });
      return row === undefined ? undefined : storedAlert(row);
    },
    async findByIdentity(namespace, source, fingerprint) {
      const [row] = await record(query, { namespace, source, fingerprint });
      return row === undefined ? undefined : alertRecord(row);
    },
    async findById(id) {
      const [row] = await byId(query, { id });
      return row === undefined ? undefined : alertRecord(row);
    },
  };
}

/** What time alone changes. Not hot: built by Kysely each time. */
function sweepFinders(query: Kysely<Database>): Pick<AlertStore, 'sourcesWithOpen' | 'findExpired' | 'findMuted'> {
  return {
    sourcesWithOpen: () =>
      query
        .selectFrom('alerts')
        .select(['namespace', 'source'])
        .distinct()
        .where('status', '<>', sql.lit('resolved'))
        .execute(),
    async findExpired(namespace, source, before, limit) {
      const rows = await query
        .selectFrom('alerts')
        .selectAll()
        .where('source', '=', source)
        .where('namespace', '=', namespace)
        .where('last_received_at', '<', before)
        // A literal, because a partial index serves only a query that says the same.
        .where('status', '<>', sql.lit('resolved'))
        .orderBy('last_received_at')
        .limit(limit)
        .execute();
      return rows.map(alertRecord);
    },
    async findMuted(now, limit) {
      const rows = await query
        .selectFrom('alerts')
        .selectAll()
        .where('muted_until', '<=', now)
        .where('status', '<>', 'resolved')
        .orderBy('muted_until')
        .limit(limit)
        .execute();
      return rows.map(alertRecord);
    },
  };
}

function writers(
  query: Kysely<Database>,
  writeLabels: LabelWriter,
): Pick<AlertStore, 'insert' | 'saveState' | 'update' | 'addTransition'> {
  const insert = statement<keyof AlertRow, never>(columnNames, (marker) =>
    query.insertInto('alerts').values(markers(columnNames, marker)),
  );
  const save = statement<StateColumn | 'updated_at', never>([...stateColumns, 'updated_at'], (marker) =>
    query
      .updateTable('alerts')
      .set(markers([...savedColumns, 'updated_at'], marker) as Updateable<AlertRow>)
      .where('id', '=', marker('id')),
  );
  const transitionNames = [
    'id',
    'alert_id',
    'episode',
    'from_status',
    'to_status',
    'reason',
    'at',
    'source_event_id',
  ] as const;
  const insertTransition = statement<keyof AlertTransitionRow, never>(transitionNames, (marker) =>
    query.insertInto('alert_transitions').values(markers(transitionNames, marker)),
  );
  return {
    async insert(alert) {
      await insert(query, toRow(alert));
      await writeLabels(alert.id, alert.labels);
    },
    async saveState(alert, updatedAt) {
      await save(query, { ...stateRow(alert), updated_at: updatedAt });
    },
    async update(id, changes) {
      await query.updateTable('alerts').set(changedColumns(changes)).where('id', '=', id).execute();
    },
    async addTransition(transition) {
      await insertTransition(query, {
        id: newId(),
        alert_id: transition.alertId,
        episode: transition.episode,
        from_status: transition.fromStatus,
        to_status: transition.toStatus,
        reason: transition.reason,
        at: transition.at,
        source_event_id: transition.sourceEventId,
      });
    },
  };
}

const savedColumns = [
  'status',
  'severity',
  'episode',
  'receive_count',
  'starts_at',
  'ends_at',
  'skewed',
  'received_at',
  'last_received_at',
  'resolved_at',
  'content_hash',
  'source_id',
  'workflow_id',
  'triage_completed_at',
  'announced',
  'muted_until',
] as const satisfies readonly (keyof AlertRow)[];
const stateColumns = ['id', ...savedColumns] as const;
type StateColumn = (typeof stateColumns)[number];
type StateRow = Pick<Selectable<AlertRow>, StateColumn>;

function storedAlert(row: StateRow): StoredAlert {
  return {
    id: row.id,
    status: row.status as AlertStatus,
    severity: row.severity as Severity,
    episode: row.episode,
    receiveCount: row.receive_count,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    skewed: row.skewed === 1,
    receivedAt: row.received_at,
    lastReceivedAt: row.last_received_at,
    resolvedAt: row.resolved_at,
    contentHash: row.content_hash,
    sourceId: row.source_id,
    workflowId: row.workflow_id,
    triageCompletedAt: row.triage_completed_at,
    announced: row.announced === 1,
    mutedUntil: row.muted_until,
  };
}

function stateRow(alert: StoredAlert): StateRow {
  return {
    id: alert.id,
    status: alert.status,
    severity: alert.severity,
    episode: alert.episode,
    receive_count: alert.receiveCount,
    starts_at: alert.startsAt,
    ends_at: alert.endsAt,
    skewed: Number(alert.skewed),
    received_at: alert.receivedAt,
    last_received_at: alert.lastReceivedAt,
    resolved_at: alert.resolvedAt,
    content_hash: alert.contentHash,
    source_id: alert.sourceId,
    workflow_id: alert.workflowId,
    triage_completed_at: alert.triageCompletedAt,
    announced: Number(alert.announced),
    muted_until: alert.mutedUntil,
  };
}

/** The column of each field. */
const columns = {
  id: 'id',
  namespace: 'namespace',
  source: 'source',
  fingerprint: 'fingerprint',
  externalId: 'external_id',
  status: 'status',
  severity: 'severity',
  name: 'alert_name',
  summary: 'summary',
  description: 'description',
  labels: 'labels',
  annotations: 'annotations',
  generatorUrl: 'generator_url',
  groupKey: 'group_key',
  contentHash: 'content_hash',
  episode: 'episode',
  receiveCount: 'receive_count',
  startsAt: 'starts_at',
  endsAt: 'ends_at',
  skewed: 'skewed',
  receivedAt: 'received_at',
  lastReceivedAt: 'last_received_at',
  resolvedAt: 'resolved_at',
  triageStartedAt: 'triage_started_at',
  triageCompletedAt: 'triage_completed_at',
  workflowId: 'workflow_id',
  sourceId: 'source_id',
  aiAnalysis: 'ai_analysis',
  aiConfidence: 'ai_confidence',
  autoResolved: 'auto_resolved',
  announced: 'announced',
  mutedUntil: 'muted_until',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} as const satisfies Record<keyof AlertRecord, keyof AlertRow>;
// The contract has both `alert_name` and `name`; they hold the same.
const columnNames: readonly (keyof AlertRow)[] = [...Object.values(columns), 'name'];
const fields = Object.entries(columns) as readonly [keyof AlertRecord, keyof AlertRow][];
const jsonFields: ReadonlySet<keyof AlertRecord> = new Set(['labels', 'annotations', 'aiAnalysis']);

function toRow(alert: AlertRecord): Record<keyof AlertRow, unknown> {
  const row: Partial<Record<keyof AlertRow, unknown>> = { name: alert.name };
  for (const [field, column] of fields) row[column] = cell(field, alert[field]);
  return row as Record<keyof AlertRow, unknown>;
}

function changedColumns(changes: Partial<AlertRecord>): Updateable<AlertRow> {
  const row: Record<string, unknown> = changes.name === undefined ? {} : { name: changes.name };
  for (const field of Object.keys(changes) as (keyof AlertRecord)[]) row[columns[field]] = cell(field, changes[field]);
  return row;
}

function cell(field: keyof AlertRecord, value: unknown): unknown {
  return jsonFields.has(field) && value !== null ? JSON.stringify(value) : value;
}

function markers<Name extends string>(names: readonly Name[], marker: (name: Name) => never): Record<Name, never> {
  return Object.fromEntries(names.map((name) => [name, marker(name)])) as Record<Name, never>;
}
