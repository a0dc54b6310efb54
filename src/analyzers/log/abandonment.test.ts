import { describe, expect, test } from 'vitest';
import { readLog } from './records.ts';
import { lastWords } from './telling.ts';

const told = (log: string): string | null => lastWords(readLog(log), { exitCode: 1, finishedAt: null })?.text ?? null;
const isSure = (log: string): boolean | undefined =>
  lastWords(readLog(log), { exitCode: 1, finishedAt: null })?.certain;

describe('work that is given up for a reason', () => {
  test.each([
    {
      of: 'what is missing of its result fails for it, with what the tool said before',
      log: `Copying orders
copytool: source format: 9; copytool format: 7
copytool: aborting because the formats do not fit
tar: orders.out: Cannot stat: No such file or directory
s3: <ERROR> Failed to remove \`b/orders.tgz\`. Object does not exist`,
      says: 'copytool: source format: 9; copytool format: 7; copytool: aborting because the formats do not fit',
    },
    {
      of: 'the tool says the numbers after it',
      log: `pg_dump: error: aborting because of server version mismatch
pg_dump: detail: server version: 17.0; pg_dump version: 15.6
cat: /out/shop.sql: No such file or directory`,
      says: 'pg_dump: error: aborting because of server version mismatch; pg_dump: detail: server version: 17.0; pg_dump version: 15.6',
    },
    {
      of: 'another tool beside it is not quoted with it',
      log: `starting: step 4
loader: refusing to continue: table orders has 3 rows of another tenant
upload: report.csv does not exist`,
      says: 'loader: refusing to continue: table orders has 3 rows of another tenant',
    },
    {
      of: 'a failure of its own kind afterwards still counts',
      log: `loader: giving up: batch 4 is empty
psql: error: FATAL: password authentication failed for user "loader"`,
      says: 'psql: error: FATAL: password authentication failed for user "loader"',
    },
    {
      of: 'giving up for errors that stand before says nothing',
      log: `error[E0432]: cannot find module "shop/orders"
error: aborting due to 1 previous error`,
      says: 'error[E0432]: cannot find module "shop/orders"',
    },
  ])('$of', ({ log, says }) => {
    expect(told(log)).toBe(says);
  });

  test('it is sure', () => {
    expect(isSure('copytool: aborting because the formats do not fit\nBackup failed')).toBe(true);
  });
});

describe('a tool for files behind another tool that failed', () => {
  test.each([
    {
      of: 'it misses what the other should have left',
      log: `fatal: could not read Password for 'https://code.example.com': terminal prompts disabled
cp: cannot stat 'checkout/app': No such file or directory`,
      says: "fatal: could not read Password for 'https://code.example.com': terminal prompts disabled",
    },
    {
      of: 'so does a shell that reads a file',
      log: `unison: failed: the archive of replica 2 is gone
/srv/copy.sh: line 9: /out/list: No such file or directory`,
      says: 'unison: failed: the archive of replica 2 is gone',
    },
    {
      of: 'it misses a file of its own where nothing failed before',
      log: `sending 4 files
cp: cannot stat '/etc/shop/app.yaml': No such file or directory`,
      says: "cp: cannot stat '/etc/shop/app.yaml': No such file or directory",
    },
    {
      of: 'a disk that is full is no want of a file',
      log: `indexer: failed: segment 3 is empty
cp: error writing '/out/a': No space left on device`,
      says: "cp: error writing '/out/a': No space left on device",
    },
    {
      of: 'a program that misses a file is no tool for files',
      log: `probe: failed: no reading
server: open /etc/shop/key.pem: no such file or directory`,
      says: 'server: open /etc/shop/key.pem: no such file or directory',
    },
  ])('$of', ({ log, says }) => {
    expect(told(log)).toBe(says);
  });
});
