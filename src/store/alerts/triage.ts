import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { AlertStatus } from '../../core/alert.ts';
import type { AlertStore } from '../../core/store.ts';
import { isPostgres } from '../sql/bulk.ts';
import type { Database } from '../sql/schema.ts';
import { statement } from '../sql/statements.ts';
import { storableJson } from '../sql/text.ts';

/** What runs read and write of their alert: few columns of a wide row, on the hot path of every run. */
export function createAlertTriage(
  query: Kysely<Database>,
): Pick<AlertStore, 'lockStatus' | 'beginTriage' | 'endTriage'> {
  const isShared = isPostgres(query);
  const lock = statement<'id', { status: string; episode: number }>(['id'], (marker) =>
    query
      .selectFrom('alerts')
      .select(['status', 'episode'])
      .where('id', '=', marker('id'))
      .$if(isShared, (alert) => alert.forUpdate()),
  );
  const begin = statement<'id' | 'status' | 'runId' | 'at' | 'updatedAt', unknown>(
    ['id', 'status', 'runId', 'at', 'updatedAt'],
    (marker) =>
      query
        .updateTable('alerts')
        .set({
          status: marker('status'),
          workflow_id: marker('runId'),
          triage_started_at: marker('at'),
          triage_completed_at: null,
          updated_at: marker('updatedAt'),
        })
        .where('id', '=', marker('id')),
  );
  const end = statement<'id' | 'status' | 'runId' | 'at' | 'updatedAt' | 'report' | 'confidence', unknown>(
    ['id', 'status', 'runId', 'at', 'updatedAt', 'report', 'confidence'],
    (marker) =>
      query
        .updateTable('alerts')
        .set({
          status: marker('status'),
          workflow_id: marker('runId'),
          triage_completed_at: marker('at'),
          updated_at: marker('updatedAt'),
          ai_analysis: sql<string>`coalesce(${marker('report')}, ai_analysis)`,
          ai_confidence: sql<number>`coalesce(${marker('confidence')}, ai_confidence)`,
        })
        .where('id', '=', marker('id')),
  );
  return {
    async lockStatus(id) {
      const [row] = await lock(query, { id });
      return row === undefined ? undefined : { status: row.status as AlertStatus, episode: row.episode };
    },
    async beginTriage(id, status, runId, at) {
      await begin(query, { id, status, runId, at, updatedAt: at });
    },
    async endTriage(id, status, runId, at, report) {
      const confidence = report?.['confidence'];
      await end(query, {
        id,
        status,
        runId,
        at,
        updatedAt: at,
        report: report === null ? null : storableJson(report),
        confidence: typeof confidence === 'number' ? confidence : null,
      });
    },
  };
}
