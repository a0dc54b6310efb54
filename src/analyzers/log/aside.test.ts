import { describe, expect, test } from 'vitest';
import { failureKind } from './kinds.ts';
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

describe('a guess at the reason', () => {
  test.each([
    ['Seeding failed. This is usually caused by the server being unavailable.', null],
    ['Start failed, most likely due to a missing file: no such file or directory', null],
    ['Sync failed. That may be caused by a timeout (connection timed out).', null],
    ['Could not start the worker. Is the broker unavailable?', null],
    ['connect to 10.1.2.3:5672: connection refused. Is the broker unavailable?', 'refused'],
    ['dial tcp 10.1.2.3:80: i/o timeout; this is probably caused by a firewall', 'timeout'],
    ['backup: Failed to create/acquire the lock /repo/lock (timeout)', 'locked'],
    ['registry: unable to authenticate with the given token', 'login-refused'],
    ['keyword "reqrep" is an unknown option; did you mean "redirect" maybe ?', 'unknown-option'],
  ])('%s: %s', (text, kind) => {
    expect(failureKind(text)).toBe(kind);
  });

  test.each([
    `error: tenant 7 has an unfinished change
Seeding failed. This is usually caused by the server "main" being unavailable.
Exiting...`,
    `change 12 failed: tenant 7 has an unfinished change
ERROR Seeding "shop" failed: most likely because of a lost connection`,
  ])('loses to what was said just before: %s', (log) => {
    expect(told(log)).toContain('tenant 7 has an unfinished change');
  });

  test('is quoted where nothing else is said, and is not sure', () => {
    const log = 'ERROR Seeding failed: most likely because the server is unavailable';
    expect(told(log)).toContain('Seeding failed');
    expect(isSure(log)).toBe(false);
  });
});

describe('what a program can do without', () => {
  test.each([
    {
      of: 'a cache',
      log: `cannot write to local cache /var/tmp/index: permission denied
could not acquire lock of store "b": held by host-4
closing`,
      says: 'could not acquire lock of store "b": held by host-4',
    },
    {
      of: 'the directory of a cache',
      log: `WARNING: The directory '/.cache/pip' or its parent directory is not owned or is not writable by the current user.
ERROR: No matching distribution found for shop-lib==9`,
      says: 'ERROR: No matching distribution found for shop-lib==9',
    },
    {
      of: 'the locale',
      log: `bash: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8): No such file or directory
psql: error: database "shop" does not exist`,
      says: 'psql: error: database "shop" does not exist',
    },
    {
      of: 'a terminal',
      log: `TERM environment variable not set.
migrate: unknown flag -z`,
      says: 'migrate: unknown flag -z',
    },
    {
      of: 'memory that may be swapped',
      log: `WARN  [main] 2026-05-12 09:57:57,900 NativeLibrary.java:201 - Unable to lock JVM memory (ENOMEM). This can result in part of the JVM being swapped out.
migrate: unknown flag -z`,
      says: 'migrate: unknown flag -z',
    },
    {
      of: 'a faster allocator',
      log: `WARN  [main] 2026-05-12 09:57:57,901 StartupChecks.java:136 - jemalloc shared library could not be preloaded to speed up memory allocations
migrate: unknown flag -z`,
      says: 'migrate: unknown flag -z',
    },
    {
      of: 'memory that a program insists on locking is none',
      log: `Error initializing core: Failed to lock memory: cannot allocate memory: mlockall is refused
error: exit status 1`,
      says: 'Error initializing core: Failed to lock memory: cannot allocate memory: mlockall is refused',
    },
    {
      of: 'an allocator that cannot start is none',
      log: `<jemalloc>: Error in dlsym(RTLD_NEXT, "pthread_create")
error: the server did not start`,
      says: '<jemalloc>: Error in dlsym(RTLD_NEXT, "pthread_create")',
    },
    {
      of: 'a cache at the other end of a connection is none',
      log: `failed to load cache: dial tcp cache-0:6379: connection refused
closing`,
      says: 'failed to load cache: dial tcp cache-0:6379: connection refused',
    },
  ])('$of', ({ log, says }) => {
    expect(told(log)).toBe(says);
  });

  test('alone it is told, but is not sure', () => {
    expect(isSure('failed to open cache: open /cache/a: permission denied')).toBe(false);
  });
});
