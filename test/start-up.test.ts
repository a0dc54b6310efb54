import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createCleanup } from './support/cleanup.ts';
import { cleanEnvironment, repositoryRoot, runProcess } from './support/processes.ts';

// What a command loads is what a person waits for before it says anything.

const cleanup = createCleanup();
afterAll(() => cleanup.run());

/** The packages that a command line loads, and how many modules of our own. */
async function loadedBy(words: readonly string[], settings?: string) {
  const cwd = cleanup.temporaryFolder('start-up');
  if (settings !== undefined) writeFileSync(join(cwd, 'fist.yaml'), settings);
  const list = join(cwd, 'loaded.json');
  const node = ['--import', `${repositoryRoot}test/support/count-modules.js`, `${repositoryRoot}src/main.ts`];
  const environment = { ...cleanEnvironment(), LOADED: list, XDG_CONFIG_HOME: cwd };
  await runProcess(process.execPath, [...node, ...words], { cwd, environment });
  const urls = JSON.parse(readFileSync(list, 'utf8')) as readonly string[];
  const packages = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
  const own = urls.filter((url) => url.startsWith('file:') && !url.includes('/node_modules/'));
  return { packages: [...new Set(packages)].sort(), own: own.length };
}

const nowhere = ['--server', 'http://127.0.0.1:1'];

test.each<readonly [string, readonly string[], readonly string[], number]>([
  ['version', [], ['commander'], 60],
  ['--help', [], ['commander'], 60],
  ['__complete', ['ge'], ['commander'], 80],
  ['get', ['alerts', ...nowhere], ['commander', 'undici'], 80],
  ['why', nowhere, ['commander', 'undici'], 80],
  ['describe', ['run/1', ...nowhere], ['commander', 'undici'], 80],
  ['status', nowhere, ['commander', 'undici'], 80],
])('%s loads few modules', async (command, words, packages, most) => {
  const loaded = await loadedBy([command, ...words]);
  expect(loaded.packages).toEqual(packages);
  expect(loaded.own).toBeLessThanOrEqual(most);
});

test('YAML is loaded for a file of settings', async () => {
  expect((await loadedBy(['status'], 'server: http://127.0.0.1:1\n')).packages).toContain('yaml');
});
