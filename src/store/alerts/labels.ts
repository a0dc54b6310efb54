import type { Kysely } from 'kysely';
import type { AlertRecord } from '../../core/alert.ts';
import { bulkInsert } from '../sql/bulk.ts';
import { alertLabels } from '../tables/alerts.ts';
import type { Database } from '../tables/all.ts';
import { storable } from '../sql/text.ts';

/** Writes the labels of new alerts where label filters find them. */
export type LabelWriter = (alerts: readonly Pick<AlertRecord, 'id' | 'labels'>[]) => Promise<void>;

/** PostgreSQL has no index entries of more than 2,704 bytes; an alert with such a label must still be stored. */
export const mostIndexedBytes = 2000;

/** Whether a label is in the index: filters by others look at the alerts themselves. */
export function isIndexedLabel(name: string, value: string): boolean {
  // No character has more than four bytes.
  if ((name.length + value.length) * 4 <= mostIndexedBytes) return true;
  return Buffer.byteLength(storable(name)) + Buffer.byteLength(storable(value)) <= mostIndexedBytes;
}

/** Inserts labels with their alerts. */
export function labelInserter(query: Kysely<Database>): LabelWriter {
  const insert = bulkInsert(query, alertLabels);
  return async (alerts) => {
    await insert(
      alerts.flatMap(({ id, labels }) =>
        Object.entries(labels)
          .filter((label) => isIndexedLabel(...label))
          .map(([name, value]) => ({ name, value, alertId: id })),
      ),
    );
  };
}
