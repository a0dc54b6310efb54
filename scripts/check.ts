// npm run check: format, type-aware lint, types, unused code, import directions, generated files. All at once; each
// prints only when it fails.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { checkImports } from './imports.ts';
import { checkLock } from './lock.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const commands: readonly (readonly [string, ...string[]])[] = [
  ['oxfmt', '--check', '.'],
  // Types as well, as tsc tells them: the program is looked through once.
  ['oxlint', '--type-aware', '--type-check', '--deny-warnings', 'src', 'test', 'bench', 'scripts', 'vitest.config.ts'],
  ['knip'],
  ['node', 'scripts/gen.ts', '--check'],
];

function run([command, ...args]: readonly [string, ...string[]]): Promise<{ ok: boolean; text: string }> {
  const title = [command, ...args].join(' ');
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('error', (error) => resolve({ ok: false, text: `${title}: ${error.message}` }));
    child.on('close', (code) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      process.stderr.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${title} (${seconds} s)\n`);
      resolve({ ok: code === 0, text });
    });
  });
}

const results = await Promise.all(commands.map(run));
const problems = checkImports(root).map(({ file, line, message }) => `src/${file}:${line} ${message}`);
problems.push(...checkLock(root));
for (const result of results) if (!result.ok) process.stderr.write(`\n${result.text}\n`);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = results.every((result) => result.ok) && problems.length === 0 ? 0 : 1;
