import { sql } from 'kysely';
import type { Insertable, Kysely, Selectable, Updateable } from 'kysely';
import type { DeliveryEvent, DeliveryRecord, DeliveryStatus } from '../core/delivery.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { DeliveryReader, DeliveryStore } from '../core/store.ts';
import type { Hints } from './hints.ts';
import type { Database, DeliveryRow } from './schema.ts';
import { statement } from './statements.ts';

/** Reads `sink_outputs` on any connection. */
export function createDeliveryReader(query: Kysely<Database>): DeliveryReader {
  const byId = statement<'id', Selectable<DeliveryRow>>(['id'], (marker) =>
    query.selectFrom('sink_outputs').selectAll().where('id', '=', marker('id')),
  );
  const due = statement<'now' | 'limit', { id: string }>(['now', 'limit'], (marker) =>
    query
      .selectFrom('sink_outputs')
      .select('id')
      // A finished delivery has no wake_at; naming the status would lead SQLite to another index and a sort.
      .where('wake_at', '<=', marker('now'))
      .orderBy('wake_at')
      .limit(marker('limit')),
  );
  const next = statement<never, { wake_at: string | null }>([], () =>
    query.selectFrom('sink_outputs').select('wake_at').where('wake_at', 'is not', null).orderBy('wake_at').limit(1),
  );
  return {
    find: async (id) => first(await byId(query, { id })),
    due: async (now, limit) => (await due(query, { now, limit })).map((row) => row.id),
    nextWakeAt: async () => (await next(query, {}))[0]?.wake_at ?? null,
  };
}

/** Reads and writes `sink_outputs` inside a transaction; counts what each Sink did in `resource_activity`. */
export function createDeliveryStore(query: Kysely<Database>, hints: Hints): DeliveryStore {
  return {
    ...createDeliveryReader(query),
    async insert(deliveries) {
      if (deliveries.length === 0) return;
      const rows = deliveries.map(toRow);
      await query
        .insertInto('sink_outputs')
        .values(rows)
        .onConflict((conflict) => conflict.column('idempotency_key').doNothing())
        .execute();
      hints.deliveries = true;
    },
    claim: claimOn(query),
    async finish(id, fence, changes) {
      const row = await query
        .updateTable('sink_outputs')
        .set(changedColumns(changes))
        .where('id', '=', id)
        .where('fence', '=', fence)
        .where('status', '=', 'pending')
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return false;
      if (changes.wakeAt != null) hints.deliveries = true;
      await countActivity(query, deliveryRecord(row), changes);
      return true;
    },
    async releaseLeases(now) {
      const result = await query
        .updateTable('sink_outputs')
        .set({ lease_until: now, wake_at: now })
        .where('status', '=', 'pending')
        .where('lease_owner', 'is not', null)
        .executeTakeFirst();
      if (result.numUpdatedRows > 0n) hints.deliveries = true;
      return Number(result.numUpdatedRows);
    },
  };
}

/**
 * One statement: a pending row that is due and that nobody holds becomes ours. A lease that was never given back means
 * that an attempt was interrupted, so what it sent is unknown: the row is marked ambiguous.
 */
function claimOn(query: Kysely<Database>): DeliveryStore['claim'] {
  const claim = statement<'id' | 'owner' | 'now' | 'leaseUntil', Selectable<DeliveryRow>>(
    ['id', 'owner', 'now', 'leaseUntil'],
    (marker) =>
      query
        .updateTable('sink_outputs')
        .set({
          fence: sql<number>`fence + 1`,
          attempts: sql<number>`attempts + 1`,
          ambiguous: sql<number>`CASE WHEN lease_owner IS NULL THEN ambiguous ELSE 1 END`,
          lease_owner: marker('owner'),
          lease_until: marker('leaseUntil'),
          wake_at: marker('leaseUntil'),
        })
        .where('id', '=', marker('id'))
        .where('status', '=', 'pending')
        .where('wake_at', '<=', marker('now'))
        .where((row) => row.or([row('lease_until', 'is', null), row('lease_until', '<=', marker('now'))]))
        .returningAll(),
  );
  return async (id, owner, now, leaseUntil) => first(await claim(query, { id, owner, now, leaseUntil }));
}

async function countActivity(
  query: Kysely<Database>,
  delivery: DeliveryRecord,
  changes: Partial<DeliveryRecord>,
): Promise<void> {
  const sent = changes.status === 'sent';
  if (!sent && changes.error == null) return;
  await query
    .insertInto('resource_activity')
    .values({
      kind: 'Sink',
      namespace: delivery.namespace,
      name: delivery.sinkName,
      processed: sent ? 1 : 0,
      last_at: sent ? delivery.sentAt : null,
      last_error: sent ? null : delivery.error,
    })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'namespace', 'name']).doUpdateSet({
        processed: sql<number>`resource_activity.processed + excluded.processed`,
        last_at: sql<string | null>`coalesce(excluded.last_at, resource_activity.last_at)`,
        last_error: sql<string | null>`excluded.last_error`,
      }),
    )
    .execute();
}

function first(rows: readonly Selectable<DeliveryRow>[]): DeliveryRecord | undefined {
  const [row] = rows;
  return row === undefined ? undefined : deliveryRecord(row);
}

/** A `sink_outputs` row as the rest of the program sees it. */
export function deliveryRecord(row: Selectable<DeliveryRow>): DeliveryRecord {
  return {
    ...deliverySummary(row),
    data: JSON.parse(row.data) as JsonObject,
    payload: row.payload === null ? null : (JSON.parse(row.payload) as JsonValue),
  };
}

/** A delivery without what is sent, which may be large. */
export function deliverySummary(
  row: Omit<Selectable<DeliveryRow>, 'data' | 'payload'>,
): Omit<DeliveryRecord, 'data' | 'payload'> {
  return {
    id: row.id,
    namespace: row.namespace,
    runId: row.workflow_id,
    alertId: row.alert_id,
    event: row.event as DeliveryEvent,
    sinkName: row.sink_name,
    sinkType: row.sink_type,
    status: row.status as DeliveryStatus,
    attempts: row.attempts,
    error: row.error,
    errorCode: row.error_code,
    ambiguous: row.ambiguous === 1,
    idempotencyKey: row.idempotency_key,
    reference: row.reference,
    fence: row.fence,
    leaseOwner: row.lease_owner,
    leaseUntil: row.lease_until,
    wakeAt: row.wake_at,
    sentAt: row.sent_at,
    createdAt: row.created_at,
  };
}

/** The column of each field. */
const columns = {
  id: 'id',
  namespace: 'namespace',
  runId: 'workflow_id',
  alertId: 'alert_id',
  event: 'event',
  sinkName: 'sink_name',
  sinkType: 'sink_type',
  data: 'data',
  payload: 'payload',
  status: 'status',
  attempts: 'attempts',
  error: 'error',
  errorCode: 'error_code',
  ambiguous: 'ambiguous',
  idempotencyKey: 'idempotency_key',
  reference: 'reference',
  fence: 'fence',
  leaseOwner: 'lease_owner',
  leaseUntil: 'lease_until',
  wakeAt: 'wake_at',
  sentAt: 'sent_at',
  createdAt: 'created_at',
} as const satisfies Record<keyof DeliveryRecord, keyof DeliveryRow>;

function toRow(record: DeliveryRecord): Insertable<DeliveryRow> {
  return changedColumns(record) as Insertable<DeliveryRow>;
}

function changedColumns(changes: Partial<DeliveryRecord>): Updateable<DeliveryRow> {
  const row: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(changes)) {
    const isJson = field === 'data' || field === 'payload';
    row[columns[field as keyof DeliveryRecord]] = isJson && value !== null ? JSON.stringify(value) : value;
  }
  return row;
}
