import { hash } from 'node:crypto';

/** From 0 to 1: full jitter of retries that is the same for the same attempt, so that a retry planned twice is planned for one time. */
export function spread(runId: string, path: string, attempt: number): number {
  return Number.parseInt(hash('sha256', `${runId}/${path}/${attempt}`).slice(0, 8), 16) / 0x1_0000_0000;
}
