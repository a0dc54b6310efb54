import { sql } from 'kysely';
import type { ExpressionBuilder, Kysely, Selectable } from 'kysely';
import { alertStatuses, severities } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { mostTransitions } from '../../core/lists.ts';
import type { AlertQuery, ListReader } from '../../core/lists.ts';
import { isIndexedLabel } from '../alerts/labels.ts';
import { distinctValues } from '../sql/distinct.ts';
import { alerts, alertTransitions } from '../tables/alerts.ts';
import type { Database } from '../tables/all.ts';
import { listedFields, selection } from '../tables/table.ts';
import { storable } from '../sql/text.ts';
import { entriesOf, hasTerms, searchTerms } from '../alerts/words.ts';
import { allOf, filtersOf, mostRanges } from './scans.ts';
import { hasValue, readPage } from './page.ts';
import type { IndexScan, Range } from './page.ts';

type Lists = Pick<ListReader, 'alerts' | 'alert' | 'alertByIdentity' | 'transitions'>;

const whole = selection(alerts);
const summaries = selection(alerts, listedFields(alerts));
const transitions = selection(alertTransitions, listedFields(alertTransitions));

/** A term costs a look at the index each. */
const mostTerms = 10;

export function alertLists(query: Kysely<Database>): Lists {
  return { alerts: alertPages(query), ...alertItems(query) };
}

function alertPages(query: Kysely<Database>): ListReader['alerts'] {
  return async (page) => {
    const { status, severity, name, namespace } = page;
    const labels = Object.entries(page.labels ?? {});
    const terms = termsOf(page.search);
    const columns = filtersOf({ status, severity, alert_name: name, namespace });
    const accept = acceptor(labels, terms);
    return readPage(
      {
        query,
        scans: await scansOf(query, page, terms),
        filters: [...columns.keys(), ...labels.map(labelFilter), ...(terms.length > 0 ? ['search'] : [])],
        async fetch(ids, filters) {
          const accepted = accept === undefined ? ids : await acceptedOf(query, ids, accept);
          if (accepted.length === 0) return [];
          let rows = query.selectFrom('alerts').select(summaries.columns).where('alerts.id', 'in', accepted);
          for (const [column, value] of columns)
            if (filters.has(column)) rows = rows.where(hasValue(`alerts.${column}`, value));
          for (const label of labels)
            if (filters.has(labelFilter(label)) && isIndexedLabel(...label))
              rows = rows.where((build) => withLabel(build, label, accepted));
          return rows.execute();
        },
        item: summaries.read,
      },
      page,
    );
  };
}

type AlertText = Pick<Selectable<Database['alerts']>, 'id' | 'alert_name' | 'summary' | 'labels'>;

/** Decides what no index knows: words, and labels that are too long for it. Undefined where there are none. */
function acceptor(labels: readonly (readonly [string, string])[], terms: readonly string[]) {
  const long = labels.filter((label) => !isIndexedLabel(...label));
  if (terms.length === 0 && long.length === 0) return undefined;
  return (row: AlertText): boolean => {
    const own = JSON.parse(row.labels) as Record<string, string>;
    if (!long.every(([name, value]) => own[storable(name)] === storable(value))) return false;
    return terms.length === 0 || hasTerms({ name: row.alert_name, summary: row.summary, labels: own }, terms);
  };
}

async function acceptedOf(
  query: Kysely<Database>,
  ids: readonly string[],
  accept: (row: AlertText) => boolean,
): Promise<readonly string[]> {
  const rows = await query
    .selectFrom('alerts')
    .select(['id', 'alert_name', 'summary', 'labels'])
    .where('id', 'in', ids)
    .execute();
  return rows.filter(accept).map(({ id }) => id);
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
    async transitions(alertId) {
      const rows = await query
        .selectFrom('alert_transitions')
        .selectAll()
        .where('alert_id', '=', alertId)
        .orderBy('id', 'desc')
        .limit(mostTransitions)
        .execute();
      return rows.map(transitions.read).toReversed();
    },
  };
}

/** Labels and words first: they mostly leave the fewest. */
async function scansOf(
  query: Kysely<Database>,
  { status, severity, name, namespace, labels = {} }: AlertQuery,
  terms: readonly string[],
): Promise<readonly IndexScan[]> {
  const indexed = Object.entries(labels).filter((label) => isIndexedLabel(...label));
  const scans: IndexScan[] = indexed.map((label) => ({
    ranges: [{ table: 'alert_labels', id: 'alert_id', where: { name: label[0], value: label[1] } }],
    answers: [labelFilter(label)],
  }));
  for (const term of terms) {
    const scan = await scanByTerm(query, term);
    if (scan !== undefined) scans.push(scan);
  }
  if (terms.length > 0 && terms.every((term) => entriesOf(term) === null)) throw noWords();
  if (name !== undefined && name.length <= longestIndexedName) scans.push(scanByAlertName(name));
  const columns = scanByColumns(status, severity, namespace);
  if (columns.answers.length > 0) scans.push(columns);
  return scans.length === 0 ? [allOf('alerts')] : scans;
}

/** The condition is that of the index, which has no longer ones. */
const longestIndexedName = 500;
const hasIndexedName = sql`length(alert_name) <= ${sql.lit(longestIndexedName)}`;

function scanByAlertName(name: string): IndexScan {
  const range: Range = { table: 'alerts', id: 'id', where: { alert_name: name }, condition: hasIndexedName };
  return { ranges: [range], answers: ['alert_name'] };
}

/** Indexes (status, severity, id) and (namespace, status, severity, id), with every value of what is not given. */
function scanByColumns(
  status: string | undefined,
  severity: string | undefined,
  namespace: string | undefined,
): IndexScan {
  const ranges = (status === undefined ? alertStatuses : [status]).flatMap((status) =>
    (severity === undefined ? severities : [severity]).map((severity): Range => ({
      table: 'alerts',
      id: 'id',
      where: { ...(namespace === undefined ? {} : { namespace }), status, severity },
    })),
  );
  return { ranges, answers: [...filtersOf({ status, severity, namespace }).keys()] };
}

/** Rows that have an entry of the term, and those whose words are not written yet. Undefined for a single character. */
async function scanByTerm(query: Kysely<Database>, term: string): Promise<IndexScan | undefined> {
  const places = entriesOf(term);
  if (places === null) return undefined;
  const longer =
    places.prefix === null
      ? []
      : await distinctValues(query, 'alert_words', 'word', { prefix: places.prefix, most: mostRanges });
  if (longer === undefined) {
    throw new AppError('InvalidInput', `more than ${mostRanges} kinds of words begin with ${JSON.stringify(term)}`, {
      field: 'search',
      next: 'search for a longer beginning',
    });
  }
  const ranges = [...new Set([...places.entries, ...longer])].map((word): Range => ({
    table: 'alert_words',
    id: 'alert_id',
    where: { word },
  }));
  return { ranges: [...ranges, { table: 'alert_words_due', id: 'alert_id', where: {} }], answers: [] };
}

/** Throws InvalidInput where there is nothing to search for. */
function termsOf(search: string | undefined): readonly string[] {
  if (search === undefined) return [];
  const terms = searchTerms(search);
  if (terms.length === 0) throw noWords();
  if (terms.length <= mostTerms) return terms;
  throw new AppError('InvalidInput', `search has more than ${mostTerms} words`, { field: 'search' });
}

function noWords(): AppError {
  return new AppError('InvalidInput', 'search has no word of two characters or more', {
    field: 'search',
    next: 'search=oom finds OOMKilled; beginnings of words are enough',
  });
}

function labelFilter([name]: readonly [string, string]): string {
  return `label ${name}`;
}

/** Names the ids again, so that whatever plan the database makes it looks up only these. */
function withLabel(
  build: ExpressionBuilder<Database, 'alerts'>,
  [name, value]: readonly [string, string],
  ids: readonly string[],
) {
  return build(
    'alerts.id',
    'in',
    build
      .selectFrom('alert_labels')
      .select('alert_labels.alert_id')
      .where('alert_labels.name', '=', name)
      .where('alert_labels.value', '=', value)
      .where('alert_labels.alert_id', 'in', ids),
  );
}
