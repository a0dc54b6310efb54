import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const program = (folder: string, then: string): string => `
  import { keepUntilRemoved } from ${JSON.stringify(new URL('./temporary.ts', import.meta.url).href)};
  keepUntilRemoved(${JSON.stringify(folder)});
  ${then}
`;

test.skipIf(process.platform === 'win32').each([
  ['at the end of the process', '', { status: 0, signal: null }],
  [
    'at a signal, which ends it as ever',
    "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)",
    { signal: 'SIGTERM' },
  ],
  [
    'where somebody else answers the signal, when that one ends it',
    "process.on('SIGINT', () => process.exit(130)); process.kill(process.pid, 'SIGINT'); setInterval(() => {}, 1000)",
    { status: 130, signal: null },
  ],
])('a temporary folder goes %s', (_, then, expected) => {
  const folder = join(cleanup.temporaryFolder('kept'), 'folder');
  mkdirSync(folder);
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program(folder, then)]);
  expect(ended).toMatchObject(expected);
  expect(existsSync(folder)).toBe(false);
});
