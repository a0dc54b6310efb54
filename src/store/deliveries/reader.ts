import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import { wholePayload } from '../../core/delivery.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import type { JsonObject } from '../../core/json.ts';
import type { DeliveryReader } from '../../core/store.ts';
import { statement } from '../sql/statements.ts';
import type { Database } from '../tables/all.ts';
import { deliveries } from '../tables/deliveries.ts';
import { selection } from '../tables/table.ts';
import { ofSink } from './places.ts';

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
        .where(ofSink(marker))
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

function reportIn(result: string | null | undefined): JsonObject | null {
  return result == null ? null : (JSON.parse(result) as JsonObject);
}

/** The delivery that a statement about one of them found. */
export function first(rows: readonly DeliveryRow[]): DeliveryRecord | undefined {
  const [row] = rows;
  return row === undefined ? undefined : deliveryOf(row);
}
