import { randomUUID } from 'node:crypto';
import { access, readFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ProgramRequest, RunningProgram } from '../core/command.ts';
import type { ProcessIdentity } from '../core/run.ts';
import { waitFor } from '../../test/support/wait.ts';
import { systemClock } from '../lib/clock.ts';
import { killLeftover } from './process-group.ts';
import { identify, isAlive } from './process-identity.ts';
import { createProgramRunner } from './program.ts';

const clock = systemClock();
const options = { clock, path: '/usr/local/bin:/usr/bin:/bin' };
const runner = createProgramRunner({ ...options, allowed: 'all' });
const running: RunningProgram[] = [];
let folder: string;
let output = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fist-program-test-'));
  output = '';
});
afterEach(async () => {
  for (const program of running.splice(0)) await program.end();
  await rm(folder, { recursive: true, force: true });
});

async function start(script: string, changes: Partial<ProgramRequest> = {}): Promise<RunningProgram> {
  const program = await runner.start({
    file: '/bin/sh',
    arguments: ['-c', script],
    environment: {},
    marker: randomUUID(),
    onOutput: (bytes) => void (output += Buffer.from(bytes).toString()),
    onStarted: () => Promise.resolve(),
    ...changes,
  });
  running.push(program);
  return program;
}

async function pidIn(file: string): Promise<number> {
  let text = '';
  await waitFor(`${file} to be written`, async () =>
    (text = await readFile(file, 'utf8').catch(() => '')).endsWith('\n'),
  );
  return Number(text);
}

const isGone = (pid: number) => waitFor(`${pid} to be gone`, async () => (await identify(pid)) === null);

describe('a program', () => {
  test('is talked to, with a clean environment, in an empty folder that goes with it (R14)', async () => {
    process.env['FIST_TEST_CANARY'] = 'canary';
    const marker = randomUUID();
    const program = await start(
      'read line; echo "$line"; pwd -P; ls -A; ls -ld . | cut -c1-10; env; read -r _; echo bye',
      {
        environment: { TOKEN: "a'b c" },
        marker,
      },
    );
    delete process.env['FIST_TEST_CANARY'];
    await program.write('hello\n');
    await waitFor('its answer', () => output.includes('TOKEN='));
    await program.write('\n');
    expect(await program.ended).toBe('it ended with exit code 0');
    const [greeting, path = '', mode, ...environment] = output.trimEnd().split('\n');
    expect([greeting, mode, environment.at(-1)]).toEqual(['hello', 'drwx------', 'bye']);
    expect(path).toContain(marker);
    expect(environment).toContain("TOKEN=a'b c");
    const names = environment.flatMap((line) => /^([A-Z_0-9]+)=/.exec(line)?.[1] ?? []);
    expect(
      names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_', 'FIST_ATTEMPT_MARKER'].includes(name)).sort(),
    ).toEqual(['PATH', 'TOKEN']);
    expect((await stat(path)).isDirectory()).toBe(true);
    await program.end();
    await expect(access(join(path, '..'))).rejects.toThrow('ENOENT');
    await program.write('what comes later is not written');
  });

  test('gets its arguments as they are: no shell reads them (R6)', async () => {
    const odd = ['; echo no', '$(id)', '`id`', 'two\nlines', '* ', '--flag=x y'];
    const program = await start('', {
      file: process.execPath,
      arguments: ['-p', 'JSON.stringify(process.argv.slice(1))', '--', ...odd],
    });
    await program.ended;
    expect(JSON.parse(output)).toEqual(odd);
  });

  test('says why it ended, with the last line of its error output', async () => {
    const program = await start('echo first >&2; echo "no kubeconfig" >&2; exit 3');
    expect(await program.ended).toBe('it ended with exit code 3: no kubeconfig');
  });

  test('ends by itself when its input is closed', async () => {
    const program = await start('cat >/dev/null; echo done');
    await program.end();
    expect(output).toBe('done\n');
    expect(await program.ended).toBe('it ended with exit code 0');
  });

  test.runIf(platform() === 'linux')('is killed with all that it started where it does not', async () => {
    const [own, child] = [join(folder, 'own'), join(folder, 'child')];
    const program = await start(
      `trap '' TERM; setsid sh -c 'echo $$ > ${child}; exec sleep 1000' & echo $$ > ${own}; while :; do sleep 0.1; done`,
    );
    const pids = [await pidIn(own), await pidIn(child)];
    await program.end();
    expect(await program.ended).toBe('it was ended by SIGKILL');
    for (const pid of pids) await isGone(pid);
  });

  test('is killed where nobody took note of it', async () => {
    let pid = 0;
    const started = start('sleep 1000', {
      onStarted(process) {
        pid = process.pid;
        return Promise.reject(new Error('taken over'));
      },
    });
    await expect(started).rejects.toThrow('taken over');
    await isGone(pid);
  });

  test('is not started where it may not be, or cannot be', async () => {
    const some = createProgramRunner({ ...options, allowed: ['/bin/cat'] });
    const request: ProgramRequest = {
      file: '/bin/sh',
      arguments: [],
      environment: {},
      marker: randomUUID(),
      onOutput: () => undefined,
      onStarted: () => Promise.resolve(),
    };
    await expect(some.start(request)).rejects.toMatchObject({
      code: 'ExecNotAllowed',
      next: 'start it with: fist serve --allow-mcp-command /bin/sh',
    });
    running.push(await some.start({ ...request, file: '/bin/cat' }));
    await expect(runner.start({ ...request, file: 'sh' })).rejects.toMatchObject({ code: 'InvalidInput' });
    const absent = runner.start({ ...request, file: '/does/not/exist' });
    await expect(absent).rejects.toMatchObject({ code: 'CommandFailed', retryable: false });
    await expect(access(join(tmpdir(), `fist-step-${request.marker}`, 'nothing'))).rejects.toThrow('ENOENT');
  });
});

test.runIf(platform() === 'linux')('all programs of an attempt are found by its marker', async () => {
  const marker = randomUUID();
  const seen: ProcessIdentity[] = [];
  const onStarted = async (process: ProcessIdentity): Promise<void> => void seen.push(process);
  const one = await start('exec sleep 1000', { marker, onStarted });
  const other = await start('exec sleep 1000', { marker, onStarted });
  const [, last] = seen;
  if (last === undefined) throw new Error('two were started');
  expect(last.marker).toBe(marker);
  expect(await killLeftover(clock, last)).toBe(true);
  await Promise.all([one.ended, other.ended]);
  for (const process of seen) expect(await isAlive(process)).toBe(false);
  expect(await killLeftover(clock, last)).toBe(false);
});
