import type { Kysely } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { EventStore } from '../../core/store.ts';
import { bulkFind, bulkInsert, bulkUpdate } from '../sql/bulk.ts';
import type { Database } from '../tables/all.ts';
import { deadLetters, sourceEvents } from '../tables/events.ts';
import { resourceActivity } from '../tables/resources.ts';
import { changesOf } from '../tables/table.ts';

/** A dead letter keeps so much of its body; more is cut and marked. */
const deadLetterBytes = 64 * 1024;

/** Reads and writes `source_events`, `dead_letters` and the Sources' part of `resource_activity` inside a transaction. */
export function createEventStore(query: Kysely<Database>): EventStore {
  return { ...finders(query), ...writers(query), countActivity: activityCounter(query) };
}

function finders(query: Kysely<Database>): Pick<EventStore, 'findOutcomes' | 'contentHashes'> {
  const outcomes = bulkFind(query, sourceEvents, {
    fields: ['outcome'],
    keys: ['deliveryKey', 'sourceName', 'namespace'],
  });
  const hashes = bulkFind(query, sourceEvents, { fields: ['contentHash'], keys: ['id'] });
  return {
    async findOutcomes(keys) {
      const wanted = keys.map(({ namespace, source, key }) => ({ namespace, sourceName: source, deliveryKey: key }));
      const events = await outcomes(wanted);
      const byKey = new Map(events.map((event) => [keyText(event), event.outcome]));
      return wanted.map((key) => byKey.get(keyText(key)));
    },
    async contentHashes(ids) {
      const rows = await hashes(ids.map((id) => ({ id })));
      return new Map(rows.map((row) => [row.id, row.contentHash]));
    },
  };
}

interface EventKey {
  readonly namespace: string;
  readonly sourceName: string;
  readonly deliveryKey: string | null;
}

/** The sender chooses the last part. */
function keyText({ namespace, sourceName, deliveryKey }: EventKey): string {
  return `${namespace}/${sourceName}/${deliveryKey}`;
}

function writers(query: Kysely<Database>): Pick<EventStore, 'insertAll' | 'update' | 'bumpAll' | 'addDeadLetters'> {
  const insert = bulkInsert(query, sourceEvents, { onConflict: 'ON CONFLICT DO NOTHING' });
  const bump = bulkUpdate(query, sourceEvents, {
    fields: ['receiveCount', 'lastReceivedAt'],
    added: ['receiveCount'],
  });
  const insertLetters = bulkInsert(query, deadLetters);
  return {
    async insertAll(events) {
      if ((await insert(events)) < events.length)
        throw new AppError('StoreConflict', 'an event with this delivery key is there already: UNIQUE key');
    },
    async update(id, changes) {
      await query.updateTable('source_events').set(changesOf(sourceEvents, changes)).where('id', '=', id).execute();
    },
    async bumpAll(bumps) {
      const added = bumps.map(({ id, times, at }) => ({ id, receiveCount: times, lastReceivedAt: at }));
      if ((await bump(added)) < added.length) throw new AppError('StoreConflict', 'an event that came again is gone');
    },
    async addDeadLetters(letters) {
      await insertLetters(letters.map((letter) => ({ ...letter, body: cut(letter.body) })));
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
  const count = bulkInsert(query, resourceActivity, {
    onConflict: `ON CONFLICT (kind, namespace, name) DO UPDATE SET processed = resource_activity.processed + excluded.processed,
      last_at = excluded.last_at, last_error = excluded.last_error`,
  });
  return async (activity) => {
    const rows = activity.map(({ namespace, source, events, at, problem }) => ({
      kind: 'Source',
      namespace,
      name: source,
      processed: events,
      lastAt: at,
      lastError: problem,
    }));
    // In one order, so that replicas wait for each other and not crosswise.
    const key = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`;
    await count(rows.toSorted((one, other) => (key(one) < key(other) ? -1 : 1)));
  };
}
