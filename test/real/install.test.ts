import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { cleanEnvironment, repositoryRoot, runProcess } from '../support/processes.ts';
import { makeTar } from '../support/tar.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** A checkout whose packages, one to run and one for development, are an archive in it, so that npm needs no network. */
function checkout(): string {
  const root = cleanup.temporaryFolder('install');
  mkdirSync(join(root, 'scripts'));
  cpSync(join(repositoryRoot, 'bin'), join(root, 'bin'), { recursive: true });
  cpSync(join(repositoryRoot, 'scripts/install.js'), join(root, 'scripts/install.js'));
  const archive = gzipSync(makeTar([{ path: 'package/package.json', content: '{"name": "one", "version": "1.0.0"}' }]));
  writeFileSync(join(root, 'one.tgz'), archive);
  const dependencies = { one: 'file:one.tgz' };
  const devDependencies = { tool: 'file:one.tgz' };
  const description = { name: 'checkout', version: '1.0.0', type: 'module', dependencies, devDependencies };
  writeFileSync(join(root, 'package.json'), JSON.stringify(description));
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  const one = { version: '1.0.0', resolved: 'file:one.tgz', integrity };
  const packages = {
    '': { name: 'checkout', version: '1.0.0', dependencies, devDependencies },
    'node_modules/one': one,
    'node_modules/tool': { ...one, name: 'one', dev: true },
  };
  const lock = { name: 'checkout', version: '1.0.0', lockfileVersion: 3, requires: true, packages };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock));
  return root;
}

it('installs once, with its progress, and again where packages are gone', async () => {
  const root = checkout();
  const environment = cleanEnvironment({ HOME: root, npm_config_offline: 'true', npm_config_update_notifier: 'false' });
  const install = (...flags: string[]) =>
    runProcess(process.execPath, [join(root, 'scripts/install.js'), ...flags], { environment, timeoutMs: 30_000 });
  const wholeAgain = (reason: string, count = 2) => ({
    code: 0,
    stderr: expect.stringMatching(
      new RegExp(
        `^Installing the packages of package-lock.json: ${reason}\n(.*\n)*  ${count} of ${count} packages after \\d+ s\n$`,
      ),
    ) as string,
  });
  const nothing = { code: 0, stdout: '', stderr: '' };
  expect(await install('--omit=dev')).toMatchObject(wholeAgain('they are not there yet', 1));
  expect(await install('--omit=dev')).toMatchObject(nothing);
  expect(await install()).toMatchObject(wholeAgain('those for development are missing'));
  expect(await install()).toMatchObject(nothing);
  expect(await install('--omit=dev')).toMatchObject(nothing);
  rmSync(join(root, 'node_modules/one/package.json'));
  expect(await install()).toMatchObject(wholeAgain('one not there any more'));
  expect(existsSync(join(root, 'node_modules/one/package.json'))).toBe(true);
  // A lock file that does not fit is refused.
  writeFileSync(join(root, 'package.json'), '{"type": "module", "dependencies": {"two": "2.0.0"}}');
  rmSync(join(root, 'node_modules/.package-lock.json'));
  rmSync(join(root, 'node_modules/.installed-lock'));
  const failed = await install();
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toContain('their installation was interrupted');
  expect(failed.stderr).toContain('npm ci did not end well');
});

it('installs anew where the Node that runs it lies among the packages', async () => {
  const root = checkout();
  const environment = cleanEnvironment({ HOME: root, npm_config_offline: 'true', npm_config_update_notifier: 'false' });
  const file = join(root, 'package.json');
  const scripts = { check: 'node_modules/pinned/node scripts/install.js' };
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), scripts }));
  cpSync(process.execPath, join(root, 'node_modules/pinned/node'));
  const options = { environment, cwd: root, timeoutMs: 30_000 };
  expect(await runProcess('npm', ['run', '--silent', 'check'], options)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('2 of 2 packages') as string,
  });
});
