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

/** Ids of the alerts that an index has, in any order, some of them twice; where they are more, some that are at least so many. */
type Finder = (limit: number) => Promise<readonly string[]>;

/** They throw InvalidInput for words of which no index can find all. */
export function findersOf(
  query: Kysely<Database>,
  { name, matchers = [] }: AlertQuery,
  terms: readonly string[],
): readonly Finder[] {
  const scans = [...matchers.map(scanByLabel), ...(name === undefined ? [] : [scanByAlertName(name)])];
  return [
    ...scans.flatMap((scan) => (scan === undefined ? [] : taking(query, scan.ranges))),
    ...terms.flatMap((term) => finderByTerm(query, term) ?? []),
  ];
}

function taking(query: Kysely<Database>, ranges: readonly Range[]): Finder {
  return (limit) => scanIndex(query, { ranges, answers: [] }).take(unbounded, limit, 0);
}

/**
 * The alerts of the index that has the fewest, in the order of their changes. Undefined where all have too many, and where
 * there are none.
 */
export async function sparseScan(query: Kysely<Database>, finders: readonly Finder[]): Promise<Scan | undefined> {
  let fewest: readonly string[] | undefined;
  for (const find of finders) {
    const entries = await find(mostSorted + 1);
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

/** Alerts that have an entry of the term, and those whose words are not written yet. Undefined for a single character. */
function finderByTerm(query: Kysely<Database>, term: string): Finder | undefined {
  const places = entriesOf(term);
  if (places === null) return undefined;
  const { entries, prefix } = places;
  const find = (words: readonly string[]) =>
    taking(query, [
      ...Array.from(new Set(words), (word): Range => ({
        table: 'alert_words',
        place: placeByAlertId,
        where: { word },
      })),
      { table: 'alert_words_due', place: placeByAlertId, where: {} },
    ]);
  if (prefix === null) return find(entries);
  return async (limit) => {
    let words = await wordsWith(query, prefix);
    for (;;) {
      const found = await find([...entries, ...words])(limit);
      const known = new Set(words);
      words = await wordsWith(query, prefix);
      // A word that was written meanwhile may have taken its alert from those that were due.
      if (words.every((word) => known.has(word))) return found;
    }
  };
}

async function wordsWith(query: Kysely<Database>, prefix: string): Promise<readonly string[]> {
  const words = await distinctValues(query, 'alert_words', 'word', { prefix, most: mostRanges });
  if (words !== undefined) return words;
  throw new AppError('InvalidInput', `more than ${mostRanges} kinds of words begin with ${JSON.stringify(prefix)}`, {
    field: 'search',
    next: 'search for a longer beginning',
  });
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
