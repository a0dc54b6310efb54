import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { DeliveryReader } from '../../core/delivery-store.ts';
import { statement } from '../sql/statements.ts';
import type { Database } from '../tables/all.ts';

/** A row of `run_alerts`: an alert that fires still, for which the run of this alert answers. Subqueries, so that no plan joins. */
export function firesWith(runId: unknown, alertId: unknown) {
  return sql<boolean>`run_alerts.workflow_id = ${runId}
    AND (SELECT workflows.alert_id FROM workflows WHERE workflows.id = ${runId}) = ${alertId}
    AND (SELECT alerts.status FROM alerts
      WHERE alerts.id = run_alerts.alert_id AND alerts.episode = run_alerts.episode) <> 'resolved'`;
}

/** When the end of a group is told. */
export function groupEnds(query: Kysely<Database>): Pick<DeliveryReader, 'groupFires' | 'firesAgain'> {
  const others = statement<'alertId' | 'runId', { id: string }>(['alertId', 'runId'], (marker) =>
    query
      .selectFrom('run_alerts')
      .select('run_alerts.alert_id as id')
      .where(firesWith(marker('runId'), marker('alertId')))
      .limit(1),
  );
  const again = statement<'alertId' | 'episode', { id: string }>(['alertId', 'episode'], (marker) =>
    query
      .selectFrom('workflows')
      .select('id')
      .where('alert_id', '=', marker('alertId'))
      .where('episode', '>', marker('episode'))
      .where('status', '<>', sql.lit('cancelled'))
      .limit(1),
  );
  return {
    async groupFires({ alertId, runId }) {
      return alertId !== null && runId !== null && (await others(query, { alertId, runId })).length > 0;
    },
    async firesAgain({ alertId }, episode) {
      return alertId !== null && (await again(query, { alertId, episode })).length > 0;
    },
  };
}
