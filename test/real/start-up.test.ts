import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { cleanEnvironment, repositoryRoot, runProcess } from '../support/processes.ts';
import { spawnServer, whenReady } from '../support/server.ts';

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
  return readLoaded(list);
}

function readLoaded(list: string) {
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

const counting = ['--import', `${repositoryRoot}test/support/count-modules.js`];

test('a server that may ask models, and has asked none, has loaded no SDK', async () => {
  const folder = cleanup.temporaryFolder('start-up');
  const list = join(folder, 'loaded.json');
  writeFileSync(
    join(folder, 'workflow.yaml'),
    `apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: {name: triage}
spec:
  runtime: {llmConfig: {provider: openai, fallbacks: [{provider: claude}, {provider: bedrock, model: m}]}}
  steps: [{name: look, type: agent, goal: why}]
`,
  );
  const database = join(folder, 'fist.db');
  const environment = { LOADED: list, LLM_PROVIDER: 'anthropic', ANTHROPIC_API_KEY: 'key', OPENAI_API_KEY: 'key' };
  const program = [...counting, 'src/main.ts'];
  const started = spawnServer({ resources: folder, database, environment, program });
  const server = await whenReady(started, database);
  expect(await server.list('/api/v1/workflows')).toHaveLength(1);
  await started.stop();
  const { packages } = readLoaded(list);
  expect(packages).toContain('fastify');
  expect(packages.filter((name) => /^(?:@ai-sdk|@smithy|aws4fetch)/.test(name))).toEqual([]);
});

test.each([
  ['anthropic', ['@ai-sdk/anthropic', '@ai-sdk/provider', '@ai-sdk/provider-utils']],
  ['openai', ['@ai-sdk/openai', '@ai-sdk/provider', '@ai-sdk/provider-utils']],
  ['openai-compatible', ['@ai-sdk/openai-compatible', '@ai-sdk/provider', '@ai-sdk/provider-utils']],
  ['google', ['@ai-sdk/google', '@ai-sdk/provider', '@ai-sdk/provider-utils']],
])('a model of %s loads its own SDK', async (name, expected) => {
  const list = join(cleanup.temporaryFolder('start-up'), 'loaded.json');
  const script = `import { findModelDefinition } from '${repositoryRoot}src/agent/models/index.ts';
    const settings = { model: 'm', endpoint: 'http://127.0.0.1:1', apiKey: 'k', variables: {}, fetch, now: Date.now };
    await findModelDefinition('${name}').open(settings);`;
  const environment = { ...cleanEnvironment(), LOADED: list };
  await runProcess(process.execPath, [...counting, '--input-type=module', '-e', script], { environment });
  expect(readLoaded(list).packages.filter((each) => each.startsWith('@ai-sdk'))).toEqual(expected);
});
