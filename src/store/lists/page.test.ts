import { expect, test } from 'vitest';
import { newId } from '../../lib/id.ts';
import { createEventStore } from '../events/store.ts';
import { openDatabase } from '../sqlite/open.ts';
import { readPage } from './page.ts';
import { placeById } from './index-scan.ts';

test('few rows are read before it is known how large they are, then as many as are together one mebibyte', async () => {
  const { query, close } = openDatabase(':memory:');
  const letter = { namespace: 'default', sourceName: 'a', reason: 'BadItem', message: '', body: '' };
  const letters = Array.from({ length: 9 }, () => ({ ...letter, id: newId(), receivedAt: '2026-01-01T00:00:00.000Z' }));
  await createEventStore(query).addDeadLetters(letters);
  const read: number[] = [];
  const listing = {
    filters: [],
    fetch: async (ids: readonly string[]) => {
      read.push(ids.length);
      return ids.map((id) => ({ id, body: 'x'.repeat(300_000) }));
    },
    item: ({ id }: { readonly id: string }) => id,
  } as const;
  const all = { ranges: [{ table: 'dead_letters', place: placeById, where: {} }], answers: [] } as const;
  expect((await readPage(query, [all], listing, { limit: 50 })).items).toHaveLength(9);
  expect(read).toEqual([2, 3, 3, 1]);
  close();
});
