import type { AgentResult } from '../../core/finding.ts';
import { openDump } from '../../kube/dump/dump.ts';
import { chooseAlerts, investigateIn } from '../investigate.ts';
import { recordedMetrics } from '../readers.ts';
import { askCase } from './ask.ts';
import type { ModelSource } from '../replay/source.ts';
import type { ModelOutcome } from './ask.ts';
import type { Case } from './cases.ts';
import { judge } from './judge.ts';
import type { Judgement, Verdict } from './judge.ts';

/** What came out of one case. */
export interface Outcome extends Judgement {
  readonly name: string;
  readonly kind: string;
  readonly truth: string;
  readonly root_cause: string | null;
  readonly confidence: number;
  readonly duration_ms: number;
  /** From 1, where a model is asked. */
  readonly run?: number;
  /** What the model did, where one is evaluated; null: it was not asked about this case. */
  readonly model?: ModelOutcome | null;
  /** Of the analyzers by themselves, where a model is evaluated. */
  readonly alone?: Verdict;
}

/** How often answers of a band of confidence are right. */
export interface Band {
  readonly band: string;
  readonly verdicts: number;
  readonly right: number;
}

/** A run over all cases, as `--out` writes it and `--compare` reads it. */
export interface Evaluation {
  readonly cases: number;
  readonly right: number;
  readonly wrong: number;
  /** Wrong with a confidence above 60 %. */
  readonly wrong_and_sure: number;
  readonly missed: number;
  /** First advice that does not fit. */
  readonly unfit: number;
  readonly bands: readonly Band[];
  /** Mean squared distance of the confidence from 1 (right) or 0 (wrong), over verdicts; null where there is none. */
  readonly brier: number | null;
  readonly median_ms: number;
  readonly outcomes: readonly Outcome[];
}

/** How cases are investigated. */
export interface EvaluationWorld {
  /** Milliseconds. */
  readonly now: () => number;
  /** Is told each report. */
  readonly hear?: (name: string, report: AgentResult) => void;
  /** Is told each outcome. */
  readonly progress?: (outcome: Outcome) => void;
  /** Absent: the analyzers alone. */
  readonly model?: ModelSource;
  /** How often each case is investigated. */
  readonly runs?: number;
}

/**
 * Investigates every case, one after the other, and judges it. A case that fails is wrong, and says why. Throws InvalidInput
 * where recorded answers are to be used and one has none.
 */
export async function evaluate(cases: readonly Case[], world: EvaluationWorld): Promise<Evaluation> {
  const { model, runs = 1, progress } = world;
  const numbers = Array.from({ length: runs }, (_, index) => index + 1);
  const all = numbers.flatMap((run) => cases.map((one) => ({ one, run })));
  if (model?.kind === 'replay') for (const { one, run } of all) model.recordings.read(one.name, run);
  const outcomes: Outcome[] = [];
  for (const { one, run } of all) {
    const outcome = await evaluateCase(one, run, world);
    outcomes.push(outcome);
    progress?.(outcome);
  }
  return summarize(outcomes);
}

async function evaluateCase(
  { name, alert, dump, expected }: Case,
  run: number,
  { now, hear, model }: EvaluationWorld,
): Promise<Outcome> {
  const startedMs = now();
  const about = { name, kind: expected.kind, truth: expected.truth, ...(model === undefined ? {} : { run }) };
  try {
    const { result, ...asked } = await answerTo({ name, alert, dump, expected }, run, model);
    hear?.(name, result);
    const duration_ms = Math.round(now() - startedMs);
    const { root_cause, confidence } = result;
    return {
      ...about,
      root_cause,
      confidence,
      duration_ms,
      ...withCitations(result, judge(result, expected)),
      ...asked,
    };
  } catch (error) {
    const problems = [`failed: ${error instanceof Error ? error.message : String(error)}`];
    const duration_ms = Math.round(now() - startedMs);
    return {
      ...about,
      root_cause: null,
      confidence: 0,
      duration_ms,
      verdict: 'wrong',
      grade: 0,
      problems,
      adviceFits: false,
    };
  }
}

interface CaseAnswer extends Pick<Outcome, 'model' | 'alone'> {
  readonly result: AgentResult;
}

async function answerTo(
  { name, alert, dump, expected }: Case,
  run: number,
  model: ModelSource | undefined,
): Promise<CaseAnswer> {
  const alerts = await chooseAlerts(alert, null);
  const cluster = await openDump(dump);
  try {
    const metrics = await recordedMetrics(cluster);
    const analyze = () => investigateIn(cluster, alerts, metrics);
    if (model !== undefined) {
      const asked = await askCase(model, { name, run }, cluster, alerts[0] ?? null, analyze);
      return { result: asked.outcome.result, model: asked.model, alone: judge(asked.alone, expected).verdict };
    }
    const { result, failure } = await analyze();
    if (failure !== null) throw new Error(failure.message);
    return { result };
  } finally {
    await cluster.close();
  }
}

/** A finding that cites evidence which is not there makes any answer wrong. */
function withCitations(result: AgentResult, judgement: Judgement): Judgement {
  const ids = new Set(result.evidence.map(({ id }) => id));
  const uncited = [...result.findings, ...result.also_broken, ...result.causal_chain].filter(
    ({ evidence_ids: cited }) => cited.length === 0 || cited.some((id) => !ids.has(id)),
  );
  return uncited.length === 0
    ? judgement
    : {
        ...judgement,
        verdict: 'wrong',
        problems: [...judgement.problems, `${uncited.length} statements cite no evidence`],
      };
}

const bands: readonly (readonly [string, number, number])[] = [
  ['above 80 %', 0.8, 1],
  ['60 to 80 %', 0.599, 0.8],
  ['below 60 %', -1, 0.599],
];

function summarize(outcomes: readonly Outcome[]): Evaluation {
  const count = (verdict: Verdict): number => outcomes.filter((one) => one.verdict === verdict).length;
  const verdicts = outcomes.filter((one) => one.root_cause !== null);
  const squares = verdicts.map(({ confidence, verdict }) => (confidence - (verdict === 'right' ? 1 : 0)) ** 2);
  const times = outcomes.map((one) => one.duration_ms).sort((one, other) => one - other);
  return {
    cases: outcomes.length,
    right: count('right'),
    wrong: count('wrong'),
    wrong_and_sure: verdicts.filter((one) => one.verdict === 'wrong' && one.confidence > 0.6).length,
    missed: count('missed'),
    unfit: outcomes.filter((one) => !one.adviceFits).length,
    bands: bands.map(([band, above, most]) => {
      const within = verdicts.filter(({ confidence }) => confidence > above && confidence <= most);
      return { band, verdicts: within.length, right: within.filter(({ verdict }) => verdict === 'right').length };
    }),
    brier: squares.length === 0 ? null : squares.reduce((sum, square) => sum + square, 0) / squares.length,
    median_ms: times[times.length >> 1] ?? 0,
    outcomes,
  };
}

/** Cases whose verdict is not that of an earlier run, in words. */
export function changesSince(earlier: Evaluation, now: Evaluation): readonly string[] {
  const before = new Map(earlier.outcomes.map((one) => [one.name, one.verdict]));
  return now.outcomes.flatMap(({ name, verdict }) => {
    const was = before.get(name);
    if (was === verdict) return [];
    return [was === undefined ? `${name}: new, ${verdict}` : `${name}: ${was} -> ${verdict}`];
  });
}
