import type { Evaluation, Outcome } from './evaluate.ts';
import type { Verdict } from './judge.ts';
import { modelFigures, modelLines } from './model-text.ts';

/** How the cases of one kind came out. */
interface KindTally {
  readonly kind: string;
  readonly cases: number;
  readonly right: number;
  readonly wrong: number;
  readonly missed: number;
  readonly unfit: number;
}

/** The kinds in the order of the alphabet. */
export function tallyByKind({ outcomes }: Evaluation): readonly KindTally[] {
  const kinds = [...Map.groupBy(outcomes, ({ kind }) => kind)].sort(([one], [other]) => (one < other ? -1 : 1));
  return kinds.map(([kind, all]) => {
    const count = (wanted: Verdict): number => all.filter(({ verdict }) => verdict === wanted).length;
    return {
      kind,
      cases: all.length,
      right: count('right'),
      wrong: count('wrong'),
      missed: count('missed'),
      unfit: all.filter(({ adviceFits }) => !adviceFits).length,
    };
  });
}

/** `92 of 100`, and what that is in percent. */
export function share(part: number, whole: number): string {
  return whole === 0 ? 'none' : `${part} of ${whole} (${Math.floor((100 * part) / whole)} %)`;
}

/** The evaluation for a terminal. */
export function evaluationText(evaluation: Evaluation, changes: readonly string[] | null): string {
  const { cases, right, wrong, wrong_and_sure: sure, missed, unfit, brier } = evaluation;
  const width = Math.max(4, ...evaluation.outcomes.map(({ kind }) => kind.length));
  const row = (kind: string, numbers: readonly (number | string)[]): string =>
    `${kind.padEnd(width)}${numbers.map((one) => String(one).padStart(8)).join('')}`;
  const figures = modelFigures(evaluation);
  const bad = evaluation.outcomes.filter((one) => one.verdict !== 'right' || one.problems.length > 0);
  return [
    ...bad.flatMap(badLines),
    ...(bad.length === 0 ? [] : ['']),
    row('KIND', ['CASES', 'RIGHT', 'WRONG', 'MISSED', 'UNFIT']),
    ...tallyByKind(evaluation).map((one) => row(one.kind, [one.cases, one.right, one.wrong, one.missed, one.unfit])),
    '',
    `right ${share(right, cases)}, wrong ${wrong} (${sure} above 60 %), missed ${missed}, first advice unfit ${unfit}`,
    ...evaluation.bands.map(({ band, verdicts, right: good }) => `confidence ${band}: right ${share(good, verdicts)}`),
    `Brier score ${brier === null ? 'none' : brier.toFixed(3)}; median ${evaluation.median_ms} ms a case`,
    ...(figures === null ? [] : ['', ...modelLines(figures)]),
    ...(changes === null ? [] : ['', ...(changes.length === 0 ? ['no verdict changed'] : changes)]),
    '',
  ].join('\n');
}

function badLines({ name, kind, verdict, confidence, root_cause: root, problems, truth }: Outcome): readonly string[] {
  return [
    `${verdict.toUpperCase().padEnd(6)} ${name} [${kind}] ${root === null ? 'inconclusive' : `${Math.round(confidence * 100)}% ${root}`}`,
    ...problems.map((problem) => `       ${problem}`),
    ...(verdict === 'right' ? [] : [`       truth: ${truth}`]),
  ];
}
