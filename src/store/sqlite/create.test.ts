import { copyFileSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { createDatabaseFile, makePrivateFolder } from './create.ts';
import { inspectDatabase, openDatabase } from './open.ts';

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

test.skipIf(process.platform === 'win32')('what is there stays: an empty file, and a link to nothing yet', () => {
  const root = cleanup.temporaryFolder('create');
  writeFileSync(join(root, 'empty.db'), '');
  symlinkSync(join(root, 'elsewhere.db'), join(root, 'link.db'));
  createDatabaseFile(join(root, 'empty.db'), 1);
  createDatabaseFile(join(root, 'link.db'), 1);
  expect(readFileSync(join(root, 'empty.db'))).toHaveLength(0);
  expect(readdirSync(root).sort()).toEqual(['empty.db', 'link.db']);
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
