import type { Kysely } from 'kysely';
import type { ListReader } from '../../core/lists.ts';
import type { Database } from '../tables/all.ts';
import { deadLetters, sourceEvents } from '../tables/events.ts';
import { selection } from '../tables/table.ts';
import { tablePages } from './scans.ts';

const wholeEvent = selection(sourceEvents);
const wholeLetter = selection(deadLetters);

/** What came in: events and dead letters. */
export function inputLists(
  query: Kysely<Database>,
): Pick<ListReader, 'events' | 'event' | 'deadLetters' | 'deadLetter'> {
  const events = tablePages(query, {
    table: sourceEvents,
    filters: { namespace: 'namespace', name: 'source_name' },
    indexed: [],
  });
  const letters = tablePages(query, {
    table: deadLetters,
    filters: { reason: 'reason', namespace: 'namespace', name: 'source_name' },
    indexed: ['reason'],
  });
  return {
    events: (page) => events(page, { namespace: page.namespace, name: page.source }),
    async event(id) {
      const row = await query.selectFrom('source_events').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : wholeEvent.read(row);
    },
    deadLetters: (page) => letters(page, { reason: page.reason, namespace: page.namespace, name: page.source }),
    async deadLetter(id) {
      const row = await query.selectFrom('dead_letters').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : wholeLetter.read(row);
    },
  };
}
