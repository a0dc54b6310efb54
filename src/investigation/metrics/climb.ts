import type { MetricPoint } from '../../core/readers.ts';
import { toEpochMs, toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';

// How a series came to be what it was at a moment. Pure; NaN and infinities are left out everywhere.

/** From where a series was low for the last time to where it was highest. */
export interface Climb {
  readonly from: MetricPoint;
  readonly top: MetricPoint;
  /** It climbs from the first point on, so that it began before. */
  readonly isFromStart: boolean;
  /** It went up step by step, and not at once: most of its steps rise, and none makes half of the way. */
  readonly isSteady: boolean;
}

/** What moves less than this part of its height did not climb. */
const leastPart = 0.1;
/** Up to this part of the way a series still is where it was low. */
const lowPart = 0.1;
/** Points of a climb that is steady. */
const leastSteps = 4;

/**
 * The last climb of a series up to a moment (null = to its end); null where it made none. What fell by more than half of all that
 * it moves within began anew there, as memory does with each start of a container.
 */
export function climbTo(points: readonly MetricPoint[], until: Timestamp | null): Climb | null {
  const all = numbersOf(points, until);
  const values = all.map(([, value]) => value);
  const range = Math.max(...values) - Math.min(...values);
  const fall = all.findLastIndex(([, value], index) => index > 0 && (all[index - 1]?.[1] ?? value) - value > range / 2);
  const run = all.slice(Math.max(0, fall));
  const highest = Math.max(...run.map(([, value]) => value));
  const before = run.slice(0, run.findIndex(([, value]) => value === highest) + 1);
  const top = before.at(-1);
  if (top === undefined) return null;
  const low = Math.min(...before.map(([, value]) => value));
  if (highest - low <= Math.abs(highest) * leastPart) return null;
  const start = before.findLastIndex(([, value]) => value <= low + (highest - low) * lowPart);
  const from = before[start];
  if (from === undefined) return null;
  const moves = before.slice(start + 1).map(([, value], index) => value - (before[start + index]?.[1] ?? value));
  return {
    from,
    top,
    isFromStart: fall < 1 && start === 0,
    isSteady:
      moves.length >= leastSteps &&
      moves.filter((move) => move >= 0).length >= moves.length * 0.7 &&
      Math.max(...moves) < (highest - low) / 2,
  };
}

/** The first moment of a climb at which it was at a level; null where it never was. */
export function reachedAt(points: readonly MetricPoint[], { from, top }: Climb, level: number): Timestamp | null {
  const found = points.find(([at, value]) => at >= from[0] && at <= top[0] && value >= level);
  return found === undefined ? null : toTimestamp(found[0]);
}

/** The highest value of a time, both ends included; null where there is none. */
export function highestWithin(points: readonly MetricPoint[], fromMs: number, toMs: number): MetricPoint | null {
  const within = points.filter(([at, value]) => at >= fromMs && at <= toMs && Number.isFinite(value));
  return within.reduce<MetricPoint | null>((best, point) => (best === null || point[1] > best[1] ? point : best), null);
}

/** A time in which a series was at or above a level. */
export interface Spell {
  readonly from: Timestamp;
  /** Its last point. */
  readonly to: Timestamp;
  readonly highest: number;
  /** It begins with the first point of the series. */
  readonly isFromStart: boolean;
  /** It ends with the last one. */
  readonly isToEnd: boolean;
}

/** The last time in which a series was at or above a level, of those that began by a moment (null = whenever). */
export function spellAbove(points: readonly MetricPoint[], level: number, by: Timestamp | null): Spell | null {
  const all = numbersOf(points, null);
  const isAbove = (index: number): boolean => (all[index]?.[1] ?? -Infinity) >= level;
  const start = all.findLastIndex(
    ([at], index) => isAbove(index) && !isAbove(index - 1) && (by === null || at <= toEpochMs(by)),
  );
  if (start < 0) return null;
  let end = start;
  while (end + 1 < all.length && isAbove(end + 1)) end += 1;
  return {
    from: toTimestamp(all[start]?.[0] ?? 0),
    to: toTimestamp(all[end]?.[0] ?? 0),
    highest: Math.max(...all.slice(start, end + 1).map(([, value]) => value)),
    isFromStart: start === 0,
    isToEnd: end === all.length - 1,
  };
}

/** When a series that climbs steadily is at a level, if it goes on as from `from` to its end; null where it does not climb. */
export function expectedAt(points: readonly MetricPoint[], { from }: Climb, level: number): Timestamp | null {
  const last = numbersOf(points, null).at(-1);
  if (last === undefined || last[0] <= from[0] || last[1] <= from[1] || last[1] >= level) return null;
  const ms = ((level - last[1]) * (last[0] - from[0])) / (last[1] - from[1]);
  return toTimestamp(Math.round(last[0] + ms));
}

function numbersOf(points: readonly MetricPoint[], until: Timestamp | null): readonly MetricPoint[] {
  return points.filter(([at, value]) => Number.isFinite(value) && (until === null || at <= toEpochMs(until)));
}
