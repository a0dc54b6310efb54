import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { SinkLimits } from '../../core/catalog.ts';
import type { DeliveryEvent, DeliveryRecord } from '../../core/delivery.ts';
import { addMs, toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import type { Hints } from '../commit/hints.ts';
import type { Database } from '../tables/all.ts';
import { command, statement } from '../sql/statements.ts';

/** Names a Sink. */
export interface SinkName {
  readonly namespace: string;
  readonly sinkName: string;
}

/** What decides when a delivery may begin. */
export interface Waiting extends SinkName {
  readonly id: string;
  readonly event: DeliveryEvent;
  readonly alertId: string | null;
  readonly runId: string | null;
  /** Of its alert. */
  readonly episode: number;
  /** Its alert, else its run; null: it waits for none. */
  readonly orderKey: string | null;
  /** Its place among those with this order key. */
  readonly sortKey: string;
  readonly createdAt: Timestamp;
}

/** What a Sink takes now. */
export interface Room {
  /** Places that nobody has. */
  readonly free: number;
  /** When its rate lets the next one begin; not after now = at once. */
  readonly opensAt: Timestamp;
}

/**
 * The order of a Sink's deliveries and how many of them are in work, whichever replica works on them. A place at a Sink is a
 * live lease of one of its deliveries, so that a place cannot be lost with its holder. Everything after `lock` is to be called
 * under the Sink's lock, or sent after it: then no one begins to wait while what it waits for comes to an end.
 */
export interface Places {
  /** Whether it is due still. */
  isDue(id: string, now: Timestamp): Promise<boolean>;
  /** Whether a run of this episode or an earlier one has not ended. */
  hasRun(delivery: Waiting): Promise<boolean>;
  /** Until the commit. Answers when the last one was claimed, for Sinks with a rate. */
  lock(sink: SinkName): Promise<Timestamp | null>;
  /** Whether an earlier one with its order key is pending; one that waits for the end of its group keeps nobody waiting. */
  hasEarlier(delivery: Waiting): Promise<boolean>;
  /** How many places are taken by others than this delivery. */
  leases(delivery: SinkName & Pick<Waiting, 'id'>, now: Timestamp): Promise<number>;
  noteClaim(sink: SinkName, now: Timestamp): Promise<void>;
  /**
   * Lets a due delivery that nobody holds wait for the earlier one, for the end of a run, for the end of its group, or while its
   * incident is being told.
   */
  waitFor(what: 'order' | 'run' | 'group' | 'incident', delivery: Waiting, now: Timestamp): Promise<void>;
  /** Lets the Sink's due deliveries wait for a place, many at a time: else they would stand before those of other Sinks. */
  waitForPlace(sink: SinkName, now: Timestamp): Promise<void>;
  /** Wakes the next one with this order key, after an earlier one ended: it also looks for runs again. */
  wakeNext(sink: SinkName, orderKey: string, now: Timestamp): Promise<void>;
  /** Wakes as many of those that wait for a place as there is room for, the oldest first. */
  wakeWaiters(sink: SinkName, now: Timestamp, limits: SinkLimits, room: Room): Promise<void>;
}

/** Who waits looks again by itself after so long, though it is woken before: limits may have changed. */
const recheckMs = 5 * 60_000;
/**
 * A run that tells this Sink nothing wakes nobody when it ends, and later episodes wait behind it: half as long again as it
 * waited already, so that short runs cost little time and long ones few looks.
 */
function runRecheckMs(createdAt: Timestamp, now: Timestamp): number {
  return Math.min(recheckMs, Math.max(10_000, (toEpochMs(now) - toEpochMs(createdAt)) / 2));
}

/** A send takes no longer than some seconds, and nobody is woken at its end. */
const incidentRecheckMs = 1000;

/** Deliveries that begin to wait at once. */
const mostAtOnce = 500;

// Literal, because SQLite uses a partial index only where the query repeats its condition as text.
const pending = sql<boolean>`status = 'pending'`;
const waitsForPlace = sql<boolean>`waiting_for = 'place'`;
/** Who waits for a group may wait for days, and what comes after it tells that the alert fires again. */
const isInTurn = sql<boolean>`coalesce(waiting_for, '') <> 'group'`;
export const orderKeyOf = sql<string | null>`coalesce(alert_id, workflow_id)`;
export const sortKeyOf = sql<string>`coalesce(sort_key, id)`;

/** Stands for a value of a statement. */
type Marker<Name extends string> = (name: Name) => unknown;

/** The Sink's own. */
export const ofSink = (marker: Marker<keyof SinkName>) =>
  sql<boolean>`namespace = ${marker('namespace')} AND sink_name = ${marker('sinkName')}`;

/** Nobody has a lease of it any more. */
export const isUnheld = (marker: Marker<'now'>) =>
  sql<boolean>`(lease_until IS NULL OR lease_until <= ${marker('now')})`;

/** The {@link Places} of a connection. */
export function createPlaces(query: Kysely<Database>, hints: Hints): Places {
  return { ...looks(query), ...runLooks(query), ...waits(query), ...wakes(query, hints) };
}

/** What decides when this delivery may begin. None of it changes. Pure. */
export function waitingOf(
  delivery: Pick<DeliveryRecord, Exclude<keyof Waiting, 'orderKey' | 'episode'> | 'data'>,
): Waiting {
  const { data, ...rest } = delivery;
  const episode = typeof data['episode'] === 'number' ? data['episode'] : 0;
  return { ...rest, episode, orderKey: rest.alertId ?? rest.runId, sortKey: rest.sortKey ?? rest.id };
}

function looks(query: Kysely<Database>): Pick<Places, 'lock' | 'isDue' | 'hasEarlier' | 'leases' | 'noteClaim'> {
  const lock = statement<keyof SinkName, { last: string | null }>(['namespace', 'sinkName'], (marker) =>
    query
      .insertInto('sink_lanes')
      .values({ namespace: marker('namespace'), sink_name: marker('sinkName') })
      .onConflict((conflict) =>
        conflict.columns(['namespace', 'sink_name']).doUpdateSet({ sink_name: marker('sinkName') }),
      )
      .returning('last_claimed_at as last'),
  );
  const due = statement<'id' | 'now', { id: string }>(['id', 'now'], (marker) =>
    query.selectFrom('sink_outputs').select('id').where('id', '=', marker('id')).where('wake_at', '<=', marker('now')),
  );
  const earlier = statement<keyof SinkName | 'orderKey' | 'sortKey', { id: string }>(
    ['namespace', 'sinkName', 'orderKey', 'sortKey'],
    (marker) =>
      query
        .selectFrom('sink_outputs')
        .select('id')
        .where(pending)
        .where(isInTurn)
        .where(ofSink(marker))
        .where(orderKeyOf, '=', marker('orderKey'))
        .where(sortKeyOf, '<', marker('sortKey'))
        .limit(1),
  );
  const held = statement<keyof SinkName | 'id' | 'now', { leases: number }>(
    ['namespace', 'sinkName', 'id', 'now'],
    (marker) =>
      query
        .selectFrom('sink_outputs')
        .select((row) => row.fn.countAll<number>().as('leases'))
        .where(ofSink(marker))
        .where('lease_until', '>', marker('now'))
        .where('id', '<>', marker('id')),
  );
  const note = command<keyof SinkName | 'now'>(['namespace', 'sinkName', 'now'], (marker) =>
    query
      .updateTable('sink_lanes')
      .set({ last_claimed_at: marker('now') })
      .where(ofSink(marker)),
  );
  return {
    lock: async ({ namespace, sinkName }) => (await lock(query, { namespace, sinkName }))[0]?.last ?? null,
    isDue: async (id, now) => (await due(query, { id, now })).length > 0,
    async hasEarlier({ namespace, sinkName, orderKey, sortKey }) {
      return orderKey !== null && (await earlier(query, { namespace, sinkName, orderKey, sortKey })).length > 0;
    },
    leases: async ({ namespace, sinkName, id }, now) =>
      (await held(query, { namespace, sinkName, id, now }))[0]?.leases ?? 0,
    async noteClaim({ namespace, sinkName }, now) {
      await note(query, { namespace, sinkName, now });
    },
  };
}

/** What a Sink takes, of which so many places are taken. Pure. */
export function roomOf(limits: SinkLimits, now: Timestamp, leases: number, lastClaimedAt: Timestamp | null): Room {
  return { free: Math.max(0, limits.maxConcurrent - leases), opensAt: opensAt(now, limits, lastClaimedAt) };
}

/** Spread evenly. A last time that lies ahead is of a clock that was put back. */
function opensAt(now: Timestamp, { ratePerMinute }: SinkLimits, lastClaimedAt: Timestamp | null): Timestamp {
  if (ratePerMinute === null || lastClaimedAt === null) return now;
  return addMs(lastClaimedAt < now ? lastClaimedAt : now, Math.ceil(60_000 / ratePerMinute));
}

function runLooks(query: Kysely<Database>): Pick<Places, 'hasRun'> {
  const unfinished = statement<'alertId' | 'episode', { id: string }>(['alertId', 'episode'], (marker) =>
    query
      .selectFrom('workflows')
      .select('id')
      .where('alert_id', '=', marker('alertId'))
      .where('episode', '<=', marker('episode'))
      .where('status', 'in', [sql.lit('pending'), sql.lit('running')])
      .limit(1),
  );
  return {
    async hasRun({ alertId, episode }) {
      if (alertId === null) return false;
      return (await unfinished(query, { alertId, episode })).length > 0;
    },
  };
}

function waits(query: Kysely<Database>): Pick<Places, 'waitFor' | 'waitForPlace'> {
  const other = command<'what' | 'id' | 'now' | 'until'>(['what', 'id', 'now', 'until'], (marker) =>
    query
      .updateTable('sink_outputs')
      .set({ waiting_for: marker('what'), wake_at: marker('until') })
      .where('id', '=', marker('id'))
      .where(pending)
      .where('wake_at', '<=', marker('now'))
      .where(isUnheld(marker)),
  );
  const place = command<keyof SinkName | 'now' | 'until'>(['namespace', 'sinkName', 'now', 'until'], (marker) =>
    query
      .updateTable('sink_outputs')
      .set({ waiting_for: 'place', wake_at: marker('until') })
      .where('id', 'in', (row) =>
        row
          .selectFrom('sink_outputs')
          .select('id')
          .where(ofSink(marker))
          .where('wake_at', '<=', marker('now'))
          .where(isUnheld(marker))
          .orderBy('wake_at')
          .limit(sql.lit(mostAtOnce)),
      ),
  );
  return {
    async waitFor(what, { id, createdAt }, now) {
      const lasting = runRecheckMs(createdAt, now);
      const untilMs = { run: lasting, group: lasting, incident: incidentRecheckMs, order: recheckMs }[what];
      await other(query, { what, id, now, until: addMs(now, untilMs) });
    },
    async waitForPlace({ namespace, sinkName }, now) {
      await place(query, { namespace, sinkName, now, until: addMs(now, recheckMs) });
    },
  };
}

function wakes(query: Kysely<Database>, hints: Hints): Pick<Places, 'wakeNext' | 'wakeWaiters'> {
  const next = command<keyof SinkName | 'orderKey' | 'now'>(['namespace', 'sinkName', 'orderKey', 'now'], (marker) =>
    query
      .updateTable('sink_outputs')
      .set({ waiting_for: null, wake_at: marker('now') })
      .where('waiting_for', 'in', [sql.lit('order'), sql.lit('run')])
      .where('id', '=', (row) =>
        row
          .selectFrom('sink_outputs')
          .select('id')
          .where(pending)
          .where(isInTurn)
          .where(ofSink(marker))
          .where(orderKeyOf, '=', marker('orderKey'))
          .orderBy(sortKeyOf)
          .limit(1),
      ),
  );
  const waiters = command<keyof SinkName | 'count' | 'at'>(['namespace', 'sinkName', 'count', 'at'], (marker) =>
    query
      .updateTable('sink_outputs')
      .set({ wake_at: marker('at') })
      .where('wake_at', '>', marker('at'))
      .where('id', 'in', (row) =>
        row
          .selectFrom('sink_outputs')
          .select('id')
          .where(waitsForPlace)
          .where(ofSink(marker))
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
