import type { Kysely } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { EventStore } from '../../core/store.ts';
import { cutBytes, isLonger } from '../../lib/cut.ts';
import { bulkFind, bulkInsert, bulkUpdate } from '../sql/bulk.ts';
import type { Database } from '../tables/all.ts';
import { deadLetters, sourceEvents } from '../tables/events.ts';
import { resourceActivity } from '../tables/resources.ts';
import { changesOf } from '../tables/table.ts';

/** A dead letter keeps so much of its body; more is cut and marked. */
const deadLetterBytes = 64 * 1024;

/** Reads and writes `source_events`, `dead_letters` and the Sources' part of `resource_activity` inside a transaction. */
export function createEventStore(query: Kysely<Database>): EventStore {
  return { ...finders(query), ...writers(query), ...activity(query) };
}

function finders(query: Kysely<Database>): Pick<EventStore, 'findKeyed' | 'contentHashes'> {
  const keyed = bulkFind(query, sourceEvents, {
    fields: ['id', 'outcome', 'contentHash', 'workflowTriggered'],
    keys: deliveryKeys,
  });
  const hashes = bulkFind(query, sourceEvents, { fields: ['contentHash'], keys: ['id'] });
  return {
    async findKeyed(keys) {
      const wanted = keys.map(({ namespace, source, key }) => ({ namespace, sourceName: source, deliveryKey: key }));
      const events = await keyed(wanted);
      const byKey = new Map(events.map((event) => [keyText(event), event]));
      return wanted.map((key) => byKey.get(keyText(key)));
    },
    async contentHashes(ids) {
      const rows = await hashes(ids.map((id) => ({ id })));
      return new Map(rows.map((row) => [row.id, row.contentHash]));
    },
  };
}

/** What names a delivery of a sender, in the order of its index. */
const deliveryKeys = ['deliveryKey', 'sourceName', 'namespace'] as const;

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
      await insertLetters(letters.map((letter) => ({ ...letter, body: cutText(letter.body) })));
    },
  };
}

function cutText(body: string): string {
  return isLonger(body, deadLetterBytes) ? cutBytes(Buffer.from(body), deadLetterBytes) : body;
}

/** A minute that is newer by this much says that the clock was put back: work that was begun earlier is not so late. */
const latestMinutes = 10;

/** Begins what is wrong with a Source itself: the reason of its condition. */
const failing = 'Failing: ';

function activity(query: Kysely<Database>): Pick<EventStore, 'runMinutes' | 'countActivity' | 'noteFailure'> {
  const find = bulkFind(query, resourceActivity, {
    fields: ['runMinute', 'minuteRuns'],
    keys: ['kind', 'namespace', 'name'],
  });
  // Who is a little late counts in the newer minute.
  const isSame = `coalesce(resource_activity.run_minute, 0) BETWEEN excluded.run_minute AND excluded.run_minute + ${latestMinutes}`;
  const total = `excluded.minute_runs + CASE WHEN ${isSame} THEN resource_activity.minute_runs ELSE 0 END`;
  const count = bulkInsert(query, resourceActivity, {
    onConflict: `ON CONFLICT (kind, namespace, name) DO UPDATE SET processed = resource_activity.processed + excluded.processed,
      last_at = CASE WHEN excluded.processed = 0 THEN resource_activity.last_at ELSE excluded.last_at END,
      last_error = CASE WHEN excluded.processed = 0 THEN resource_activity.last_error ELSE excluded.last_error END,
      run_minute = CASE WHEN ${isSame} THEN resource_activity.run_minute ELSE excluded.run_minute END,
      minute_runs = ${total}, run_cap = excluded.run_cap
      WHERE excluded.minute_runs = 0 OR excluded.run_cap = 0 OR ${total} <= excluded.run_cap`,
  });
  const note = bulkInsert(query, resourceActivity, {
    onConflict: `ON CONFLICT (kind, namespace, name) DO UPDATE SET last_error = excluded.last_error
      WHERE excluded.last_error IS NOT NULL OR resource_activity.last_error LIKE '${failing}%'`,
  });
  return {
    async noteFailure({ namespace, source: name }, failure) {
      const nothing = { processed: 0, lastAt: null, runMinute: null, minuteRuns: null, runCap: null };
      const lastError = failure === null ? null : `${failing}${failure}`;
      await note([{ kind: 'Source', namespace, name, lastError, ...nothing }]);
    },
    async runMinutes(sources) {
      const rows = await find(sources.map(({ namespace, source }) => ({ kind: 'Source', namespace, name: source })));
      return new Map(
        rows.map(({ namespace, name, runMinute, minuteRuns }) => [
          `${namespace}/${name}`,
          { minute: runMinute ?? 0, runs: minuteRuns ?? 0 },
        ]),
      );
    },
    async countActivity(activity) {
      const rows = activity.map(({ namespace, source, at, problem, events, runs: { minute, runs, cap } }) => {
        const last = { kind: 'Source', namespace, name: source, lastAt: at, lastError: problem };
        return { ...last, processed: events, runMinute: minute, minuteRuns: runs, runCap: cap };
      });
      // In one order, so that replicas wait for each other and not crosswise.
      const key = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`;
      if ((await count(rows.toSorted((one, other) => (key(one) < key(other) ? -1 : 1)))) < rows.length)
        throw new AppError('StoreConflict', 'another replica began the runs that the storm cap had room for');
    },
  };
}
