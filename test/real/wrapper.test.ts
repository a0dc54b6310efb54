import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { cleanEnvironment, isAlive, repositoryRoot, runProcess, startProcess } from '../support/processes.ts';
import { whenReady } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** The machine's own Node, not the pinned one that npm puts first. */
const path = (process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules'));
const environment = cleanEnvironment({ PATH: path.join(delimiter) });
const systemNode = spawnSync('node', ['--version'], { env: environment, encoding: 'utf8' }).stdout.trim();
const isOlder = systemNode !== `v${process.versions.node}`;

const fist = (...args: string[]) => runProcess('bin/fist.js', args, { environment });

async function startWrapped() {
  const folder = cleanup.temporaryFolder('wrapper');
  const database = join(folder, 'fist.db');
  mkdirSync(join(folder, 'resources'));
  const wrapper = startProcess(
    'bin/fist.js',
    ['serve', '--resources', join(folder, 'resources'), '--db', database, '--listen', '127.0.0.1:0'],
    { environment },
  );
  cleanup.defer(() => wrapper.kill());
  await whenReady(wrapper, database);
  return { wrapper, server: childOf(wrapper.pid) };
}

/** The pinned Node that the wrapper started; the wrapper itself where the machine's Node is new enough. */
function childOf(pid: number): number {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = /\) \S+ (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8'))?.[1];
      if (Number(parent) === pid) return Number(entry);
    } catch {
      // It ended between the two reads.
    }
  }
  return pid;
}

describe(`bin/fist.js under ${systemNode}`, () => {
  it('prints its version and the Node that it runs on', async () => {
    const { version } = JSON.parse(readFileSync(`${repositoryRoot}package.json`, 'utf8')) as { version: string };
    const { code, stdout, stderr } = await fist('version');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      new RegExp(`^fist ${version.replaceAll('.', '\\.')} \\(node \\d+\\.\\d+\\.\\d+, \\S+\\)\n$`),
    );
  });

  it('answers an unknown command with 2, on stderr, with the way to help', async () => {
    const { code, stdout, stderr } = await fist('frobnicate');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("unknown command 'frobnicate'");
    // In the words with which it was called, also where the pinned Node runs it.
    expect(stderr).toContain('next: bin/fist.js --help');
  });

  it('says what failed and what to do next, and is one JSON object with -o json', async () => {
    const text = await fist('get', 'alerts', '--server', 'http://127.0.0.1:1');
    expect(text).toMatchObject({ code: 3, stdout: '' });
    expect(text.stderr).toMatch(/^error: no server answers at http:\/\/127\.0\.0\.1:1\n\s+next: /);
    const json = await fist('get', 'alerts', '-o', 'json', '--server', 'http://127.0.0.1:1');
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stderr)).toMatchObject({
      code: 'Unreachable',
      message: 'no server answers at http://127.0.0.1:1',
    });
  });

  it('forwards SIGTERM: the server stops gracefully and its exit code comes back', async () => {
    const { wrapper, server } = await startWrapped();
    expect(await wrapper.stop()).toEqual({ code: 0, signal: null });
    expect(isAlive(server)).toBe(false);
  });

  it('takes Ctrl-C, which npm passes on once more, as one signal', async () => {
    const { wrapper } = await startWrapped();
    wrapper.signal('SIGINT');
    wrapper.signal('SIGINT');
    expect(await wrapper.exited).toEqual({ code: 0, signal: null });
    expect(wrapper.stderr()).toContain('stopping');
  });

  it.runIf(isOlder)('runs the server in a group of its own, which a terminal does not signal', async () => {
    const { wrapper, server } = await startWrapped();
    const groupOf = (pid: number) => spawnSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
    expect(groupOf(server).trim()).toBe(String(server));
    expect(groupOf(wrapper.pid)).not.toBe(groupOf(server));
  });

  it.runIf(isOlder)('takes the server along when it is killed', async () => {
    const { wrapper, server } = await startWrapped();
    expect(server).not.toBe(wrapper.pid);
    await wrapper.kill();
    await waitFor('the server to end', () => !isAlive(server), { timeoutMs: 15_000 });
  });
});

describe('bin/fist.js in a checkout', () => {
  const wanted = {
    '': { version: '0.1.0' },
    'node_modules/one': { version: '1.0.0' },
    'node_modules/one/node_modules/two': { version: '2.0.0' },
    'node_modules/tool': { version: '3.0.0', dev: true },
    'node_modules/other-platform': { version: '4.0.0', optional: true },
  };
  const { '': _, ...installed } = wanted;

  /** A checkout whose lock file is from `minutes` after npm installed; null: npm installed nothing. */
  function checkout(
    packages: object | null,
    minutes: number,
    changes: { entry?: string; stamp?: boolean } = {},
  ): string {
    const root = cleanup.temporaryFolder('checkout');
    const { entry = 'src/main.ts', stamp = false } = changes;
    const write = (file: string, text: string, atMinute = 0): void => {
      mkdirSync(join(root, file, '..'), { recursive: true });
      writeFileSync(join(root, file), text);
      utimesSync(join(root, file), 1_700_000_000, 1_700_000_000 + atMinute * 60);
    };
    cpSync(join(repositoryRoot, 'bin'), join(root, 'bin'), { recursive: true });
    write('package.json', '{"type": "module"}');
    write(entry, "export const run = () => console.log('ran');\n");
    const lock = JSON.stringify({ packages: wanted });
    write('package-lock.json', lock, minutes);
    if (packages !== null) write('node_modules/.package-lock.json', JSON.stringify({ packages }));
    if (stamp) write('node_modules/.installed-lock', hash('sha256', lock));
    return root;
  }
  const run = async (root: string) => {
    // With the Node of the tests, which needs no pinned one.
    const { code, stdout, stderr } = await runProcess(process.execPath, [join(root, 'bin/fist.js')], { environment });
    return { code, text: `${stdout}${stderr}` };
  };
  const ran = { code: 0, text: 'ran\n' };
  const { 'node_modules/one': one, ...withoutOne } = installed;
  const refused = (what: string) => ({ code: 2, text: `fist: ${what}\nNext: npm ci\n` });
  const others = (names: string) => refused(`the installed packages are not those of package-lock.json: ${names}`);

  it.each([
    ['a package was added', withoutOne, others('one')],
    ['a package was updated', { ...installed, 'node_modules/one': { version: '0.9.0' } }, others('one')],
    ['one within another was updated', { ...installed, 'node_modules/one/node_modules/two': {} }, others('two')],
    ['nothing is there', {}, others('one, two')],
    ['npm installed nothing', null, refused('the packages are not installed')],
  ])('says what is wrong and what to do where the lock file is newer and %s', async (_case, packages, expected) => {
    expect(one).toBeDefined();
    expect(await run(checkout(packages, 1))).toEqual(expected);
  });

  it.each([
    ['the same are installed', installed, {}],
    [
      'what may be absent is',
      { 'node_modules/one': one, 'node_modules/one/node_modules/two': { version: '2.0.0' } },
      {},
    ],
    ['scripts/install.js installed it', {}, { stamp: true }],
    ['the program is a published one', {}, { entry: 'dist/main.js' }],
  ])('runs where the lock file is newer and %s', async (_case, packages, changes) => {
    expect(await run(checkout(packages, 1, changes))).toEqual(ran);
  });

  it('compares nothing where npm installed after the lock file was written', async () => {
    expect(await run(checkout({}, 0))).toEqual(ran);
  });

  it('says that an installation was interrupted, whatever it left behind', async () => {
    const before = checkout(null, 0);
    mkdirSync(join(before, 'node_modules'));
    expect(await run(before)).toEqual(refused('the packages are not all there: their installation was interrupted'));
    const within = checkout(installed, 0);
    writeFileSync(join(within, 'package.json'), '{"type": "module", "dependencies": {"one": "1.0.0"}}');
    expect(await run(within)).toEqual(refused('the package one is not there: an installation was interrupted'));
  });

  it('leaves it to others where the folder was not made by npm, or there is no lock file', async () => {
    const root = checkout(null, 1);
    mkdirSync(join(root, 'node_modules'));
    writeFileSync(join(root, 'node_modules/.modules.yaml'), '');
    expect(await run(root)).toEqual(ran);
    rmSync(join(root, 'node_modules'), { recursive: true });
    rmSync(join(root, 'package-lock.json'));
    expect(await run(root)).toEqual(ran);
  });
});
