import { sql } from 'kysely';
import type { Kysely, Selectable, Updateable } from 'kysely';
import type { DeliveryRecord } from '../../core/delivery.ts';
import type { DeliveryEnd, DeliveryReader, DeliveryStore } from '../../core/store.ts';
import { bulkInsert } from '../sql/bulk.ts';
import { createLanes } from './lanes.ts';
import type { Lanes } from './lanes.ts';
import type { Hints } from '../commit/hints.ts';
import { statement } from '../sql/statements.ts';
import type { Database } from '../tables/all.ts';
import { deliveries } from '../tables/deliveries.ts';
import { changesOf, selection } from '../tables/table.ts';

type DeliveryRow = Database['sink_outputs'];
const { read: deliveryRecord } = selection(deliveries);

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
  const insert = bulkInsert(query, deliveries, { onConflict: 'ON CONFLICT (idempotency_key) DO NOTHING' });
  const lanes = createLanes(query, hints);
  return {
    ...createDeliveryReader(query),
    async insert(added) {
      if (added.length === 0) return;
      await insert(added);
      hints.deliveries = true;
    },
    claim: claimOn(query, lanes),
    async keepPayload(id, fence, sinkType, payload) {
      const row = await updateHeld(query, id, fence, changesOf(deliveries, { sinkType, payload }));
      return row !== undefined;
    },
    async finish(delivery, end, now, limits) {
      const lastClaimedAt = await lanes.lock(delivery);
      const changes = changesOf(deliveries, { ...end, leaseOwner: null, leaseUntil: null });
      const row = await updateHeld(query, delivery.id, delivery.fence, changes);
      if (row === undefined) return false;
      if (end.wakeAt !== null) hints.deliveries = true;
      const orderKey = row.alert_id ?? row.workflow_id;
      if (row.status !== 'pending' && orderKey !== null) await lanes.wakeNext(delivery, orderKey, now);
      await lanes.wakeWaiters(delivery, now, limits, await lanes.room(delivery, now, limits, lastClaimedAt));
      await countActivity(query, deliveryRecord(row), end);
      return true;
    },
    async retry(id, now) {
      const row = await query
        .updateTable('sink_outputs')
        .set({ ...changesOf(deliveries, renewed), retried_at: now, wake_at: now })
        .where('id', '=', id)
        .where('status', '=', 'failed')
        .returning('id')
        .executeTakeFirst();
      if (row !== undefined) hints.deliveries = true;
      return row !== undefined;
    },
    wakeStuck: wakeStuckOn(query, hints),
    async releaseLeases(now) {
      const result = await query
        .updateTable('sink_outputs')
        .set({ lease_until: now, wake_at: now })
        .where('status', '=', 'pending')
        .where('lease_owner', 'is not', null)
        .executeTakeFirst();
      if (result.numUpdatedRows > 0n) hints.deliveries = true;
    },
  };
}

/** What a person's wish to send again resets. */
const renewed = { status: 'pending', attempts: 0, error: null, errorCode: null, waitingFor: null } as const;

/** Writes to a delivery that is held under this fence. */
function updateHeld(query: Kysely<Database>, id: string, fence: number, changes: Updateable<DeliveryRow>) {
  return query
    .updateTable('sink_outputs')
    .set(changes)
    .where('id', '=', id)
    .where('fence', '=', fence)
    .where('status', '=', 'pending')
    .returningAll()
    .executeTakeFirst();
}

/**
 * Under the lock of the Sink's lane. A lease that was never given back means that an attempt was interrupted, so what it
 * sent is unknown: the row is marked ambiguous.
 */
function claimOn(query: Kysely<Database>, lanes: Lanes): DeliveryStore['claim'] {
  const take = takeStatement(query);
  return async ({ id, owner, now, leaseUntil, limits, sends }) => {
    const delivery = await lanes.find(id);
    if (delivery === undefined) return undefined;
    const lastClaimedAt = await lanes.lock(delivery);
    const room = await lanes.room(delivery, now, limits, lastClaimedAt);
    if (await lanes.hasEarlier(delivery)) {
      await lanes.waitForEarlier(id, now);
      // It may have been woken for a place that it cannot use yet.
      await lanes.wakeWaiters(delivery, now, limits, room);
      return undefined;
    }
    if (sends && (room.free === 0 || room.opensAt > now)) {
      await lanes.waitForPlace(delivery, now);
      await lanes.wakeWaiters(delivery, now, limits, room);
      return undefined;
    }
    const claimed = first(await take(query, { id, owner, now, leaseUntil }));
    if (claimed === undefined || !sends || limits.ratePerMinute === null) return claimed;
    await lanes.noteClaim(delivery, now);
    const left = await lanes.room(delivery, now, limits, now);
    await lanes.wakeWaiters(delivery, now, limits, left);
    return claimed;
  };
}

/** A pending row that is due and that nobody holds becomes ours. */
function takeStatement(query: Kysely<Database>) {
  return statement<'id' | 'owner' | 'now' | 'leaseUntil', Selectable<DeliveryRow>>(
    ['id', 'owner', 'now', 'leaseUntil'],
    (marker) =>
      query
        .updateTable('sink_outputs')
        .set({
          fence: sql<number>`fence + 1`,
          attempts: sql<number>`attempts + 1`,
          ambiguous: sql<number>`(ambiguous OR lease_owner IS NOT NULL)`,
          lease_owner: marker('owner'),
          lease_until: marker('leaseUntil'),
          wake_at: marker('leaseUntil'),
          waiting_for: null,
        })
        .where('id', '=', marker('id'))
        .where('status', '=', 'pending')
        .where('wake_at', '<=', marker('now'))
        .where((row) => row.or([row('lease_until', 'is', null), row('lease_until', '<=', marker('now'))]))
        .returningAll(),
  );
}

function wakeStuckOn(query: Kysely<Database>, hints: Hints): DeliveryStore['wakeStuck'] {
  // A finished delivery has no wake_at; naming the status would lead SQLite to another index.
  const after = (latest: string) => query.updateTable('sink_outputs').where('wake_at', '>', latest).returning('id');
  return async (now, latest, leaseUntil) => {
    const lost = await query
      .updateTable('sink_outputs')
      .set({ wake_at: now })
      .where('status', '=', 'pending')
      .where('wake_at', 'is', null)
      .returning('id')
      .execute();
    const far = await after(latest)
      .set({ wake_at: now })
      .where((row) => row.or([row('lease_until', 'is', null), row('lease_until', '<=', now)]))
      .execute();
    // The others are held. A holder may be in the middle of a send, so it gets the time of a whole lease.
    const held = await after(latest).set({ wake_at: leaseUntil, lease_until: leaseUntil }).execute();
    if (lost.length + far.length + held.length > 0) hints.deliveries = true;
    return [
      ...lost.map(({ id }) => ({ id, reason: 'NoWakeUp' as const })),
      ...[...far, ...held].map(({ id }) => ({ id, reason: 'ClockPutBack' as const })),
    ];
  };
}

async function countActivity(query: Kysely<Database>, delivery: DeliveryRecord, changes: DeliveryEnd): Promise<void> {
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
