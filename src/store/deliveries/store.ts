import { sql } from 'kysely';
import type { Kysely, SelectQueryBuilder, Updateable } from 'kysely';
import type { SinkLimits } from '../../core/catalog.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import type { DeliveryEnd, DeliveryStore } from '../../core/delivery-store.ts';
import type { Timestamp } from '../../core/time.ts';
import { allDone } from '../../lib/all-done.ts';
import { bulkInsert } from '../sql/bulk.ts';
import { claimOn } from './claim.ts';
import { createPlaces, isUnheld, roomOf } from './places.ts';
import type { Places } from './places.ts';
import { createDeliveryReader, deliveryOf, first } from './reader.ts';
import type { DeliveryRow } from './reader.ts';
import type { Hints } from '../commit/hints.ts';
import { sqlOf } from '../sql/dialect.ts';
import type { Database } from '../tables/all.ts';
import { deliveries } from '../tables/deliveries.ts';
import { changesOf } from '../tables/table.ts';

/** Reads and writes `sink_outputs` inside a transaction; counts what each Sink did in `resource_activity`. */
export function createDeliveryStore(query: Kysely<Database>, hints: Hints): DeliveryStore {
  const insert = bulkInsert(query, deliveries, { onConflict: 'ON CONFLICT (idempotency_key) DO NOTHING' });
  const places = createPlaces(query, hints);
  const reader = createDeliveryReader(query);
  return {
    ...reader,
    async insert(added) {
      if (added.length === 0) return;
      await insert(added);
      hints.deliveries = true;
    },
    claim: claimOn(query, places, reader),
    async finish(delivery, end, now, limits) {
      const changes = changesOf(deliveries, { ...end, leaseOwner: null, leaseUntil: null });
      // Sent together, the lock first: every other worker on the Sink waits for the answers.
      const [lastClaimedAt, row, leases] = await allDone([
        places.lock(delivery),
        updateHeld(query, delivery.id, delivery.fence, changes),
        places.leases(delivery, now),
      ]);
      if (row === undefined) return false;
      if (end.wakeAt !== null) hints.deliveries = true;
      await allDone([
        ...(row.status === 'pending' ? [] : [wakeNextOf(places, row, now)]),
        places.wakeWaiters(delivery, now, limits, roomOf(limits, now, leases, lastClaimedAt)),
        countActivity(query, deliveryOf(row), end),
      ]);
      return true;
    },
    async retry(id, now) {
      await keepRuns(query, query.selectFrom('sink_outputs').select('workflow_id').where('id', '=', id));
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
    async place(id, placement) {
      await query
        .updateTable('sink_outputs')
        .set(changesOf(deliveries, placement))
        .where('id', '=', id)
        .where('status', '=', 'pending')
        .where('lease_owner', 'is', null)
        .execute();
    },
    retryPage: retryPageOn(query, hints),
    async cancel(id, reason, now) {
      const delivery = first(await query.selectFrom('sink_outputs').selectAll().where('id', '=', id).execute());
      if (delivery === undefined) return false;
      await places.lock(delivery);
      const row = await query
        .updateTable('sink_outputs')
        .set({
          ...changesOf(deliveries, { ...cancelled, error: reason }),
          ambiguous: sql<number>`(ambiguous OR lease_owner IS NOT NULL)`,
        })
        .where('id', '=', id)
        .where('status', '=', 'pending')
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return false;
      await wakeNextOf(places, row, now);
      // Its place is free: who has to wait looks again, under the limits of its Sink.
      await places.wakeWaiters(delivery, now, onePlace, { free: 1, opensAt: now });
      return true;
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
const renewed = {
  status: 'pending',
  attempts: 0,
  interruptions: 0,
  error: null,
  errorCode: null,
  waitingFor: null,
} as const satisfies Partial<DeliveryRecord>;

/** What the wish not to send it writes. */
const cancelled = {
  status: 'skipped',
  errorCode: 'Cancelled',
  leaseOwner: null,
  leaseUntil: null,
  wakeAt: null,
  waitingFor: null,
} as const satisfies Partial<DeliveryRecord>;

/**
 * Retention takes a run with its deliveries that have ended. Who makes one of them pending again waits for it, and then
 * finds none, or has the run until the commit: else a delivery would be sent without the report of its run.
 */
async function keepRuns(query: Kysely<Database>, runs: RunIds): Promise<void> {
  const rows = query.selectFrom('workflows').select('id').where('id', 'in', runs).orderBy('id');
  await rows.$call(sqlOf(query).lock).execute();
}

type RunIds = readonly string[] | SelectQueryBuilder<Database, 'sink_outputs', { workflow_id: string | null }>;

const onePlace: SinkLimits = { maxConcurrent: 1, ratePerMinute: null };

/** Of the deliveries of its alert (or run), once it has ended. */
async function wakeNextOf(places: Places, row: DeliveryRow, now: Timestamp): Promise<void> {
  const orderKey = row.alert_id ?? row.workflow_id;
  if (orderKey === null) return;
  await places.wakeNext({ namespace: row.namespace, sinkName: row.sink_name }, orderKey, now);
}

function retryPageOn(query: Kysely<Database>, hints: Hints): DeliveryStore['retryPage'] {
  return async ({ namespace, sinkName, after, limit }, now) => {
    const failed = await query
      .selectFrom('sink_outputs')
      .select(['id', 'workflow_id'])
      .where('namespace', '=', namespace)
      .where('sink_name', '=', sinkName)
      .where('status', '=', 'failed')
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit)
      .execute();
    if (failed.length === 0) return [];
    const runs = new Set(failed.flatMap(({ workflow_id: run }) => run ?? []));
    if (runs.size > 0) await keepRuns(query, [...runs]);
    const rows = await query
      .updateTable('sink_outputs')
      .set({ ...changesOf(deliveries, renewed), retried_at: now, wake_at: now })
      .where('status', '=', 'failed')
      .where(
        'id',
        'in',
        failed.map(({ id }) => id),
      )
      .returning('id')
      .execute();
    if (rows.length > 0) hints.deliveries = true;
    return rows.map(({ id }) => id);
  };
}

/** Writes to a delivery that is held under this fence. */
function updateHeld(query: Kysely<Database>, id: string, fence: number, changes: Updateable<Database['sink_outputs']>) {
  return query
    .updateTable('sink_outputs')
    .set(changes)
    .where('id', '=', id)
    .where('fence', '=', fence)
    .where('status', '=', 'pending')
    .returningAll()
    .executeTakeFirst();
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
    const far = await after(latest.wakeUp)
      .set({ wake_at: now })
      .where(isUnheld(() => now))
      .execute();
    // Nobody can hold one for so long. A holder may be in the middle of a send, so it gets the time of a whole lease.
    const held = await after(latest.lease)
      .set({ wake_at: leaseUntil, lease_until: leaseUntil })
      .where('lease_until', '>', latest.lease)
      .execute();
    if (lost.length + far.length + held.length > 0) hints.deliveries = true;
    return [
      ...lost.map(({ id }) => ({ id, reason: 'NoWakeUp' as const })),
      ...[...far, ...held].map(({ id }) => ({ id, reason: 'ClockPutBack' as const })),
    ];
  };
}

async function countActivity(query: Kysely<Database>, delivery: DeliveryRecord, changes: DeliveryEnd): Promise<void> {
  const sent = changes.status === 'sent';
  if (!sent && (changes.status === 'skipped' || changes.error == null)) return;
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
