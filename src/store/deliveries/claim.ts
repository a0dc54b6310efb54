import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { DeliveryReader, DeliveryStore } from '../../core/delivery-store.ts';
import { allDone } from '../../lib/all-done.ts';
import { statement } from '../sql/statements.ts';
import { storableJson } from '../sql/text.ts';
import type { Database } from '../tables/all.ts';
import { isUnheld, roomOf, waitingOf } from './places.ts';
import type { Places } from './places.ts';
import { first } from './reader.ts';
import type { DeliveryRow } from './reader.ts';

/**
 * Under the lock of the Sink. A lease that was never given back means that an attempt was interrupted, so what it
 * sent is unknown: the row is marked ambiguous.
 */
export function claimOn(
  query: Kysely<Database>,
  places: Places,
  { teller, groupFires }: Pick<DeliveryReader, 'teller' | 'groupFires'>,
): DeliveryStore['claim'] {
  const take = takeStatement(query);
  return async ({ delivery: wanted, owner, now, leaseUntil, limits, sends, takes = true, keep, incident }) => {
    const delivery = waitingOf(wanted);
    const { id } = delivery;
    const [isDue, lastClaimedAt, leases, hasRun, othersFire, hasEarlier] = await allDone([
      places.isDue(id, now),
      places.lock(delivery),
      places.leases(delivery, now),
      // Before what is earlier: a run that ends in between has written what it tells.
      delivery.event === 'alert-resolved' ? places.hasRun(delivery) : false,
      // What is not sent has no end to tell.
      delivery.event === 'alert-resolved' && sends ? groupFires(delivery) : false,
      places.hasEarlier(delivery),
    ]);
    // Of many that are due for one Sink, the first that finds no place lets the others wait as well.
    if (!isDue) return undefined;
    const room = roomOf(limits, now, leases, lastClaimedAt);
    const waitsFor = hasRun ? 'run' : hasEarlier ? 'order' : othersFire ? 'group' : null;
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
    if (incident?.kind === 'tells') {
      const other = await teller(wanted, incident, now);
      // What was sent meanwhile shows at the next look.
      if (other?.sentAt === null) await places.waitFor('incident', delivery, now);
      if (other !== undefined) return undefined;
    }
    const rendered = keep == null ? null : storableJson(keep.rendered);
    const claimed = first(
      await take(query, {
        id,
        owner,
        now,
        leaseUntil,
        rendered,
        sinkType: keep?.sinkType ?? null,
        pointsAt: incident?.kind === 'points' ? (wanted.incident ?? '') : '',
      }),
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
  return statement<'id' | 'owner' | 'now' | 'leaseUntil' | 'sinkType' | 'rendered' | 'pointsAt', DeliveryRow>(
    ['id', 'owner', 'now', 'leaseUntil', 'sinkType', 'rendered', 'pointsAt'],
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
          // What only points at a report tells the incident to nobody; what was rendered before is sent as it is.
          incident: sql<
            string | null
          >`CASE WHEN rendered IS NULL THEN nullif(incident, ${marker('pointsAt')}) ELSE incident END`,
        })
        .where('id', '=', marker('id'))
        .where('status', '=', 'pending')
        .where('wake_at', '<=', marker('now'))
        .where(isUnheld(marker))
        .returningAll(),
  );
}
