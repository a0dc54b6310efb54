import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { episodeOf } from '../../core/delivery.ts';
import type { DeliveryEvent } from '../../core/delivery.ts';
import type { DeliveryReader, OrderedDelivery } from '../../core/delivery-store.ts';
import { statement } from '../sql/statements.ts';
import type { Database } from '../tables/all.ts';
import { firesWith } from './group-ends.ts';
import { ofSink, orderKeyOf, sortKeyOf as placeInOrder } from './places.ts';

/** Deliveries in one thread that are looked at. */
const mostInThread = 500;

/** What receivers called deliveries; an index has those alone. */
export function references(
  query: Kysely<Database>,
): Pick<DeliveryReader, 'earlierReference' | 'referenceOfRun' | 'runAtPlace' | 'othersFireAt'> {
  const earlier = statement<
    'namespace' | 'sinkName' | 'orderKey' | 'sortKey' | 'episode',
    { reference: string; event: DeliveryEvent; ends: number }
  >(['namespace', 'sinkName', 'orderKey', 'sortKey', 'episode'], (marker) =>
    query
      .selectFrom('sink_outputs')
      .select((row) => [
        row.ref('reference').$notNull().as('reference'),
        'event',
        row
          .selectFrom('alert_transitions')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .whereRef('alert_transitions.alert_id', '=', 'sink_outputs.alert_id')
          .where('to_status', '=', sql.lit('resolved'))
          .where('reason', '<>', sql.lit('ResolveMissed'))
          .where('alert_transitions.episode', '<', marker('episode'))
          .where('alert_transitions.episode', '>=', sql<number>`cast(substr(sort_key, 1, 10) AS integer)`)
          .$asScalar()
          .as('ends'),
      ])
      .where(ofSink(marker))
      .where('reference', 'is not', null)
      .where(orderKeyOf, '=', marker('orderKey'))
      .where(placeInOrder, '<', marker('sortKey'))
      .orderBy(placeInOrder, 'desc')
      .limit(1),
  );
  const ofRun = statement<'namespace' | 'sinkName' | 'runId', { reference: string | null }>(
    ['namespace', 'sinkName', 'runId'],
    (marker) =>
      query
        .selectFrom('sink_outputs')
        .select('reference')
        .where('workflow_id', '=', marker('runId'))
        .where(ofSink(marker))
        .where('reference', 'is not', null)
        .orderBy('id', 'desc')
        .limit(1),
  );
  // Few: those of one thread. So they are not put in order by the database.
  const atPlace = statement<'namespace' | 'from' | 'to', { id: string; workflow_id: string }>(
    ['namespace', 'from', 'to'],
    (marker) =>
      query
        .selectFrom('sink_outputs')
        .select((row) => ['id', row.ref('workflow_id').$notNull().as('workflow_id')])
        .where('namespace', '=', marker('namespace'))
        .where('reference', '>=', marker('from'))
        .where('reference', '<', marker('to'))
        .where('workflow_id', 'is not', null)
        .limit(mostInThread),
  );
  const others = statement<'namespace' | 'sinkName' | 'alertId' | 'from' | 'to', { reference: string }>(
    ['namespace', 'sinkName', 'alertId', 'from', 'to'],
    (marker) =>
      query
        .selectFrom('sink_outputs')
        .select((row) => row.ref('reference').$notNull().as('reference'))
        .where('namespace', '=', marker('namespace'))
        .where('reference', '>=', marker('from'))
        .where('reference', '<', marker('to'))
        .where('sink_name', '=', marker('sinkName'))
        .where('alert_id', '<>', marker('alertId'))
        .where(firesSince)
        .where(isNewestReference)
        .limit(mostInThread),
  );
  return {
    async othersFireAt({ namespace, sinkName, alertId }, place) {
      // All that begins with the place, and as it is told there; what else stands between the two is another one.
      const rows = await others(query, { namespace, sinkName, alertId: alertId ?? '', from: place, to: `${place}0` });
      return rows.some(({ reference }) => reference === place || reference.startsWith(`${place}/`));
    },
    async runAtPlace(namespace, place) {
      // 0 comes after the slash.
      const rows = await atPlace(query, { namespace, from: `${place}/`, to: `${place}0` });
      return rows.toSorted((one, other) => (one.id < other.id ? 1 : -1))[0]?.workflow_id;
    },
    async earlierReference({ id, namespace, sinkName, alertId, runId, sortKey }: OrderedDelivery) {
      const orderKey = alertId ?? runId;
      if (orderKey === null) return undefined;
      const episode = sortKey === null ? 0 : episodeOf(sortKey);
      const [row] = await earlier(query, { namespace, sinkName, orderKey, sortKey: sortKey ?? id, episode });
      if (row === undefined) return undefined;
      const { reference, event, ends } = row;
      return { reference, isOpen: event !== 'alert-resolved' && ends === 0 };
    },
    async referenceOfRun({ namespace, sinkName }, runId) {
      return (await ofRun(query, { namespace, sinkName, runId }))[0]?.reference ?? null;
    },
  };
}

/**
 * The alert of a delivery has not been resolved since the episode that it tells of, or others fire for which its run answers.
 * Subqueries, so that no plan joins.
 */
const firesSince = sql<boolean>`((SELECT alerts.status FROM alerts WHERE alerts.id = sink_outputs.alert_id) <> 'resolved'
  AND NOT EXISTS (SELECT 1 FROM alert_transitions WHERE alert_transitions.alert_id = sink_outputs.alert_id
    AND to_status = 'resolved' AND reason <> 'ResolveMissed'
    AND alert_transitions.episode >= cast(substr(sink_outputs.sort_key, 1, 10) AS integer))
  OR EXISTS (SELECT 1 FROM run_alerts WHERE ${firesWith(sql`sink_outputs.workflow_id`, sql`sink_outputs.alert_id`)}))`;

/** The Sink told nothing later of the alert that its receiver has a name for. */
const isNewestReference = sql<boolean>`NOT EXISTS (SELECT 1 FROM sink_outputs AS later
  WHERE later.namespace = sink_outputs.namespace AND later.sink_name = sink_outputs.sink_name
    AND coalesce(later.alert_id, later.workflow_id) = sink_outputs.alert_id
    AND coalesce(later.sort_key, later.id) > coalesce(sink_outputs.sort_key, sink_outputs.id)
    AND later.reference IS NOT NULL)`;
