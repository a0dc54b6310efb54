import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import type { CommandRequest, CommandResult, CommandRunner } from '../core/command.ts';
import type { Clock } from '../core/ports.ts';
import { exhaustion } from '../lib/exhaustion.ts';
import { cappedOutput } from './capped-output.ts';
import { killMarked, markerVariable } from './marked-processes.ts';
import { endGroup, folderOf, killGraceMs, killGroup, removeFolder, startError } from './process-group.ts';
import { identify } from './process-identity.ts';

export interface LocalRunnerOptions {
  readonly clock: Clock;
  /** `PATH` of the commands: the only thing that they inherit. */
  readonly path: string;
}

/**
 * Waits for a line on descriptor 3, then becomes the script's shell: nothing of the script runs before the journal knows
 * its process, and nothing at all where this server dies first (the pipe then ends without a line).
 */
const gate = 'read -r _ <&3 || exit 125; exec 3<&-; exec /bin/sh -c "$1"';

/** Runs commands as local process groups: `/bin/sh -c`, clean environment, standard input closed, an empty folder. */
export function createLocalRunner(options: LocalRunnerOptions): CommandRunner {
  return { run: (request) => runInFolder(options, request) };
}

/** One attempt: what it is known by, and where it runs. */
interface Attempt {
  readonly marker: string;
  readonly folder: string;
}

async function runInFolder(options: LocalRunnerOptions, request: CommandRequest): Promise<CommandResult> {
  request.signal.throwIfAborted();
  const marker = randomUUID();
  const attempt: Attempt = { marker, folder: folderOf(marker) };
  await mkdir(attempt.folder, { mode: 0o700 }).catch(cannotStart);
  try {
    return await runCommand(options, request, attempt);
  } finally {
    await removeFolder(attempt.folder);
  }
}

async function runCommand(
  { clock, path }: LocalRunnerOptions,
  request: CommandRequest,
  attempt: Attempt,
): Promise<CommandResult> {
  const { signal } = request;
  const child = await start(request, path, attempt).catch(cannotStart);
  const pid = child.pid ?? 0;
  const closed = once(child, 'close');
  closed.catch(() => undefined);
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  exited.catch(() => undefined);
  const stdout = cappedOutput(child.stdout as Readable, request.outputLimitBytes);
  const stderr = cappedOutput(child.stderr as Readable, request.outputLimitBytes);
  const ended = new AbortController();
  let timedOut = false;
  const kill = (): void => void endGroup(clock, pid, async () => child.exitCode === null && child.signalCode === null);
  signal.addEventListener('abort', kill, { once: true });
  try {
    if (signal.aborted) kill();
    else await openGate(child, pid, request, attempt.marker);
    clock.sleep(request.timeoutMs, ended.signal).then(
      () => {
        timedOut = true;
        kill();
      },
      () => undefined,
    );
    const [exitCode, killSignal] = await exited;
    ended.abort();
    await endAll(clock, pid, attempt.marker);
    await allRead(clock, child, closed);
    const truncated = stdout.truncated() || stderr.truncated();
    return { exitCode, signal: killSignal, stdout: stdout.text(), stderr: stderr.text(), truncated, timedOut };
  } finally {
    ended.abort();
    signal.removeEventListener('abort', kill);
  }
}

/** What the script left behind would keep the pipes open and run on unseen. */
async function endAll(clock: Clock, pid: number, marker: string): Promise<void> {
  killGroup(pid, 'SIGKILL');
  await killMarked(clock, marker);
}

/** The end of the output; a process that could not be found may hold the pipes open, and is not waited for. */
async function allRead(clock: Clock, child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  const late = clock.sleep(killGraceMs, done.signal).catch(() => undefined);
  await Promise.race([closed, late]);
  done.abort();
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/** A process group of its own, waiting at the gate. */
async function start({ script, environment }: CommandRequest, path: string, attempt: Attempt): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', gate, 'sh', script], {
    cwd: attempt.folder,
    detached: true,
    env: { PATH: path, ...environment, [markerVariable]: attempt.marker },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  child.on('error', () => undefined);
  if (child.pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw error;
  }
  return child;
}

const what = 'the command';

function cannotStart(cause: unknown): never {
  throw startError(what, cause);
}

/** Tells who the process is, then lets the script go. Kills it where nobody took note. */
async function openGate(child: ChildProcess, pid: number, request: CommandRequest, marker: string): Promise<void> {
  const door = child.stdio[3] as Writable;
  door.on('error', () => undefined);
  try {
    const identity = await identify(pid);
    if (identity !== null) await request.onStarted({ ...identity, marker });
  } catch (thrown) {
    killGroup(pid, 'SIGKILL');
    throw exhaustion(thrown, `${what} could not be started now`) ?? thrown;
  }
  if (!request.signal.aborted) door.end('\n');
}
