import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import { alertStatuses, severities } from '../../core/alert.ts';
import type { AlertStatus, MuteReason, Severity } from '../../core/alert.ts';
import { mostWatched } from '../../core/changes.ts';
import type { AlertChange, Change, ChangeReader, RunChange } from '../../core/changes.ts';
import { toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { lowestIdAt } from '../../lib/id.ts';
import { sqlOf } from '../sql/dialect.ts';
import type { Database } from '../tables/all.ts';
import { idAt, scanIndex, unbounded } from './page.ts';
import type { IndexScan } from './page.ts';

/** Ids in one statement. */
const idsAtOnce = 500;

/**
 * What has changed, from indexes that lists and the ends of runs have: the place of an alert begins with the time of its
 * last change, the id of a run with the time when it was made.
 */
export function changeLists(query: Kysely<Database>): ChangeReader {
  return {
    async changesSince(since, most) {
      const alerts = await changedAlerts(query, since, most);
      const runs = await changedRuns(query, since, most);
      if (alerts.length + runs.length > most) return null;
      return [...alerts, ...runs].sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
    },
  };
}

async function changedAlerts(query: Kysely<Database>, since: Timestamp, most: number): Promise<readonly Change[]> {
  const place = sqlOf(query).alertPlace;
  const scan: IndexScan = {
    answers: [],
    ranges: alertStatuses.flatMap((status) =>
      severities.map((severity) => ({ table: 'alerts' as const, place, where: { status, severity } })),
    ),
  };
  const places = await scanIndex(query, scan).take({ ...unbounded, from: since }, most + 1, 0);
  const timeOf = new Map(places.map((at) => [idAt(at), at.slice(0, since.length)]));
  const rows = await inParts([...timeOf.keys()], (ids) =>
    query
      .selectFrom('alerts')
      .select(['id', 'name', 'namespace', 'source', 'status', 'severity', 'episode', 'muted_reason', 'workflow_id'])
      .where('id', 'in', ids)
      .execute(),
  );
  return rows.map((row): AlertChange => ({
    kind: 'alert',
    id: row.id,
    name: row.name,
    namespace: row.namespace,
    source: row.source,
    status: row.status as AlertStatus,
    severity: row.severity as Severity,
    episode: row.episode,
    mutedReason: row.muted_reason as MuteReason | null,
    runId: row.workflow_id,
    at: timeOf.get(row.id) ?? since,
  }));
}

async function changedRuns(query: Kysely<Database>, since: Timestamp, most: number): Promise<readonly Change[]> {
  const runs = query.selectFrom('workflows').select(runColumns);
  const made = runs.where('id', '>=', lowestIdAt(toEpochMs(since))).orderBy('id');
  const ended = runs.where('completed_at', '>=', since).orderBy('completed_at');
  const running = runs.where('status', '=', sql.lit('running')).orderBy('id', 'desc');
  const found = await Promise.all([
    made.limit(most + 1).execute(),
    ended.limit(most + 1).execute(),
    running.limit(mostWatched).execute(),
  ]);
  return [...new Map(found.flat().map((row) => [row.id, runChange(row)])).values()];
}

const runColumns = [
  ...(['id', 'name', 'namespace', 'alert_id', 'status', 'steps_completed', 'total_steps', 'current_step'] as const),
  ...(['waiting_for', 'error_code', 'cancel_requested_at', 'created_at', 'started_at', 'completed_at'] as const),
];

function runChange(row: Pick<Selectable<Database['workflows']>, (typeof runColumns)[number]>): RunChange {
  return {
    kind: 'run',
    id: row.id,
    name: row.name,
    namespace: row.namespace,
    alertId: row.alert_id,
    status: row.status as RunChange['status'],
    stepsCompleted: row.steps_completed,
    totalSteps: row.total_steps,
    currentStep: row.current_step,
    waitingFor: row.waiting_for as RunChange['waitingFor'],
    errorCode: row.error_code as RunChange['errorCode'],
    cancelRequestedAt: row.cancel_requested_at,
    at: row.completed_at ?? row.started_at ?? row.created_at,
  };
}

async function inParts<Row>(
  ids: readonly string[],
  read: (ids: readonly string[]) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let from = 0; from < ids.length; from += idsAtOnce)
    rows.push(...(await read(ids.slice(from, from + idsAtOnce))));
  return rows;
}
