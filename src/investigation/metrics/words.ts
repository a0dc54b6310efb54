import type { Measurement } from '../../core/finding.ts';
import { timeText, toTimestamp } from '../../core/time.ts';
import { oneLine } from '../../lib/printable.ts';
import { redact } from '../../lib/redact.ts';
import { capital } from '../../lib/words.ts';
import type { EvidenceRecorder } from '../evidence.ts';
import { throttledPart } from './candidates.ts';
import { evidenceOf, textOf } from './measured.ts';
import type { Measured } from './measured.ts';
import { sparkline } from './summary.ts';
import { isBytes, percentOf } from './value-text.ts';

/** From this part of a limit on it is as good as reached. */
const saturatedPart = 0.9;

/** Numbers what was measured as evidence, and words it. */
export function recordMeasured(
  measured: readonly Measured[],
  recorder: Pick<EvidenceRecorder, 'record'>,
): readonly Measurement[] {
  return measured.flatMap((one): readonly Measurement[] => {
    const { title, object, kind, range, series, summary, total, comparison, limit, now } = one;
    const id = recorder.record(evidenceOf(one));
    if (id === null) return [];
    return [
      {
        title,
        object,
        kind,
        unit: unitOf(one),
        expression: oneLine(redact(range.expression), 1000),
        sentence: sentenceOf(one),
        is_saturated: isSaturated(one),
        is_flat: summary.trend === 'flat',
        began: summary.beyondSince ?? summary.changedAt,
        holds_now: now?.holds ?? null,
        sparkline: sparkline(series.points),
        chart: null,
        threshold: kind === 'throttling' ? null : (limit?.value ?? comparison?.threshold ?? null),
        from: range.from,
        to: range.to,
        step_seconds: range.stepMs / 1000,
        points: series.points.flatMap(([at, value]) => (Number.isFinite(value) ? [[at / 1000, value]] : [])),
        series: total,
        evidence_id: id,
      },
    ];
  });
}

function unitOf({ kind, range }: Measured): Measurement['unit'] {
  if (kind === 'memory') return 'bytes';
  if (kind === 'cpu') return 'cores';
  if (kind === 'alert') return isBytes(range.expression) ? 'bytes' : 'number';
  return 'ratio';
}

/** Whether it reached its limit, or nearly. */
function isSaturated({ kind, summary, limit }: Measured): boolean {
  if (kind === 'throttling') return summary.max >= throttledPart;
  if (kind === 'volume') return summary.max >= saturatedPart;
  return limit !== null && summary.max >= limit.value * saturatedPart;
}

/** `Memory of container app of pod/shop/web-1 stepped up from 120Mi to 250Mi at ..., at most 98% of its limit of 256Mi.` */
function sentenceOf(one: Measured): string {
  const { title, kind, limit, summary } = one;
  const part =
    limit === null || kind === 'throttling'
      ? ''
      : `, at most ${percentOf(summary.max, limit.value)} of its limit of ${limit.text}`;
  const isLimitable = one.target !== null && (kind === 'memory' || kind === 'cpu');
  const none = limit === null && isLimitable ? ', without a limit' : '';
  return `${capital(title)} ${movedText(one)}${part}${none}${beyondText(one)}.`;
}

function movedText(one: Measured): string {
  const { first, last, min, max, maxAt, trend, changedAt } = one.summary;
  const text = textOf(one);
  const at = changedAt === null ? '' : ` at ${timeText(changedAt)}`;
  switch (trend) {
    case 'flat':
      return `stayed at ${text(last)}`;
    case 'rising':
      return `rose from ${text(first)} to ${text(last)}`;
    case 'falling':
      return `fell from ${text(first)} to ${text(last)}`;
    case 'stepped up':
    case 'stepped down':
      return `${trend} from ${text(first)} to ${text(last)}${at}`;
    case 'spiked':
      return `went up to ${text(max)}${at} for a while`;
    case 'sawtooth':
      return `rose to ${text(max)} and fell back, again and again`;
    default:
      return `varied between ${text(min)} and ${text(max)} (at ${timeText(maxAt)})`;
  }
}

/** What became of the comparison of the alert: that it holds, since when, or that it does not any more. */
function beyondText(one: Measured): string {
  const { comparison, summary, now, series } = one;
  if (comparison === null) return '';
  const text = textOf(one);
  const what = `${comparison.operator} ${text(comparison.threshold)}`;
  const { beyondSince, isBeyondFromStart } = summary;
  const held = isBeyondFromStart ? `; it was ${what} all the time` : `; it is ${what} since ${timeText(beyondSince)}`;
  if (now !== null && !now.holds) return `; it is not ${what} any more (${text(now.value)} at ${timeText(now.at)})`;
  if (beyondSince !== null) return now === null ? held.replace('; it is ', '; it was ') : held;
  const last = series.points.findLast(([, value]) => Number.isFinite(value));
  return now === null
    ? `; it was not ${what} at ${timeText(toTimestamp(last?.[0] ?? 0))}`
    : `; it is ${what} again at ${timeText(now.at)}`;
}
