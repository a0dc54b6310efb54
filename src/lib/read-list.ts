import type { ApiReader } from './api-call.ts';

/** A page of the API. */
export const mostItems = 500;

/** A page with filters may be short although there is more: so many are asked for, then the person decides. */
const mostPages = 40;

interface ListAnswer<Item> {
  readonly items: readonly Item[];
  /** Not null: there is more, or not all were looked at. */
  readonly nextCursor: string | null;
}

/**
 * The newest of a list of the API. Goes on where a page ends early, until there are `limit`, or more where `isMeant` chooses
 * among them.
 */
export async function readList<Item>(
  api: ApiReader,
  plural: string,
  query: URLSearchParams,
  limit: number,
  isMeant?: (item: Item) => boolean,
  pagesAtMost = mostPages,
): Promise<ListAnswer<Item>> {
  const items: Item[] = [];
  let nextCursor: string | null = null;
  for (let pages = 0; pages < pagesAtMost && (pages === 0 || (nextCursor !== null && items.length < limit)); pages++) {
    const asked = new URLSearchParams(query);
    asked.set('limit', String(isMeant === undefined ? Math.min(mostItems, limit - items.length) : mostItems));
    if (nextCursor !== null) asked.set('cursor', nextCursor);
    const page = (await api.get(`/api/v1/${plural}?${asked.toString()}`)) as ListAnswer<Item>;
    items.push(...(isMeant === undefined ? page.items : page.items.filter(isMeant)));
    ({ nextCursor } = page);
    if (pages === 0 && page.items.length === 0 && nextCursor === null) return page;
  }
  return { items, nextCursor };
}
