import type { Timestamp } from './time.ts';

/**
 * What a person says of the cause that a report states: `confirmed`, `refuted`; `withdrawn`: nothing any more. Of a report without
 * a cause, `confirmed` tells what it was.
 */
export const verdictWords = ['confirmed', 'refuted', 'withdrawn'] as const;
export type VerdictWord = (typeof verdictWords)[number];

/** A report as it was when a person judged it, in words of this program alone. */
export interface JudgedReport {
  /** What the alert was about, `pod/shop/web-1`; null where nothing says. */
  readonly object: string | null;
  /** null: the report was inconclusive. */
  readonly cause: { readonly category: string; readonly object: string; readonly confidence: number } | null;
  /** When the run ended. */
  readonly at: Timestamp;
}

/** What a person says. Redacted. */
export interface Verdict {
  readonly verdict: VerdictWord;
  /** What it was, in their words; null = they name none. */
  readonly cause: string | null;
  readonly note: string | null;
  /** Who says it; null = nobody knows. */
  readonly by: string | null;
}

/** A `run_verdicts` row. Rows are never changed: who says something else adds one, and the newest holds. */
export interface VerdictRecord extends Verdict {
  readonly runId: string;
  /** From 1 within the run. */
  readonly sequence: number;
  readonly judged: JudgedReport;
  /** Of the Workflow. */
  readonly namespace: string;
  /** null: the run was made for no alert. */
  readonly alertName: string | null;
  readonly fingerprint: string | null;
  /** Of what the alert is about, as its labels say; null where they do not. */
  readonly objectNamespace: string | null;
  readonly at: Timestamp;
}

/** What was said of a run that is kept. */
export const mostVerdicts = 20;

/** Of each run what was said last, unless it was taken back. */
export function standingVerdicts(records: readonly VerdictRecord[]): ReadonlyMap<string, VerdictRecord> {
  const last = new Map<string, VerdictRecord>();
  for (const record of records) {
    const known = last.get(record.runId);
    if (known === undefined || known.sequence < record.sequence) last.set(record.runId, record);
  }
  return new Map([...last].filter(([, { verdict }]) => verdict !== 'withdrawn'));
}
