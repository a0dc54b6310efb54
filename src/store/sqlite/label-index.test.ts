import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../core/store.ts';
import { equalities } from '../../../test/support/matchers.ts';
import { alertFixture } from '../../../test/support/rows.ts';
import { createAlertStore } from '../alerts/store.ts';
import { createLabelIndex } from './label-index.ts';
import { createCheckpoints, openDatabase } from './open.ts';
import { openSqliteStore } from './store.ts';
import type { SqliteStoreOptions } from './store.ts';

let folder: string;
let stores: Store[] = [];
let nowMs = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fist-labels-'));
  nowMs = 0;
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  rmSync(folder, { recursive: true });
});

function open(options: Partial<SqliteStoreOptions> = {}): Store {
  const store = openSqliteStore({ path: join(folder, 'fist.db'), monotonic: () => nowMs, ...options });
  stores.push(store);
  return store;
}

function add(store: Store, number: number, labels: Record<string, string> = { number: String(number) }): Promise<void> {
  return store.transaction('intake', (tx) =>
    tx.alerts.insertAll([alertFixture({ fingerprint: `f${number}`, labels })]),
  );
}

async function found(store: Store, labels: Record<string, string>): Promise<readonly string[]> {
  return (await store.read.lists.alerts({ limit: 10, matchers: equalities(labels) })).items.map(
    ({ fingerprint }) => fingerprint,
  );
}

/** Rows of the index and of what is behind, as another program would see them. */
function rows(): { readonly labels: number; readonly due: number } {
  const database = new DatabaseSync(join(folder, 'fist.db'), { readOnly: true });
  const count = (table: string) => Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']);
  const counted = { labels: count('alert_labels'), due: count('alert_labels_due') };
  database.close();
  return counted;
}

describe('the label index', () => {
  test('the first alert of a quiet time is indexed with its commit, the next ones a little later', async () => {
    const store = open();
    await add(store, 1);
    expect(rows()).toEqual({ labels: 1, due: 0 });
    await add(store, 2);
    expect(rows()).toEqual({ labels: 1, due: 1 });
    nowMs = 249;
    await add(store, 3);
    expect(rows()).toEqual({ labels: 1, due: 2 });
    nowMs = 250;
    await store.transaction('claim', async () => undefined);
    expect(rows()).toEqual({ labels: 3, due: 0 });
  });

  test('a label filter sees every committed alert', async () => {
    const store = open();
    for (const number of [1, 2, 3]) await add(store, number);
    expect(await found(store, { number: '3' })).toEqual(['f3']);
    expect(rows()).toEqual({ labels: 3, due: 0 });
    expect(await found(store, { number: '4' })).toEqual([]);
  });

  test('any name and value is found', async () => {
    const store = open();
    const labels = JSON.parse(
      '{"__proto__":"p","a \\"b":"{{ . }}","名前":"値","line":"1\\n2","nul":"a\\u0000b","empty":""}',
    );
    await add(store, 1);
    await add(store, 2, labels);
    for (const [name, value] of Object.entries(labels as Record<string, string>)) {
      // A label that is absent is empty.
      const expected = value === '' ? ['f2', 'f1'] : ['f2'];
      expect([name, await found(store, Object.fromEntries([[name, value]]))]).toEqual([name, expected]);
    }
  });

  test('what is behind when the process ends is indexed after the next start', async () => {
    const first = open();
    await add(first, 1);
    await add(first, 2);
    expect(rows()).toEqual({ labels: 1, due: 1 });
    await first.close();
    const second = open();
    expect(await found(second, { number: '2' })).toEqual(['f2']);
    expect(rows()).toEqual({ labels: 2, due: 0 });
  });

  test('a commit that failed has indexed nothing, and the next one does', async () => {
    let broken = false;
    const store = open({
      hooks: {
        beforeCommit() {
          if (broken) throw new Error('disk full');
        },
      },
    });
    await add(store, 1);
    await add(store, 2);
    broken = true;
    nowMs = 1000;
    await expect(add(store, 3)).rejects.toMatchObject({ code: 'StoreUnavailable' });
    broken = false;
    expect(await found(store, { number: '2' })).toEqual(['f2']);
    expect(await found(store, { number: '3' })).toEqual([]);
    expect(rows()).toEqual({ labels: 2, due: 0 });
  });

  test('alerts with many labels are written in pieces, between which others have their turns', async () => {
    let turns = 0;
    const connection = openDatabase(':memory:', undefined, {
      turns: { isOver: () => true, next: async () => void (turns += 1) },
    });
    const index = createLabelIndex(connection, () => 0);
    const labels = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`name-${at}`, 'x']));
    const alerts = Array.from({ length: 50 }, (_, at) => alertFixture({ fingerprint: `f${at}`, labels }));
    await createAlertStore(connection.query, index.write).insertAll(alerts);
    turns = 0;
    await index.beforeCommit();
    expect(turns).toBe(2);
    const count = connection.raw.prepare('SELECT count(*) AS count FROM alert_labels').get();
    expect(count).toEqual({ count: 5000 });
    connection.close();
  });

  test('a commit that wrote much leaves the copy of the log to the next one, which does it', () => {
    const connection = openDatabase(':memory:');
    const checkpoints = createCheckpoints(connection.raw);
    const leaves = [true, true, true, false, false].map((isLong) => {
      checkpoints.leave(isLong);
      return connection.raw.prepare('PRAGMA wal_autocheckpoint').get()?.['wal_autocheckpoint'];
    });
    expect(leaves).toEqual([0, 3000, 0, 3000, 3000]);
    connection.close();
  });

  test('many alerts are bounded', async () => {
    const store = open();
    await add(store, 0);
    for (let batch = 0; batch < 21; batch += 1) {
      const numbers = Array.from({ length: 100 }, (_, index) => String(batch * 100 + index + 1));
      const alerts = numbers.map((number) => alertFixture({ fingerprint: `f${number}`, labels: { number } }));
      await store.transaction('intake', (tx) => tx.alerts.insertAll(alerts));
    }
    expect(rows()).toEqual({ labels: 2001, due: 100 });
    expect(await found(store, { number: '2100' })).toEqual(['f2100']);
    expect(rows()).toEqual({ labels: 2101, due: 0 });
  });
});
