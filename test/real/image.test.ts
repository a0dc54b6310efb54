import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import {
  cleanEnvironment,
  freePort,
  repositoryRoot,
  runProcess,
  startProcess,
  waitForHttp,
} from '../support/processes.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const dockerfile = readFileSync(join(repositoryRoot, 'Dockerfile'), 'utf8');

/** What the image has of this folder, and nothing else; packages are those that are installed here. */
function contents(): string {
  const folder = cleanup.temporaryFolder('image');
  for (const [, sources = '', target = ''] of dockerfile.matchAll(/^COPY (?!--)(.+) (\S+)$/gm)) {
    for (const source of sources.split(' ')) {
      const to = join(folder, target === './' ? source : target);
      mkdirSync(dirname(to), { recursive: true });
      cpSync(join(repositoryRoot, source), to, { recursive: true });
    }
  }
  symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

test('what the image has is enough to run', async () => {
  const folder = contents();
  const home = cleanup.temporaryFolder('home');
  const environment = cleanEnvironment({ HOME: home, FIST_TOKEN: 'token-of-the-api-0123456789' });
  const main = join(folder, 'src/main.ts');
  const [, ...options] = (JSON.parse(/^ENTRYPOINT (.+)$/m.exec(dockerfile)?.[1] ?? '[]') as readonly string[]).slice(
    0,
    -1,
  );
  const inBoth = JSON.parse(readFileSync(join(repositoryRoot, 'bin/node-options.json'), 'utf8')) as readonly string[];
  expect(options.length).toBeGreaterThan(0);
  expect(inBoth).toEqual(expect.arrayContaining(options));
  const version = await runProcess(process.execPath, [main, 'version'], { cwd: home, environment, timeoutMs: 30_000 });
  expect(version).toMatchObject({ code: 0, stderr: '' });
  const dry = await runProcess(process.execPath, [main, 'operator', '--help'], {
    cwd: home,
    environment,
    timeoutMs: 30_000,
  });
  expect(dry.code).toBe(0);

  const port = await freePort();
  const resources = join(folder, 'examples/connect');
  const program = startProcess(
    process.execPath,
    [
      ...options,
      main,
      'serve',
      '--resources',
      resources,
      '--db',
      join(home, 'fist.db'),
      '--listen',
      `127.0.0.1:${port}`,
    ],
    { cwd: home, environment },
  );
  cleanup.defer(async () => void (await program.stop()));
  await waitForHttp(program, `http://127.0.0.1:${port}/readyz`);
});

test('the image does not run as root, and starts the operator', () => {
  expect(dockerfile).toMatch(/^USER 65532:65532$/m);
  expect(dockerfile).toMatch(/^CMD \["operator"\]$/m);
  expect(dockerfile).toContain('--ignore-scripts');
});
