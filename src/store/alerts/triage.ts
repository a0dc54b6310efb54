import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { AlertStatus } from '../../core/alert.ts';
import { shortCause } from '../../core/stored-report.ts';
import type { AlertStore, RunOfAlert } from '../../core/store.ts';
import type { Timestamp } from '../../core/time.ts';
import { allDone } from '../../lib/all-done.ts';
import { newId } from '../../lib/id.ts';
import { sqlOf } from '../sql/dialect.ts';
import { command } from '../sql/statements.ts';
import { storable, storableJson } from '../sql/text.ts';
import type { Database } from '../tables/all.ts';

/**
 * What runs write of their alert: few columns of a wide row, on the hot path of every run. The transition is written from
 * the row itself before that changes, so that nothing needs to be read first.
 */
export function createAlertTriage(query: Kysely<Database>): Pick<AlertStore, 'beginTriage' | 'endTriage'> {
  const begin = command<'alertId' | 'episode' | 'runId' | 'at'>(['alertId', 'episode', 'runId', 'at'], (marker) =>
    query
      .updateTable('alerts')
      .set({
        status: whereOpen('triaging'),
        workflow_id: marker('runId'),
        triage_started_at: marker('at'),
        triage_completed_at: null,
        updated_at: marker('at'),
      })
      .where('id', '=', marker('alertId'))
      .where('episode', '=', marker('episode')),
  );
  const end = command<'alertId' | 'episode' | 'runId' | 'at' | 'report' | 'namespace' | 'confidence' | 'cause'>(
    ['alertId', 'episode', 'runId', 'at', 'report', 'namespace', 'confidence', 'cause'],
    (marker) =>
      query
        .updateTable('alerts')
        .set({
          status: whereOpen('escalated'),
          workflow_id: marker('runId'),
          triage_completed_at: marker('at'),
          updated_at: marker('at'),
          ai_analysis: sql<string>`coalesce(${marker('report')}, ai_analysis)`,
          report_namespace: sql<string>`coalesce(${marker('namespace')}, report_namespace)`,
          ai_confidence: sql<number>`coalesce(${marker('confidence')}, ai_confidence)`,
          cause: marker('cause'),
        })
        .where('id', '=', marker('alertId'))
        .where('episode', '=', marker('episode')),
  );
  const noteBegin = transition(query, 'triaging', 'RunStarted');
  const noteEnd = transition(query, 'escalated', 'RunEnded');
  return {
    async beginTriage({ id: runId, alertId, episode }, at) {
      if (alertId === null) return;
      await allDone([noteBegin(alertId, episode, at), begin(query, { alertId, episode, runId, at })]);
    },
    async endTriage({ id: runId, alertId, episode, namespace }, at, report) {
      if (alertId === null) return;
      const confidence = report?.['confidence'];
      const found = {
        report: report === null ? null : storableJson(report),
        // An earlier report that stays, stays its namespace's.
        namespace: report === null ? null : namespace,
        confidence: typeof confidence === 'number' ? confidence : null,
        cause: report === null ? null : storable(shortCause(report)),
      };
      await allDone([noteEnd(alertId, episode, at), end(query, { alertId, episode, runId, at, ...found })]);
    },
  };
}

function whereOpen(status: AlertStatus) {
  return sql<string>`CASE WHEN status = 'resolved' THEN status ELSE ${sql.lit(status)} END`;
}

/** Writes how the status of an open alert is about to change, where it does; locks the alert. */
function transition(query: Kysely<Database>, status: AlertStatus, reason: string) {
  const write = command<'id' | 'alertId' | 'episode' | 'at'>(['id', 'alertId', 'episode', 'at'], (marker) =>
    query
      .insertInto('alert_transitions')
      .columns(['id', 'alert_id', 'episode', 'from_status', 'to_status', 'reason', 'at'])
      .expression((insert) =>
        insert
          .selectFrom('alerts')
          .select([
            sql<string>`${marker('id')}`.as('transition'),
            'alerts.id',
            'alerts.episode',
            'alerts.status',
            sql<string>`${sql.lit(status)}`.as('to_status'),
            sql<string>`${sql.lit(reason)}`.as('reason'),
            sql<string>`${marker('at')}`.as('at'),
          ])
          .where('alerts.id', '=', marker('alertId'))
          .where('alerts.episode', '=', marker('episode'))
          .where('alerts.status', 'not in', [sql.lit('resolved'), sql.lit(status)])
          .$call(sqlOf(query).lock),
      ),
  );
  return (alertId: RunOfAlert['alertId'], episode: number, at: Timestamp) =>
    write(query, { id: newId(), alertId, episode, at });
}
