import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { alertStatuses, severities } from '../../core/alert.ts';
import { mostWatched } from '../../core/changes.ts';
import type { AlertChange, Change, ChangeReader, RunChange } from '../../core/changes.ts';
import { toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { lowestIdAt } from '../../lib/id.ts';
import { sqlOf } from '../sql/dialect.ts';
import { alerts } from '../tables/alerts.ts';
import type { Database } from '../tables/all.ts';
import { runs } from '../tables/runs.ts';
import { fieldsIn, selection } from '../tables/table.ts';
import { idAt } from './page.ts';
import { scanIndex, unbounded } from './index-scan.ts';
import type { IndexScan } from './index-scan.ts';

const alertFields = selection(alerts, fieldsIn(alerts, 'change'));
const runFields = selection(runs, fieldsIn(runs, 'change'));

/** Ids in one statement. */
const idsAtOnce = 500;

/**
 * What has changed, from indexes that lists and the ends of runs have: the place of an alert begins with the time of its
 * last change, the id of a run with the time when it was made.
 */
export function changeLists(query: Kysely<Database>): ChangeReader {
  return {
    async changesSince(since, most) {
      const changes = [...(await changedAlerts(query, since, most)), ...(await changedRuns(query, since, most))];
      return inOrder(changes, most);
    },
    async runsChangedSince(since, most) {
      return inOrder(await changedRuns(query, since, most), most);
    },
    async runsEndedAfter({ at, id }, most) {
      const rows = await query
        .selectFrom('workflows')
        .select(runFields.columns)
        .where('completed_at', '>=', at)
        .where((place) => place.or([place('completed_at', '>', at), place('id', '>', id)]))
        .orderBy('completed_at')
        .orderBy('id')
        .limit(most)
        .execute();
      return rows.map(runChange);
    },
  };
}

/** null = more than `most`. */
function inOrder<T extends Change>(changes: readonly T[], most: number): readonly T[] | null {
  if (changes.length > most) return null;
  return changes.toSorted((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
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
    query.selectFrom('alerts').select(alertFields.columns).where('id', 'in', ids).execute(),
  );
  return rows.map((row): AlertChange => {
    const { workflowId: runId, ...alert } = alertFields.read(row);
    return { kind: 'alert', ...alert, runId, at: timeOf.get(alert.id) ?? since };
  });
}

async function changedRuns(query: Kysely<Database>, since: Timestamp, most: number): Promise<readonly RunChange[]> {
  const all = query.selectFrom('workflows').select(runFields.columns);
  const made = all.where('id', '>=', lowestIdAt(toEpochMs(since))).orderBy('id');
  const ended = all.where('completed_at', '>=', since).orderBy('completed_at');
  const running = all.where('status', '=', sql.lit('running')).orderBy('id', 'desc');
  const found = await Promise.all([
    made.limit(most + 1).execute(),
    ended.limit(most + 1).execute(),
    running.limit(mostWatched).execute(),
  ]);
  return [...new Map(found.flat().map((row) => [row.id, runChange(row)])).values()];
}

function runChange(row: Readonly<Record<string, unknown>>): RunChange {
  const { createdAt, startedAt, completedAt, ...run } = runFields.read(row);
  return { kind: 'run', ...run, at: completedAt ?? startedAt ?? createdAt };
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
