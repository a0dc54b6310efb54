import type { Kysely } from 'kysely';
import type { ListReader } from '../../core/lists.ts';
import { deadLetterColumns, eventColumns } from '../sql/columns.ts';
import { deadLetterRecord, deadLetterSummary, eventRecord, eventSummary } from '../sql/rows.ts';
import type { Database } from '../sql/schema.ts';
import { tablePages } from './drivers.ts';

/** What came in: events and dead letters. */
export function inputLists(
  query: Kysely<Database>,
): Pick<ListReader, 'events' | 'event' | 'deadLetters' | 'deadLetter'> {
  const events = tablePages(query, {
    table: 'source_events',
    columns: eventColumns,
    filters: { namespace: 'namespace', name: 'source_name' },
    indexed: [],
    item: eventSummary,
  });
  const letters = tablePages(query, {
    table: 'dead_letters',
    columns: deadLetterColumns,
    filters: { reason: 'reason', namespace: 'namespace', name: 'source_name' },
    indexed: ['reason'],
    item: deadLetterSummary,
  });
  return {
    events: (page) => events(page, { namespace: page.namespace, name: page.source }),
    async event(id) {
      const row = await query.selectFrom('source_events').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : eventRecord(row);
    },
    deadLetters: (page) => letters(page, { reason: page.reason, namespace: page.namespace, name: page.source }),
    async deadLetter(id) {
      const row = await query.selectFrom('dead_letters').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : deadLetterRecord(row);
    },
  };
}
