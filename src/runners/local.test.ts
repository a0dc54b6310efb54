import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandRequest } from '../core/command.ts';
import type { ProcessIdentity } from '../core/run.ts';
import { waitFor } from '../../test/support/wait.ts';
import { systemClock } from '../lib/clock.ts';
import { createLocalRunner } from './local.ts';
import { killLeftover } from './process-group.ts';
import { identify, isAlive } from './process-identity.ts';

const clock = systemClock();
const runner = createLocalRunner({ clock, path: '/usr/local/bin:/usr/bin:/bin' });
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fist-runner-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function request(script: string, changes: Partial<CommandRequest> = {}): CommandRequest {
  return {
    place: { namespace: 'default', runId: 'r1', path: '1', endedBefore: 0 },
    script,
    environment: {},
    image: 'busybox',
    timeoutMs: 20_000,
    outputLimitBytes: 1000,
    signal: new AbortController().signal,
    onStarted: () => Promise.resolve(),
    ...changes,
  };
}

/** Waits until a file has a whole line. */
function lineOf(path: string): Promise<string> {
  return waitFor(`${path} to be written`, async () => {
    const text = await readFile(path, 'utf8').catch(() => '');
    return text.endsWith('\n') && text.trim();
  });
}

/** Its time-outs begin when a file has a whole line: a busy machine may take longer than them to come so far. */
const runnerFrom = (path: string) =>
  createLocalRunner({
    clock: {
      ...clock,
      async sleep(milliseconds, signal) {
        if (milliseconds === timeoutMs) await lineOf(path);
        await clock.sleep(milliseconds, signal);
      },
    },
    path: '/usr/local/bin:/usr/bin:/bin',
  });
const timeoutMs = 300;

/** Until a process that was just started has come to where it can only wait. Elsewhere than on Linux nobody can tell. */
async function waitsForItsTurn(pid: number): Promise<void> {
  if (platform() !== 'linux') return;
  await waitFor('the process to wait', async () => / S /.test(await readFile(`/proc/${pid}/stat`, 'utf8')));
}

const isGone = (pid: number) => waitFor(`${pid} to be gone`, async () => (await identify(pid)) === null);

describe('a local command', () => {
  test('gives exit code, stdout and stderr', async () => {
    const result = await runner.run(request('echo out; echo err >&2; exit 3'));
    expect(result).toEqual({
      exitCode: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      truncated: false,
      timedOut: false,
    });
  });

  test('inherits nothing but PATH, and its standard input is closed (R14, R15)', async () => {
    process.env['FIST_TEST_CANARY'] = 'canary';
    const result = await runner.run(
      request('env; cat; ls /proc/self/fd | tr "\\n" " "', { environment: { FIST_1: "a'b c" } }),
    );
    delete process.env['FIST_TEST_CANARY'];
    const names = result.stdout.split('\n').flatMap((line) => /^([A-Z_0-9]+)=/.exec(line)?.[1] ?? []);
    expect(
      names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_', 'FIST_ATTEMPT_MARKER'].includes(name)).sort(),
    ).toEqual(['FIST_1', 'PATH']);
    expect(result.stdout).toContain("FIST_1=a'b c");
  });

  test('is known by pid and start time before any of it runs', async () => {
    const marker = join(folder, 'marker');
    let seen: ProcessIdentity | undefined;
    const result = await runner.run(
      request(`echo $$ > ${marker}; echo $$`, {
        async onStarted(identity) {
          await waitsForItsTurn(identity.pid);
          expect(await readFile(marker, 'utf8').catch(() => 'absent')).toBe('absent');
          expect(await isAlive(identity)).toBe(true);
          seen = identity;
        },
      }),
    );
    expect(result.stdout.trim()).toBe(String(seen?.pid));
    expect(await isAlive(seen ?? { pid: 0, startTime: '' })).toBe(false);
  });

  test('does nothing where nobody took note of it', async () => {
    const marker = join(folder, 'marker');
    let pid = 0;
    const running = runner.run(
      request(`echo ran > ${marker}`, {
        onStarted(identity) {
          pid = identity.pid;
          return Promise.reject(new Error('taken over'));
        },
      }),
    );
    await expect(running).rejects.toThrow('taken over');
    expect(await isGone(pid)).toBe(true);
    expect(await readFile(marker, 'utf8').catch(() => 'absent')).toBe('absent');
  });

  test('at its time-out the whole group is killed, grandchildren too', async () => {
    const pidFile = join(folder, 'pid');
    const result = await runnerFrom(pidFile).run(
      request(`/bin/sh -c 'sleep 1000 & echo $! > ${pidFile}; wait' & wait`, { timeoutMs }),
    );
    expect(result.timedOut).toBe(true);
    expect(result.exitCode).not.toBe(0);
    expect(await isGone(Number(await lineOf(pidFile)))).toBe(true);
  });

  test('one that ignores SIGTERM gets SIGKILL', async () => {
    const started = performance.now();
    const up = join(folder, 'up');
    const script = `trap '' TERM; echo up; echo up > ${up}; while :; do sleep 0.1; done`;
    const result = await runnerFrom(up).run(request(script, { timeoutMs }));
    expect(result.signal).toBe('SIGKILL');
    expect(result.stdout).toBe('up\n');
    expect(performance.now() - started).toBeGreaterThan(2_000);
  });

  test('an abort kills it', async () => {
    const controller = new AbortController();
    const pidFile = join(folder, 'pid');
    const running = runner.run(request(`echo $$ > ${pidFile}; sleep 1000`, { signal: controller.signal }));
    const pid = Number(await lineOf(pidFile));
    controller.abort();
    expect((await running).signal).toBe('SIGTERM');
    expect(await isGone(pid)).toBe(true);
  });

  test('what it leaves in the background ends with it', async () => {
    const pidFile = join(folder, 'pid');
    const result = await runner.run(request(`sleep 1000 & echo $! > ${pidFile}; echo done`));
    expect(result).toMatchObject({ exitCode: 0, stdout: 'done\n', timedOut: false });
    expect(await isGone(Number(await lineOf(pidFile)))).toBe(true);
  });

  test('runs in an empty folder of its own, which is gone afterwards', async () => {
    const first = await runner.run(request('pwd -P; ls -A; echo a > b; ls -ld .'));
    const [path = '', ...rest] = first.stdout.trimEnd().split('\n');
    expect(path).not.toBe(process.cwd());
    expect(rest).toEqual([expect.stringMatching(/^drwx------/)]);
    await expect(access(path)).rejects.toThrow('ENOENT');
    expect((await runner.run(request('pwd -P'))).stdout.trim()).not.toBe(path);
  });

  /** Each leaves the process group; all but the last keep the attempt's environment. */
  const escapes = [
    ['setsid', 'setsid sh -c "echo \\$\\$ > PID; exec sleep 1000" & while [ ! -s PID ]; do sleep 0.01; done'],
    [
      'nohup and setsid',
      'nohup setsid sh -c "echo \\$\\$ > PID; exec sleep 1000" >/dev/null & while [ ! -s PID ]; do sleep 0.01; done',
    ],
    [
      'a double fork',
      '( setsid sh -c "(sh -c \'echo \\$\\$ > PID; exec sleep 1000\' &)" ) & while [ ! -s PID ]; do sleep 0.01; done',
    ],
    [
      'another folder',
      'setsid sh -c "cd /; echo \\$\\$ > PID; exec sleep 1000" & while [ ! -s PID ]; do sleep 0.01; done',
    ],
    [
      'a cleared environment',
      'env -i setsid sh -c "echo \\$\\$ > PID; exec sleep 1000" & while [ ! -s PID ]; do sleep 0.01; done',
    ],
  ] as const;

  describe.runIf(platform() === 'linux')('what leaves its process group', () => {
    test.each(escapes)('by %s is killed at its end', async (name, script) => {
      const pidFile = join(folder, 'pid');
      const result = await runner.run(request(`${script.replaceAll('PID', pidFile)}; echo done`));
      expect(result).toMatchObject({ exitCode: 0, stdout: 'done\n', stderr: '' });
      expect(await isGone(Number(await lineOf(pidFile)))).toBe(true);
    });

    test.each(escapes)('by %s is killed at a time-out and at a cancel', async (name, script) => {
      const pidFile = join(folder, 'pid');
      const escape = script.replaceAll('PID', pidFile);
      const late = await runnerFrom(pidFile).run(request(`${escape}; sleep 1000`, { timeoutMs }));
      expect(late.timedOut).toBe(true);
      const first = Number(await lineOf(pidFile));
      expect(await isGone(first)).toBe(true);
      await rm(pidFile);
      const controller = new AbortController();
      const running = runner.run(request(`${escape}; sleep 1000`, { signal: controller.signal }));
      const second = Number(await lineOf(pidFile));
      controller.abort();
      await running;
      expect(await isGone(second)).toBe(true);
    });
  });

  test('what cannot be found and holds its output open is not waited for', async () => {
    const pidFile = join(folder, 'pid');
    const script = `env -i setsid sh -c "cd /; echo \\$\\$ > ${pidFile}; exec sleep 1000" & while [ ! -s ${pidFile} ]; do sleep 0.01; done; echo done`;
    const result = await runner.run(request(script));
    expect(result).toMatchObject({ exitCode: 0, stdout: 'done\n' });
    process.kill(Number(await lineOf(pidFile)), 'SIGKILL');
  });

  test('output is capped in the middle, at whole characters', async () => {
    const result = await runner.run(
      request('echo start; yes äöü | head -c 500000; echo; echo end', { outputLimitBytes: 101 }),
    );
    expect(result.truncated).toBe(true);
    expect(result.stdout.startsWith('start\n')).toBe(true);
    expect(result.stdout.endsWith('end\n')).toBe(true);
    expect(result.stdout).toMatch(/\[\.\.\. 4999\d\d bytes left out/);
    expect(result.stdout).not.toContain('\uFFFD');
  });

  test('a cut never goes through a word, which may be a secret', async () => {
    const script = 'for i in $(seq 9); do echo secret-$i; done';
    const { stdout } = await runner.run(request(script, { outputLimitBytes: 32 }));
    expect(stdout).toBe('secret-1\n\n[... 62 bytes left out ...]\n\nsecret-9\n');
  });

  test('nor through a text of JSON without blanks', async () => {
    const script = `for i in $(seq 9); do printf '"secret-%s",' $i; done`;
    const { stdout } = await runner.run(request(script, { outputLimitBytes: 32 }));
    expect(stdout).toBe('"secret-1","\n[... 74 bytes left out ...]\n","secret-9",');
  });

  test('output of just the limit is whole', async () => {
    const result = await runner.run(request('head -c 1000 /dev/zero | tr "\\0" x'));
    expect(result).toMatchObject({ truncated: false, stdout: 'x'.repeat(1000) });
  });

  test('one that cannot be started says why', async () => {
    const huge = runner.run(request('true', { environment: { BIG: 'x'.repeat(4_000_000) } }));
    await expect(huge).rejects.toMatchObject({ code: 'CommandFailed', retryable: false });
  });

  test('one that cannot be started for want of descriptors is to be tried again', async () => {
    const script = `
      import { createLocalRunner } from ${JSON.stringify(join(import.meta.dirname, 'local.ts'))};
      import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../lib/clock.ts'))};
      import { openSync } from 'node:fs';
      const clock = systemClock();
const runner = createLocalRunner({ clock, path: '/usr/bin:/bin' });
      const held = [];
      try { for (;;) held.push(openSync('/dev/null')); } catch {}
      const request = { script: 'true', environment: {}, image: '', timeoutMs: 5000, outputLimitBytes: 10,
        signal: new AbortController().signal, onStarted: () => Promise.resolve() };
      await runner.run(request).then(
        () => { process.exitCode = 9; },
        (error) => { process.exitCode = error.code === 'ResourcesExhausted' && error.retryable ? 0 : 8; },
      );`;
    const file = join(folder, 'exhaust.ts');
    await writeFile(file, script);
    const child = spawn('/bin/sh', ['-c', `ulimit -n 60; exec "$0" "$1"`, process.execPath, file], { stdio: 'ignore' });
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    expect(exitCode).toBe(0);
  });
});

describe('a leftover', () => {
  test('is killed where pid and start time agree, and only then', async () => {
    let identity: ProcessIdentity = { pid: 0, startTime: '' };
    const running = runner.run(
      request('sleep 1000', {
        async onStarted(seen) {
          identity = seen;
        },
      }),
    );
    await waitFor('its start', () => identity.pid !== 0);
    const other = { pid: identity.pid, startTime: '1' };
    expect(await killLeftover(clock, other)).toBe(false);
    expect(await isAlive(identity)).toBe(true);
    expect(await killLeftover(clock, identity)).toBe(true);
    await running;
    expect(await killLeftover(clock, identity)).toBe(false);
  });

  test.runIf(platform() === 'linux')(
    'that left its group is killed by its marker, though the shell is gone',
    async () => {
      const pidFile = join(folder, 'pid');
      const marker = randomUUID();
      const child = spawn('/bin/sh', ['-c', `echo $$ > ${pidFile}; exec sleep 1000`], {
        detached: true,
        stdio: 'ignore',
        env: { FIST_ATTEMPT_MARKER: marker },
      });
      const exited = once(child, 'exit');
      await lineOf(pidFile);
      const ended = { pid: 2 ** 22 + 1, startTime: '1' };
      const left = join(tmpdir(), `fist-step-${marker}`);
      await mkdir(left);
      expect(await killLeftover(clock, ended)).toBe(false);
      expect(await killLeftover(clock, { ...ended, marker: randomUUID() })).toBe(false);
      expect(await killLeftover(clock, { ...ended, marker })).toBe(true);
      expect(await exited).toEqual([null, 'SIGKILL']);
      await expect(access(left)).rejects.toThrow('ENOENT');
    },
  );
});
