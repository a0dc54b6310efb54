import type { Evaluation, Outcome } from './evaluate.ts';

/** Right, wrong, missed and unfit by kind, the worst kind first. */
export function kindsOf({ outcomes }: Evaluation): readonly (readonly [string, readonly Outcome[]])[] {
  const kinds = new Map<string, Outcome[]>();
  for (const one of outcomes) kinds.set(one.kind, [...(kinds.get(one.kind) ?? []), one]);
  return [...kinds].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** `92 of 100`, and what that is in percent. */
export function share(part: number, whole: number): string {
  return whole === 0 ? 'none' : `${part} of ${whole} (${Math.floor((100 * part) / whole)} %)`;
}

/** The evaluation for a terminal. */
export function evaluationText(evaluation: Evaluation, changes: readonly string[] | null): string {
  const { cases, right, wrong, wrong_and_sure: sure, missed, unfit, brier } = evaluation;
  const count = (outcomes: readonly Outcome[], verdict: string): number =>
    outcomes.filter((one) => one.verdict === verdict).length;
  const width = Math.max(4, ...evaluation.outcomes.map(({ kind }) => kind.length));
  const row = (kind: string, numbers: readonly (number | string)[]): string =>
    `${kind.padEnd(width)}${numbers.map((one) => String(one).padStart(8)).join('')}`;
  const bad = evaluation.outcomes.filter((one) => one.verdict !== 'right' || one.problems.length > 0);
  return [
    ...bad.flatMap(badLines),
    ...(bad.length === 0 ? [] : ['']),
    row('KIND', ['CASES', 'RIGHT', 'WRONG', 'MISSED', 'UNFIT']),
    ...kindsOf(evaluation).map(([kind, all]) =>
      row(kind, [
        all.length,
        count(all, 'right'),
        count(all, 'wrong'),
        count(all, 'missed'),
        all.filter((one) => !one.adviceFits).length,
      ]),
    ),
    '',
    `right ${share(right, cases)}, wrong ${wrong} (${sure} above 60 %), missed ${missed}, first advice unfit ${unfit}`,
    ...evaluation.bands.map(({ band, verdicts, right: good }) => `confidence ${band}: right ${share(good, verdicts)}`),
    `Brier score ${brier === null ? 'none' : brier.toFixed(3)}; median ${evaluation.median_ms} ms a case`,
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
