import { toAppError } from '../../core/errors.ts';
import { notRecorded } from '../../core/readers.ts';
import type { MetricAnswer, MetricPoint, MetricRange, MetricSeries, MetricsReader } from '../../core/readers.ts';
import type { AlertSnapshot } from '../../core/run.ts';
import { addMs, toEpochMs, toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { alertExpression, comparisonOf } from './expression.ts';
import type { Comparison } from './expression.ts';
import type { Measured, Present } from './measured.ts';
import { holds } from './summary.ts';

/** What an alert's own expression said round the time when it began. */
export interface AlertSeries {
  /** What was asked: what the alert measures, or all of its expression where the two cannot be told apart. */
  readonly range: MetricRange;
  /** What the alert compares it with; null where that is not known, or is part of what was asked. */
  readonly comparison: Comparison | null;
  /** Those that the labels of the alert fit. */
  readonly series: readonly MetricSeries[];
  /** How many there were. */
  readonly total: number;
}

/** Rules look back, and wait: so long before an alert began is looked at, and so long after. */
const beforeMs = 3_600_000;
const afterMs = 3_600_000;

/** The time round the beginning of an alert, of which nothing lies in the future. */
export function windowOf(
  startsAt: Timestamp | null,
  now: Timestamp,
): { readonly from: Timestamp; readonly to: Timestamp } {
  const start = startsAt === null || startsAt > now ? now : startsAt;
  const end = addMs(start, afterMs);
  return { from: addMs(start, -beforeMs), to: end < now ? end : now };
}

/** So long after an alert began what its containers use is still looked at from then on; later, only the last of it. */
const longMs = 6 * 3_600_000;
const lastMs = 2 * 3_600_000;

/** The time of which it is looked at what containers and volumes use: round the beginning of an alert, and always up to now. */
export function usageWindowOf(
  startsAt: Timestamp | null,
  now: Timestamp,
): { readonly from: Timestamp; readonly to: Timestamp } {
  const start = startsAt === null || startsAt > now ? now : startsAt;
  return { from: start >= addMs(now, -longMs) ? addMs(start, -beforeMs) : addMs(now, -lastMs), to: now };
}

/** Seconds. */
const steps = [1, 2, 5, 10, 15, 30, 45, 60, 75, 90, 120, 180, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600];
const mostPoints = 100;

/** The shortest usual step at which a range has at most 100 points, and not shorter than `wantedMs`. */
export function stepOf(from: Timestamp, to: Timestamp, wantedMs = 0): number {
  const least = Math.max(1, (toEpochMs(to) - toEpochMs(from)) / 1000 / (mostPoints - 1), wantedMs / 1000);
  return (steps.find((step) => step >= least) ?? Math.ceil(least)) * 1000;
}

/**
 * Asks an alert's own expression again. Null where its generatorURL holds none. Throws what the reader throws, but for what it
 * measures being too much, which is then asked for as the alert does.
 */
export async function readAlertSeries(
  metrics: MetricsReader,
  alert: Pick<AlertSnapshot, 'generatorUrl' | 'labels' | 'startsAt'>,
  now: Timestamp,
  signal: AbortSignal,
): Promise<AlertSeries | null> {
  const written = alertExpression(alert.generatorUrl);
  if (written === null) return null;
  const expression = metrics.bind?.(written) ?? written;
  const { from, to } = windowOf(alert.startsAt, now);
  const rangeOf = (asked: string): MetricRange => ({ expression: asked, from, to, stepMs: stepOf(from, to) });
  const comparison = comparisonOf(expression);
  if (comparison !== null) {
    const range = rangeOf(comparison.measured);
    const answer = await metrics.queryRange(range, signal).catch(unlessTooLarge);
    const own = answer === null ? [] : ownSeries(answer, alert.labels);
    if (answer !== null && own.length > 0 && answer.total === answer.series.length)
      return { range, comparison, series: own, total: answer.total };
  }
  const range = rangeOf(expression);
  const answer = await metrics.queryRange(range, signal);
  return { range, comparison: null, series: ownSeries(answer, alert.labels), total: answer.total };
}

/** A value is still that of a moment so many steps later. */
const latePoints = 2;

/**
 * What the one series of an alert is at the moment of the evidence, and whether the alert's comparison still holds; null where
 * that is not known: it has no value then (its series may be gone, which is no word of it being well), or what is compared is
 * part of what was asked.
 */
export async function readPresent(
  metrics: MetricsReader,
  { range, comparison }: AlertSeries,
  { labels, points }: MetricSeries,
  now: Timestamp,
  signal: AbortSignal,
): Promise<Present | null> {
  if (comparison === null) return null;
  const of = ([at, value]: MetricPoint): Present => ({ at: toTimestamp(at), value, holds: holds(value, comparison) });
  const last = points.at(-1);
  if (last !== undefined && toEpochMs(now) - last[0] <= latePoints * range.stepMs)
    return Number.isFinite(last[1]) ? of(last) : null;
  if (range.to >= now) return null;
  const { series } = await metrics.query(range.expression, now, signal);
  const same = series.find((one) => sameLabels(one.labels, labels))?.points.at(-1);
  return same === undefined || !Number.isFinite(same[1]) ? null : of(same);
}

function sameLabels(one: MetricSeries['labels'], other: MetricSeries['labels']): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

/**
 * Since when what the alert measures is what it fires for, at the latest; null where that is not known. Of several series it is
 * not known which one is meant.
 */
export function beganBy({
  range,
  comparison,
  series,
  summary,
  total,
}: Pick<Measured, 'range' | 'comparison' | 'series' | 'summary' | 'total'>): Timestamp | null {
  if (total !== 1) return null;
  if (comparison !== null) return summary.beyondSince;
  // The whole expression has values only while it is true; what is missing for longer than Prometheus looks back is a gap.
  const least = Math.max(lookBackMs, latePoints * range.stepMs);
  const { points } = series;
  const start = points.findLastIndex(([at], index) => index === 0 || at - (points[index - 1]?.[0] ?? at) > least);
  const began = points[start];
  return began === undefined ? null : toTimestamp(began[0]);
}

/** How long Prometheus takes a sample for the value of what was measured; what has none for longer has ended. */
export const lookBackMs = 300_000;

/** Where it is too much, or of a recording where it was. */
function unlessTooLarge(thrown: unknown): null {
  const { reason } = toAppError(thrown);
  if (reason === 'TooLarge' || reason === notRecorded) return null;
  throw thrown;
}

/** Series of which no label says otherwise than the alert does. */
function ownSeries({ series }: MetricAnswer, labels: AlertSnapshot['labels']): readonly MetricSeries[] {
  return series.filter(({ labels: own }) =>
    Object.entries(own).every(
      ([name, value]) => name === '__name__' || labels[name] === undefined || labels[name] === value,
    ),
  );
}
