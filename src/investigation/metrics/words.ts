import { quantityText } from '../../analyzers/reading/quantity.ts';
import type { Measurement } from '../../core/finding.ts';
import { timeText } from '../../core/time.ts';
import { oneLine } from '../../lib/printable.ts';
import { redact } from '../../lib/redact.ts';
import { capital } from '../../lib/words.ts';
import type { EvidenceRecorder } from '../evidence.ts';
import type { Comparison } from './expression.ts';
import type { Measured } from './measure.ts';
import { sparkline, summarize } from './summary.ts';
import type { SeriesSummary } from './summary.ts';
import { labelsText, seriesText } from './text.ts';
import { valueText } from './value-text.ts';

/** From this part of a limit on it is as good as reached. */
const saturatedPart = 0.9;

/** Numbers what was measured as evidence, and words it. What has no number says nothing. */
export function recordMeasured(
  measured: readonly Measured[],
  recorder: Pick<EvidenceRecorder, 'add'>,
  time: string,
): readonly Measurement[] {
  return measured.flatMap((one): readonly Measurement[] => {
    const { title, object, kind, range, series, total, comparison, limit, command } = one;
    const summary = summarize(series.points, comparison);
    if (summary === null) return [];
    const evidence = recorder.add({
      kind: 'metrics',
      object: object ?? 'metrics',
      command,
      time,
      excerpt: excerptOf(one),
    });
    if (evidence === null) return [];
    return [
      {
        title,
        object,
        kind,
        expression: oneLine(redact(range.expression), 1000),
        sentence: sentenceOf(one, summary),
        is_saturated: limit !== null && summary.max >= limit.value * saturatedPart,
        is_flat: summary.trend === 'flat',
        began: summary.beyondSince ?? summary.changedAt,
        sparkline: sparkline(series.points),
        threshold: limit?.value ?? comparison?.threshold ?? null,
        points: series.points.flatMap(([at, value]) => (Number.isFinite(value) ? [[at / 1000, value]] : [])),
        series: total,
        evidence_id: evidence.id,
      },
    ];
  });
}

function excerptOf({ title, range, series, total, comparison, limit }: Measured): string {
  const { expression, from, to, stepMs } = range;
  return [
    `${title}: ${expression}`,
    `from ${from} to ${to}, a point each ${stepMs / 1000} s${total > 1 ? `; the one of ${total} series that moved most` : ''}`,
    ...(labelsText(series.labels) === '' ? [] : [labelsText(series.labels)]),
    ...seriesText(series, expression, comparison),
    ...(limit === null ? [] : [`limit ${limit.text}`]),
  ].join('\n');
}

/** `Memory of container app of pod/shop/web-1 stepped up from 120Mi to 250Mi at ..., at most 98% of its limit of 256Mi.` */
function sentenceOf({ title, kind, range, comparison, limit }: Measured, summary: SeriesSummary): string {
  const text = (value: number): string =>
    kind === 'alert' ? valueText(value, range.expression) : quantityText(kind, value);
  const part =
    limit === null ? '' : `, at most ${Math.round((summary.max / limit.value) * 100)}% of its limit of ${limit.text}`;
  const none = limit === null && kind !== 'alert' ? ', without a limit' : '';
  const beyond = comparison === null ? '' : beyondText(comparison, text, summary);
  return `${capital(title)} ${movedText(summary, text)}${part}${none}${beyond}.`;
}

function movedText(
  { first, last, min, max, maxAt, trend, changedAt }: SeriesSummary,
  text: (value: number) => string,
): string {
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

function beyondText(
  { operator, threshold }: Comparison,
  text: (value: number) => string,
  { beyondSince, isBeyondFromStart }: SeriesSummary,
): string {
  const what = `${operator} ${text(threshold)}`;
  if (beyondSince === null) return `; it is not ${what} any more`;
  return isBeyondFromStart ? `; it was ${what} all the time` : `; it is ${what} since ${timeText(beyondSince)}`;
}
