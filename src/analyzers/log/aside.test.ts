import { describe, expect, test } from 'vitest';
import { readLog } from './records.ts';
import { lastWords } from './telling.ts';

const told = (log: string): string | null => lastWords(readLog(log), { exitCode: 1, finishedAt: null })?.text ?? null;
const isSure = (log: string): boolean | undefined =>
  lastWords(readLog(log), { exitCode: 1, finishedAt: null })?.certain;

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
