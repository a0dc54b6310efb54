import type { Kysely } from 'kysely';
import { mostWaiting } from '../../core/lists.ts';
import type { ListReader, SinkActivity, SourceActivity } from '../../core/lists.ts';
import type { Database } from '../tables/all.ts';
import { resources } from '../tables/resources.ts';
import { sqlOf } from '../sql/dialect.ts';
import { selection } from '../tables/table.ts';

/** Sources, Workflows and Sinks, of which there are few. */
export function resourceLists(query: Kysely<Database>): Pick<ListReader, 'resources' | 'activity' | 'storage'> {
  const { read } = selection(resources);
  return {
    async resources(kind) {
      const rows = await query
        .selectFrom('custom_resources')
        .selectAll()
        .where('kind', '=', kind)
        .orderBy('namespace')
        .orderBy('name')
        .execute();
      return rows.map(read);
    },
    async storage() {
      const { kind, bytes } = sqlOf(query);
      const [size, schema] = await Promise.all([
        bytes.execute(query),
        query.selectFrom('schema_info').select('version').executeTakeFirst(),
      ]);
      return { kind, bytes: size.rows[0]?.bytes ?? 0, schema: schema?.version ?? 0 };
    },
    async activity() {
      const rows = await query.selectFrom('resource_activity').selectAll().execute();
      const waiting = await waitingAlerts(query);
      const sources = new Map<string, SourceActivity>();
      const sinks = new Map<string, SinkActivity>();
      for (const row of rows) {
        const key = `${row.namespace}/${row.name}`;
        if (row.kind === 'Source')
          sources.set(key, {
            eventsProcessed: row.processed,
            lastEventTime: row.last_at,
            lastProblem: row.last_error,
            waiting: waiting.get(key) ?? 0,
          });
        else sinks.set(key, { messagesSent: row.processed, lastSentTime: row.last_at, lastError: row.last_error });
      }
      return { sources, sinks };
    },
  };
}

/** Before every alert. */
const beginning = '1970-01-01T00:00:00.000Z';

/** By `namespace/name` of the Source. */
async function waitingAlerts(query: Kysely<Database>): Promise<ReadonlyMap<string, number>> {
  const rows = await query
    .selectFrom('alerts')
    .select(['namespace', 'source'])
    // A range, so that the planner takes the index of those that have one.
    .where('muted_until', '>', beginning)
    .where('muted_reason', '=', 'StormGuard')
    .limit(mostWaiting)
    .execute();
  const counts = new Map<string, number>();
  for (const { namespace, source } of rows) {
    const key = `${namespace}/${source}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
