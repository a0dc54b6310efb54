import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { waitFor } from './wait.ts';

/** The repository's folder, with a slash at its end. */
export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that a test started. */
export interface RunningProcess {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Nobody reads its output any more; its next write to it fails. */
  closeOutput(...names: ('stdout' | 'stderr')[]): void;
  /** How it ended, or null while it runs. */
  exitStatus(): ExitStatus | null;
  /** Resolves when it has ended and its output is complete. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL after `graceMs`. Resolves when it has ended. */
  stop(graceMs?: number): Promise<ExitStatus>;
  /** SIGKILL to this very process. Resolves when it has ended. */
  kill(): Promise<ExitStatus>;
}

export interface StartOptions {
  readonly cwd?: string;
  /** The whole environment; nothing is inherited. Default: {@link cleanEnvironment}. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: none. null: stdin stays open as long as this process lives, however it ends. */
  readonly input?: string | null;
  /** Whom it runs as; only root may choose. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** Only what programs need to start: nothing of the person or the machine that runs the tests. */
export function cleanEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8', TZ: 'UTC', ...more };
}

const live = new Set<number>();
process.on('exit', () => {
  for (const pid of live) signalProcess(pid, 'SIGKILL');
});

/** Starts a program; its output is kept. What is still alive when the test process ends is killed. */
export function startProcess(command: string, args: readonly string[], options: StartOptions = {}): RunningProcess {
  const child = spawn(command, args, {
    cwd: options.cwd ?? repositoryRoot,
    env: options.environment ?? cleanEnvironment(),
    stdio: ['pipe', 'pipe', 'pipe'],
    ...options.user,
  });
  const output = { stdout: '', stderr: '' };
  let status: ExitStatus | null = null;
  const { pid } = child;
  if (pid !== undefined) live.add(pid);
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  child.stdin.on('error', () => undefined);
  if (options.input !== null) child.stdin.end(options.input ?? '');
  const exited = new Promise<ExitStatus>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      if (pid !== undefined) live.delete(pid);
      child.stdin.destroy();
      status = { code, signal };
      // What a grandchild still holds open is not waited for.
      const late = setTimeout(() => resolve({ code, signal }), 2000);
      child.once('close', () => {
        clearTimeout(late);
        resolve({ code, signal });
      });
    };
    child.once('exit', end);
    child.once('error', (error) => {
      output.stderr += `${error.message}\n`;
      status = { code: 127, signal: null };
      resolve(status);
    });
  });
  const signal = (name: NodeJS.Signals) => {
    if (status === null && pid !== undefined) signalProcess(pid, name);
  };
  return {
    pid: pid ?? -1,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    closeOutput(...names) {
      for (const name of names) child[name].destroy();
    },
    exitStatus: () => status,
    exited,
    signal,
    async stop(graceMs = 60_000) {
      signal('SIGTERM');
      const timer = setTimeout(() => {
        output.stderr += `\n[the test: it has not ended ${graceMs} ms after SIGTERM]\n${pid === undefined ? '' : describeThreads(pid)}`;
        signal('SIGKILL');
      }, graceMs);
      const ended = await exited;
      clearTimeout(timer);
      return ended;
    },
    kill() {
      signal('SIGKILL');
      return exited;
    },
  };
}

/** Runs a program to its end; it is killed after `timeoutMs`. */
export async function runProcess(
  command: string,
  args: readonly string[],
  options: StartOptions & { readonly timeoutMs?: number } = {},
): Promise<ExitStatus & { stdout: string; stderr: string }> {
  const child = startProcess(command, args, options);
  const timer = setTimeout(() => child.signal('SIGKILL'), options.timeoutMs ?? 180_000);
  const status = await child.exited;
  clearTimeout(timer);
  return { ...status, stdout: child.stdout(), stderr: child.stderr() };
}

/** Whether a process with this id exists (and is no zombie that only waits to be reaped). */
export function isAlive(pid: number): boolean {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && !stdout.trim().startsWith('Z');
}

/**
 * A port that the system chose, for programs that cannot say which one they got. It is left by a connection that this side closed first
 * (TIME_WAIT, RFC 9293): for a minute the system gives it to nobody who asks for any, and who names it may listen on it.
 */
export async function freePort(): Promise<number> {
  const server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [accepted] = (await once(server, 'connection')) as [Socket];
  accepted.end();
  await once(client.resume(), 'end');
  client.end();
  await Promise.all([once(accepted.resume(), 'close'), once(server.close(), 'close')]);
  return port;
}

/** Waits until a GET of `url` is answered 2xx. Rejects with the program's output when it ends first. */
export async function waitForHttp(program: RunningProcess, url: string, timeoutMs = 30_000): Promise<void> {
  const explain = () => `stdout: ${program.stdout()}\nstderr: ${program.stderr()}`;
  await waitFor(
    url,
    () => {
      if (program.exitStatus() !== null) throw new Error(`the program ended before ${url} answered\n${explain()}`);
      return fetch(url, { signal: AbortSignal.timeout(5000) }).then(
        (response) => response.ok,
        () => false,
      );
    },
    { timeoutMs, everyMs: 50, explain },
  );
}

/** What each thread of a process waits for, a line each: why it does not end. Empty where the system does not say. */
function describeThreads(pid: number): string {
  const { stdout } = spawnSync('ps', ['-L', '-o', 'stat=,time=,wchan:30=,comm=', '-p', String(pid)], {
    encoding: 'utf8',
  });
  return stdout;
}

function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
