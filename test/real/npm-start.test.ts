import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { cleanEnvironment, repositoryRoot, runProcess, startProcess } from '../support/processes.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** What scripts/install.js leaves behind, made of links to the packages of the tests; test/real/install.test.ts installs. */
async function installLinked(root: string): Promise<void> {
  const packages = join(repositoryRoot, 'node_modules');
  mkdirSync(join(root, 'node_modules'));
  for (const name of readdirSync(packages)) symlinkSync(join(packages, name), join(root, 'node_modules', name));
  const { hashOf, stampOf } = (await import(`${repositoryRoot}bin/check-packages.js`)) as {
    hashOf: (file: string) => string;
    stampOf: (root: string, withoutDevelopment: boolean) => string;
  };
  const stamp = stampOf(`${root}/`, true);
  if (!existsSync(stamp)) writeFileSync(stamp, hashOf(join(root, 'package-lock.json')));
}

it.skipIf(!existsSync(join(repositoryRoot, '.git')))(
  '`npm start` in a fresh clone with its packages says where it serves, and what to do there',
  async () => {
    const folder = cleanup.temporaryFolder('npm-start');
    const environment = cleanEnvironment({
      HOME: folder,
      npm_config_offline: 'true',
      npm_config_update_notifier: 'false',
    });
    const cloned = await runProcess('git', ['clone', '--quiet', `file://${repositoryRoot}`, 'fist'], {
      cwd: folder,
      environment,
    });
    expect(cloned).toMatchObject({ code: 0 });
    const cwd = join(folder, 'fist');
    await installLinked(cwd);

    // In a group of its own, as a terminal starts it.
    const started = startProcess('setsid', ['npm', 'start'], { cwd, environment });
    cleanup.defer(async () => {
      if (started.exitStatus() === null) process.kill(-started.pid, 'SIGKILL');
      await started.exited;
    });
    const serves = /serves at (http:\/\/127\.0\.0\.1:\d+) /g;
    const steps = await waitFor(
      'the first useful line',
      () => {
        if (started.exitStatus() !== null) throw new Error(`npm start ended: ${started.stderr()}`);
        return /serves at http/.test(started.stderr()) && /curl .*\\\n.*/.test(started.stderr()) && started.stderr();
      },
      { timeoutMs: 120_000, explain: () => started.stderr() },
    );
    const [line, ...more] = [...steps.matchAll(serves)];
    expect(more).toEqual([]);
    // The program is called as this person can call it.
    expect(steps).toMatch(/^ *(?:FIST_SERVER=\S+ )?(?:node )?bin\/fist\.js [a-z]/m);
    expect((await fetch(`${line?.[1]}/readyz`)).status).toBe(200);
    expect(started.exitStatus()).toBeNull();
  },
);
