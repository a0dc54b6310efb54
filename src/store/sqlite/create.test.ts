import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { AppError } from '../../core/errors.ts';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { createDatabaseFile, makePrivateFolder } from './create.ts';
import { inspectDatabase, openDatabase } from './open.ts';
import { openSqliteStore } from './store.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('folders are made down to the last one, for their owner only', () => {
  const root = cleanup.temporaryFolder('folders');
  const path = join(root, 'a', 'b', 'c');
  makePrivateFolder(path);
  makePrivateFolder(path);
  for (const folder of [join(root, 'a'), path]) {
    expect(statSync(folder).isDirectory()).toBe(true);
    if (process.platform !== 'win32') expect(statSync(folder).mode & 0o777).toBe(0o700);
  }
});

test('a path that leads through a file is refused', () => {
  expect(() => makePrivateFolder(join(import.meta.filename, 'b'))).toThrow(/ENOTDIR|EEXIST/);
});

test('a new database has its id and WAL mode, and what a crash left of an earlier try is gone', () => {
  const root = cleanup.temporaryFolder('create');
  const path = join(root, 'fist.db');
  writeFileSync(`${path}.new`, 'half');
  writeFileSync(`${path}.new-journal`, 'half');
  createDatabaseFile(path, 0x46495354);
  expect(readdirSync(root)).toEqual(['fist.db']);
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
  const raw = new DatabaseSync(path);
  expect(raw.prepare('PRAGMA application_id').get()).toMatchObject({ application_id: 0x46495354 });
  expect(raw.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
  raw.close();
});

test('what is there stays: an empty file', () => {
  const root = cleanup.temporaryFolder('create');
  writeFileSync(join(root, 'empty.db'), '');
  createDatabaseFile(join(root, 'empty.db'), 1);
  expect(readFileSync(join(root, 'empty.db'))).toHaveLength(0);
  expect(readdirSync(root)).toEqual(['empty.db']);
});

describe.skipIf(process.platform === 'win32')('permissions', () => {
  const modes = (root: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(root)
        .filter((file) => lstatSync(join(root, file)).isFile())
        .map((file) => [file, (statSync(join(root, file)).mode & 0o777).toString(8)]),
    );

  test('a database behind links to nothing yet is made at their end, for its owner only, with all beside it', async () => {
    const root = cleanup.temporaryFolder('create');
    mkdirSync(join(root, 'volume'));
    symlinkSync('volume/next.db', join(root, 'link.db'));
    symlinkSync('elsewhere.db', join(root, 'volume', 'next.db'));
    const told: string[] = [];
    const store = openSqliteStore({ path: join(root, 'link.db'), onWiderMode: (message) => told.push(message) });
    const files = modes(join(root, 'volume'));
    // The lock is the file's, so that no name lets a second server in.
    for (const name of [join(root, 'link.db'), join(root, 'volume', 'elsewhere.db')])
      expect(() => openSqliteStore({ path: name })).toThrow(/another server has/);
    await store.close();
    expect(files).toEqual({
      'elsewhere.db': '600',
      'elsewhere.db-lock': '600',
      'elsewhere.db-lock-journal': '600',
      'elsewhere.db-shm': '600',
      'elsewhere.db-wal': '600',
    });
    expect(modes(root)).toEqual({});
    expect(told).toEqual([]);
  });

  test('wider ones of a file that is there are taken away, and told once', async () => {
    const root = cleanup.temporaryFolder('create');
    const path = join(root, 'fist.db');
    await openSqliteStore({ path }).close();
    for (const file of [path, `${path}-lock`]) chmodSync(file, 0o644);
    for (const end of ['.before-7', '.unrelated']) writeFileSync(path + end, 'x', { mode: 0o640 });
    const told: string[] = [];
    const onWiderMode = (message: string): void => void told.push(message.replace(`${root}/`, ''));
    await openSqliteStore({ path, onWiderMode }).close();
    await openSqliteStore({ path, onWiderMode }).close();
    expect(modes(root)).toEqual({
      'fist.db': '600',
      'fist.db-lock': '600',
      'fist.db.before-7': '600',
      'fist.db.unrelated': '640',
    });
    expect(told).toEqual([
      'fist.db could be used by others (mode 644); it is 600 now',
      'fist.db-lock could be used by others (mode 644); it is 600 now',
      'fist.db.before-7 could be used by others (mode 640); it is 600 now',
    ]);
  });

  test('links that go round are refused', () => {
    const root = cleanup.temporaryFolder('create');
    symlinkSync('b.db', join(root, 'a.db'));
    symlinkSync('a.db', join(root, 'b.db'));
    expect(() => openSqliteStore({ path: join(root, 'a.db') })).toThrow(AppError);
  });
});

test('a database that a power cut left with a journal is rolled back, and accepted', () => {
  const root = cleanup.temporaryFolder('create');
  const path = join(root, 'fist.db');
  openDatabase(path).close();
  // A copy that was made by VACUUM INTO is not in WAL mode until a server has it.
  const raw = new DatabaseSync(path);
  raw.exec('PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN IMMEDIATE; CREATE TABLE half (bytes)');
  raw.exec(
    'WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 99) INSERT INTO half SELECT zeroblob(4000) FROM n',
  );
  const image = join(root, 'image.db');
  copyFileSync(path, image);
  copyFileSync(`${path}-journal`, `${image}-journal`);
  writeFileSync(`${image}-wal`, '');
  raw.close();
  inspectDatabase(image);
  const opened = openDatabase(image);
  expect(opened.raw.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  expect(opened.raw.prepare("SELECT name FROM sqlite_schema WHERE name = 'half'").all()).toEqual([]);
  opened.close();
});
