import { sql } from 'kysely';
import type { Kysely, Selectable, SelectQueryBuilder, Updateable } from 'kysely';
import type { SinkLimits } from '../../core/catalog.ts';
import { wholePayload } from '../../core/delivery.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import type { JsonObject } from '../../core/json.ts';
import type { DeliveryEnd, DeliveryReader, DeliveryStore } from '../../core/store.ts';
import type { Timestamp } from '../../core/time.ts';
import { allDone } from '../../lib/all-done.ts';
import { bulkInsert } from '../sql/bulk.ts';
import { createPlaces, roomOf, waitingOf } from './places.ts';
import type { Places } from './places.ts';
import type { Hints } from '../commit/hints.ts';
import { sqlOf } from '../sql/dialect.ts';
import { statement } from '../sql/statements.ts';
import { storableJson } from '../sql/text.ts';
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
  const resultOf = statement<'id', { result: string | null }>(['id'], (marker) =>
    query.selectFrom('workflow_steps').select('result').where('id', '=', marker('id')),
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
  const told = statement<'namespace' | 'sinkName' | 'alertId' | 'episode', { id: string }>(
    ['namespace', 'sinkName', 'alertId', 'episode'],
    (marker) =>
      query
        .selectFrom('sink_outputs')
        .select('id')
        .where('workflow_id', 'in', (row) =>
          row
            .selectFrom('workflows')
            .select('workflows.id')
            .where('workflows.alert_id', '=', marker('alertId'))
            .where('workflows.episode', '<=', marker('episode'))
            .where('workflows.episode', '>', (run) =>
              run.fn.coalesce(
                // A rise of the severity, or a resolve that never came, begins an episode without an end that is told.
                run
                  .selectFrom('alert_transitions')
                  .select('alert_transitions.episode')
                  .where('alert_transitions.alert_id', '=', marker('alertId'))
                  .where('alert_transitions.episode', '<', marker('episode'))
                  .where('to_status', '=', sql.lit('resolved'))
                  .where('reason', '<>', sql.lit('ResolveMissed'))
                  .orderBy('alert_transitions.id', 'desc')
                  .limit(1),
                sql<number>`-1`,
              ),
            ),
        )
        .where('namespace', '=', marker('namespace'))
        .where('sink_name', '=', marker('sinkName'))
        .where('event', '<>', sql.lit('alert-resolved'))
        .where(sql<boolean>`(status IN ('sent', 'pending') OR ambiguous)`)
        .limit(1),
  );
  return {
    async find(id) {
      const delivery = first(await byId(query, { id }));
      if (delivery?.rendered == null || delivery.payload !== null) return delivery;
      const { report } = delivery.rendered;
      const [step] = report === null ? [] : await resultOf(query, { id: report.stepId });
      return { ...delivery, payload: wholePayload(delivery.rendered, reportIn(step?.result)) };
    },
    due: async (now, limit) => (await due(query, { now, limit })).map((row) => row.id),
    async wasTold({ namespace, sinkName, alertId }, episode) {
      const rows = await told(query, { namespace, sinkName, alertId, episode });
      return rows.length > 0;
    },
    nextWakeAt: async () => (await next(query, {}))[0]?.wake_at ?? null,
  };
}

/** Reads and writes `sink_outputs` inside a transaction; counts what each Sink did in `resource_activity`. */
export function createDeliveryStore(query: Kysely<Database>, hints: Hints): DeliveryStore {
  const insert = bulkInsert(query, deliveries, { onConflict: 'ON CONFLICT (idempotency_key) DO NOTHING' });
  const places = createPlaces(query, hints);
  return {
    ...createDeliveryReader(query),
    async insert(added) {
      if (added.length === 0) return;
      await insert(added);
      hints.deliveries = true;
    },
    claim: claimOn(query, places),
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
        countActivity(query, deliveryRecord(row), end),
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
async function wakeNextOf(places: Places, row: Selectable<DeliveryRow>, now: Timestamp): Promise<void> {
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
 * Under the lock of the Sink. A lease that was never given back means that an attempt was interrupted, so what it
 * sent is unknown: the row is marked ambiguous.
 */
function claimOn(query: Kysely<Database>, places: Places): DeliveryStore['claim'] {
  const take = takeStatement(query);
  return async ({ delivery: wanted, owner, now, leaseUntil, limits, sends, takes = true, keep }) => {
    const delivery = waitingOf(wanted);
    const { id } = delivery;
    const [isDue, lastClaimedAt, leases, hasRun, hasEarlier] = await allDone([
      places.isDue(id, now),
      places.lock(delivery),
      places.leases(delivery, now),
      // Before what is earlier: a run that ends in between has written what it tells.
      delivery.event === 'alert-resolved' ? places.hasRun(delivery) : false,
      places.hasEarlier(delivery),
    ]);
    // Of many that are due for one Sink, the first that finds no place lets the others wait as well.
    if (!isDue) return undefined;
    const room = roomOf(limits, now, leases, lastClaimedAt);
    const waitsFor = hasRun ? 'run' : hasEarlier ? 'order' : null;
    if (waitsFor !== null) {
      await places.waitFor(waitsFor, delivery, now);
      // It may have been woken for a place that it cannot use yet.
      await places.wakeWaiters(delivery, now, limits, room);
      return undefined;
    }
    if (sends && (room.free === 0 || room.opensAt > now)) {
      await places.waitForPlace(delivery, now);
      await places.wakeWaiters(delivery, now, limits, room);
      return undefined;
    }
    if (!takes) return undefined;
    const rendered = keep == null ? null : storableJson(keep.rendered);
    const claimed = first(
      await take(query, { id, owner, now, leaseUntil, sinkType: keep?.sinkType ?? null, rendered }),
    );
    if (claimed === undefined || !sends || limits.ratePerMinute === null) return claimed;
    await allDone([
      places.noteClaim(delivery, now),
      places.wakeWaiters(delivery, now, limits, roomOf(limits, now, leases + 1, now)),
    ]);
    return claimed;
  };
}

/** A pending row that is due and that nobody holds becomes ours. */
function takeStatement(query: Kysely<Database>) {
  return statement<'id' | 'owner' | 'now' | 'leaseUntil' | 'sinkType' | 'rendered', Selectable<DeliveryRow>>(
    ['id', 'owner', 'now', 'leaseUntil', 'sinkType', 'rendered'],
    (marker) =>
      query
        .updateTable('sink_outputs')
        .set({
          fence: sql<number>`fence + 1`,
          attempts: sql<number>`attempts + 1`,
          ambiguous: sql<number>`(ambiguous OR lease_owner IS NOT NULL)`,
          interruptions: sql<number>`CASE WHEN lease_owner IS NULL THEN 0 ELSE interruptions + 1 END`,
          lease_owner: marker('owner'),
          lease_until: marker('leaseUntil'),
          wake_at: marker('leaseUntil'),
          waiting_for: null,
          sink_type: sql<string>`coalesce(${marker('sinkType')}, sink_type)`,
          rendered: sql<string>`coalesce(rendered, ${marker('rendered')})`,
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
    const far = await after(latest.wakeUp)
      .set({ wake_at: now })
      .where((row) => row.or([row('lease_until', 'is', null), row('lease_until', '<=', now)]))
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

function reportIn(result: string | null | undefined): JsonObject | null {
  return result == null ? null : (JSON.parse(result) as JsonObject);
}

function first(rows: readonly Selectable<DeliveryRow>[]): DeliveryRecord | undefined {
  const [row] = rows;
  return row === undefined ? undefined : deliveryRecord(row);
}
