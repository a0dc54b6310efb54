import { plural } from '../../lib/words.ts';
import type { ModelOutcome } from './ask.ts';
import type { Evaluation, Outcome } from './evaluate.ts';

/** One outcome where a model is asked, as it comes. */
export function progressLine({ name, run, verdict, alone, model, duration_ms: ms }: Outcome): string {
  const before = alone === verdict ? '' : `, the analyzers alone ${alone}`;
  if (model === null || model === undefined) return `${name} run ${run}: ${verdict}${before}, no model asked`;
  const { ended, requests, tool_calls: calls, tokens } = model;
  const did = `${plural(requests, 'request')}, ${plural(calls, 'tool call')}, ${tokens} tokens, ${seconds(ms)} s`;
  return `${name} run ${run}: ${verdict}${before}, ${ended}, ${did}`;
}

/** Least, middle and most. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Least, middle (of an even number the upper one) and most; zeros where there is nothing. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  return { min: sorted[0] ?? 0, median: sorted[sorted.length >> 1] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** What a model did over all cases and runs. */
export interface ModelFigures {
  readonly model: string;
  readonly runs: number;
  readonly cases: number;
  /** Cases about which it was asked, over all runs. */
  readonly asked: number;
  /** How its part ended, and how often. */
  readonly ended: readonly (readonly [string, number])[];
  /** Answers that are better and worse than the analyzers' own. */
  readonly better: number;
  readonly worse: number;
  /** Of the runs. */
  readonly right: Spread;
  readonly wrong: Spread;
  readonly missed: Spread;
  /** Cases whose verdict is not the same in all runs. */
  readonly unsteady: readonly string[];
  /** Of one case. */
  readonly requests: Spread;
  readonly tool_calls: Spread;
  readonly wasted_calls: Spread;
  readonly tokens: Spread;
  readonly waited_ms: Spread;
  /** null: the price is unknown. */
  readonly cost_dollars: Spread | null;
  readonly total_cost_dollars: number | null;
  readonly citations: ModelOutcome['citations'];
  readonly dropped: number;
  readonly rivals: number;
  readonly differing: number;
}

const rank = { right: 2, missed: 1, wrong: 0 } as const;

/** What a model did in an evaluation; null where none was evaluated, or it was asked about nothing. */
export function modelFigures({ outcomes }: Evaluation): ModelFigures | null {
  const asked = outcomes.flatMap(({ model }) => model ?? []);
  const [first] = asked;
  if (first === undefined) return null;
  const runs = [...Map.groupBy(outcomes, ({ run }) => run).values()];
  const byName = [...Map.groupBy(outcomes, ({ name }) => name)];
  const ofRuns = (wanted: Outcome['verdict']): Spread =>
    spreadOf(runs.map((run) => run.filter(({ verdict }) => verdict === wanted).length));
  const of = (field: 'requests' | 'tool_calls' | 'wasted_calls' | 'tokens' | 'waited_ms'): Spread =>
    spreadOf(asked.map((one) => one[field]));
  const sum = (value: (one: ModelOutcome) => number): number => asked.reduce((all, one) => all + value(one), 0);
  const compared = outcomes.map(({ verdict, alone }) => rank[verdict] - rank[alone ?? verdict]);
  const costs = asked.flatMap(({ cost_dollars: cost }) => cost ?? []);
  const isPriced = costs.length === asked.length;
  return {
    model: first.model,
    runs: runs.length,
    cases: byName.length,
    asked: asked.length,
    ended: [...Map.groupBy(asked, ({ ended }) => ended)].map(([ended, all]) => [ended, all.length] as const),
    better: compared.filter((step) => step > 0).length,
    worse: compared.filter((step) => step < 0).length,
    right: ofRuns('right'),
    wrong: ofRuns('wrong'),
    missed: ofRuns('missed'),
    unsteady: byName.flatMap(([name, all]) => (new Set(all.map(({ verdict }) => verdict)).size > 1 ? [name] : [])),
    requests: of('requests'),
    tool_calls: of('tool_calls'),
    wasted_calls: of('wasted_calls'),
    tokens: of('tokens'),
    waited_ms: of('waited_ms'),
    cost_dollars: isPriced ? spreadOf(costs) : null,
    total_cost_dollars: isPriced ? costs.reduce((all, cost) => all + cost, 0) : null,
    citations: {
      made: sum(({ citations }) => citations.made),
      existing: sum(({ citations }) => citations.existing),
      quoted: sum(({ citations }) => citations.quoted),
    },
    dropped: sum(({ dropped }) => dropped),
    rivals: sum(({ rivals }) => rivals),
    differing: sum(({ differing }) => differing),
  };
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** `3 / 5 / 9` where they differ, else `5`. */
export function spreadText({ min, median, max }: Spread, format: (value: number) => string = String): string {
  return min === max ? format(median) : `${format(min)} / ${format(median)} / ${format(max)}`;
}

/** What a model did, for a terminal. */
export function modelLines(figures: ModelFigures): readonly string[] {
  const { citations, cost_dollars: cost, total_cost_dollars: total } = figures;
  const spread = figures.runs > 1 ? ' (min / median / max of the runs)' : '';
  return [
    `model ${figures.model}, asked ${figures.asked} times: ${figures.ended.map(([ended, count]) => `${count} ${ended}`).join(', ')}`,
    `${plural(figures.cases, 'case')}, ${plural(figures.runs, 'run')}${spread}: right ${spreadText(figures.right)}, wrong ${spreadText(figures.wrong)}, missed ${spreadText(figures.missed)}`,
    `against the analyzers alone: better ${figures.better}, worse ${figures.worse}`,
    ...(figures.unsteady.length === 0 ? [] : [`not the same in all runs: ${figures.unsteady.join(', ')}`]),
    'a case (min / median / max)',
    `  requests ${spreadText(figures.requests)}, tool calls ${spreadText(figures.tool_calls)}, for nothing ${spreadText(figures.wasted_calls)}`,
    `  tokens ${spreadText(figures.tokens)}, waited ${spreadText(figures.waited_ms, seconds)} s`,
    `  cost ${cost === null || total === null ? 'unknown: no price of the model is known' : `${spreadText(cost, dollars)}, together ${dollars(total)}`}`,
    `citations: ${citations.made} made, ${citations.existing} of evidence that is there, ${citations.quoted} with words that stand in it`,
    `statements left out ${figures.dropped}, rival causes ${figures.rivals}`,
    ...(figures.differing === 0 ? [] : [`${figures.differing} requests are not those that were recorded`]),
  ];
}

const dollars = (value: number): string => `$${value.toFixed(4)}`;
