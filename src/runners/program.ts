import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rmdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { AppError } from '../core/errors.ts';
import type { ProgramRequest, ProgramRunner, RunningProgram } from '../core/command.ts';
import type { Clock } from '../core/ports.ts';
import { exhaustion } from '../lib/exhaustion.ts';
import { oneLine } from '../lib/printable.ts';
import { cappedOutput } from './capped-output.ts';
import { killMarked, markerVariable } from './marked-processes.ts';
import { endGroup, folderOf, killGroup, removeFolder, startError, whileAlive } from './process-group.ts';
import { identify } from './process-identity.ts';

export interface ProgramRunnerOptions {
  readonly clock: Clock;
  /** `PATH` of the programs: the only thing that they inherit. */
  readonly path: string;
  /** Absolute paths of the files that may be run; `all` = any. */
  readonly allowed: 'all' | readonly string[];
}

/** Of the error output, for messages. */
const errorBytes = 2048;

/** Runs programs as process groups of their own: no shell, a clean environment, an empty folder. */
export function createProgramRunner(options: ProgramRunnerOptions): ProgramRunner {
  return {
    async start(request) {
      checkAllowed(request.file, options.allowed);
      // Begins with that of the attempt, so that what is left is found by either.
      const marker = `${request.marker}.${randomUUID()}`;
      const place: Place = { marker, parent: folderOf(request.marker), folder: join(folderOf(request.marker), marker) };
      try {
        await mkdir(place.folder, { mode: 0o700, recursive: true });
        return await start(options, request, place);
      } catch (thrown) {
        await removePlace(place);
        throw thrown instanceof AppError ? thrown : startError(request.file, thrown);
      }
    },
  };
}

function checkAllowed(file: string, allowed: ProgramRunnerOptions['allowed']): void {
  if (!isAbsolute(file)) throw new AppError('InvalidInput', `${file} is no absolute path of a program`);
  if (allowed === 'all' || allowed.includes(file)) return;
  throw new AppError('ExecNotAllowed', `this server may not run ${file}`, {
    next: `start it with: fist serve --allow-mcp-command ${file}`,
  });
}

/** What one program is known by, and where it runs. */
interface Place {
  readonly marker: string;
  readonly folder: string;
  /** Of the attempt; goes with its last program. */
  readonly parent: string;
}

async function removePlace({ folder, parent }: Place): Promise<void> {
  await removeFolder(folder);
  await rmdir(parent).catch(() => undefined);
}

async function start(
  { clock, path }: ProgramRunnerOptions,
  request: ProgramRequest,
  place: Place,
): Promise<RunningProgram> {
  const { file } = request;
  const child = await spawned(request, path, place);
  const pid = child.pid ?? 0;
  const stdin = child.stdin as Writable;
  const stderr = cappedOutput(child.stderr as Readable, errorBytes);
  child.stdout?.on('data', (bytes: Buffer) => request.onOutput(bytes));
  // A pipe that breaks says the same as the end of the process.
  for (const stream of [stdin, child.stdout]) stream?.on('error', () => undefined);
  // What it started goes with it, and no longer holds the pipes.
  child.once('exit', () => killGroup(pid, 'SIGKILL'));
  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(howItEnded(code, signal, stderr.text())));
  });
  const alive = async (): Promise<boolean> => child.exitCode === null && child.signalCode === null;
  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    stdin.end();
    await whileAlive(clock, alive);
    if (await alive()) await endGroup(clock, pid, alive);
    await killMarked(clock, place.marker);
    child.stdout?.destroy();
    child.stderr?.destroy();
    await removePlace(place);
  };
  const program: RunningProgram = {
    ended,
    async write(text) {
      if (!stdin.writable || stdin.write(text)) return;
      await Promise.race([once(stdin, 'drain').catch(() => undefined), ended]);
    },
    end: () => (ending ??= end()),
  };
  try {
    const identity = await identify(pid);
    if (identity !== null) await request.onStarted({ ...identity, marker: request.marker });
  } catch (thrown) {
    await program.end();
    throw exhaustion(thrown, `${file} could not be started now`) ?? thrown;
  }
  return program;
}

async function spawned(request: ProgramRequest, path: string, { folder, marker }: Place): Promise<ChildProcess> {
  const child = spawn(request.file, request.arguments, {
    cwd: folder,
    detached: true,
    shell: false,
    env: { PATH: path, ...request.environment, [markerVariable]: marker },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.on('error', () => undefined);
  if (child.pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw error;
  }
  return child;
}

function howItEnded(code: number | null, signal: string | null, errorOutput: string): string {
  const said = oneLine(errorOutput.trimEnd().split('\n').at(-1) ?? '', 300);
  const how = signal === null ? `it ended with exit code ${String(code)}` : `it was ended by ${signal}`;
  return said === '' ? how : `${how}: ${said}`;
}
