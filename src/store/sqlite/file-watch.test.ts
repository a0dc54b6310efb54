import {
  chmodSync,
  closeSync,
  copyFileSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import type { AppError } from '../../core/errors.ts';
import { watchFiles } from './file-watch.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const fill = `WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 50)
  INSERT INTO t SELECT zeroblob(4000) FROM n`;

/** A database with some pages in the file and some in the log, open twice as a store has it. */
function world() {
  const folder = cleanup.temporaryFolder('watch');
  const path = join(folder, 'fist.db');
  const raw = new DatabaseSync(path);
  raw.exec(`PRAGMA journal_mode = WAL; CREATE TABLE t (x); ${fill}; PRAGMA wal_checkpoint(TRUNCATE); ${fill}`);
  const reader = new DatabaseSync(path, { readOnly: true });
  reader.prepare('SELECT count(*) FROM t').get();
  const told: AppError[] = [];
  const watch = watchFiles({ path, realPath: path, onLost: (error) => told.push(error) });
  cleanup.defer(() => {
    raw.close();
    reader.close();
    watch.close();
  });
  return { folder, path, raw, watch, told };
}

function overwrite(path: string, bytes: string, at: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, at);
  closeSync(file);
}

type World = ReturnType<typeof world>;

test.each<[string, reason: string, isWhole: boolean, (made: World) => void]>([
  ['removed', 'StoreRemoved', true, ({ path }) => rmSync(path)],
  ['renamed', 'StoreRemoved', true, ({ path }) => renameSync(path, `${path}.old`)],
  ['gone with its folder', 'StoreRemoved', true, ({ folder }) => renameSync(folder, `${folder}-moved`)],
  [
    'replaced by a copy of itself',
    'StoreReplaced',
    true,
    ({ path }) => {
      copyFileSync(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
    },
  ],
  ['overwritten by a file of its size', 'StoreDamaged', false, ({ path }) => writeFileSync(path, readFileSync(path))],
  ['overwritten by another', 'StoreDamaged', false, ({ path }) => writeFileSync(path, 'other')],
  ['truncated', 'StoreDamaged', false, ({ path }) => truncateSync(path, 8192)],
  ['emptied', 'StoreDamaged', false, ({ path }) => truncateSync(path, 0)],
  ['spoilt in one page', 'StoreDamaged', false, ({ path }) => overwrite(path, 'garbage', 4096 * 5 + 100)],
  ['without its log', 'StoreRemoved', true, ({ path }) => rmSync(`${path}-wal`)],
  ['without the index of its log', 'StoreRemoved', true, ({ path }) => rmSync(`${path}-shm`)],
  ['with an emptied log', 'StoreDamaged', false, ({ path }) => truncateSync(`${path}-wal`, 0)],
  ['with a shorter log', 'StoreDamaged', false, ({ path }) => truncateSync(`${path}-wal`, 8192)],
  ['with another log', 'StoreDamaged', false, ({ path }) => overwrite(`${path}-wal`, 'garbage', 16)],
])('a database that is %s is lost, once and for good', (_, reason, isWhole, harm) => {
  const made = world();
  const { watch, told } = made;
  watch.look();
  expect(watch.lost()).toBeNull();
  harm(made);
  watch.look();
  expect(told).toHaveLength(1);
  expect(watch.lost()).toMatchObject({ code: 'StoreUnavailable', reason, next: expect.stringContaining('Restore') });
  expect(watch.mayCheckpoint()).toBe(isWhole);
  expect(() => watch.beforeCommit()).toThrow(expect.objectContaining({ reason }));
  watch.look();
  watch.afterCommit();
  expect(told).toHaveLength(1);
});

test.each<[string, (made: World) => void]>([
  ['commits', ({ raw }) => raw.exec(fill)],
  ['a checkpoint', ({ raw }) => raw.exec('PRAGMA wal_checkpoint(PASSIVE)')],
  ['a checkpoint and a new beginning of the log', ({ raw }) => raw.exec(`PRAGMA wal_checkpoint(TRUNCATE); ${fill}`)],
  ['VACUUM', ({ raw }) => raw.exec('DELETE FROM t; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')],
  ['a copy', ({ raw, folder }) => raw.exec(`VACUUM INTO '${mkdtempSync(join(folder, 'copy-'))}/copy.db'`)],
  ['a second name', ({ path, folder }) => linkSync(path, join(mkdtempSync(join(folder, 'link-')), 'link.db'))],
  ['another mode', ({ path }) => chmodSync(path, 0o640)],
  [
    'another program that writes through SQLite and truncates the log',
    ({ path }) => {
      const other = new DatabaseSync(path);
      other.exec(`${fill}; PRAGMA wal_checkpoint(TRUNCATE)`);
      other.close();
    },
  ],
])('%s is no damage', (_, work) => {
  const made = world();
  for (let time = 0; time < 2; time++) {
    work(made);
    made.watch.look();
    made.watch.beforeCommit();
    made.watch.afterCommit();
  }
  expect(made.watch.lost()).toBeNull();
});

describe('a file that was written to', () => {
  test('is noticed before a checkpoint would hide it', () => {
    const { path, raw, watch } = world();
    overwrite(path, 'garbage', 4096 * 5 + 100);
    expect(() => watch.beforeCommit()).toThrow(expect.objectContaining({ reason: 'StoreDamaged' }));
    expect(raw.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 100 });
  });

  test('is noticed after a commit that made a checkpoint', () => {
    const { path, raw, watch } = world();
    raw.exec('PRAGMA wal_checkpoint(PASSIVE)');
    watch.afterCommit();
    overwrite(path, 'garbage', 4096 * 5 + 100);
    watch.look();
    expect(watch.lost()).toMatchObject({ reason: 'StoreDamaged' });
  });
});
