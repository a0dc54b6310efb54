import type { AgentResult } from '../../core/finding.ts';

/** `expected.json` of a case: what a careful engineer concludes from its dump, as patterns and in words. */
export interface ExpectedCause {
  /** The object at fault, a note for people; null where there is none. */
  readonly object: string | null;
  /** Regular expressions that all match the root cause, whatever the case of letters. */
  readonly cause: readonly string[];
  /** Regular expressions that neither the root cause nor the summary may match. */
  readonly forbidden: readonly string[];
  /** The input does not name the cause: the root cause has to be null. */
  readonly inconclusive: boolean;
  /** No root cause is as honest as the right one. */
  readonly or_inconclusive: boolean;
  readonly first_advice: { readonly must: readonly string[]; readonly must_not: readonly string[] } | null;
  /** Above this even a right answer is too sure; null: no bound. */
  readonly max_confidence: number | null;
  /** Below this a right answer is not sure enough; null: no bound. */
  readonly min_confidence: number | null;
  readonly kind: string;
  readonly truth: string;
}

/**
 * `right`: the cause, or silence where that is right. `missed`: silence although the input names the cause. `wrong`: all else.
 */
export type Verdict = 'right' | 'missed' | 'wrong';

export interface Judgement {
  readonly verdict: Verdict;
  /** 100 right; 65 the cause is among the findings, one hop away; 35 the right object, another diagnosis; 0 wrong; null = silence. */
  readonly grade: 100 | 65 | 35 | 0 | null;
  /** What is wrong with it, in words; empty where nothing is. */
  readonly problems: readonly string[];
  /** Whether the first recommendation fits. */
  readonly adviceFits: boolean;
}

const hits = (pattern: string, text: string): boolean => new RegExp(pattern, 'i').test(text);

/** Judges a report by code alone. Throws SyntaxError for a pattern that is no regular expression. */
export function judge(result: AgentResult, expected: ExpectedCause): Judgement {
  const root = result.root_cause ?? '';
  const claims = [root, result.summary].filter((text) => text !== '').join('\n');
  const forbidden = expected.forbidden.filter((pattern) => hits(pattern, claims));
  const named = expected.cause.length > 0 && expected.cause.every((pattern) => hits(pattern, root));
  const tooSure = root !== '' && expected.max_confidence !== null && result.confidence > expected.max_confidence;
  const tooUnsure = root !== '' && expected.min_confidence !== null && result.confidence < expected.min_confidence;
  const honest =
    root === ''
      ? expected.inconclusive || expected.or_inconclusive
      : !expected.inconclusive && named && !tooSure && !tooUnsure;
  const right = honest && forbidden.length === 0;
  const missed = root === '' && forbidden.length === 0;
  const advice = adviceProblems(result, expected, right);
  return {
    verdict: right ? 'right' : missed ? 'missed' : 'wrong',
    grade: right ? 100 : root === '' ? null : gradeOf(result, expected),
    problems: [
      ...forbidden.map((pattern) => `says what is forbidden: /${pattern}/`),
      ...(tooSure ? [`confidence ${result.confidence} is above ${expected.max_confidence}`] : []),
      ...(tooUnsure ? [`confidence ${result.confidence} is below ${expected.min_confidence}`] : []),
      ...advice,
    ],
    adviceFits: advice.length === 0,
  };
}

function gradeOf(result: AgentResult, expected: ExpectedCause): 65 | 35 | 0 {
  const seen = [
    ...result.findings.map(({ description }) => description),
    ...result.causal_chain.map(({ finding }) => finding),
  ];
  if (expected.cause.length > 0 && seen.some((text) => expected.cause.every((pattern) => hits(pattern, text))))
    return 65;
  const about = result.causal_chain.at(-1)?.object ?? result.findings[0]?.object;
  return expected.object !== null && about === expected.object ? 35 : 0;
}

/** What must be there is asked for only where the cause is right; what must not be there always counts. */
function adviceProblems(
  result: AgentResult,
  { first_advice: wanted }: ExpectedCause,
  right: boolean,
): readonly string[] {
  if (wanted === null) return [];
  const [first] = result.recommendations;
  const action = first?.action ?? '';
  const lacks =
    right && result.root_cause !== null
      ? wanted.must.filter((pattern) => !hits(pattern, `${action}\n${first?.rationale ?? ''}`))
      : [];
  return [
    ...lacks.map((pattern) => `the first advice lacks /${pattern}/: ${action}`),
    ...wanted.must_not
      .filter((pattern) => hits(pattern, action))
      .map((pattern) => `the first advice has /${pattern}/: ${action}`),
  ];
}
