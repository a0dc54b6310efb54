import { sql } from 'kysely';
import type { Kysely, RawBuilder, Selectable } from 'kysely';
import { alertStatuses, longestNamespace, matchLabels, namespaceLabels, severities } from '../../core/alert.ts';
import type { AlertTransition, Matcher, Severity } from '../../core/alert.ts';
import { mostTransitions } from '../../core/lists.ts';
import type { AlertQuery, ListReader } from '../../core/lists.ts';
import { longestValueFor, matchesAll } from '../../lib/matchers.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import { sqlOf } from '../sql/dialect.ts';
import { storable } from '../sql/text.ts';
import { alerts, alertTransitions } from '../tables/alerts.ts';
import type { Database } from '../tables/all.ts';
import { listedFields, selection } from '../tables/table.ts';
import { hasTerms } from '../alerts/words.ts';
import { findersOf, searchOf, sparseScan } from './alert-finders.ts';
import { hasValue, orderByChange, readScan } from './page.ts';
import { scanIndex } from './index-scan.ts';
import type { IndexScan, Range } from './index-scan.ts';

type Lists = Pick<ListReader, 'alerts' | 'alert' | 'alertByIdentity' | 'transitions' | 'transitionsOf'>;

const whole = selection(alerts);
const summaries = selection(alerts, listedFields(alerts));
const transitions = selection(alertTransitions, listedFields(alertTransitions));

export function alertLists(query: Kysely<Database>): Lists {
  return { alerts: alertPages(query), ...alertItems(query) };
}

/**
 * Pages in the order of changes. A name, a label or words that leave few alerts find them, and these are put in order; else the
 * index of all alerts with the given statuses, severities and one of the namespaces is read along, and the rest is looked up.
 */
function alertPages(query: Kysely<Database>): ListReader['alerts'] {
  return async (page) => {
    const terms = searchOf(page.search);
    const columns = columnFilters(page);
    const accept = acceptor(page.matchers ?? [], terms);
    const scan =
      (await sparseScan(query, findersOf(query, page, terms))) ?? scanIndex(query, scanByColumns(query, page));
    return readScan(
      {
        filters: [...columns.keys(), ...(accept === undefined ? [] : ['text'])],
        async fetch(ids, filters) {
          const accepted = accept === undefined ? ids : await acceptedOf(query, ids, accept);
          if (accepted.length === 0) return [];
          let rows = query.selectFrom('alerts').select(summaries.columns).where('alerts.id', 'in', accepted);
          for (const [name, condition] of columns) if (filters.has(name)) rows = rows.where(condition);
          return rows.execute();
        },
        item: summaries.read,
      },
      scan,
      page,
      orderByChange,
    );
  };
}

/** The filters on columns that are given, by name. */
function columnFilters({ statuses, severity, name, namespace, objectNamespace }: AlertQuery) {
  const filters = new Map<string, RawBuilder<boolean>>();
  if (statuses !== undefined) filters.set('status', sql<boolean>`alerts.status || '' IN (${sql.join([...statuses])})`);
  if (severity !== undefined) filters.set('severity', hasValue('alerts.severity', severity));
  if (name !== undefined) filters.set('name', hasValue('alerts.alert_name', storable(name)));
  if (namespace !== undefined) filters.set('namespace', hasValue('alerts.namespace', namespace));
  if (objectNamespace !== undefined) filters.set('objectNamespace', hasValue(objectNamespaceColumn, objectNamespace));
  return filters;
}

/** The namespace of what an alert is about, as its index says it. */
const objectNamespaceColumn = sql`substr(coalesce(${sql.join(
  namespaceLabels.map((name) => sql`labels ->> ${sql.lit(name)}`),
)}), 1, ${sql.lit(longestNamespace)})`;

/**
 * Indexes (status, severity, place) behind one of the namespaces or none, with every value of what is not given. Of two
 * namespaces that of the object is read along: it mostly has fewer.
 */
function scanByColumns(
  query: Kysely<Database>,
  { statuses = alertStatuses, severity, namespace, objectNamespace }: AlertQuery,
): IndexScan {
  const place = sqlOf(query).alertPlace;
  const isOfObject = objectNamespace !== undefined;
  const ranges = [...new Set(statuses)].flatMap((status) =>
    (severity === undefined ? severities : [severity]).map((severity): Range => ({
      table: 'alerts',
      place,
      where: { ...(namespace === undefined || isOfObject ? {} : { namespace }), status, severity },
      ...(isOfObject ? { condition: sql`${objectNamespaceColumn} = ${objectNamespace}` } : {}),
    })),
  );
  return { ranges, answers: ['status', 'severity', isOfObject ? 'objectNamespace' : 'namespace'] };
}

type AlertText = Pick<Selectable<Database['alerts']>, 'id' | 'alert_name' | 'severity' | 'summary' | 'labels'>;

/**
 * Decides on labels and words, of which an index knows only a part. Undefined where there is nothing to decide. Throws
 * InvalidInput where one row would hold everybody up.
 */
function acceptor(matchers: readonly Matcher[], terms: readonly string[]) {
  if (terms.length === 0 && matchers.length === 0) return undefined;
  const stored = matchers.map((matcher) => ({
    ...matcher,
    name: storable(matcher.name),
    value: storable(matcher.value),
  }));
  const longestValue = longestValueFor(stored);
  return ({ alert_name: name, severity, summary, labels: text }: AlertText): boolean => {
    const labels = JSON.parse(text) as Record<string, string>;
    if (!matchesAll(stored, matchLabels({ name, severity: severity as Severity, labels }), longestValue)) return false;
    return terms.length === 0 || hasTerms({ name, summary, labels }, terms);
  };
}

async function acceptedOf(
  query: Kysely<Database>,
  ids: readonly string[],
  accept: (row: AlertText) => boolean,
): Promise<readonly string[]> {
  const rows = await query
    .selectFrom('alerts')
    .select(['id', 'alert_name', 'severity', 'summary', 'labels'])
    .where('id', 'in', ids)
    .execute();
  const accepted: string[] = [];
  for (const row of rows) {
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    if (accept(row)) accepted.push(row.id);
  }
  return accepted;
}

/** So many are asked for by one statement. */
const historiesAtOnce = 50;

async function history(
  query: Kysely<Database>,
  alertIds: readonly string[],
  most: number,
): Promise<readonly AlertTransition[]> {
  const columns = sql.join(transitions.columns.map((column) => sql.ref(column)));
  const parts = alertIds.map((id, index) => {
    const newest = sql`SELECT ${columns} FROM alert_transitions WHERE alert_id = ${id} ORDER BY id DESC LIMIT ${most}`;
    return sql`SELECT * FROM (${newest}) AS ${sql.ref(`part${index}`)}`;
  });
  const { rows } = await sql<Record<string, unknown>>`${sql.join(parts, sql` UNION ALL `)}`.execute(query);
  return rows.map(transitions.read).toReversed();
}

function alertItems(query: Kysely<Database>): Omit<Lists, 'alerts'> {
  return {
    async alert(id) {
      const row = await query.selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : whole.read(row);
    },
    async alertByIdentity(namespace, source, fingerprint) {
      const row = await query
        .selectFrom('alerts')
        .selectAll()
        .where('fingerprint', '=', fingerprint)
        .where('source', '=', source)
        .where('namespace', '=', namespace)
        .executeTakeFirst();
      return row === undefined ? undefined : whole.read(row);
    },
    transitions: (alertId) => history(query, [alertId], mostTransitions),
    async transitionsOf(alertIds, most) {
      const parts: AlertTransition[] = [];
      for (let start = 0; start < alertIds.length; start += historiesAtOnce)
        parts.push(...(await history(query, alertIds.slice(start, start + historiesAtOnce), most)));
      return parts;
    },
  };
}
