import type { AlertQuery, AlertSummary, ListPage, ListReader } from '../../core/lists.ts';
import { formatMatcher } from '../../lib/matchers.ts';

/** So many alerts or, where there are `more`, at least so many. */
interface Count {
  readonly count: number;
  readonly more: boolean;
}

/** Why a list is empty. */
export interface EmptyList {
  /** Alerts without any filter, as far as the caller may hear of them. */
  readonly stored: Count;
  /** The only namespace of Sources whose alerts were counted, because the caller may look in no other; absent = all were. */
  readonly within?: string;
  /** For each filter: the alerts that all the others let through. */
  readonly without: readonly (Count & { readonly parameter: string; readonly value: string })[];
}

/** A page of alerts; an empty list says which of its filters keeps out how many. */
export type AlertPage = ListPage<AlertSummary> & { readonly empty?: EmptyList };

/** A filter as the request gave it, and the query without it. */
interface GivenFilter {
  readonly parameter: string;
  readonly value: string;
  readonly rest: AlertQuery;
}

/** Alerts are counted up to here. */
const mostCounted = 100;

/** `status` is the word of the request; beyond the namespace `within` nothing is counted (null = all): a count would tell what is there. */
export async function alertPage(
  lists: Pick<ListReader, 'alerts'>,
  query: AlertQuery,
  status: string | undefined,
  within: string | null,
): Promise<AlertPage> {
  const page = await lists.alerts(query);
  if (page.items.length > 0 || page.nextCursor !== null || query.cursor !== undefined) return page;
  const wall = within === null ? {} : { namespace: within };
  const filters = filtersOf(query, status).filter(({ parameter }) => within === null || parameter !== 'fistNamespace');
  const [stored, ...counts] = await Promise.all(
    [{}, ...filters.map(({ rest }) => rest)].map((rest) => count(lists, { ...rest, ...wall })),
  );
  const without = filters.map(({ parameter, value }, place) => ({ parameter, value, ...nothing, ...counts[place] }));
  return { ...page, empty: { stored: stored ?? nothing, ...(within === null ? {} : { within }), without } };
}

const nothing: Count = { count: 0, more: false };

async function count(lists: Pick<ListReader, 'alerts'>, filter: Partial<AlertQuery>): Promise<Count> {
  const { items, nextCursor } = await lists.alerts({ ...filter, limit: mostCounted });
  return { count: items.length, more: nextCursor !== null };
}

function filtersOf(query: AlertQuery, status: string | undefined): readonly GivenFilter[] {
  const { matchers = [] } = query;
  const given = (parameter: string, field: keyof AlertQuery, value: string | undefined): readonly GivenFilter[] => {
    if (value === undefined) return [];
    const { [field]: _left, ...rest } = query;
    return [{ parameter, value, rest: rest as AlertQuery }];
  };
  return [
    ...given('status', 'statuses', status),
    ...given('severity', 'severity', query.severity),
    ...given('name', 'name', query.name),
    ...given('namespace', 'objectNamespace', query.objectNamespace),
    ...given('fistNamespace', 'namespace', query.namespace),
    ...matchers.map((matcher) => ({
      parameter: 'label',
      value: formatMatcher(matcher),
      rest: { ...query, matchers: matchers.filter((other) => other !== matcher) },
    })),
    ...given('search', 'search', query.search),
    ...given('since', 'since', query.since),
    ...given('until', 'until', query.until),
  ];
}
