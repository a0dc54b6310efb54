import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TransactionName } from '../../core/store.ts';
import { defaultLimits } from '../commit/hooks.ts';
import { createCommitter } from './committer.ts';
import type { CommitterOptions } from './committer.ts';

let raw: DatabaseSync;
let committed: (readonly TransactionName[])[];
beforeEach(() => {
  raw = new DatabaseSync(':memory:');
  raw.exec('CREATE TABLE letters (text TEXT)');
  committed = [];
});
afterEach(() => raw.close());

function open(options: Partial<CommitterOptions> = {}) {
  return createCommitter({
    raw,
    hooks: { afterCommit: (names) => committed.push(names) },
    limits: defaultLimits,
    monotonic: () => 0,
    beforeCommit: async () => undefined,
    committed: () => undefined,
    ...options,
  });
}

function write(text: string): () => Promise<string> {
  return async () => {
    raw.prepare('INSERT INTO letters VALUES (?)').run(text);
    return text.slice(0, 10);
  };
}

const count = () => raw.prepare('SELECT count(*) AS n FROM letters').get()?.['n'];

test('a full disk refuses who needs room, and only those; with room again it goes on', async () => {
  const committer = open();
  raw.exec('PRAGMA max_page_count = 20');
  const [small, large, other] = await Promise.allSettled([
    committer.submit('intake', write('small')),
    committer.submit('intake', write('x'.repeat(200_000))),
    committer.submit('step-end', write('small too')),
  ]);
  expect(small).toMatchObject({ status: 'fulfilled' });
  expect(other).toMatchObject({ status: 'fulfilled' });
  expect(large).toMatchObject({
    reason: { code: 'StoreUnavailable', reason: 'StoreFull', retryable: true, next: expect.stringContaining('disk') },
  });
  expect(count()).toBe(2);
  raw.exec('PRAGMA max_page_count = 1000000');
  expect(await committer.submit('intake', write('x'.repeat(200_000)))).toBe('xxxxxxxxxx');
});

test('where SQLite gave the whole transaction up, the work of the others is done again without it', async () => {
  const committer = open();
  const outcomes = await Promise.allSettled([
    committer.submit('intake', write('before')),
    committer.submit('intake', async () => {
      raw.exec('ROLLBACK');
      throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
    }),
    committer.submit('intake', write('after')),
  ]);
  expect(outcomes).toMatchObject([
    { value: 'before' },
    { reason: { code: 'StoreUnavailable', reason: 'StoreDown' } },
    { value: 'after' },
  ]);
  expect(count()).toBe(2);
});

test("a commit that fails is everybody's failure", async () => {
  let fails = true;
  const hooks = {
    beforeCommit() {
      if (fails) throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
    },
  };
  const committer = open({ hooks });
  const outcomes = await Promise.allSettled(['a', 'b'].map((text) => committer.submit('intake', write(text))));
  expect(outcomes).toMatchObject([{ reason: { reason: 'StoreDown' } }, { reason: { reason: 'StoreDown' } }]);
  fails = false;
  expect(await committer.submit('intake', write('again'))).toBe('again');
  expect(count()).toBe(1);
});

test('other writers come before intake in the commit that they share', async () => {
  const committer = open();
  await Promise.all([
    committer.submit('intake', write('a')),
    committer.submit('intake', write('b')),
    committer.submit('claim', write('c')),
  ]);
  expect(committed).toEqual([['claim', 'intake', 'intake']]);
});

test("intake that has worked lets other writers go first, but not the store's own work", async () => {
  let nowMs = 0;
  const committer = open({ monotonic: () => nowMs });
  const longIntake = async () => {
    nowMs += 30;
    return 'a';
  };
  await committer.submit('intake', longIntake);
  await Promise.all([committer.submit(null, write('index')), committer.submit('intake', write('b'))]);
  expect(committed).toEqual([['intake'], ['intake']]);
  await committer.submit('intake', longIntake);
  await Promise.all([committer.submit('claim', write('c')), committer.submit('intake', write('d'))]);
  expect(committed.slice(2)).toEqual([['intake'], ['claim'], ['intake']]);
});
