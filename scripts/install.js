// Runs before `start`, `demo`, `test` and the like, under whatever Node the machine has (18 or newer): installs what the lock
// file says where it is not there or not whole, so that each of these is one command on a fresh clone and after an
// installation that was interrupted. With `--omit=dev` only what the program itself needs, which takes half of the time.
import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { countPackages, hashOf, isStamped, packageProblem, stampOf } from '../bin/check-packages.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const withoutDevelopment = process.argv.includes('--omit=dev');
const problem = whyToInstall();
if (problem !== null) await install(problem);

/** Why packages have to be installed, for people; null where they are whole. */
function whyToInstall() {
  if (!existsSync(`${root}node_modules`)) return 'they are not there yet';
  if (!isStamped(root, withoutDevelopment))
    return (
      packageProblem(root) ?? (isStamped(root) ? 'those for development are missing' : 'this step did not install them')
    );
  const { absent } = countPackages(root, withoutDevelopment);
  const more = absent.length > 1 ? ` and ${absent.length - 1} more` : '';
  return absent.length === 0 ? null : `${absent[0].replace(/^.*node_modules\//, '')}${more} not there any more`;
}

async function install(reason) {
  process.stderr.write(`Installing the packages of package-lock.json: ${reason}\n`);
  // Without the stamp an interruption is noticed. What npm fails to remove, where something still writes there, is tried again.
  for (const kind of [false, true]) rmSync(stampOf(root, kind), { force: true });
  rmSync(`${root}node_modules`, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  const stopProgress = showProgress();
  const omit = withoutDevelopment ? ['--omit=dev'] : [];
  const code = await runNpm(['ci', '--no-audit', '--no-fund', '--no-progress', ...omit]);
  stopProgress();
  if (code !== 0) {
    process.stderr.write(
      'npm ci did not end well; the lines above say why. Next: the same command again, which starts anew\n',
    );
    process.exit(code);
  }
  writeFileSync(stampOf(root, withoutDevelopment), hashOf(`${root}package-lock.json`));
}

/**
 * Resolves with its exit code. npm passes its own path and Node's on, so that no shell and no PATH look-up is needed, on Windows
 * either. The Node that runs this may be the pinned one, which lies among the packages and goes with them.
 */
function runNpm(args) {
  const npm = process.env.npm_execpath;
  const stays = (path) => path !== undefined && !path.startsWith(`${root}node_modules`);
  const node = [process.env.npm_node_execpath, process.execPath].find(stays);
  const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] };
  const child =
    npm && node
      ? spawn(node, [npm, ...args], options)
      : spawn('npm', args, { ...options, shell: process.platform === 'win32' });
  // A terminal tells npm as well; a supervisor tells this process only.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`npm cannot be started: ${error.message}\n`);
      resolve(1);
    });
    child.on('exit', (status) => resolve(status ?? 1));
  });
}

/** How far it is: on a terminal a line that changes, else a line every few seconds. Returns how to end it. */
function showProgress() {
  const startedAt = Date.now();
  const { isTTY } = process.stderr;
  const tell = (end) => {
    const { total, absent } = countPackages(root, withoutDevelopment);
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    const line = `  ${total - absent.length} of ${total} packages after ${seconds} s`;
    process.stderr.write(isTTY ? `\r\u001b[K${line}${end}` : `${line}\n`);
  };
  const timer = setInterval(() => tell(''), isTTY ? 500 : 5000);
  return () => {
    clearInterval(timer);
    tell('\n');
  };
}
