import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { AppError } from '../core/errors.ts';
import type { Clock, CommandRequest, CommandResult, CommandRunner } from '../core/ports.ts';
import { cappedOutput } from './capped-output.ts';
import { identify, isAlive } from './process-identity.ts';

export interface LocalRunnerOptions {
  readonly clock: Clock;
  /** `PATH` of the commands: the only thing that they inherit. */
  readonly path: string;
}

/** From SIGTERM to SIGKILL. */
const killGraceMs = 2_000;

/**
 * Waits for a line on descriptor 3, then becomes the script's shell: nothing of the script runs before the journal knows
 * its process, and nothing at all where this server dies first (the pipe then ends without a line).
 */
const gate = 'read -r _ <&3 || exit 125; exec 3<&-; exec /bin/sh -c "$1"';

/** Runs commands as local process groups: `/bin/sh -c`, clean environment, standard input closed. */
export function createLocalRunner(options: LocalRunnerOptions): CommandRunner {
  return {
    run: (request) => runCommand(options, request),
    async killLeftover(process) {
      if (!(await isAlive(process))) return false;
      await endGroup(options.clock, process.pid, () => isAlive(process));
      return true;
    },
  };
}

async function runCommand({ clock, path }: LocalRunnerOptions, request: CommandRequest): Promise<CommandResult> {
  const { signal } = request;
  signal.throwIfAborted();
  const child = await start(request, path);
  const pid = child.pid ?? 0;
  const exited = once(child, 'close');
  exited.catch(() => undefined);
  const stdout = cappedOutput(child.stdout as Readable, request.outputLimitBytes);
  const stderr = cappedOutput(child.stderr as Readable, request.outputLimitBytes);
  // What the script left behind in its group would keep the pipes open and run on unseen.
  child.once('exit', () => killGroup(pid, 'SIGKILL'));
  const ended = new AbortController();
  let timedOut = false;
  const kill = (): void => void endGroup(clock, pid, async () => child.exitCode === null && child.signalCode === null);
  signal.addEventListener('abort', kill, { once: true });
  try {
    if (signal.aborted) kill();
    else await openGate(child, pid, request);
    clock.sleep(request.timeoutMs, ended.signal).then(
      () => {
        timedOut = true;
        kill();
      },
      () => undefined,
    );
    const [exitCode, killSignal] = (await exited) as [number | null, string | null];
    const truncated = stdout.truncated() || stderr.truncated();
    return { exitCode, signal: killSignal, stdout: stdout.text(), stderr: stderr.text(), truncated, timedOut };
  } finally {
    ended.abort();
    signal.removeEventListener('abort', kill);
  }
}

/** A process group of its own, waiting at the gate. */
async function start({ script, environment }: CommandRequest, path: string): Promise<ChildProcess> {
  try {
    const child = spawn('/bin/sh', ['-c', gate, 'sh', script], {
      detached: true,
      env: { PATH: path, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    child.on('error', () => undefined);
    if (child.pid === undefined) {
      const [error] = (await once(child, 'error')) as [Error];
      throw error;
    }
    return child;
  } catch (cause) {
    const message = `the command could not be started: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new AppError('CommandFailed', message, { cause, retryable: false });
  }
}

/** Tells who the process is, then lets the script go. Kills it where nobody took note. */
async function openGate(child: ChildProcess, pid: number, request: CommandRequest): Promise<void> {
  const door = child.stdio[3] as Writable;
  door.on('error', () => undefined);
  try {
    const identity = await identify(pid);
    if (identity !== null) await request.onStarted(identity);
  } catch (thrown) {
    killGroup(pid, 'SIGKILL');
    throw thrown;
  }
  if (!request.signal.aborted) door.end('\n');
}

/** SIGTERM to the whole group, SIGKILL after the grace. */
async function endGroup(clock: Clock, pid: number, alive: () => Promise<boolean>): Promise<void> {
  killGroup(pid, 'SIGTERM');
  const stepMs = 50;
  for (let waitedMs = 0; waitedMs < killGraceMs && (await alive()); waitedMs += stepMs) await clock.sleep(stepMs);
  if (await alive()) killGroup(pid, 'SIGKILL');
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 1) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}
