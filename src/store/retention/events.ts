import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { RetentionPage } from '../../core/retention.ts';
import { deleteRows } from '../sql/delete.ts';
import { sqlOf } from '../sql/dialect.ts';
import type { Database } from '../tables/all.ts';
import type { Deleted } from './runs.ts';

/** Deletes those of the events that were not received for long enough and are the newest of no open alert. */
export async function deleteEvents(
  query: Kysely<Database>,
  ids: readonly string[],
  { endedBefore }: RetentionPage,
): Promise<Deleted> {
  const events = await query
    .selectFrom('source_events')
    .select(['id', 'namespace', 'source_name', 'last_received_at'])
    .where('id', 'in', ids)
    .where('last_received_at', '<', endedBefore)
    // One that comes again at this moment stays.
    .$call(sqlOf(query).lockFree)
    .execute();
  const used = await usedByOpenAlerts(query, events);
  const unused = events.map(({ id }) => id).filter((id) => !used.has(id));
  if (unused.length === 0) return { deleted: {} };
  return { deleted: { source_events: await deleteRows(query, 'source_events', 'id', unused) } };
}

interface EventBrief {
  readonly id: string;
  readonly namespace: string;
  readonly source_name: string;
  readonly last_received_at: string;
}

/**
 * Which of the events are the newest of an alert that is open. An alert was last received with its newest event, so it
 * was last received no later than that: only alerts that have been silent for as long are looked at, by their index.
 */
async function usedByOpenAlerts(query: Kysely<Database>, events: readonly EventBrief[]): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  const bySource = Map.groupBy(events, ({ namespace, source_name: source }) => `${namespace}/${source}`);
  for (const ofSource of bySource.values()) {
    const [first] = ofSource;
    if (first === undefined) continue;
    const latest = ofSource.reduce((latest, { last_received_at: at }) => (at > latest ? at : latest), '');
    const rows = await query
      .selectFrom('alerts')
      .select('source_id')
      .where('source', '=', first.source_name)
      .where('namespace', '=', first.namespace)
      .where('last_received_at', '<=', latest)
      .where('status', '<>', sql.lit('resolved'))
      .where(
        'source_id',
        'in',
        ofSource.map(({ id }) => id),
      )
      .execute();
    for (const { source_id: id } of rows) if (id !== null) used.add(id);
  }
  return used;
}
