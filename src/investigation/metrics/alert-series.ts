import { toAppError } from '../../core/errors.ts';
import type { MetricAnswer, MetricRange, MetricSeries, MetricsReader } from '../../core/readers.ts';
import type { AlertSnapshot } from '../../core/run.ts';
import { addMs, toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { alertExpression, comparisonOf } from './expression.ts';
import type { Comparison } from './expression.ts';

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
  const expression = alertExpression(alert.generatorUrl);
  if (expression === null) return null;
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

function unlessTooLarge(thrown: unknown): null {
  if (toAppError(thrown).reason === 'TooLarge') return null;
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
