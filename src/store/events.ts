import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { SourceEventRecord } from '../core/event.ts';
import type { EventStore } from '../core/store.ts';
import { eventRecord } from './rows.ts';
import type { Database, ResourceActivityRow, SourceEventRow } from './schema.ts';
import { statement } from './statements.ts';

/** A dead letter keeps so much of its body; more is cut and marked. */
const deadLetterBytes = 64 * 1024;

/** Reads and writes `source_events`, `dead_letters` and the Sources' part of `resource_activity` inside a transaction. */
export function createEventStore(query: Kysely<Database>): EventStore {
  return { ...finders(query), ...writers(query), countActivity: activityCounter(query) };
}

function finders(query: Kysely<Database>): Pick<EventStore, 'findByDeliveryKey' | 'hasContent'> {
  const byKey = statement<'namespace' | 'source' | 'key', Selectable<SourceEventRow>>(
    ['namespace', 'source', 'key'],
    (marker) =>
      query
        .selectFrom('source_events')
        .selectAll()
        .where('delivery_key', '=', marker('key'))
        .where('source_name', '=', marker('source'))
        .where('namespace', '=', marker('namespace')),
  );
  const content = statement<'id', { content_hash: string }>(['id'], (marker) =>
    query.selectFrom('source_events').select('content_hash').where('id', '=', marker('id')),
  );
  return {
    async findByDeliveryKey(namespace, source, key) {
      const [row] = await byKey(query, { namespace, source, key });
      return row === undefined ? undefined : eventRecord(row);
    },
    hasContent: async (id, contentHash) => (await content(query, { id }))[0]?.content_hash === contentHash,
  };
}

function writers(query: Kysely<Database>): Pick<EventStore, 'insert' | 'update' | 'bump' | 'addDeadLetter'> {
  const insert = statement<keyof SourceEventRecord, never>(eventFields, (marker) =>
    query.insertInto('source_events').values({
      id: marker('id'),
      namespace: marker('namespace'),
      source_name: marker('sourceName'),
      source_type: marker('sourceType'),
      event_data: marker('eventData'),
      content_hash: marker('contentHash'),
      delivery_key: marker('deliveryKey'),
      workflow_triggered: marker('workflowTriggered'),
      outcome: marker('outcome'),
      receive_count: marker('receiveCount'),
      received_at: marker('receivedAt'),
      last_received_at: marker('lastReceivedAt'),
    }),
  );
  const bump = statement<'id' | 'at', never>(['id', 'at'], (marker) =>
    query
      .updateTable('source_events')
      .set({ receive_count: sql<number>`receive_count + 1`, last_received_at: marker('at') })
      .where('id', '=', marker('id')),
  );
  return {
    async insert(event) {
      await insert(query, { ...event, outcome: JSON.stringify(event.outcome) });
    },
    async update(id, changes) {
      const row: Record<string, unknown> = {};
      for (const [field, value] of Object.entries(changes)) {
        row[eventColumns[field as keyof SourceEventRecord]] = field === 'outcome' ? JSON.stringify(value) : value;
      }
      await query.updateTable('source_events').set(row).where('id', '=', id).execute();
    },
    async bump(id, at) {
      await bump(query, { id, at });
    },
    async addDeadLetter(letter) {
      await query
        .insertInto('dead_letters')
        .values({
          id: letter.id,
          namespace: letter.namespace,
          source_name: letter.sourceName,
          reason: letter.reason,
          message: letter.message,
          body: cut(letter.body),
          received_at: letter.receivedAt,
        })
        .execute();
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
  type Names = 'namespace' | 'name' | 'at' | 'problem';
  const count = statement<Names, ResourceActivityRow>(['namespace', 'name', 'at', 'problem'], (marker) =>
    query
      .insertInto('resource_activity')
      .values({
        kind: 'Source',
        namespace: marker('namespace'),
        name: marker('name'),
        processed: 1,
        last_at: marker('at'),
        last_error: marker('problem'),
      })
      .onConflict((conflict) =>
        conflict.columns(['kind', 'namespace', 'name']).doUpdateSet({
          processed: sql<number>`resource_activity.processed + 1`,
          last_at: sql<string>`excluded.last_at`,
          last_error: sql<string | null>`excluded.last_error`,
        }),
      ),
  );
  return async (namespace, name, at, problem) => {
    await count(query, { namespace, name, at, problem });
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
const eventFields = Object.keys(eventColumns) as (keyof SourceEventRecord)[];
