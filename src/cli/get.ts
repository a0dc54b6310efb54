import { readCount } from '../app/options.ts';
import { AppError } from '../core/errors.ts';
import { apiClient } from './client.ts';
import type { ApiClient, ServerFlags } from './client.ts';
import { filterNames } from './nouns/filters.ts';
import type { FilterFlags, FilterName } from './nouns/filters.ts';
import { nounOf, objectsOf, pathOf } from './nouns/index.ts';
import type { AnyNoun } from './nouns/index.ts';
import { outputFormat, outputFormats, printItems, printObject } from './output.ts';
import type { OutputFormat, Terminal } from './output.ts';

interface GetFlags extends ServerFlags, FilterFlags {
  readonly output: string;
  readonly limit: string;
}

/** A page of the API. */
const mostItems = 500;

/** A page with filters may be short although there is more: so many are asked for, then the person decides. */
const mostPages = 40;

interface ListAnswer {
  readonly items: readonly never[];
  readonly nextCursor: string | null;
}

/** `fist get NOUN`: the newest of a list; `fist get NOUN KEY...` and `NOUN/KEY...`: these. */
export async function get(terminal: Terminal, flags: GetFlags, ...words: string[]): Promise<number> {
  const format = outputFormat(flags.output, outputFormats);
  const client = apiClient(flags, terminal);
  const [first = '', ...rest] = words;
  if (rest.length > 0 || first.includes('/')) return getObjects(terminal, flags, client, format, words);
  const noun = nounOf(first);
  const limit = readCount(flags.limit, '--limit', mostItems);
  const { items, nextCursor } = await readList(client, noun, queryOf(flags, noun), limit);
  await printItems(terminal, format, items, noun.listing);
  if (nextCursor === null) return 0;
  const full = items.length >= limit;
  terminal.err(
    full
      ? `there are more; next: --limit ${Math.min(mostItems, limit * 2)}\n`
      : 'older ones were not looked at; next: narrow it down with --since, --until, --name or --label\n',
  );
  return 0;
}

async function getObjects(
  terminal: Terminal,
  flags: GetFlags,
  client: ApiClient,
  format: OutputFormat,
  words: readonly string[],
): Promise<number> {
  const unused = filterNames.find((name) => flags[name] !== undefined);
  if (unused !== undefined)
    throw new AppError('InvalidInput', `--${unused} narrows a list, and what is shown was named`, {
      field: `--${unused}`,
      next: `fist get ${words[0]?.split('/')[0]} --${unused} ...`,
    });
  const objects = objectsOf(words);
  const details = await Promise.all(objects.map((object) => client.get(pathOf(object))));
  const [only] = details;
  if (details.length === 1 && (format === 'json' || format === 'yaml')) await printObject(terminal, format, only);
  else if (format === 'json' || format === 'yaml') await printObject(terminal, format, { items: details });
  else
    for (const noun of new Set(objects.map((object) => object.noun))) {
      const items = details.filter((_, index) => objects[index]?.noun === noun);
      await printItems(terminal, format, items as never[], noun.listing);
    }
  return 0;
}

/** The filters as the API's parameters. Throws InvalidInput for one that the noun does not have. */
function queryOf(flags: GetFlags, noun: AnyNoun): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of filterNames) {
    const value = flags[name];
    if (value === undefined) continue;
    if (!noun.filters.includes(name)) throw notOfNoun(name, noun);
    const values = typeof value === 'object' ? value : [String(value)];
    for (const text of values) query.append(name, withoutKind(name, text));
  }
  return query;
}

function notOfNoun(name: FilterName, noun: AnyNoun): AppError {
  return new AppError('InvalidInput', `${noun.plural} are not narrowed down by --${name}`, {
    field: `--${name}`,
    next: noun.filters.map((filter) => `--${filter}`).join(', '),
  });
}

/** `--run run/ID` as other commands take it, or the id alone. */
function withoutKind(name: FilterName, value: string): string {
  return (name === 'alert' || name === 'run') && value.startsWith(`${name}/`) ? value.slice(name.length + 1) : value;
}

/** Goes on where a page ends early, until there are enough. */
async function readList(client: ApiClient, noun: AnyNoun, query: URLSearchParams, limit: number): Promise<ListAnswer> {
  const items: never[] = [];
  let nextCursor: string | null = null;
  for (let pages = 0; pages < mostPages && (pages === 0 || (nextCursor !== null && items.length < limit)); pages++) {
    query.set('limit', String(limit - items.length));
    if (nextCursor !== null) query.set('cursor', nextCursor);
    const page = (await client.get(`/api/v1/${noun.plural}?${query.toString()}`)) as ListAnswer;
    items.push(...page.items);
    ({ nextCursor } = page);
  }
  return { items, nextCursor };
}
