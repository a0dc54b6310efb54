import type { MetricPoint } from '../../core/readers.ts';
import { toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { blocks } from '../../report/words.ts';
import type { Comparison } from './expression.ts';

/** How a series went. */
export interface SeriesSummary {
  readonly first: number;
  readonly last: number;
  readonly min: number;
  readonly minAt: Timestamp;
  readonly max: number;
  readonly maxAt: Timestamp;
  readonly trend: 'flat' | 'rising' | 'falling' | 'stepped up' | 'stepped down' | 'spiked' | 'sawtooth' | 'varying';
  /** When it made the step, or spiked; null for other trends. */
  readonly changedAt: Timestamp | null;
  /** When it last began to be beyond the threshold, to the accuracy of a step; null: it is not beyond it, or there is none. */
  readonly beyondSince: Timestamp | null;
  /** Whether it was beyond the threshold from the first point on, so that it began before. */
  readonly isBeyondFromStart: boolean;
}

/** What changes less than this part of its size is flat. */
const flatPart = 0.05;
/** A step is made between two points, and both sides keep to their level within this part of it. */
const steadyPart = 0.25;

/** How a series went; null where it has no number. Pure. */
export function summarize(points: readonly MetricPoint[], comparison: Comparison | null): SeriesSummary | null {
  const numbers = points.filter(([, value]) => Number.isFinite(value));
  const [firstPoint] = numbers;
  const lastPoint = numbers.at(-1);
  if (firstPoint === undefined || lastPoint === undefined) return null;
  const low = numbers.reduce((best, point) => (point[1] < best[1] ? point : best));
  const high = numbers.reduce((best, point) => (point[1] > best[1] ? point : best));
  const { trend, changedAt } = trendOf(numbers, low[1], high[1]);
  return {
    first: firstPoint[1],
    last: lastPoint[1],
    min: low[1],
    minAt: toTimestamp(low[0]),
    max: high[1],
    maxAt: toTimestamp(high[0]),
    trend,
    changedAt,
    ...beyond(numbers, comparison),
  };
}

function trendOf(
  points: readonly MetricPoint[],
  low: number,
  high: number,
): Pick<SeriesSummary, 'trend' | 'changedAt'> {
  const range = high - low;
  if (points.length < 3 || range <= Math.max(Math.abs(low), Math.abs(high)) * flatPart)
    return { trend: 'flat', changedAt: null };
  const step = stepOf(points, range);
  if (step !== null) return step;
  const moves = points.slice(1).map(([, value], index) => value - (points[index]?.[1] ?? value));
  const falls = moves.filter((move) => move < -range / 2).length;
  const rises = moves.filter((move) => move > range / 2).length;
  // Memory that fills up and is freed by a restart, again and again.
  if (falls >= 2 && rises === 0) return { trend: 'sawtooth', changedAt: null };
  const [first, last] = [points[0]?.[1] ?? 0, points.at(-1)?.[1] ?? 0];
  const moved = last - first;
  // What comes back to where it began went up or down in between.
  if (Math.abs(moved) < range * steadyPart) {
    const top = points.filter(([, value]) => value - low > range / 2);
    const isSpike = top.length > 0 && top.length <= points.length / 4;
    return isSpike
      ? { trend: 'spiked', changedAt: toTimestamp(top[0]?.[0] ?? 0) }
      : { trend: 'varying', changedAt: null };
  }
  const part = moves.filter((move) => move >= 0).length / moves.length;
  if (moved > 0 && part >= 0.7 && falls === 0) return { trend: 'rising', changedAt: null };
  if (moved < 0 && part <= 0.4 && rises === 0) return { trend: 'falling', changedAt: null };
  return { trend: 'varying', changedAt: null };
}

/** The place where the series has one level before and another one after; null where it has none. */
function stepOf(points: readonly MetricPoint[], range: number): Pick<SeriesSummary, 'trend' | 'changedAt'> | null {
  let best = 1;
  for (let index = 2; index < points.length; index += 1) if (jump(points, index) > jump(points, best)) best = index;
  const [before, after] = [points.slice(0, best), points.slice(best)].map((part) => part.map(([, value]) => value));
  if (before === undefined || after === undefined || before.length < 2 || after.length < 2) return null;
  const spread = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);
  if (jump(points, best) < range / 2 || Math.max(spread(before), spread(after)) > range * steadyPart * 2) return null;
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const moved = mean(after) - mean(before);
  if (Math.abs(moved) < range / 2) return null;
  return { trend: moved > 0 ? 'stepped up' : 'stepped down', changedAt: toTimestamp(points[best]?.[0] ?? 0) };
}

function jump(points: readonly MetricPoint[], index: number): number {
  return Math.abs((points[index]?.[1] ?? 0) - (points[index - 1]?.[1] ?? 0));
}

function beyond(
  points: readonly MetricPoint[],
  comparison: Comparison | null,
): Pick<SeriesSummary, 'beyondSince' | 'isBeyondFromStart'> {
  if (comparison === null) return { beyondSince: null, isBeyondFromStart: false };
  const isBeyond = ([, value]: MetricPoint): boolean => holds(value, comparison);
  const last = points.findLastIndex((point) => !isBeyond(point));
  const since = points[last + 1];
  return { beyondSince: since === undefined ? null : toTimestamp(since[0]), isBeyondFromStart: last < 0 };
}

/** Whether a comparison is true of a value. */
export function holds(value: number, { operator, threshold }: Comparison): boolean {
  switch (operator) {
    case '>':
      return value > threshold;
    case '>=':
      return value >= threshold;
    case '<':
      return value < threshold;
    case '<=':
      return value <= threshold;
    case '==':
      return value === threshold;
    default:
      return value !== threshold;
  }
}

const mostBlocks = 40;

/** The series as a line of blocks, at most 40, from its lowest value to its highest; a gap is a space. */
export function sparkline(points: readonly MetricPoint[]): string {
  const numbers = points.map(([, value]) => value).filter(Number.isFinite);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const count = Math.min(mostBlocks, points.length);
  return Array.from({ length: count }, (_, index) => {
    const part = points.slice(
      Math.floor((index * points.length) / count),
      Math.floor(((index + 1) * points.length) / count),
    );
    const values = part.map(([, value]) => value).filter(Number.isFinite);
    if (values.length === 0) return ' ';
    const level = high === low ? 0 : (Math.max(...values) - low) / (high - low);
    return blocks[Math.min(blocks.length - 1, Math.floor(level * blocks.length))];
  }).join('');
}
