import type { Gap } from './finding.ts';
import type { StepRecord } from './run.ts';
import { lastReport } from './stored-report.ts';
import type { Timestamp } from './time.ts';

/** What investigations lacked in one place for one reason, over several runs. */
export interface GapSummary extends Pick<Gap, 'kind' | 'remedy' | 'resource' | 'namespace'> {
  /** The newest of them, for people. */
  readonly what: string;
  readonly reason: string;
  /** Runs that lacked it. */
  readonly runs: number;
  /** Investigations that were looked at. */
  readonly of: number;
  readonly lastRun: string;
  readonly lastSeen: Timestamp;
}

/** Runs whose reports are looked at, at most. */
export const mostGapRuns = 200;

/** What one run says. */
export interface RunSteps {
  readonly id: string;
  readonly createdAt: Timestamp;
  readonly steps: readonly StepRecord[];
}

/** Adds up what reports lacked. Runs are added newest first; one without a report, or with one that has no gaps, counts nothing. */
export function createGapCount(): { add(run: RunSteps): void; list(limit: number): readonly GapSummary[] } {
  const found = new Map<string, Omit<GapSummary, 'of'>>();
  let of = 0;
  return {
    add({ id, createdAt, steps }) {
      const gaps: unknown = lastReport(steps)?.['gaps'];
      if (!Array.isArray(gaps)) return;
      of += 1;
      const counted = new Set<string>();
      for (const gap of gaps.filter((one: unknown) => isGap(one))) {
        const { kind, remedy, resource, namespace, what, reason } = gap;
        const key = JSON.stringify([kind, resource, namespace, remedy]);
        if (counted.has(key)) continue;
        counted.add(key);
        const known = found.get(key);
        const first = { kind, resource, namespace, what, reason, remedy, runs: 0, lastRun: id, lastSeen: createdAt };
        found.set(key, { ...(known ?? first), runs: (known?.runs ?? 0) + 1 });
      }
    },
    // The most frequent first; of those the newest.
    list: (limit) =>
      [...found.values()]
        .sort((one, other) => other.runs - one.runs || (one.lastSeen < other.lastSeen ? 1 : -1))
        .slice(0, limit)
        .map((one) => ({ ...one, of })),
  };
}

const kinds: readonly unknown[] = ['not_captured', 'forbidden', 'unavailable'] satisfies readonly Gap['kind'][];

/** A report is stored as JSON, perhaps of another version. */
function isGap(value: unknown): value is Gap {
  const gap = (value ?? {}) as Partial<Record<keyof Gap, unknown>>;
  const isText = (one: unknown): boolean => typeof one === 'string';
  const mayBeNull = (one: unknown): boolean => one === null || isText(one);
  return (
    kinds.includes(gap.kind) &&
    [gap.what, gap.reason, gap.remedy].every(isText) &&
    [gap.resource, gap.namespace].every(mayBeNull)
  );
}
