import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { SinkLimits } from '../../core/catalog.ts';
import { addMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import type { Hints } from '../commit/hints.ts';
import type { Database } from '../tables/all.ts';
import { command, statement } from '../sql/statements.ts';

/** Names a Sink's lane: all its deliveries. */
export interface Lane {
  readonly namespace: string;
  readonly sinkName: string;
}

/** What decides the order of a delivery in its lane. */
export interface Placed extends Lane {
  readonly id: string;
  /** Its alert, else its run; null: it waits for none. */
  readonly orderKey: string | null;
}

/** What a Sink takes now. */
export interface Room {
  /** Places that nobody has. */
  readonly free: number;
  /** When its rate lets the next one begin; not after now = at once. */
  readonly opensAt: Timestamp;
}

/**
 * The deliveries of one Sink, whichever replica works on them. A place at a Sink is a live lease of one of its deliveries,
 * so that a place cannot be lost with its holder. Everything but `lock` is to be called under the lane's lock: then no one
 * begins to wait while what it waits for comes to an end.
 */
export interface Lanes {
  /** Until the commit. Answers when the last one was claimed, for Sinks with a rate. */
  lock(lane: Lane): Promise<Timestamp | null>;
  find(id: string): Promise<Placed | undefined>;
  /** Whether an earlier one with its order key is pending. */
  hasEarlier(delivery: Placed): Promise<boolean>;
  room(lane: Lane, now: Timestamp, limits: SinkLimits, lastClaimedAt: Timestamp | null): Promise<Room>;
  noteClaim(lane: Lane, now: Timestamp): Promise<void>;
  /** Lets a due delivery that nobody holds wait for the earlier one. */
  waitForEarlier(id: string, now: Timestamp): Promise<void>;
  /** Lets the Sink's due deliveries wait for a place, many at a time: else they would stand before those of other Sinks. */
  waitForPlace(lane: Lane, now: Timestamp): Promise<void>;
  /** Wakes the next one with this order key, after an earlier one ended. */
  wakeNext(lane: Lane, orderKey: string, now: Timestamp): Promise<void>;
  /** Wakes as many of those that wait for a place as there is room for, the oldest first. */
  wakeWaiters(lane: Lane, now: Timestamp, limits: SinkLimits, room: Room): Promise<void>;
}

/** Who waits looks again by itself after so long, though it is woken before: limits may have changed. */
const recheckMs = 5 * 60_000;
/** Deliveries that begin to wait at once. */
const mostAtOnce = 500;

// Literal, because SQLite uses a partial index only where the query repeats its condition as text.
const pending = sql<boolean>`status = 'pending'`;
const waitsForPlace = sql<boolean>`waiting_for = 'place'`;
const orderKeyOf = sql<string | null>`coalesce(alert_id, workflow_id)`;

/** The {@link Lanes} of a connection. */
export function createLanes(query: Kysely<Database>, hints: Hints): Lanes {
  return { ...looks(query), ...waits(query), ...wakes(query, hints) };
}

function looks(query: Kysely<Database>): Pick<Lanes, 'lock' | 'find' | 'hasEarlier' | 'room' | 'noteClaim'> {
  const lock = statement<keyof Lane, { last: string | null }>(['namespace', 'sinkName'], (marker) =>
    query
      .insertInto('sink_lanes')
      .values({ namespace: marker('namespace'), sink_name: marker('sinkName') })
      .onConflict((conflict) =>
        conflict.columns(['namespace', 'sink_name']).doUpdateSet({ sink_name: marker('sinkName') }),
      )
      .returning('last_claimed_at as last'),
  );
  const find = statement<'id', Placed>(['id'], (marker) =>
    query
      .selectFrom('sink_outputs')
      .select(['id', 'namespace', 'sink_name as sinkName', orderKeyOf.as('orderKey')])
      .where('id', '=', marker('id')),
  );
  const earlier = statement<keyof Placed, { id: string }>(['namespace', 'sinkName', 'orderKey', 'id'], (marker) =>
    query
      .selectFrom('sink_outputs')
      .select('id')
      .where(pending)
      .where('namespace', '=', marker('namespace'))
      .where('sink_name', '=', marker('sinkName'))
      .where(orderKeyOf, '=', marker('orderKey'))
      .where('id', '<', marker('id'))
      .limit(1),
  );
  const held = statement<keyof Lane | 'now', { leases: number }>(['namespace', 'sinkName', 'now'], (marker) =>
    query
      .selectFrom('sink_outputs')
      .select((row) => row.fn.countAll<number>().as('leases'))
      .where('namespace', '=', marker('namespace'))
      .where('sink_name', '=', marker('sinkName'))
      .where('lease_until', '>', marker('now')),
  );
  const note = command<keyof Lane | 'now'>(['namespace', 'sinkName', 'now'], (marker) =>
    query
      .updateTable('sink_lanes')
      .set({ last_claimed_at: marker('now') })
      .where('namespace', '=', marker('namespace'))
      .where('sink_name', '=', marker('sinkName')),
  );
  return {
    lock: async ({ namespace, sinkName }) => (await lock(query, { namespace, sinkName }))[0]?.last ?? null,
    find: async (id) => (await find(query, { id }))[0],
    hasEarlier: async (delivery) => delivery.orderKey !== null && (await earlier(query, { ...delivery })).length > 0,
    async room({ namespace, sinkName }, now, limits, lastClaimedAt) {
      const leases = (await held(query, { namespace, sinkName, now }))[0]?.leases ?? 0;
      return { free: Math.max(0, limits.maxConcurrent - leases), opensAt: opensAt(now, limits, lastClaimedAt) };
    },
    async noteClaim({ namespace, sinkName }, now) {
      await note(query, { namespace, sinkName, now });
    },
  };
}

/** Spread evenly. A last time that lies ahead is of a clock that was put back. */
function opensAt(now: Timestamp, { ratePerMinute }: SinkLimits, lastClaimedAt: Timestamp | null): Timestamp {
  if (ratePerMinute === null || lastClaimedAt === null) return now;
  return addMs(lastClaimedAt < now ? lastClaimedAt : now, Math.ceil(60_000 / ratePerMinute));
}

function waits(query: Kysely<Database>): Pick<Lanes, 'waitForEarlier' | 'waitForPlace'> {
  const order = command<'id' | 'now' | 'until'>(['id', 'now', 'until'], (marker) =>
    query
      .updateTable('sink_outputs')
      .set({ waiting_for: 'order', wake_at: marker('until') })
      .where('id', '=', marker('id'))
      .where(pending)
      .where('wake_at', '<=', marker('now'))
      .where((row) => row.or([row('lease_until', 'is', null), row('lease_until', '<=', marker('now'))])),
  );
  const place = command<keyof Lane | 'now' | 'until'>(['namespace', 'sinkName', 'now', 'until'], (marker) =>
    query
      .updateTable('sink_outputs')
      .set({ waiting_for: 'place', wake_at: marker('until') })
      .where('id', 'in', (row) =>
        row
          .selectFrom('sink_outputs as due')
          .select('due.id')
          .where('due.namespace', '=', marker('namespace'))
          .where('due.sink_name', '=', marker('sinkName'))
          .where('due.wake_at', '<=', marker('now'))
          .where((due) => due.or([due('due.lease_until', 'is', null), due('due.lease_until', '<=', marker('now'))]))
          .orderBy('due.wake_at')
          .limit(sql.lit(mostAtOnce)),
      ),
  );
  return {
    async waitForEarlier(id, now) {
      await order(query, { id, now, until: addMs(now, recheckMs) });
    },
    async waitForPlace({ namespace, sinkName }, now) {
      await place(query, { namespace, sinkName, now, until: addMs(now, recheckMs) });
    },
  };
}

function wakes(query: Kysely<Database>, hints: Hints): Pick<Lanes, 'wakeNext' | 'wakeWaiters'> {
  const next = command<keyof Lane | 'orderKey' | 'now'>(['namespace', 'sinkName', 'orderKey', 'now'], (marker) =>
    query
      .updateTable('sink_outputs')
      .set({ waiting_for: null, wake_at: marker('now') })
      .where('waiting_for', '=', sql.lit('order'))
      .where('id', '=', (row) =>
        row
          .selectFrom('sink_outputs')
          .select('id')
          .where(pending)
          .where('namespace', '=', marker('namespace'))
          .where('sink_name', '=', marker('sinkName'))
          .where(orderKeyOf, '=', marker('orderKey'))
          .orderBy('id')
          .limit(1),
      ),
  );
  const waiters = command<keyof Lane | 'count' | 'at'>(['namespace', 'sinkName', 'count', 'at'], (marker) =>
    query
      .updateTable('sink_outputs')
      .set({ wake_at: marker('at') })
      .where('wake_at', '>', marker('at'))
      .where('id', 'in', (row) =>
        row
          .selectFrom('sink_outputs')
          .select('id')
          .where(waitsForPlace)
          .where('namespace', '=', marker('namespace'))
          .where('sink_name', '=', marker('sinkName'))
          .orderBy('id')
          .limit(marker('count')),
      ),
  );
  return {
    async wakeNext({ namespace, sinkName }, orderKey, now) {
      if ((await next(query, { namespace, sinkName, orderKey, now })) > 0) hints.deliveries = true;
    },
    async wakeWaiters({ namespace, sinkName }, now, { ratePerMinute }, { free, opensAt: opening }) {
      if (free === 0) return;
      const count = ratePerMinute === null ? free : 1;
      const at = opening > now ? opening : now;
      if ((await waiters(query, { namespace, sinkName, count, at })) > 0) hints.deliveries = true;
    },
  };
}
