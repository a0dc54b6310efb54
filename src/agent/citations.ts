import type { ModelReport } from './model-report.ts';
import { verifiedCitations } from './check.ts';
import type { Known } from './check.ts';

/** What a model cites in its answer. */
export interface Citations {
  readonly made: number;
  /** Of evidence that is there. */
  readonly existing: number;
  /** With words that stand in it. */
  readonly quoted: number;
}

/** How many of an answer's citations hold. Pure. */
export function countCitations({ cause, findings }: ModelReport, known: Pick<Known, 'evidence' | 'shown'>): Citations {
  const all = [...(cause?.evidence ?? []), ...findings.flatMap(({ evidence }) => evidence)];
  const existing = all.filter(({ id }) => known.evidence.has(id)).length;
  return { made: all.length, existing, quoted: verifiedCitations(all, known).length };
}
