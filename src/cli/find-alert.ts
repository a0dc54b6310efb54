import { severities } from '../core/alert.ts';
import { AppError } from '../core/errors.ts';
import { plain } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { mostSimilar } from '../lib/similar.ts';
import type { ApiClient } from './client.ts';
import { alerts } from './nouns/alerts.ts';
import { pathOf } from './nouns/index.ts';
import type { NamedObject } from './nouns/index.ts';
import { mostItems, readList } from './read-list.ts';
import type { AlertDetail } from '../report/why.ts';

/** The alert that is meant, and other open ones that the same words fit. */
export interface Target {
  readonly id: string;
  readonly others: readonly ListedAlert[];
  /** What a person has to know of how it was found. */
  readonly note?: string;
}

export type ListedAlert = Pick<AlertDetail, 'id' | 'name' | 'object' | 'labels'>;

/** Others that are named beside the one that is meant. */
export const mostOthers = 4;

/**
 * The alert that a person names by an id, a beginning of one, `@latest` or its name: of several open ones the most severe, of
 * these the one that changed last; of none in a namespace, what the server finds. What may be an id is the server's to find.
 */
export async function alertNamed(client: ApiClient, key: string, namespace?: string): Promise<Target> {
  const asIs: Target = { id: key, others: [] };
  if (key === '@latest' || /^[0-9a-f-]{4,36}$/i.test(key)) return asIs;
  const open = await openAlerts(client, { name: key, namespace });
  return open.items.length === 0 ? asIs : worstOpen(open, '', '');
}

/** The same thing by its id, where an alert was named by what others may have too. */
export async function meantBy(client: ApiClient, object: NamedObject): Promise<NamedObject> {
  return object.noun === alerts ? { ...object, key: (await alertNamed(client, object.key)).id } : object;
}

/** All that the API has of one thing. Where there is no such alert, the error names the nearest open one. */
export async function readObject(client: ApiClient, object: NamedObject, namespace?: string): Promise<unknown> {
  try {
    return await client.get(pathOf(object));
  } catch (thrown) {
    if (object.noun !== alerts || !(thrown instanceof AppError) || thrown.code !== 'NotFound') throw thrown;
    const { items: open } = await readList<ListedAlert>(client, 'alerts', openOnes({ namespace }), mostItems);
    const meant = mostSimilar(object.key, [...new Set(open.map((alert) => alert.name))]);
    const near = open.find(({ name }) => name === meant);
    if (near === undefined) throw thrown;
    const next = `fist why alert/${shortId(near.id)}`;
    throw new AppError('NotFound', `${thrown.message}; did you mean ${plain(near.name)}?`, { cause: thrown, next });
  }
}

interface OpenAlerts {
  /** The most severe first, of these what changed last. */
  readonly items: readonly ListedAlert[];
  /** False where there are too many to look at all of them. */
  readonly isWhole: boolean;
}

const notWhole = 'there are too many open alerts to look at all of them';

/** The first of them. Throws NotFound with what `none` says and the next command. */
export function worstOpen({ items, isWhole }: OpenAlerts, none: string, next: string): Target {
  const [first, ...others] = items;
  if (first === undefined)
    throw new AppError('NotFound', isWhole ? none : `${notWhole}; of those seen, ${none}`, { next });
  return { id: first.id, others, ...(isWhole ? {} : { note: notWhole }) };
}

type Filters = Readonly<Record<string, string | undefined>>;

/** As many as are shown; less severe ones are looked at where these are too few. */
export async function openAlerts(
  client: ApiClient,
  filters: Filters,
  isMeant?: (alert: ListedAlert) => boolean,
): Promise<OpenAlerts> {
  const most = mostOthers + 1;
  const items: ListedAlert[] = [];
  let isWhole = true;
  for (const severity of severities) {
    const page = await readList(client, 'alerts', openOnes({ severity, ...filters }), most - items.length, isMeant);
    items.push(...page.items);
    if (items.length >= most) break;
    if (page.nextCursor !== null) isWhole = false;
  }
  return { items, isWhole };
}

function openOnes(filters: Filters): URLSearchParams {
  return queryOf({ status: 'open', ...filters });
}

/** Those that were given. */
export function queryOf(filters: Filters): URLSearchParams {
  return new URLSearchParams(
    Object.entries(filters).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}
