import { minuteText, toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import type { Reads } from './reads.ts';

/** What came later than this after the capture may have a cause that the capture does not show. */
const toleranceMs = 3_600_000;

/** Whether what is read was captured more than an hour before `startsAt`; never where it is live or nobody knows when. */
export function isOutdated(
  { isRecorded, now }: Pick<Reads, 'isRecorded' | 'now'>,
  startsAt: Timestamp | null,
): boolean {
  return isRecorded && startsAt !== null && toEpochMs(startsAt) - toEpochMs(now) > toleranceMs;
}

/** That the cluster is a captured one, and of when, in a sentence; null where it is live. */
export function recordedText(reads: Pick<Reads, 'isRecorded' | 'now'>, startsAt: Timestamp | null): string | null {
  if (!reads.isRecorded) return null;
  const lead = `Recorded cluster, as of ${minuteText(reads.now)}`;
  return isOutdated(reads, startsAt)
    ? `${lead}: older than this alert, so what it shows may not be its cause.`
    : `${lead}.`;
}
