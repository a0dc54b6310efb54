import type { Kysely } from 'kysely';
import type { AlertRecord } from '../core/alert.ts';
import { bulkInsert } from './bulk.ts';
import type { Database } from './schema.ts';

/** Writes the labels of new alerts where label filters find them. */
export type LabelWriter = (alerts: readonly Pick<AlertRecord, 'id' | 'labels'>[]) => Promise<void>;

/** Inserts labels with their alerts. */
export function labelInserter(query: Kysely<Database>): LabelWriter {
  const insert = bulkInsert(query, { table: 'alert_labels', columns: ['name', 'value', 'alert_id'] });
  return async (alerts) => {
    await insert(
      alerts.flatMap(({ id, labels }) =>
        Object.entries(labels).map(([name, value]) => ({ name, value, alert_id: id })),
      ),
    );
  };
}
