import { describe, expect, test } from 'vitest';
import { failureKind } from './kinds.ts';
import { readLog } from './records.ts';
import { lastWords } from './telling.ts';

const told = (log: string): string | null => lastWords(readLog(log), { exitCode: 1, finishedAt: null })?.text ?? null;
const isSure = (log: string): boolean | undefined =>
  lastWords(readLog(log), { exitCode: 1, finishedAt: null })?.certain;

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
