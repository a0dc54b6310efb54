import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { cleanEnvironment, repositoryRoot, runProcess } from '../support/processes.ts';

// A published package has no src/ but dist/: each file as JavaScript, beside what it reads at run time.

const cleanup = createCleanup();
afterAll(() => cleanup.run());
let root = '';

beforeAll(() => {
  root = cleanup.temporaryFolder('built');
  const source = join(repositoryRoot, 'src');
  for (const file of globSync('**/*.{ts,sql,json}', { cwd: source, exclude: ['**/*.test.ts'] })) {
    const target = join(root, 'dist', file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    const text = readFileSync(join(source, file), 'utf8');
    writeFileSync(target, file.endsWith('.ts') ? withoutTypes(text) : text);
  }
  for (const name of ['bin', 'package.json']) cpSync(join(repositoryRoot, name), join(root, name), { recursive: true });
  for (const name of ['node_modules', 'examples']) symlinkSync(join(repositoryRoot, name), join(root, name));
});

/** As a compiler writes it: imports of files end in `.js`, and other texts stay as they are. */
function withoutTypes(text: string): string {
  const imports = /(\bfrom |\bimport )'(\.[^']+)\.ts'|\bimport\('(\.[^']+)\.ts'\)/g;
  return stripTypeScriptTypes(text).replace(imports, (_whole, word: string | undefined, file, loaded) =>
    word === undefined ? `import('${loaded}.js')` : `${word}'${file}.js'`,
  );
}

const run = (...args: string[]) =>
  runProcess(process.execPath, args, { cwd: root, environment: cleanEnvironment({ HOME: root }), timeoutMs: 60_000 });

it('the built program plays a story: migrations, prices and examples are found', async () => {
  const played = await run('bin/fist.js', 'demo', '--fast', '--story', 'pending-pod');
  expect(played).toMatchObject({ code: 0, stderr: '' });
  expect(played.stdout).toMatch(/pending-pod +No node can take pod .* yes/);
});

it('the built program compares a long value with its schema in a thread', async () => {
  const script = `
    const { checkApart } = await import('./dist/sources/long-check.js');
    const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
    console.log(JSON.stringify([await checkApart({ schema, value: { name: 'a' } }), await checkApart({ schema, value: {} })]));`;
  writeFileSync(join(root, 'check.js'), script);
  const checked = await run('check.js');
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(checked.stdout)).toEqual([null, { field: 'name', message: 'is required' }]);
});
