import type { AgentResult, Cause, EarlierVerdict } from '../core/finding.ts';
import type { JudgedIncident } from '../core/readers.ts';
import { timeText } from '../core/time.ts';
import { oneLine } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { withReport } from './result.ts';

/** Of so many a report tells. */
const mostTold = 5;

/** What people said of the causes of such alerts, as far as it is about this report. Pure. */
export function verdictsFor(
  { cause }: Pick<AgentResult, 'cause'>,
  judged: readonly JudgedIncident[],
): readonly EarlierVerdict[] {
  return judged
    .map(({ runId, likeness, cause: stated, verdict }) => ({
      run: runId,
      at: verdict.at,
      likeness,
      verdict: verdict.verdict,
      stated: stated === null ? null : { category: stated.category, object: stated.object },
      is_same_cause: isSame(cause, stated, likeness),
      cause: verdict.cause,
      note: verdict.note,
      by: verdict.by,
    }))
    .filter((one) => one.is_same_cause || one.likeness === 'the same alert')
    .sort((one, other) => Number(other.is_same_cause) - Number(one.is_same_cause))
    .slice(0, mostTold);
}

/** A model's causes have one category, and pods of the same alert may have other names by now. */
function isSame(cause: Cause | null, stated: JudgedIncident['cause'], likeness: JudgedIncident['likeness']): boolean {
  if (cause === null || stated === null || cause.category !== stated.category) return false;
  return cause.object === stated.object || (likeness === 'the same alert' && cause.category !== 'model');
}

/**
 * The report with what people said before. A cause that was refuted says so wherever it is told; its confidence stays, because what
 * was said of another incident is no evidence of this one. Pure.
 */
export function withEarlierVerdicts(result: AgentResult, verdicts: readonly EarlierVerdict[]): AgentResult {
  if (verdicts.length === 0) return result;
  const newest = verdicts
    .filter(({ is_same_cause: isSameCause }) => isSameCause)
    .toSorted((one, other) => (one.at < other.at ? 1 : -1))[0];
  const told = { ...result, earlier_verdicts: verdicts };
  if (newest?.verdict !== 'refuted' || result.cause === null) return withReport(told);
  const words = refutedText(newest);
  const add = (text: string): string => `${text} ${words}`;
  return withReport({
    ...told,
    cause: { ...result.cause, sentence: add(result.cause.sentence) },
    root_cause: result.root_cause === null ? null : add(result.root_cause),
    summary: add(result.summary),
    confidence_reasons: [...result.confidence_reasons, 'a person refuted this cause before, which is no evidence (+0)'],
  });
}

function refutedText({ run, at, likeness, cause }: EarlierVerdict): string {
  const was = cause === null ? '' : `; it was then: ${oneLine(cause, 200)}`;
  const about = likeness === 'the same alert' ? 'the same alert' : 'an alert of the same rule';
  return `A person refuted this cause for ${about} before (run/${shortId(run)}, ${timeText(at)}${was}).`;
}
