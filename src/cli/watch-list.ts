import { AppError } from '../core/errors.ts';
import type { ApiClient } from './client.ts';
import type { ListFormat } from './formats.ts';
import { pathOf } from './nouns/index.ts';
import type { AnyNoun } from './nouns/index.ts';
import { columnsOf, printItems, printObject } from './output.ts';
import type { Terminal } from './output.ts';
import { growingTable } from './table.ts';
import { watchChanges } from './watch.ts';

/** Nouns whose changes the server tells. */
const told = ['alert', 'run'];

/** Throws InvalidInput for a noun whose changes nobody tells. */
export function checkTold({ singular, plural }: AnyNoun): void {
  if (told.includes(singular)) return;
  throw new AppError('InvalidInput', `${plural} are not told as they change; alerts and runs are`, {
    field: '--watch',
    next: 'fist get runs --watch',
  });
}

/** What is watched, and how it is shown. */
interface WatchedList {
  readonly noun: AnyNoun;
  readonly format: ListFormat;
  readonly headings: boolean;
  /** The items of the list now. */
  readonly list: () => Promise<readonly never[]>;
}

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
    const left = [...(changed ?? shown.keys())].filter((name) => shown.has(name) && !listed.has(name));
    const gone = await Promise.all(
      left.map(async (name) => (await client.get(pathOf({ noun, key: name.slice(name.indexOf('/') + 1) }))) as never),
    );
    const isFirst = shown.size === 0;
    const news = [...items, ...gone].filter((item) => {
      const [name, looks] = [noun.listing.name(item), looksOf(item, watched)];
      if (shown.get(name) === looks) return false;
      shown.set(name, looks);
      return true;
    });
    // The list begins with the newest; what is added ends with it.
    await print(isFirst ? news : news.toReversed());
  });
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
