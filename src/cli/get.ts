import { readCount } from '../app/read-count.ts';
import { AppError } from '../core/errors.ts';
import { apiClient } from './client.ts';
import type { ApiClient, ServerFlags } from './client.ts';
import { alertNamed } from '../report/meant-alert.ts';
import { meantBy, readObject } from './find-alert.ts';
import { givenFilters, nextPage, whyEmpty } from './get-words.ts';
import type { RepeatedFlags } from './get-words.ts';
import { longFlag } from './nouns/filters.ts';
import type { FilterName } from './nouns/filters.ts';
import { nounOf, objectsOf } from './nouns/index.ts';
import type { AnyNoun } from './nouns/index.ts';
import { compareValues, parseJsonPath } from '../lib/jsonpath.ts';
import { readListFormat } from './formats.ts';
import type { ListFormat } from './formats.ts';
import { namesCluster } from './server-options.ts';
import type { ContextFlags } from '../app/install/connect.ts';
import { mostItems, readList } from '../lib/read-list.ts';
import { checkTold, watchList } from './watch-list.ts';
import { printItems, tell } from './output.ts';
import type { ListStyle, Terminal } from './output.ts';

type GetFlags = ServerFlags &
  ContextFlags &
  RepeatedFlags & {
    readonly sortBy?: string;
    readonly watch?: boolean;
  };

/** `fist get NOUN`: the newest of a list; `fist get NOUN KEY...` and `NOUN/KEY...`: these. */
export async function get(terminal: Terminal, flags: GetFlags, ...words: string[]): Promise<number> {
  const format = readListFormat(flags.output);
  const sort = sorter(flags.sortBy);
  if (namesCluster(flags)) {
    const { getFromCluster } = await import('./from-cluster.ts');
    return getFromCluster(terminal, flags, format, sort, words);
  }
  const [first = '', ...rest] = words;
  if (rest.length > 0 || first.includes('/')) return getObjects(terminal, flags, format, sort, words);
  const noun = nounOf(first);
  const limit = readCount(flags.limit, '--limit', mostItems);
  const query = queryOf(flags, noun);
  if (flags.watch === true) checkTold(noun, `get ${noun.plural}`);
  const client = apiClient(flags, terminal);
  const alert = query.get('alert');
  if (alert !== null) query.set('alert', (await alertNamed(client, alert)).id);
  if (flags.watch === true) {
    const list = async () => sort((await readList<never>(client, noun.plural, query, limit)).items);
    const find = finder(client, noun, query);
    return watchList(terminal, client, { noun, format, headings: flags.headers, list, find });
  }
  const list = await readList<never>(client, noun.plural, query, limit);
  const items = sort(list.items);
  const { nextCursor } = list;
  const { listing } = noun;
  await printItems(
    terminal,
    format,
    items,
    { ...listing, empty: whyEmpty(noun, flags, list) },
    {
      document: { items, nextCursor },
      headings: flags.headers,
      details: flags.history === true,
    },
  );
  if (nextCursor === null) return 0;
  const goOn = nextPage(noun, flags, nextCursor);
  if (flags.sortBy !== undefined) tell(terminal, `sorted are the newest ${items.length}; there are more`);
  else if (items.length >= limit) tell(terminal, `there are more; next: ${goOn}`);
  else tell(terminal, `older ones were not looked at; next: narrow it down with --since or --until, or ${goOn}`);
  return 0;
}

async function getObjects(
  terminal: Terminal,
  flags: GetFlags,
  format: ListFormat,
  sort: Sorter,
  words: readonly string[],
): Promise<number> {
  const unused = givenFilters(flags).find((name) => name !== 'namespace');
  if (unused !== undefined)
    throw new AppError('InvalidInput', `${longFlag(unused)} narrows a list, and what is shown was named`, {
      field: longFlag(unused),
      next: `fist get ${words[0]?.split('/')[0]} ${longFlag(unused)} ...`,
    });
  const named = objectsOf(words, flags.namespace);
  const [one] = named;
  if (flags.watch === true) for (const { noun } of named) checkTold(noun, `get ${words.join(' ')}`);
  const client = apiClient(flags, terminal);
  const objects = await Promise.all(named.map((object) => meantBy(client, object)));
  const read = async () => (await Promise.all(objects.map((object) => readObject(client, object)))) as never[];
  if (flags.watch === true && one !== undefined) {
    if (objects.some(({ noun }) => noun !== one.noun))
      throw new AppError('InvalidInput', '--watch follows things of one kind', { field: '--watch' });
    return watchList(terminal, client, { noun: one.noun, format, headings: flags.headers, list: read, find: null });
  }
  const details = await read();
  const sorted = sort(details);
  const style: ListStyle = {
    document: details.length === 1 ? details[0] : { items: sorted },
    headings: flags.headers,
  };
  const isTable = format.as === 'table' || format.as === 'wide' || format.as === 'name';
  if (!isTable) await printItems(terminal, format, sorted, nounOf('alerts').listing, style);
  else
    for (const [index, noun] of [...new Set(objects.map((object) => object.noun))].entries()) {
      if (index > 0 && format.as !== 'name') terminal.out('\n');
      const items = details.filter((_, place) => objects[place]?.noun === noun);
      await printItems(terminal, format, sort(items), noun.listing, style);
    }
  return 0;
}

type Sorter = (items: readonly never[]) => readonly never[];

/** `--sort-by`: ascending by what the path leads to first. Throws InvalidInput where it leads to nothing in any row. */
function sorter(text: string | undefined): Sorter {
  if (text === undefined) return (items) => items;
  const path = parseJsonPath(text);
  // While changes are followed, what was found once may be gone.
  let isKnown = false;
  return (items) => {
    isKnown ||= items.some((item) => path(item).length > 0);
    if (!isKnown && items.length > 0)
      throw new AppError('InvalidInput', `--sort-by ${text} leads to nothing in any row`, {
        field: '--sort-by',
        next: 'the same with -o json instead shows the fields',
      });
    return items.toSorted((left, right) => compareValues(path(left)[0], path(right)[0]));
  };
}

/** The filters as the API's parameters. Throws InvalidInput for one that the noun does not have. */
function queryOf(flags: GetFlags, noun: AnyNoun): URLSearchParams {
  const query = new URLSearchParams();
  if (flags.continue !== undefined) query.set('cursor', flags.continue);
  for (const name of givenFilters(flags)) {
    if (!noun.filters.includes(name)) throw notOfNoun(name, noun);
    // Without a status the API lists any.
    if (name === 'all') continue;
    for (const value of [flags[name] ?? []].flat()) query.append(name, withoutKind(name, String(value)));
  }
  if (flags.all !== true)
    for (const [name, value] of Object.entries(noun.defaults ?? {})) if (!query.has(name)) query.set(name, value);
  return query;
}

function notOfNoun(name: FilterName, noun: AnyNoun): AppError {
  return new AppError('InvalidInput', `${noun.plural} are not narrowed down by ${longFlag(name)}`, {
    field: longFlag(name),
    next: noun.filters.map(longFlag).join(', '),
  });
}

/** `--run run/ID` as other commands take it, or the id alone. */
function withoutKind(name: FilterName, value: string): string {
  return (name === 'alert' || name === 'run') && value.startsWith(`${name}/`) ? value.slice(name.length + 1) : value;
}

/** Pages in which `fist get --watch` looks for what has changed. */
const pagesOfSearch = 4;

/** Those of a list with these names that stand no further down than at this time, unless the query has one. */
function finder(client: ApiClient, noun: AnyNoun, query: URLSearchParams) {
  return async (names: ReadonlySet<string>, since: string) => {
    const narrowed = new URLSearchParams(query);
    if (!narrowed.has('since')) narrowed.set('since', since);
    const isWanted = (item: never): boolean => names.has(noun.listing.name(item));
    const { items, nextCursor } = await readList<never>(
      client,
      noun.plural,
      narrowed,
      names.size,
      isWanted,
      pagesOfSearch,
    );
    return { items, hasMore: nextCursor !== null };
  };
}
