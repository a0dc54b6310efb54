import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { letterFixture } from '../../../test/support/rows.ts';
import type { AppError } from '../../core/errors.ts';
import { openSqliteStore } from './store.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** A store that has read nothing yet of a table whose pages were spoilt after it was opened. */
async function openSpoilt() {
  const path = join(cleanup.temporaryFolder('pages'), 'fist.db');
  const before = openSqliteStore({ path });
  const letters = Array.from({ length: 60 }, (_, n) => ({ ...letterFixture(String(n)), body: 'x'.repeat(2000) }));
  await before.transaction('intake', (tx) => tx.events.addDeadLetters(letters));
  await before.close();
  const look = new DatabaseSync(path, { readOnly: true });
  const pages = look.prepare("SELECT pageno FROM dbstat WHERE name = 'dead_letters'").all();
  look.close();
  const told: AppError[] = [];
  const store = openSqliteStore({ path, onLost: (error) => told.push(error) });
  cleanup.defer(() => store.close());
  const file = openSync(path, 'r+');
  for (const { pageno } of pages) writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, (Number(pageno) - 1) * 4096);
  closeSync(file);
  return { path, store, told };
}

test('damage that a reader meets ends all writes, once and for good', async () => {
  const { store, told } = await openSpoilt();
  expect(store.lost()).toBeNull();
  const refusal = expect.objectContaining({ code: 'StoreUnavailable', reason: 'StoreDamaged' });
  await expect(store.read.lists.deadLetters({ limit: 100 })).rejects.toThrow(refusal);
  expect(told).toEqual([refusal]);
  expect(told[0]?.message).toContain('is damaged (database disk image is malformed)');
  await expect(store.transaction('tick', async () => undefined)).rejects.toThrow(refusal);
  await expect(store.probe()).rejects.toThrow(refusal);
  expect(store.lost()).toBe(told[0]);
  expect(told).toHaveLength(1);
});

test('damage that a writer meets does so too, and closing leaves the log as it is', async () => {
  const { path, store, told } = await openSpoilt();
  const refusal = expect.objectContaining({ code: 'StoreUnavailable', reason: 'StoreDamaged' });
  await expect(
    store.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture('one more')])),
  ).rejects.toThrow(refusal);
  expect(told).toEqual([refusal]);
  await store.close();
  expect(readdirSync(join(path, '..'))).toContain('fist.db-wal');
});
