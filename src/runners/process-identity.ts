import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { promisify } from 'node:util';
import type { ProcessIdentity } from '../core/run.ts';
import { isExhaustion } from '../lib/exhaustion.ts';

/** Who a process is; null where it has ended. Rejects where there are no descriptors to look with. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const startTime = platform() === 'linux' ? await startTimeOfProc(pid) : await startTimeOfPs(pid);
  return startTime === null ? null : { pid, startTime };
}

/** Whether this very process is alive, and not a later one with its id. */
export async function isAlive(process: ProcessIdentity): Promise<boolean> {
  return (await identify(process.pid))?.startTime === process.startTime;
}

/**
 * Fields 3 (state) and 22 (start time in clock ticks since boot) of `/proc/<pid>/stat`, proc_pid_stat(5). The name in
 * field 2 may hold blanks and parentheses, so counting begins after the last one.
 */
async function startTimeOfProc(pid: number): Promise<string | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    if (state === 'Z' || state === 'X') return null;
    return fields[19] ?? null;
  } catch (thrown) {
    if (isExhaustion(thrown)) throw thrown;
    return null;
  }
}

async function startTimeOfPs(pid: number): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return stdout.trim() === '' ? null : stdout.trim();
  } catch (thrown) {
    if (isExhaustion(thrown)) throw thrown;
    return null;
  }
}
