import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';
import type { ProcessIdentity } from '../core/run.ts';
import { exhaustion } from '../lib/exhaustion.ts';
import { killMarked } from './marked-processes.ts';
import { isAlive } from './process-identity.ts';

/** From SIGTERM to SIGKILL, and from the end of a command to the end of its output. */
export const killGraceMs = 2_000;

/** Where an attempt's processes run; its name holds their marker. */
export function folderOf(marker: string): string {
  return join(tmpdir(), `fist-step-${marker}`);
}

/** What cannot be removed now is left to the system's cleaning of temporary files. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 2 }).catch(() => undefined);
}

/** SIGTERM to the whole group, SIGKILL after the grace. */
export async function endGroup(clock: Clock, pid: number, alive: () => Promise<boolean>): Promise<void> {
  killGroup(pid, 'SIGTERM');
  await whileAlive(clock, alive);
  if (await alive()) killGroup(pid, 'SIGKILL');
}

/** Waits for the end of a process, no longer than the grace. */
export async function whileAlive(clock: Clock, alive: () => Promise<boolean>): Promise<void> {
  const stepMs = 50;
  for (let waitedMs = 0; waitedMs < killGraceMs && (await alive()); waitedMs += stepMs) await clock.sleep(stepMs);
}

export function killGroup(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 1) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}

/** Kills what an attempt left behind: its process with its group, and all that has its marker. False where nothing is alive. */
export async function killLeftover(clock: Clock, process: ProcessIdentity): Promise<boolean> {
  const wasAlive = await isAlive(process);
  if (wasAlive) await endGroup(clock, process.pid, () => isAlive(process));
  if (process.marker === undefined) return wasAlive;
  const killed = await killMarked(clock, process.marker);
  await removeFolder(folderOf(process.marker));
  return wasAlive || killed > 0;
}

/** ResourcesExhausted, or CommandFailed, for why a process could not be started; `what` begins the sentence. */
export function startError(what: string, cause: unknown): AppError {
  const message = `${what} could not be started: ${cause instanceof Error ? cause.message : String(cause)}`;
  return (
    exhaustion(cause, `${what} could not be started now`) ??
    new AppError('CommandFailed', message, { cause, retryable: false })
  );
}
