import type { Insertable, Kysely } from 'kysely';
import type { Labels } from '../core/alert.ts';
import type { AlertLabelRow, Database } from './schema.ts';
import { command } from './statements.ts';

/** Writes the labels of a new alert where label filters find them. */
export type LabelWriter = (alertId: string, labels: Labels) => Promise<void>;

/** Labels that one statement takes; an alert with more takes several. */
const labelsPerStatement = 24;

/** Inserts labels with one statement for each count of labels that occurs, built when first needed. */
export function labelInserter(query: Kysely<Database>): LabelWriter {
  const byCount = new Map<number, ReturnType<typeof command<string>>>();
  function forCount(count: number) {
    let ready = byCount.get(count);
    if (ready === undefined) {
      const places = Array.from({ length: count }, (_, place) => place);
      const names = ['id', ...places.flatMap((place) => [`name${place}`, `value${place}`])];
      ready = command<string>(names, (marker) =>
        query.insertInto('alert_labels').values(
          places.map((place): Insertable<AlertLabelRow> => ({
            name: marker(`name${place}`),
            value: marker(`value${place}`),
            alert_id: marker('id'),
          })),
        ),
      );
      byCount.set(count, ready);
    }
    return ready;
  }
  return async (alertId, labels) => {
    const names = Object.keys(labels);
    for (let start = 0; start < names.length; start += labelsPerStatement) {
      const chunk = names.slice(start, start + labelsPerStatement);
      const values: Record<string, string> = { id: alertId };
      chunk.forEach((name, place) => {
        values[`name${place}`] = name;
        values[`value${place}`] = labels[name] ?? '';
      });
      await forCount(chunk.length)(query, values);
    }
  };
}
