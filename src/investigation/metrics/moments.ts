import { toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { climbTo, spellAbove } from './climb.ts';
import { throttledPart } from './candidates.ts';
import { textOf } from './measured.ts';
import type { Measured } from './measured.ts';
import { percentOf } from './value-text.ts';

/** A moment at which a series did something that tells. */
export interface Moment {
  readonly at: Timestamp;
  /** `memory of web-1/app began to rise, from 60Mi`. */
  readonly text: string;
}

/**
 * The moments of a series: when it began to rise, when it was highest, when it made a step, when it went beyond what it is compared
 * with and came back. `until` is the moment that it is to explain, such as a kill; null = the end. What it did before the time that
 * was asked for is not known and has no moment.
 */
export function momentsOf(one: Measured, until: Timestamp | null): readonly Moment[] {
  if (one.kind === 'throttling') return throttlingMoments(one);
  if (one.kind === 'alert') return alertMoments(one);
  return useMoments(one, until);
}

function useMoments(one: Measured, until: Timestamp | null): readonly Moment[] {
  const { label, series, limit, summary, kind } = one;
  const text = textOf(one);
  if (
    until === null &&
    (summary.trend === 'stepped up' || summary.trend === 'stepped down') &&
    summary.changedAt !== null
  )
    return [
      { at: summary.changedAt, text: `${label} ${summary.trend} from ${text(summary.first)} to ${text(summary.last)}` },
    ];
  const climb = climbTo(series.points, until);
  if (climb === null) return [];
  const [, top] = climb.top;
  const whole = kind === 'volume' ? 1 : (limit?.value ?? null);
  // What ends far from any bound only went up and down.
  if (whole === null || top < whole * tellingPart) return [];
  const reached =
    kind === 'volume' ? `reached ${text(top)}` : `reached ${percentOf(top, whole)} of its limit of ${limit?.text}`;
  return [
    ...(climb.isFromStart
      ? []
      : [{ at: toTimestamp(climb.from[0]), text: `${label} began to rise, from ${text(climb.from[1])}` }]),
    { at: toTimestamp(climb.top[0]), text: `${label} ${reached}` },
  ];
}

/** From this part of a limit on a climb tells something. */
const tellingPart = 0.8;

function throttlingMoments({ label, series }: Measured): readonly Moment[] {
  const spell = spellAbove(series.points, throttledPart, null);
  if (spell === null) return [];
  const highest = `up to ${percentOf(spell.highest, 1)} of the periods`;
  return [
    ...(spell.isFromStart ? [] : [{ at: spell.from, text: `${label} began (${highest})` }]),
    ...(spell.isToEnd ? [] : [{ at: spell.to, text: `${label} ended` }]),
  ];
}

function alertMoments(one: Measured): readonly Moment[] {
  const { label, summary, comparison, now, range } = one;
  const text = textOf(one);
  const { trend, changedAt, beyondSince, isBeyondFromStart } = summary;
  const what = comparison === null ? '' : `${comparison.operator} ${text(comparison.threshold)}`;
  const began =
    beyondSince !== null && !isBeyondFromStart ? [{ at: beyondSince, text: `${label} was ${what} from then on` }] : [];
  const changed =
    began.length === 0 && changedAt !== null
      ? [
          {
            at: changedAt,
            text: `${label} ${trend}${trend === 'spiked' ? ` to ${text(summary.max)}` : ` from ${text(summary.first)} to ${text(summary.last)}`}`,
          },
        ]
      : [];
  // Where it came back within what was asked for, the sentence of the measurement says it.
  const over =
    now === null || now.holds || now.at <= range.from
      ? []
      : [{ at: now.at, text: `${label} is not ${what} any more: ${text(now.value)}` }];
  return [...began, ...changed, ...over];
}
