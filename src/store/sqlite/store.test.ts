import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store, TransactionName } from '../../core/store.ts';
import { letterFixture, looseDelivery } from '../../../test/support/rows.ts';
import { openDatabase } from './open.ts';
import { openSqliteStore } from './store.ts';
import type { SqliteStoreOptions } from './store.ts';

let folder: string;
let path: string;
let stores: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fist-store-'));
  path = join(folder, 'fist.db');
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  rmSync(folder, { recursive: true });
});

function open(options: Partial<SqliteStoreOptions> = {}): Store {
  const store = openSqliteStore({ path, ...options });
  stores.push(store);
  return store;
}

async function letters(store: Store): Promise<readonly string[]> {
  return (await store.read.lists.deadLetters({ limit: 100 })).items.map(({ message }) => message).sort();
}

describe('opening', () => {
  test('makes folders, a file that is durable, and a lock beside it', async () => {
    path = join(folder, 'a', 'b', 'fist.db');
    const names: TransactionName[] = [];
    const store = open({ hooks: { afterCommit: (committed) => names.push(...committed) } });
    await store.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture('one')]));
    expect(names).toEqual(['intake']);
    expect(existsSync(`${path}-lock`)).toBe(true);
    expect(await letters(store)).toEqual(['one']);
  });

  test('nobody but the owner can read what is made: folder, database, log, lock', async () => {
    path = join(folder, 'data', 'fist.db');
    await open().transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture('one')]));
    const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);
    expect(modeOf(join(folder, 'data'))).toBe('700');
    expect(readdirSync(join(folder, 'data')).map((file) => [file, modeOf(join(folder, 'data', file))])).toEqual(
      ['fist.db', 'fist.db-lock', 'fist.db-lock-journal', 'fist.db-shm', 'fist.db-wal'].map((file) => [file, '600']),
    );
  });

  test('a second server is kept out under another name of the file too', () => {
    open();
    symlinkSync(path, join(folder, 'link.db'));
    symlinkSync(folder, `${folder}-link`);
    try {
      for (const other of [join(folder, 'link.db'), join(`${folder}-link`, 'fist.db')]) {
        expect(() => open({ path: other })).toThrow(expect.objectContaining({ code: 'StoreLocked' }));
      }
    } finally {
      unlinkSync(`${folder}-link`);
    }
  });

  test('the connection writes through to the disk: WAL, synchronous=FULL', () => {
    const { raw } = openDatabase(path);
    expect(raw.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    expect(raw.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    raw.close();
  });

  test('what was committed is there after closing and opening', async () => {
    const store = open();
    await store.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture('kept')]));
    await store.close();
    expect(await letters(open())).toEqual(['kept']);
  });

  test('a second server is kept out, until the first has closed', async () => {
    const first = open();
    expect(() => open()).toThrow(
      expect.objectContaining({ code: 'StoreLocked', next: expect.stringContaining('--db') }),
    );
    await first.close();
    expect(() => open()).not.toThrow();
  });

  test('a file that a crash left with its log only is ours', async () => {
    const { raw } = openDatabase(path);
    // Without a checkpoint everything but the first page is in the log, as after kill -9.
    const copy = join(folder, 'crashed.db');
    for (const end of ['', '-wal']) writeFileSync(`${copy}${end}`, readFileSync(`${path}${end}`));
    raw.close();
    path = copy;
    expect(await letters(open())).toEqual([]);
  });
});

describe('a file that cannot be used is left as it is', () => {
  function refused(expected: string): void {
    const before = snapshot();
    expect(() => open()).toThrow(
      expect.objectContaining({ code: 'StoreUnusable', message: expect.stringContaining(expected) }),
    );
    expect(snapshot()).toEqual(before);
  }

  function snapshot(): Record<string, string> {
    return Object.fromEntries(
      readdirSync(folder, { withFileTypes: true }).map((entry) => [
        entry.name,
        entry.isFile() ? readFileSync(join(folder, entry.name), 'hex') : '',
      ]),
    );
  }

  test('garbage', () => {
    writeFileSync(path, 'not a database, and longer than a hundred bytes: '.repeat(100));
    refused('is not an SQLite database');
  });

  test('a short file', () => {
    writeFileSync(path, 'x');
    refused('is not an SQLite database');
  });

  test.each(['DELETE', 'WAL'])("another program's database (journal mode %s)", (mode) => {
    const other = new DatabaseSync(path);
    other.exec(`PRAGMA journal_mode=${mode}; CREATE TABLE alerts (id TEXT); INSERT INTO alerts VALUES ('theirs')`);
    other.close();
    refused('of another program');
  });

  test('one that is newer than the program', () => {
    const { raw } = openDatabase(path);
    raw.exec('UPDATE schema_info SET version = 99, min_compatible_version = 98');
    raw.close();
    refused('needs a fist that knows version 98');
  });

  test('a newer one that still allows this program opens', () => {
    const { raw } = openDatabase(path);
    raw.exec('UPDATE schema_info SET version = 99');
    raw.close();
    expect(() => open()).not.toThrow();
  });

  test('a folder', () => {
    mkdirSync(path);
    refused('cannot open');
  });

  test('a path below a file', () => {
    writeFileSync(join(folder, 'file'), '');
    path = join(folder, 'file', 'fist.db');
    refused('cannot open');
  });

  test.skipIf(process.getuid?.() === 0)('one that may not be written', () => {
    openDatabase(path).close();
    chmodSync(path, 0o444);
    chmodSync(folder, 0o555);
    try {
      refused('cannot open');
    } finally {
      chmodSync(folder, 0o755);
    }
  });
});

describe.each(['file', ':memory:'])('transactions on %s', (where) => {
  /** Its time stands still: how long a commit takes decides who is in it. */
  function openHere(options: Partial<SqliteStoreOptions> = {}): Store {
    return open({ monotonic: () => 0, ...options, path: where === 'file' ? path : where });
  }

  test('callers of one turn share a commit, and settle after it', async () => {
    const commits: number[] = [];
    let inCommit = false;
    const store = openHere({
      hooks: {
        beforeCommit: () => (inCommit = true),
        afterCommit: (names) => {
          inCommit = false;
          commits.push(names.length);
        },
      },
    });
    const settled = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        await store.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture(`${index}`)]));
        return inCommit;
      }),
    );
    expect(commits).toEqual([10]);
    expect(settled).toEqual(settled.map(() => false));
    expect(await letters(store)).toHaveLength(10);
  });

  test('a lone caller commits at once; a long queue takes several commits', async () => {
    const commits: number[] = [];
    const store = openHere({ hooks: { afterCommit: (names) => commits.push(names.length) } });
    await store.transaction('claim', async () => undefined);
    await Promise.all(Array.from({ length: 600 }, () => store.transaction('claim', async () => undefined)));
    expect(commits).toEqual([1, 256, 256, 88]);
  });

  test("one caller's error undoes its own work only", async () => {
    const store = openHere();
    const results = await Promise.allSettled(
      ['a', 'b', 'c'].map((message) =>
        store.transaction('intake', async (tx) => {
          await tx.events.addDeadLetters([letterFixture(message)]);
          if (message === 'b') throw new Error('mine');
          return message;
        }),
      ),
    );
    expect(results).toMatchObject([{ value: 'a' }, { reason: { message: 'mine' } }, { value: 'c' }]);
    expect(await letters(store)).toEqual(['a', 'c']);
  });

  test('a commit that fails tells all its callers, and the next one works', async () => {
    let broken = true;
    const store = openHere({
      hooks: {
        beforeCommit() {
          if (broken) throw new Error('disk full');
        },
      },
    });
    const results = await Promise.allSettled(
      ['a', 'b'].map((message) =>
        store.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture(message)])),
      ),
    );
    expect(results.map((result) => result.status === 'rejected' && result.reason.code)).toEqual([
      'StoreUnavailable',
      'StoreUnavailable',
    ]);
    broken = false;
    await store.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture('c')]));
    expect(await letters(store)).toEqual(['c']);
  });

  test('listeners hear what a commit made due, once', async () => {
    const store = openHere();
    const heard: object[] = [];
    const stop = store.onCommit((hints) => heard.push(hints));
    await Promise.all([
      store.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture('nothing due')])),
      store.transaction('run-end', (tx) => tx.deliveries.insert([looseDelivery('k1')])),
      store.transaction('run-end', (tx) => tx.deliveries.insert([looseDelivery('k2')])),
    ]);
    expect(heard).toEqual([{ runs: false, deliveries: true }]);
    await store.transaction('intake', (tx) => tx.events.addDeadLetters([letterFixture('nothing due')]));
    stop();
    await store.transaction('run-end', (tx) => tx.deliveries.insert([looseDelivery('k3')]));
    expect(heard).toHaveLength(1);
  });

  test('intake is refused when too many wait; other writers are not', async () => {
    const store = openHere({ limits: { maxWaiting: 3, maxWaitMs: 60_000 } });
    const accepted = Array.from({ length: 3 }, () => store.transaction('intake', async () => 'ok'));
    await expect(store.transaction('intake', async () => 'late')).rejects.toMatchObject({
      code: 'StoreUnavailable',
      retryable: true,
    });
    await expect(store.transaction('step-end', async () => 'engine')).resolves.toBe('engine');
    expect(await Promise.all(accepted)).toEqual(['ok', 'ok', 'ok']);
    await expect(store.transaction('intake', async () => 'again')).resolves.toBe('again');
  });

  test('intake is refused when the first has waited for long, and so is what waited for long; others are not', async () => {
    let nowMs = 0;
    const store = openHere({ limits: { maxWaiting: 100, maxWaitMs: 1000 }, monotonic: () => nowMs });
    const done: string[] = [];
    const late = (async () => store.transaction('intake', async () => done.push('too late')))();
    const engine = store.transaction('step-end', async () => done.push('engine'));
    nowMs = 1001;
    await expect(store.transaction('intake', async () => done.push('new'))).rejects.toMatchObject({
      code: 'StoreUnavailable',
      reason: 'StoreSlow',
    });
    await expect(late).rejects.toMatchObject({ code: 'StoreUnavailable', reason: 'StoreSlow' });
    await engine;
    await store.transaction('intake', async () => done.push('later'));
    expect(done).toEqual(['engine', 'later']);
  });

  test('intake has a third of the time where it and the other writers want more', async () => {
    let nowMs = 0;
    const store = openHere({ monotonic: () => nowMs });
    const worked = { intake: 0, engine: 0 };
    const lane = async (name: 'intake' | 'step-end', milliseconds: number) => {
      for (let isOver = false; !isOver; isOver = nowMs >= 1000) {
        await store.transaction(name, async () => {
          nowMs += milliseconds;
          worked[name === 'intake' ? 'intake' : 'engine'] += milliseconds;
        });
      }
    };
    const intakes = Array.from({ length: 20 }, () => lane('intake', 40));
    await Promise.all([...intakes, lane('step-end', 2), lane('step-end', 2)]);
    expect(worked.engine).toBeGreaterThan(500);
    expect(worked.intake).toBeGreaterThan(150);
  });

  test('closing waits for what was submitted and refuses the rest', async () => {
    const store = openHere();
    const submitted = store.transaction('intake', async () => 'in time');
    const closing = store.close();
    await expect(store.transaction('intake', async () => 'late')).rejects.toMatchObject({ code: 'Draining' });
    expect(await submitted).toBe('in time');
    await closing;
    await expect(store.close()).resolves.toBeUndefined();
  });
});

test('reads see committed state only', async () => {
  let seen: readonly string[] = ['not looked'];
  const store = open();
  await store.transaction('intake', async (tx) => {
    await tx.events.addDeadLetters([letterFixture('uncommitted')]);
    seen = await letters(store);
  });
  expect(seen).toEqual([]);
  expect(await letters(store)).toEqual(['uncommitted']);
});
