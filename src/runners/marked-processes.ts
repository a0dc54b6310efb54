import { readFile, readdir, readlink } from 'node:fs/promises';
import { platform } from 'node:os';
import type { Clock } from '../core/ports.ts';
import { isExhaustion } from '../lib/exhaustion.ts';

/** In the environment of every process of an attempt, unless one cleared it. Reserved like all names `FIST_...`. */
export const markerVariable = 'FIST_ATTEMPT_MARKER';

/** Of looking and killing: what is forked during one round is found in the next. */
const maximumRounds = 100;
const pauseMs = 20;
/** Looked at side by side; each takes a descriptor. */
const batchSize = 8;

/**
 * Kills every process of an attempt, also one that left its process group (setsid, double fork, nohup), and gives their
 * number. A process is known by the attempt's marker in the environment that it began with, or by its working folder,
 * whose name holds the marker; one that cleared its environment and left the folder is not found. On Linux only: elsewhere
 * nothing is found.
 */
export async function killMarked(clock: Clock, marker: string): Promise<number> {
  const killed = new Set<number>();
  if (platform() !== 'linux') return 0;
  for (let round = 0; round < maximumRounds; round += 1) {
    const found = await findMarked(marker);
    if (found?.length === 0) break;
    for (const pid of found ?? []) if (kill(pid)) killed.add(pid);
    await clock.sleep(pauseMs);
  }
  return killed.size;
}

/** Process ids; undefined where there were no descriptors to look with. */
async function findMarked(marker: string): Promise<readonly number[] | undefined> {
  const found: number[] = [];
  try {
    const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
    for (let start = 0; start < pids.length; start += batchSize) {
      const batch = pids.slice(start, start + batchSize);
      const marked = await Promise.all(batch.map((pid) => isMarked(pid, marker)));
      found.push(...batch.filter((pid, index) => marked[index] === true && pid !== process.pid));
    }
    return found;
  } catch (thrown) {
    if (isExhaustion(thrown)) return undefined;
    throw thrown;
  }
}

/** What has ended, or is another user's, cannot be read. */
async function isMarked(pid: number, marker: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`).catch(unlessExhausted);
  if (environment?.includes(`${markerVariable}=${marker}`) === true) return true;
  const folder = await readlink(`/proc/${pid}/cwd`).catch(unlessExhausted);
  return folder?.includes(marker) === true;
}

function unlessExhausted(thrown: unknown): undefined {
  if (isExhaustion(thrown)) throw thrown;
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
