import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import { severities } from '../../core/alert.ts';
import { wholePayload } from '../../core/delivery.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import type { JsonObject } from '../../core/json.ts';
import type { DeliveryReader, IncidentDelivery } from '../../core/delivery-store.ts';
import { addMs } from '../../core/time.ts';
import { statement } from '../sql/statements.ts';
import type { Database } from '../tables/all.ts';
import { deliveries } from '../tables/deliveries.ts';
import { selection } from '../tables/table.ts';
import { groupEnds } from './group-ends.ts';
import { ofSink } from './places.ts';
import { references } from './references.ts';

/** A row of `sink_outputs`. */
export type DeliveryRow = Selectable<Database['sink_outputs']>;

/** The delivery in a row. */
export const { read: deliveryOf } = selection(deliveries);

/** Reads `sink_outputs` on any connection. */
export function createDeliveryReader(query: Kysely<Database>): DeliveryReader {
  const byId = statement<'id', DeliveryRow>(['id'], (marker) =>
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
                // A rise of the severity, or a resolve that never came, begins an episode without an end that is told; what expired
                // had an end of which nobody was told.
                run
                  .selectFrom('alert_transitions')
                  .select('alert_transitions.episode')
                  .where('alert_transitions.alert_id', '=', marker('alertId'))
                  .where('alert_transitions.episode', '<', marker('episode'))
                  .where('to_status', '=', sql.lit('resolved'))
                  .where('reason', 'not in', [sql.lit('ResolveMissed'), sql.lit('Expired')])
                  .orderBy('alert_transitions.id', 'desc')
                  .limit(1),
                sql<number>`-1`,
              ),
            ),
        )
        .where(ofSink(marker))
        .where('event', '<>', sql.lit('alert-resolved'))
        .where(sql<boolean>`(status IN ('sent', 'pending') OR ambiguous)`)
        .limit(1),
  );
  return {
    ...incidents(query),
    ...references(query),
    ...groupEnds(query),
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

type OfIncident = 'namespace' | 'sinkName' | 'incident' | 'id' | 'alertId';
type OfTeller = OfIncident | 'endedSince' | 'rank';

/** So long after its alert has ended a report is still what another alert is told by. */
const endedForMs = 5 * 60_000;

/**
 * Whether the alert of a report still fires in the episode that the report is about, or has ended since a moment, and is
 * severe enough. Within an episode a severity only falls: a rise begins the next one. Subqueries, so that no plan joins.
 */
function countsAsTold(marker: (name: 'endedSince' | 'rank') => unknown) {
  const rankOf = sql`CASE alerts.severity ${sql.join(
    severities.map((severity, rank) => sql`WHEN ${sql.lit(severity)} THEN ${sql.lit(rank)}`),
    sql` `,
  )} END`;
  return sql<boolean>`(SELECT ${rankOf} FROM alerts WHERE alerts.id = sink_outputs.alert_id
    AND alerts.episode = (SELECT workflows.episode FROM workflows WHERE workflows.id = sink_outputs.workflow_id)
    AND (alerts.status <> 'resolved' OR alerts.resolved_at >= ${marker('endedSince')})) <= ${marker('rank')}`;
}

/** Other deliveries of an incident to the same Sink, of other alerts. */
function incidents(query: Kysely<Database>): Pick<DeliveryReader, 'teller' | 'sameIncident'> {
  const ofIncident = (marker: (name: OfIncident) => unknown) =>
    sql<boolean>`${ofSink(marker)} AND incident = ${marker('incident')} AND id <> ${marker('id')} AND coalesce(alert_id, '') <> ${marker('alertId')}`;
  const told = statement<OfTeller | 'since', { workflow_id: string | null; sent_at: string | null }>(
    ['namespace', 'sinkName', 'incident', 'id', 'alertId', 'since', 'endedSince', 'rank'],
    (marker) =>
      query
        .selectFrom('sink_outputs')
        .select(['workflow_id', 'sent_at'])
        .where(ofIncident(marker))
        .where('sent_at', '>=', marker('since'))
        .where(countsAsTold(marker))
        .orderBy('sent_at', 'desc')
        .limit(1),
  );
  const telling = statement<OfTeller | 'now', { workflow_id: string | null }>(
    ['namespace', 'sinkName', 'incident', 'id', 'alertId', 'now', 'endedSince', 'rank'],
    (marker) =>
      query
        .selectFrom('sink_outputs')
        .select('workflow_id')
        .where(ofIncident(marker))
        .where('sent_at', 'is', null)
        .where('lease_until', '>', marker('now'))
        .where(countsAsTold(marker))
        .limit(1),
  );
  const waiting = statement<OfIncident | 'limit', { workflow_id: string | null }>(
    ['namespace', 'sinkName', 'incident', 'id', 'alertId', 'limit'],
    (marker) =>
      query
        .selectFrom('sink_outputs')
        .select('workflow_id')
        .where(ofIncident(marker))
        .where('sent_at', 'is', null)
        .where('status', '=', sql.lit('pending'))
        .orderBy('id')
        .limit(marker('limit')),
  );
  const namesOf = ({ id, namespace, sinkName, alertId, incident }: IncidentDelivery) => ({
    namespace,
    sinkName,
    incident: incident ?? '',
    id,
    alertId: alertId ?? '',
  });
  return {
    async teller(delivery, { since, severity }, now) {
      const rank = severities.indexOf(severity);
      const names = { ...namesOf(delivery), endedSince: addMs(now, -endedForMs), rank };
      const [sent] = await told(query, { ...names, since });
      if (sent !== undefined) return { runId: sent.workflow_id, sentAt: sent.sent_at };
      const [held] = await telling(query, { ...names, now });
      return held === undefined ? undefined : { runId: held.workflow_id, sentAt: null };
    },
    sameIncident: async (delivery, limit) =>
      (await waiting(query, { ...namesOf(delivery), limit })).flatMap(({ workflow_id: run }) => run ?? []),
  };
}

function reportIn(result: string | null | undefined): JsonObject | null {
  return result == null ? null : (JSON.parse(result) as JsonObject);
}

/** The delivery that a statement about one of them found. */
export function first(rows: readonly DeliveryRow[]): DeliveryRecord | undefined {
  const [row] = rows;
  return row === undefined ? undefined : deliveryOf(row);
}
