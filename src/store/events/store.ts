import type { Kysely, Updateable } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { SourceEventRecord } from '../../core/event.ts';
import type { JsonObject } from '../../core/json.ts';
import type { EventStore } from '../../core/store.ts';
import { bulkFind, bulkInsert, bulkUpdate } from '../sql/bulk.ts';
import type { Database, SourceEventRow } from '../sql/schema.ts';
import { storableJson } from '../sql/text.ts';

/** A dead letter keeps so much of its body; more is cut and marked. */
const deadLetterBytes = 64 * 1024;

/** Reads and writes `source_events`, `dead_letters` and the Sources' part of `resource_activity` inside a transaction. */
export function createEventStore(query: Kysely<Database>): EventStore {
  return { ...finders(query), ...writers(query), countActivity: activityCounter(query) };
}

function finders(query: Kysely<Database>): Pick<EventStore, 'findOutcomes' | 'contentHashes'> {
  const outcomes = bulkFind(query, {
    table: 'source_events',
    columns: ['outcome'],
    keys: ['delivery_key', 'source_name', 'namespace'],
  });
  const hashes = bulkFind(query, { table: 'source_events', columns: ['content_hash'], keys: ['id'] });
  return {
    async findOutcomes(keys) {
      const wanted = keys.map(({ namespace, source, key }) => ({ namespace, source_name: source, delivery_key: key }));
      const rows = await outcomes(wanted);
      const byKey = new Map(rows.map((row) => [deliveryKey(row), JSON.parse(row.outcome) as JsonObject]));
      return wanted.map((row) => byKey.get(deliveryKey(row)));
    },
    async contentHashes(ids) {
      const rows = await hashes(ids.map((id) => ({ id })));
      return new Map(rows.map((row) => [row.id, row.content_hash]));
    },
  };
}

type KeyColumns = Pick<SourceEventRow, 'namespace' | 'source_name' | 'delivery_key'>;

/** The sender chooses the last part. */
function deliveryKey({ namespace, source_name: source, delivery_key: key }: KeyColumns): string {
  return `${namespace}/${source}/${key}`;
}

function writers(query: Kysely<Database>): Pick<EventStore, 'insertAll' | 'update' | 'bumpAll' | 'addDeadLetters'> {
  const insert = bulkInsert(query, {
    table: 'source_events',
    columns: Object.values(eventColumns),
    json: ['outcome'],
    onConflict: 'ON CONFLICT DO NOTHING',
  });
  const bump = bulkUpdate(query, {
    table: 'source_events',
    columns: ['receive_count', 'last_received_at'],
    added: ['receive_count'],
  });
  const insertLetters = bulkInsert(query, {
    table: 'dead_letters',
    columns: ['id', 'namespace', 'source_name', 'reason', 'message', 'body', 'received_at'],
  });
  return {
    async insertAll(events) {
      if ((await insert(events.map(insertedRow))) < events.length)
        throw new AppError('StoreConflict', 'an event with this delivery key is there already: UNIQUE key');
    },
    async update(id, changes) {
      await query.updateTable('source_events').set(changedColumns(changes)).where('id', '=', id).execute();
    },
    async bumpAll(bumps) {
      const rows = bumps.map(({ id, times, at }) => ({ id, receive_count: times, last_received_at: at }));
      if ((await bump(rows)) < rows.length) throw new AppError('StoreConflict', 'an event that came again is gone');
    },
    async addDeadLetters(letters) {
      await insertLetters(
        letters.map(({ id, namespace, sourceName, reason, message, body, receivedAt }) => ({
          id,
          namespace,
          source_name: sourceName,
          reason,
          message,
          body: cut(body),
          received_at: receivedAt,
        })),
      );
    },
  };
}

/** Cut by bytes, at a whole character. */
function cut(body: string): string {
  const bytes = Buffer.from(body);
  if (bytes.length <= deadLetterBytes) return body;
  const mark = `\n[cut: ${bytes.length} bytes came]`;
  return new TextDecoder().decode(bytes.subarray(0, deadLetterBytes - mark.length), { stream: true }) + mark;
}

function activityCounter(query: Kysely<Database>): EventStore['countActivity'] {
  const count = bulkInsert(query, {
    table: 'resource_activity',
    columns: ['kind', 'namespace', 'name', 'processed', 'last_at', 'last_error'],
    onConflict: `ON CONFLICT (kind, namespace, name) DO UPDATE SET processed = resource_activity.processed + excluded.processed,
      last_at = excluded.last_at, last_error = excluded.last_error`,
  });
  return async (activity) => {
    const rows = activity.map(({ namespace, source, events, at, problem }) => ({
      kind: 'Source',
      namespace,
      name: source,
      processed: events,
      last_at: at,
      last_error: problem,
    }));
    // In one order, so that replicas wait for each other and not crosswise.
    const key = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`;
    await count(rows.toSorted((one, other) => (key(one) < key(other) ? -1 : 1)));
  };
}

const eventColumns = {
  id: 'id',
  namespace: 'namespace',
  sourceName: 'source_name',
  sourceType: 'source_type',
  eventData: 'event_data',
  contentHash: 'content_hash',
  deliveryKey: 'delivery_key',
  workflowTriggered: 'workflow_triggered',
  outcome: 'outcome',
  receiveCount: 'receive_count',
  receivedAt: 'received_at',
  lastReceivedAt: 'last_received_at',
} as const satisfies Record<keyof SourceEventRecord, keyof SourceEventRow>;

/** Written out, because an object of one shape is several times as fast as one that a loop fills. */
function insertedRow(event: SourceEventRecord): Record<keyof SourceEventRow, unknown> {
  return {
    id: event.id,
    namespace: event.namespace,
    source_name: event.sourceName,
    source_type: event.sourceType,
    event_data: event.eventData,
    content_hash: event.contentHash,
    delivery_key: event.deliveryKey,
    workflow_triggered: event.workflowTriggered,
    outcome: storableJson(event.outcome),
    receive_count: event.receiveCount,
    received_at: event.receivedAt,
    last_received_at: event.lastReceivedAt,
  };
}

function changedColumns(fields: Partial<SourceEventRecord>): Updateable<SourceEventRow> {
  const row: Partial<Record<keyof SourceEventRow, unknown>> = {};
  for (const [field, value] of Object.entries(fields))
    row[eventColumns[field as keyof SourceEventRecord]] = field === 'outcome' ? storableJson(value) : value;
  return row as Updateable<SourceEventRow>;
}
