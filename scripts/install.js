// Runs before `demo`, `test` and the like, under whatever Node the machine has (18 or newer): installs what the lock
// file says when it is not there yet, so that each of these is one command on a fresh clone.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');
const stamp = `${root}node_modules/.installed-lock`;

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  process.stderr.write('Installing the locked dependencies (once) ...\n');
  // npm passes its own path on, so that no shell and no PATH look-up is needed, on Windows either.
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    : spawnSync('npm', args, {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
        shell: process.platform === 'win32',
      });
  if (result.status !== 0) {
    process.stderr.write('npm ci failed; the lines above say why. Next: npm ci\n');
    process.exit(result.status ?? 1);
  }
  writeFileSync(stamp, lock);
}
