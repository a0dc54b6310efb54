import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { severities } from '../../core/alert.ts';
import type { Matcher } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { mostSorted } from '../../core/lists.ts';
import type { AlertQuery } from '../../core/lists.ts';
import { isIndexedLabel } from '../alerts/labels.ts';
import { entriesOf, searchTerms } from '../alerts/words.ts';
import { sqlOf } from '../sql/dialect.ts';
import { distinctValues } from '../sql/distinct.ts';
import { storable } from '../sql/text.ts';
import type { Database } from '../tables/all.ts';
import { mostRanges } from './scans.ts';
import { placeByAlertId, placeById, scanIndex, unbounded } from './index-scan.ts';
import type { IndexScan, Range, Scan } from './index-scan.ts';

// Indexes that find the alerts of a name, a label or words; they know nothing of when an alert changed.

/** A term costs a look at the index each. */
const mostTerms = 10;

/** Throws InvalidInput for words of which no index can find all. */
export async function findersOf(
  query: Kysely<Database>,
  { name, matchers = [] }: AlertQuery,
  terms: readonly string[],
): Promise<readonly IndexScan[]> {
  const scans = matchers.map(scanByLabel);
  for (const term of terms) scans.push(await scanByTerm(query, term));
  if (name !== undefined) scans.push(scanByAlertName(name));
  return scans.filter((scan) => scan !== undefined);
}

/**
 * The alerts of the index that has the fewest, in the order of their changes. Undefined where all have too many, and where
 * there are none.
 */
export async function sparseScan(query: Kysely<Database>, finders: readonly IndexScan[]): Promise<Scan | undefined> {
  let fewest: readonly string[] | undefined;
  for (const finder of finders) {
    const entries = await scanIndex(query, finder).take(unbounded, mostSorted + 1, 0);
    // An alert may have several entries: that there are more is seen before they are told apart.
    if (entries.length > mostSorted) continue;
    const ids = [...new Set(entries)];
    if (ids.length < (fewest?.length ?? Number.POSITIVE_INFINITY)) fewest = ids;
  }
  return fewest === undefined ? undefined : sortedScan(await placesOf(query, fewest));
}

function sortedScan(places: readonly string[]): Scan {
  return {
    answers: [],
    take: async ({ before, from }, limit, offset) =>
      places.filter((place) => place < before && place >= from).slice(offset, offset + limit),
  };
}

/** In descending order. */
async function placesOf(query: Kysely<Database>, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const { alertPlace } = sqlOf(query);
  const found = sql<{ place: string }>`SELECT ${alertPlace} AS place FROM alerts WHERE id IN (${sql.join([...ids])})`;
  const { rows } = await found.execute(query);
  return rows.map(({ place }) => place).sort((one, other) => (one < other ? 1 : -1));
}

/** A name or a severity that a sender gave apart is in no label. */
function scanByLabel({ name, type, value }: Matcher): IndexScan | undefined {
  if (type !== '=' || value === '' || !isIndexedLabel(name, value)) return undefined;
  if (name === 'severity' && severities.some((severity) => severity === value)) return undefined;
  const where = { name: storable(name), value: storable(value) };
  const labelled: Range = { table: 'alert_labels', place: placeByAlertId, where };
  const named = name === 'alertname' ? (scanByAlertName(value)?.ranges ?? []) : [];
  return { ranges: [labelled, ...named], answers: [] };
}

/** The condition is that of the index, which has no longer ones. */
const longestIndexedName = 500;
const hasIndexedName: RawBuilder<unknown> = sql`length(alert_name) <= ${sql.lit(longestIndexedName)}`;

function scanByAlertName(name: string): IndexScan | undefined {
  if (name.length > longestIndexedName) return undefined;
  const where = { alert_name: storable(name) };
  return { ranges: [{ table: 'alerts', place: placeById, where, condition: hasIndexedName }], answers: [] };
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
    place: placeByAlertId,
    where: { word },
  }));
  return { ranges: [...ranges, { table: 'alert_words_due', place: placeByAlertId, where: {} }], answers: [] };
}

/** The words to search for. Throws InvalidInput where there is nothing to search for. */
export function searchOf(search: string | undefined): readonly string[] {
  if (search === undefined) return [];
  const terms = searchTerms(search);
  if (!terms.some((term) => entriesOf(term) !== null)) throw noWords();
  if (terms.length <= mostTerms) return terms;
  throw new AppError('InvalidInput', `search has more than ${mostTerms} words`, { field: 'search' });
}

function noWords(): AppError {
  return new AppError('InvalidInput', 'search has no word of two characters or more', {
    field: 'search',
    next: 'search=oom finds OOMKilled; beginnings of words are enough',
  });
}
