import { expect, test } from 'vitest';
import { createAlertStore } from './store.ts';
import { openDatabase } from '../sqlite/open.ts';
import { alertFixture } from '../../../test/support/rows.ts';

test('without a better way, labels are written with their alert, however many', async () => {
  const connection = openDatabase(':memory:');
  const labels = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`label${index}`, `value${index}`]));
  const alert = alertFixture({ labels });
  await createAlertStore(connection.query).insertAll([alert]);
  const rows = connection.raw.prepare('SELECT name, value, alert_id FROM alert_labels').all();
  expect(Object.fromEntries(rows.map((row) => [String(row['name']), row['value']]))).toEqual(labels);
  expect(new Set(rows.map((row) => row['alert_id']))).toEqual(new Set([alert.id]));
  connection.close();
});
