import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { severities } from '../../core/alert.ts';
import type { AlertRecord } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import type { GroupStore } from '../../core/group-store.ts';
import { allDone } from '../../lib/all-done.ts';
import { bulkFind, bulkInsert, bulkUpdate } from '../sql/bulk.ts';
import { sqlOf } from '../sql/dialect.ts';
import { alerts } from '../tables/alerts.ts';
import type { Database } from '../tables/all.ts';
import { alertGroups, runAlerts } from '../tables/groups.ts';
import { runs } from '../tables/runs.ts';
import { fieldsIn, selection } from '../tables/table.ts';

/** Reads and writes `alert_groups` and `run_alerts` inside a transaction. */
export function createGroupStore(query: Kysely<Database>): GroupStore {
  return { ...groups(query), ...members(query) };
}

function groups(query: Kysely<Database>): Pick<GroupStore, 'find' | 'begin' | 'hold'> {
  const findGroups = bulkFind(query, alertGroups, { fields: ['runId'], keys: ['id'] });
  const lockRuns = bulkFind(query, runs, { fields: fieldsIn(runs, 'group'), keys: ['id'], lock: true });
  const begin = bulkInsert(query, alertGroups, {
    onConflict: `ON CONFLICT (id) DO UPDATE SET workflow_id = excluded.workflow_id, previous_id = excluded.previous_id
      WHERE alert_groups.workflow_id = excluded.previous_id`,
  });
  const hold = bulkUpdate(query, runs, { fields: ['wakeAt'] });
  return {
    async find(ids) {
      const found = await findGroups(ids.map((id) => ({ id })));
      const newest = await lockRuns(found.map(({ runId: id }) => ({ id })));
      const byId = new Map(newest.map((run) => [run.id, run]));
      return new Map(found.map(({ id, runId }) => [id, { newest: runId, run: byId.get(runId) ?? null }]));
    },
    async begin(starts) {
      if ((await begin(starts)) < starts.length)
        throw new AppError('StoreConflict', 'another replica has made the run of a group');
    },
    async hold(held) {
      await hold(held);
    },
  };
}

/** So many of the alerts of a run are looked through for those that are looked at. */
const mostCompared = 400;

function members(query: Kysely<Database>): Pick<GroupStore, 'join' | 'joined' | 'alertsOf' | 'page' | 'copy'> {
  const join = bulkInsert(query, runAlerts, {
    onConflict: 'ON CONFLICT (alert_id, workflow_id) DO UPDATE SET episode = excluded.episode',
  });
  const joined = bulkFind(query, runAlerts, { fields: ['episode'], keys: ['alertId', 'runId'] });
  return {
    async join(added) {
      await join(added);
    },
    joined: (wanted) => joined(wanted),
    async alertsOf(run, most) {
      const [{ count }, oldest] = await allDone([countOf(query, run), oldestOf(query, run)]);
      const first = oldest.toSorted((one, other) => placeOf(one) - placeOf(other)).slice(0, most);
      return { count, alerts: await wholeAlerts(query, first) };
    },
    async page(runId, after, limit) {
      const rows = await query
        .selectFrom('run_alerts')
        .select(['alert_id', 'episode'])
        .where('workflow_id', '=', runId)
        .where('alert_id', '>', after)
        .orderBy('alert_id')
        .limit(limit)
        .execute();
      const episodes = new Map(rows.map(({ alert_id: id, episode }) => [id, episode]));
      const found = rows.length === 0 ? [] : await lockedAlerts(query, [...episodes.keys()]);
      return {
        alerts: found.filter(({ id, episode }) => episodes.get(id) === episode),
        next: rows.length < limit ? null : (rows.at(-1)?.alert_id ?? null),
      };
    },
    async copy(fromRunId, toRunId) {
      await query
        .insertInto('run_alerts')
        .columns(['alert_id', 'workflow_id', 'episode'])
        .expression((row) =>
          row
            .selectFrom('run_alerts')
            .select(['alert_id', sql<string>`${toRunId}`.as('workflow_id'), 'episode'])
            .where('workflow_id', '=', fromRunId),
        )
        .execute();
    },
  };
}

interface RunOfGroup {
  readonly id: string;
  readonly alertId: string | null;
}

/** All that joined, the run's own alert in a later episode not among them. */
const ofRun = ({ id, alertId }: RunOfGroup) =>
  sql<boolean>`run_alerts.workflow_id = ${id} AND run_alerts.alert_id <> ${alertId ?? ''}`;

async function countOf(query: Kysely<Database>, run: RunOfGroup): Promise<{ readonly count: number }> {
  return query
    .selectFrom('run_alerts')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where(ofRun(run))
    .executeTakeFirstOrThrow();
}

type Compared = Pick<AlertRecord, 'id' | 'episode' | 'status' | 'severity'>;
const comparing = selection(alerts, ['id', 'episode', 'status', 'severity']);

/** In the order in which they first came. */
async function oldestOf(query: Kysely<Database>, run: RunOfGroup): Promise<readonly Compared[]> {
  const members = await query
    .selectFrom('run_alerts')
    .select(['alert_id', 'episode'])
    .where(ofRun(run))
    .orderBy('alert_id')
    .limit(mostCompared)
    .execute();
  if (members.length === 0) return [];
  const episodes = new Map(members.map(({ alert_id: id, episode }) => [id, episode]));
  const rows = await query
    .selectFrom('alerts')
    .select(comparing.columns)
    .where('id', 'in', [...episodes.keys()])
    .orderBy('id')
    .execute();
  return rows.map(comparing.read).filter(({ id, episode }) => episodes.get(id) === episode);
}

/** Those that fire first, then the most severe. */
function placeOf({ status, severity }: Compared): number {
  return (status === 'resolved' ? severities.length : 0) + severities.indexOf(severity);
}

async function wholeAlerts(query: Kysely<Database>, chosen: readonly Compared[]): Promise<readonly AlertRecord[]> {
  if (chosen.length === 0) return [];
  const ids = chosen.map(({ id }) => id);
  const rows = await query.selectFrom('alerts').selectAll().where('id', 'in', ids).execute();
  const byId = new Map(rows.map(selection(alerts).read).map((alert) => [alert.id, alert]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

async function lockedAlerts(query: Kysely<Database>, ids: readonly string[]): Promise<readonly AlertRecord[]> {
  const rows = await query
    .selectFrom('alerts')
    .selectAll()
    .where('id', 'in', ids)
    .orderBy('id')
    .$call(sqlOf(query).lockFree)
    .execute();
  return rows.map(selection(alerts).read);
}
