import type { ExpressionBuilder, Kysely } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { AlertQuery, ListPage, ListReader, PageQuery, ResourceActivity } from '../core/store.ts';
import { alertColumns, deliveryColumns, eventColumns, runColumns } from './columns.ts';
import { deliverySummary } from './deliveries.ts';
import {
  alertRecord,
  alertSummary,
  deadLetterRecord,
  deadLetterSummary,
  eventRecord,
  eventSummary,
  resourceRecord,
  runSummary,
  transitionRecord,
} from './rows.ts';
import type { Database } from './schema.ts';

/** Ids are UUID v7, so descending id order is newest first; every id is below this. */
const aboveEveryId = 'z';

/** Lists on any connection; a read-only one will do. */
export function createListReader(query: Kysely<Database>): ListReader {
  return {
    ...alertLists(query),
    ...runLists(query),
    ...inputLists(query),
    ...resourceLists(query),
  };
}

function alertLists(query: Kysely<Database>): Pick<ListReader, 'alerts' | 'alert' | 'alertByIdentity' | 'transitions'> {
  return {
    async alerts(filter) {
      const rows = await pageOfAlerts(query, filter)
        .select(alertColumns)
        .$if(filter.status !== undefined, (rows) => rows.where('alerts.status', '=', filter.status ?? ''))
        .$if(filter.severity !== undefined, (rows) => rows.where('alerts.severity', '=', filter.severity ?? ''))
        .$if(filter.name !== undefined, (rows) => rows.where('alerts.alert_name', '=', filter.name ?? ''))
        .$if(filter.namespace !== undefined, (rows) => rows.where('alerts.namespace', '=', filter.namespace ?? ''))
        .limit(filter.limit + 1)
        .offset(filter.offset ?? 0)
        .execute();
      return page(rows, filter.limit, alertSummary);
    },
    async alert(id) {
      const row = await query.selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : alertRecord(row);
    },
    async alertByIdentity(namespace, source, fingerprint) {
      const row = await query
        .selectFrom('alerts')
        .selectAll()
        .where('fingerprint', '=', fingerprint)
        .where('source', '=', source)
        .where('namespace', '=', namespace)
        .executeTakeFirst();
      return row === undefined ? undefined : alertRecord(row);
    },
    async transitions(alertId) {
      const rows = await query
        .selectFrom('alert_transitions')
        .selectAll()
        .where('alert_id', '=', alertId)
        .orderBy('id')
        .execute();
      return rows.map(transitionRecord);
    },
  };
}

/**
 * Alerts in list order. With label filters, `alert_labels` drives: its primary key gives the alerts of the first label
 * in id order, and the others are looked up one by one. The cross join keeps SQLite from turning that round.
 */
function pageOfAlerts(query: Kysely<Database>, filter: AlertQuery) {
  const [first, ...others] = Object.entries(filter.labels ?? {});
  const before = decodeCursor(filter.cursor);
  const all = query.selectFrom('alerts').where('alerts.id', '<', before).orderBy('alerts.id', 'desc');
  if (first === undefined) return all;
  let rows = query
    .selectFrom('alert_labels')
    .crossJoin('alerts')
    .whereRef('alerts.id', '=', 'alert_labels.alert_id')
    .where('alert_labels.name', '=', first[0])
    .where('alert_labels.value', '=', first[1])
    .where('alert_labels.alert_id', '<', before)
    .orderBy('alert_labels.alert_id', 'desc');
  for (const [name, value] of others) rows = rows.where((build) => hasLabel(build, name, value));
  return rows as unknown as typeof all;
}

function hasLabel(build: ExpressionBuilder<Database, 'alert_labels' | 'alerts'>, name: string, value: string) {
  return build.exists(
    build
      .selectFrom('alert_labels as other')
      .select('other.name')
      .where('other.name', '=', name)
      .where('other.value', '=', value)
      .whereRef('other.alert_id', '=', 'alert_labels.alert_id'),
  );
}

function runLists(query: Kysely<Database>): Pick<ListReader, 'runs' | 'deliveries' | 'depths'> {
  return {
    async runs(filter) {
      const rows = await query
        .selectFrom('workflows')
        .select(runColumns)
        .where('id', '<', decodeCursor(filter.cursor))
        .$if(filter.status !== undefined, (rows) => rows.where('status', '=', filter.status ?? ''))
        .$if(filter.workflow !== undefined, (rows) => rows.where('name', '=', filter.workflow ?? ''))
        .$if(filter.namespace !== undefined, (rows) => rows.where('namespace', '=', filter.namespace ?? ''))
        .$if(filter.alertId !== undefined, (rows) => rows.where('alert_id', '=', filter.alertId ?? ''))
        .orderBy('id', 'desc')
        .limit(filter.limit + 1)
        .offset(filter.offset ?? 0)
        .execute();
      return page(rows, filter.limit, runSummary);
    },
    async deliveries(filter) {
      const rows = await query
        .selectFrom('sink_outputs')
        .select(deliveryColumns)
        .where('id', '<', decodeCursor(filter.cursor))
        .$if(filter.status !== undefined, (rows) => rows.where('status', '=', filter.status ?? ''))
        .$if(filter.runId !== undefined, (rows) => rows.where('workflow_id', '=', filter.runId ?? ''))
        .orderBy('id', 'desc')
        .limit(filter.limit + 1)
        .offset(filter.offset ?? 0)
        .execute();
      return page(rows, filter.limit, deliverySummary);
    },
    async depths() {
      const count = async (table: 'workflows' | 'sink_outputs') => {
        const row = await query
          .selectFrom(table)
          .select((build) => build.fn.countAll<number>().as('rows'))
          .where('status', '=', 'pending')
          .executeTakeFirst();
        return row?.rows ?? 0;
      };
      return { runs: await count('workflows'), deliveries: await count('sink_outputs') };
    },
  };
}

function inputLists(query: Kysely<Database>): Pick<ListReader, 'events' | 'event' | 'deadLetters' | 'deadLetter'> {
  return {
    async events(filter) {
      const rows = await query
        .selectFrom('source_events')
        .select(eventColumns)
        .where('id', '<', decodeCursor(filter.cursor))
        .$if(filter.source !== undefined, (rows) => rows.where('source_name', '=', filter.source ?? ''))
        .$if(filter.namespace !== undefined, (rows) => rows.where('namespace', '=', filter.namespace ?? ''))
        .orderBy('id', 'desc')
        .limit(filter.limit + 1)
        .offset(filter.offset ?? 0)
        .execute();
      return page(rows, filter.limit, eventSummary);
    },
    async event(id) {
      const row = await query.selectFrom('source_events').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : eventRecord(row);
    },
    async deadLetters(filter: PageQuery) {
      const rows = await query
        .selectFrom('dead_letters')
        .select(['id', 'namespace', 'source_name', 'reason', 'message', 'received_at'])
        .where('id', '<', decodeCursor(filter.cursor))
        .orderBy('id', 'desc')
        .limit(filter.limit + 1)
        .offset(filter.offset ?? 0)
        .execute();
      return page(rows, filter.limit, deadLetterSummary);
    },
    async deadLetter(id) {
      const row = await query.selectFrom('dead_letters').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : deadLetterRecord(row);
    },
  };
}

function resourceLists(query: Kysely<Database>): Pick<ListReader, 'resources' | 'activity'> {
  return {
    async resources(kind) {
      const rows = await query
        .selectFrom('custom_resources')
        .selectAll()
        .where('kind', '=', kind)
        .orderBy('namespace')
        .orderBy('name')
        .execute();
      return rows.map(resourceRecord);
    },
    async activity() {
      const rows = await query.selectFrom('resource_activity').selectAll().execute();
      const sources: [string, ReturnType<ResourceActivity['sources']['get']> & {}][] = [];
      const sinks: [string, ReturnType<ResourceActivity['sinks']['get']> & {}][] = [];
      for (const row of rows) {
        const key = `${row.namespace}/${row.name}`;
        if (row.kind === 'Source')
          sources.push([
            key,
            { eventsProcessed: row.processed, lastEventTime: row.last_at ?? '', lastProblem: row.last_error },
          ]);
        else sinks.push([key, { messagesSent: row.processed, lastSentTime: row.last_at, lastError: row.last_error }]);
      }
      return { sources: new Map(sources), sinks: new Map(sinks) };
    },
  };
}

/** One row more than asked was read: it says whether another page follows. */
function page<Row extends { readonly id: string }, Item>(
  rows: readonly Row[],
  limit: number,
  map: (row: Row) => Item,
): ListPage<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(map),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last.id) : null,
  };
}

function encodeCursor(id: string): string {
  return Buffer.from(id).toString('base64url');
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function decodeCursor(cursor: string | undefined): string {
  if (cursor === undefined) return aboveEveryId;
  const id = Buffer.from(cursor, 'base64url').toString('latin1');
  if (uuid.test(id) && encodeCursor(id) === cursor) return id;
  throw new AppError('InvalidInput', 'cursor is not one that this server gave', {
    field: 'cursor',
    next: 'start again without cursor',
  });
}
