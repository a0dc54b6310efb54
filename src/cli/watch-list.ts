import { AppError, toAppError } from '../core/errors.ts';
import { toTimestamp } from '../core/time.ts';
import { epochMsOfId } from '../lib/id.ts';
import type { ApiClient } from './client.ts';
import type { ListFormat } from './formats.ts';
import { pathOf } from './nouns/index.ts';
import type { AnyNoun } from './nouns/index.ts';
import { columnsOf, printItems, printObject, tell } from './output.ts';
import type { Terminal } from './output.ts';
import { growingTable } from './table.ts';
import { watchChanges } from './watch.ts';
import type { Changed } from './watch.ts';

/** Nouns whose changes the server tells. */
const told = ['alert', 'run'];

/** Throws InvalidInput for a noun whose changes the server does not tell, with how to look at it again: `get sinks`. */
export function checkTold({ singular, plural }: AnyNoun, words: string): void {
  if (told.includes(singular)) return;
  throw new AppError('InvalidInput', `the server does not tell when ${plural} change, as it does of alerts and runs`, {
    field: '--watch',
    next: `watch -n 5 fist ${words}`,
  });
}

/** What is watched, and how it is shown. */
interface WatchedList {
  readonly noun: AnyNoun;
  readonly format: ListFormat;
  readonly headings: boolean;
  /** The items of the list now. */
  readonly list: () => Promise<readonly never[]>;
  /** Those of these names that the list has further down, no further than at this time. Null: `list` has all. */
  readonly find: ((names: ReadonlySet<string>, since: string) => Promise<Found>) | null;
}

interface Found {
  readonly items: readonly never[];
  /** There are more than could be looked at. */
  readonly hasMore: boolean;
}

/** Requests at a time: the server has a bound for all its clients. */
const mostRequests = 8;

/**
 * `fist get NOUN --watch`: the list, then each of its items anew when it has changed, as kubectl does it; also one that the
 * filters leave out by then.
 */
export async function watchList(terminal: Terminal, client: ApiClient, watched: WatchedList): Promise<number> {
  const { noun, list } = watched;
  const shown = new Map<string, string>();
  const print = printer(terminal, watched);
  return watchChanges(terminal, client, `/api/v1/stream?topics=${noun.plural}`, async (changed) => {
    const items = await list();
    const listed = new Set(items.map((item) => noun.listing.name(item)));
    const left = [...(changed ?? shown).keys()].filter((name) => shown.has(name) && !listed.has(name));
    const isFirst = changed === null && shown.size === 0;
    const isAllNew = items.length > 0 && !items.some((item) => shown.has(noun.listing.name(item)));
    if (changed === null && !isFirst && isAllNew && watched.find !== null)
      tell(terminal, `more may have changed than is shown; next: ${allOf(noun)}`);
    const others = await findOthers(terminal, watched, changed, (name) => listed.has(name) || shown.has(name));
    const leftItems = await getThose(client, noun, left, (name) => shown.delete(name));
    const news = [...items, ...others, ...leftItems].filter((item) => {
      const [name, looks] = [noun.listing.name(item), looksOf(item, watched)];
      if (shown.get(name) === looks) return false;
      shown.set(name, looks);
      return true;
    });
    // The list begins with the newest; what is added ends with it.
    await print(isFirst ? news : news.toReversed());
  });
}

/** What has changed beyond the end of the list and was never shown. */
async function findOthers(
  terminal: Terminal,
  { noun, find }: WatchedList,
  changed: Changed,
  isKnown: (name: string) => boolean,
): Promise<readonly never[]> {
  const missing = new Map([...(changed ?? [])].filter(([name]) => !isKnown(name)));
  if (find === null || missing.size === 0) return [];
  const { items, hasMore } = await find(new Set(missing.keys()), oldestPlace(noun, missing));
  const count = missing.size - items.length;
  // Without more to look at, the filters leave the others out.
  if (hasMore && count > 0) tell(terminal, `${count} more changed than could be looked at; next: ${allOf(noun)}`);
  return items;
}

/** Lists are in the order of changes, those of runs in the order in which they were made, which ids tell. */
function oldestPlace(noun: AnyNoun, changes: ReadonlyMap<string, string>): string {
  const times = [...changes].map(([name, at]) =>
    noun.singular === 'run' ? toTimestamp(epochMsOfId(name.slice(name.indexOf('/') + 1))) : at,
  );
  return times.reduce((oldest, time) => (time < oldest ? time : oldest));
}

const allOf = (noun: AnyNoun) => `fist get ${noun.plural} --limit 500`;

/** Those that retention took meanwhile are told to `gone`. */
async function getThose(
  client: ApiClient,
  noun: AnyNoun,
  names: readonly string[],
  gone: (name: string) => void,
): Promise<readonly never[]> {
  const items: never[] = [];
  for (let from = 0; from < names.length; from += mostRequests) {
    const some = names.slice(from, from + mostRequests).map(async (name): Promise<readonly never[]> => {
      try {
        return [(await client.get(pathOf({ noun, key: name.slice(name.indexOf('/') + 1) }))) as never];
      } catch (thrown) {
        if (toAppError(thrown).code !== 'NotFound') throw thrown;
        gone(name);
        return [];
      }
    });
    items.push(...(await Promise.all(some)).flat());
  }
  return items;
}

/** What a change of an item is seen by: its row without its age, or all of it. */
function looksOf(item: never, { noun, format }: WatchedList): string {
  const isTable = format.as === 'table' || format.as === 'wide' || format.as === 'columns';
  if (!isTable) return JSON.stringify(item);
  const columns = columnsOf(format, noun.listing).filter(({ ticks }) => ticks !== true);
  return JSON.stringify(columns.map((column) => column.text(item, [item] as readonly never[])));
}

function printer(
  terminal: Terminal,
  { noun, format, headings }: WatchedList,
): (items: readonly never[]) => Promise<void> {
  if (format.as === 'table' || format.as === 'wide' || format.as === 'columns') {
    const rows = growingTable(columnsOf(format, noun.listing), { ...terminal, headings, roomy: format.as === 'wide' });
    return async (items) => {
      if (items.length > 0) terminal.out(rows(items));
    };
  }
  // One object after the other: there is no end at which a list could be closed.
  return async (items) => {
    for (const item of items) {
      if (format.as === 'yaml') terminal.out('---\n');
      if (format.as === 'json' || format.as === 'yaml') await printObject(terminal, format.as, item);
      else await printItems(terminal, format, [item], noun.listing, { document: item });
    }
  };
}
