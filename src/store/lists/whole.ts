import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { ListReader } from '../../core/lists.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import { alerts } from '../tables/alerts.ts';
import type { Database } from '../tables/all.ts';
import { sourceEvents } from '../tables/events.ts';
import { runs } from '../tables/runs.ts';
import { listedFields, selection } from '../tables/table.ts';

const wholeAlert = selection(alerts);
const wholeRun = selection(runs);
const event = selection(sourceEvents, listedFields(sourceEvents));

/** Reports and bodies may be large: others have their turn between so many. */
const rowsAtOnce = 25;

/** Whole records by their ids, in the order of the ids; those that are gone are left out. */
export function wholeLists(query: Kysely<Database>): Pick<ListReader, 'alertsOf' | 'runsOf' | 'eventsOf'> {
  return {
    alertsOf: (ids) =>
      inOrder(ids, (some) => query.selectFrom('alerts').selectAll().where('id', 'in', some).execute(), wholeAlert.read),
    runsOf: (ids) =>
      inOrder(
        ids,
        (some) => query.selectFrom('workflows').selectAll().where('id', 'in', some).execute(),
        wholeRun.read,
      ),
    eventsOf: (ids, mostBytes) =>
      inOrder(
        ids,
        (some) =>
          query
            .selectFrom('source_events')
            .select(event.columns)
            .select(eventDataUpTo(mostBytes))
            .where('id', 'in', some)
            .execute(),
        (row) => ({ ...event.read(row), eventData: row.event_data }),
      ),
  };
}

/** The database measures a body without reading it. */
function eventDataUpTo(mostBytes: number) {
  return sql<string | null>`CASE WHEN octet_length(event_data) <= ${mostBytes} THEN event_data END`.as('event_data');
}

async function inOrder<Row extends { readonly id: string }, Item>(
  ids: readonly string[],
  rowsOf: (ids: readonly string[]) => Promise<readonly Row[]>,
  read: (row: Row) => Item,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (let from = 0; from < ids.length; from += rowsAtOnce) {
    const some = ids.slice(from, from + rowsAtOnce);
    const found = new Map((await rowsOf(some)).map((row) => [row.id, row]));
    for (const id of some) {
      const row = found.get(id);
      if (row === undefined) continue;
      if (eventLoopTurns.isOver()) await eventLoopTurns.next();
      items.push(read(row));
    }
  }
  return items;
}
