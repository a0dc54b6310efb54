import type { Labels } from '../../core/alert.ts';
import type { MetricRange, MetricSeries, MetricsReader } from '../../core/readers.ts';
import { toTimestamp } from '../../core/time.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { alertObject } from '../labels.ts';
import type { Comparison } from './expression.ts';
import { sparkline, summarize } from './summary.ts';
import { valueText } from './value-text.ts';

/** `{namespace="shop", pod="web-1"}`; empty where there is no label. */
export function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? '' : `{${pairs.join(', ')}}`;
}

/** Labels that all series have alike, and the rest of each. */
export function commonLabels(series: readonly Pick<MetricSeries, 'labels'>[]): {
  readonly common: Labels;
  readonly own: readonly Labels[];
} {
  const [first] = series;
  const common = Object.fromEntries(
    Object.entries(first?.labels ?? {}).filter(
      ([name, value]) => name !== '__name__' && series.every(({ labels }) => labels[name] === value),
    ),
  );
  const own = series.map(({ labels }) =>
    Object.fromEntries(Object.entries(labels).filter(([name]) => name !== '__name__' && !Object.hasOwn(common, name))),
  );
  return { common, own };
}

/** The object that all series are about, `pod/shop/web-1`; null where they name none. */
export function objectOfSeries(series: readonly Pick<MetricSeries, 'labels'>[]): string | null {
  return series.length === 0 ? null : alertObject('', commonLabels(series).common);
}

/** How a series went, in two lines: the numbers and when they changed, and the shape. */
export function seriesText(
  { points }: MetricSeries,
  expression: string,
  comparison: Comparison | null,
): readonly string[] {
  const summary = summarize(points, comparison);
  const [firstPoint, lastPoint] = [points[0], points.at(-1)];
  if (summary === null || firstPoint === undefined || lastPoint === undefined) return ['no number in it'];
  const text = (value: number): string => valueText(value, expression);
  const { first, last, min, minAt, max, maxAt, trend, changedAt, beyondSince, isBeyondFromStart } = summary;
  const changed = changedAt === null ? '' : ` at ${changedAt}`;
  const parts = [
    `${text(first)} at ${toTimestamp(firstPoint[0])}, ${text(last)} at ${toTimestamp(lastPoint[0])}`,
    ...(trend === 'flat' ? [] : [`lowest ${text(min)} at ${minAt}, highest ${text(max)} at ${maxAt}`]),
    `${trend}${changed}`,
    ...(comparison === null ? [] : [beyondText(comparison, text, beyondSince, isBeyondFromStart)]),
  ];
  return [parts.join('; '), `${sparkline(points)} (${points.length} points)`];
}

function beyondText(
  { operator, threshold }: Comparison,
  text: (value: number) => string,
  since: string | null,
  isFromStart: boolean,
): string {
  const what = `${operator} ${text(threshold)}`;
  if (since === null) return `not ${what} at the end`;
  return isFromStart ? `${what} all the time, so it began before` : `${what} since ${since}`;
}

/** The command that shows it to a person. */
export function rangeCommand({ url }: MetricsReader, { expression, from, to, stepMs }: MetricRange): string {
  return `promtool query range --start=${from} --end=${to} --step=${stepMs / 1000}s ${shellWord(url)} ${shellWord(expression)}`;
}
