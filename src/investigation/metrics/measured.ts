import { quantityText } from '../../analyzers/reading/quantity.ts';
import type { EvidenceDraft, Target } from '../../analyzers/define.ts';
import type { ActionTaken, Gap, MeasurementKind } from '../../core/finding.ts';
import type { MetricRange, MetricSeries } from '../../core/readers.ts';
import { toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import type { Comparison } from './expression.ts';
import type { SeriesSummary } from './summary.ts';
import { labelsText, seriesText } from './text.ts';
import { percentOf, valueText } from './value-text.ts';

/** What an amount is measured against. */
export interface Limit {
  readonly value: number;
  /** `256Mi`. */
  readonly text: string;
}

/** One thing that was measured, before it is numbered and worded. */
export interface Measured {
  /** `what the alert measures`, `memory of container app of pod/shop/web-1`. */
  readonly title: string;
  /** The same in short, for lines of a timeline: `memory of web-1/app`. */
  readonly label: string;
  /** What it is about; null where the series name nothing. */
  readonly object: string | null;
  /** The object where it could be read. */
  readonly target: Target | null;
  /** null where it is about no container. */
  readonly container: string | null;
  readonly kind: MeasurementKind;
  readonly range: MetricRange;
  /** The one that moved most. */
  readonly series: MetricSeries;
  readonly summary: SeriesSummary;
  /** How many fit. */
  readonly total: number;
  readonly comparison: Comparison | null;
  readonly limit: Limit | null;
  readonly command: string;
  /** Of what the alert measures, at the moment of the evidence; null where that is not known, or for anything else. */
  readonly now: Present | null;
}

/** What an alert measures, at the moment of the evidence. */
export interface Present {
  readonly at: Timestamp;
  readonly value: number;
  /** Whether it still is what the alert fires for. */
  readonly holds: boolean;
}

/** What metrics say round an alert, and what was asked for it. */
export interface Measurements {
  readonly measured: readonly Measured[];
  readonly actions: readonly ActionTaken[];
  readonly gaps: readonly Gap[];
}

export const nothingMeasured: Measurements = { measured: [], actions: [], gaps: [] };

/** A value of it for people. */
export function textOf({ kind, range }: Pick<Measured, 'kind' | 'range'>): (value: number) => string {
  switch (kind) {
    case 'alert':
      return (value) => valueText(value, range.expression);
    case 'memory':
    case 'cpu':
      return (value) => quantityText(kind, value);
    default:
      return (value) => percentOf(value, 1);
  }
}

/** The evidence of a measurement; the same wherever it is cited. */
export function evidenceOf(one: Measured): EvidenceDraft {
  const { title, object, range, series, total, comparison, limit, now, command } = one;
  const { expression, from, to, stepMs } = range;
  const lines = [
    `${title}: ${expression}`,
    `from ${from} to ${to}, a point each ${stepMs / 1000} s${total > 1 ? `; the one of ${total} series that moved most` : ''}`,
    ...(labelsText(series.labels) === '' ? [] : [labelsText(series.labels)]),
    ...seriesText(series, expression, comparison),
    ...(limit === null ? [] : [`limit ${limit.text}`]),
    ...(now === null || now.at <= to ? [] : [`${textOf(one)(now.value)} at ${now.at}`]),
  ];
  return { read: { kind: 'metrics', object: object ?? 'metrics', command }, excerpt: lines.join('\n') };
}

/** How far apart two samples of a metric usually are at most: two scrapes of a minute. */
const scrapesMs = 120_000;

/** Whether the series has a value just before a moment, so that what it was then is known. */
export function covers({ series, range }: Pick<Measured, 'series' | 'range'>, moment: Timestamp): boolean {
  const [latest, earliest] = [toEpochMs(moment), toEpochMs(moment) - Math.max(scrapesMs, 2 * range.stepMs)];
  return series.points.some(([at, value]) => Number.isFinite(value) && at >= earliest && at <= latest);
}
