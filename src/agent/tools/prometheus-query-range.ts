import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { MetricAnswer, MetricRange, MetricSeries } from '../../core/readers.ts';
import { addMs } from '../../core/time.ts';
import { stepOf, windowOf } from '../../investigation/metrics/alert-series.ts';
import { comparisonOf } from '../../investigation/metrics/expression.ts';
import type { Comparison } from '../../investigation/metrics/expression.ts';
import {
  commonLabels,
  labelsText,
  objectOfSeries,
  rangeCommand,
  seriesText,
} from '../../investigation/metrics/text.ts';
import { parseDuration } from '../../lib/duration.ts';
import { duration } from '../../lib/schema.ts';
import { plural } from '../../lib/words.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer, ToolIo } from './define.ts';
import { moment, momentOf } from './moments.ts';
import type { BoundQuery } from '../queries/bind.ts';
import { howToNarrow, metricsOf, notesOfBound, tooLarge, whatThereIs, withoutMetrics } from './prometheus.ts';

/** Series that are shown. */
const mostShown = 12;

const input = z.strictObject({
  query: z
    .string()
    .min(1)
    .max(4000)
    .optional()
    .describe("PromQL. Absent: the alert's own expression, round the time when it began."),
  from: moment.describe('Since when: 2h (ago), or an RFC 3339 time. Default: an hour before the alert began.'),
  to: moment.describe('Until when. Default: an hour after the alert began, or now.'),
  step: duration.optional().describe('Between two points: 30s. Made longer where there would be more than 100 points.'),
});

/** PromQL over a time. */
export const prometheusQueryRange = defineTool({
  name: 'prometheus_query_range',
  description:
    "Evaluates a PromQL expression over a time, by default round the beginning of the alert, and tells how each series went: trend, when it changed, a line of its shape. Begin without query: that runs the alert's own expression.",
  input,
  reference: {
    example: { query: 'rate(http_requests_total{namespace="shop"}[5m])', from: '2h', step: '1m' },
    command: `promtool query range --start=2026-01-01T10:00:00.000Z --end=2026-01-01T12:00:00.000Z --step=75s http://prometheus:9090 'rate(http_requests_total{namespace="shop"}[5m])'`,
    bounds: [`${mostShown} series are shown, those that moved most`, '8 days, and 100 points of each series'],
  },
  data: { kind: 'metrics', isLearned: true },
  unavailable: withoutMetrics,
  reaches: ({ query }) => [{ of: 'metrics', expression: query ?? null }],
  run: (io, asked): Promise<ToolAnswer> => (asked.query === undefined ? ofAlert(io) : ofQuery(io, asked, asked.query)),
});

async function ofAlert(io: ToolIo): Promise<ToolAnswer> {
  const found = io.alert === null ? null : await metricsOf(io).ofAlert(io.alert, io.now, io.signal);
  if (found === null)
    throw new AppError(
      'InvalidInput',
      'the alert names no expression (its generatorURL has no g0.expr), so query is needed',
    );
  const { range, series, total, comparison } = found;
  return present(io, { range, isNarrowed: false }, { series, total, warnings: [] }, comparison);
}

async function ofQuery(io: ToolIo, asked: z.output<typeof input>, query: string): Promise<ToolAnswer> {
  const around = windowOf(io.alert?.startsAt ?? null, io.now);
  const to = momentOf(asked.to, io.now) ?? around.to;
  const from = momentOf(asked.from, io.now) ?? (around.from < to ? around.from : addMs(to, -3_600_000));
  const stepMs = stepOf(from, to, asked.step === undefined ? 0 : parseDuration(asked.step));
  const { expression, isNarrowed } = metricsOf(io).bound(query);
  const range: MetricRange = { expression, from, to, stepMs };
  const command = rangeCommand(metricsOf(io), range);
  const answer = await metricsOf(io)
    .queryRange(range, io.signal)
    .catch((thrown: unknown) => tooLarge(thrown, command));
  return 'status' in answer ? answer : present(io, { range, isNarrowed }, answer, comparisonOf(query));
}

/** What was asked, and whether it says more than the model did. */
interface AskedRange extends Pick<BoundQuery, 'isNarrowed'> {
  readonly range: MetricRange;
}

async function present(
  io: ToolIo,
  { range, isNarrowed }: AskedRange,
  { series, total, warnings }: MetricAnswer,
  comparison: Comparison | null,
): Promise<ToolAnswer> {
  const metrics = metricsOf(io);
  const command = rangeCommand(metrics, range);
  const evidence = { kind: 'metrics', object: objectOfSeries(series) ?? 'metrics' };
  if (series.length === 0) {
    const text = [
      `no series from ${range.from} to ${range.to}.`,
      ...notesOfBound({ isNarrowed }),
      ...(await whatThereIs(metrics, range.expression, range.to, io.signal)),
    ];
    return { status: 'no_data', text: text.join('\n'), command, evidence };
  }
  const { common, own } = commonLabels(series);
  const shownCommon = series.length < 2 ? '' : labelsText(common);
  const shown = mostTelling(series);
  const text = [
    `${total} series from ${range.from} to ${range.to}, a point each ${range.stepMs / 1000} s${shownCommon === '' ? '' : `; all have ${shownCommon}`}`,
    ...shown.flatMap((one) => {
      const labels = series.length < 2 ? one.labels : (own[series.indexOf(one)] ?? {});
      return [
        labelsText(withoutName(labels)) || 'the series',
        ...seriesText(one, range.expression, comparison).map((line) => `  ${line}`),
      ];
    }),
    ...(total > shown.length ? [`[${plural(total - shown.length, 'other')} not shown: ${howToNarrow}]`] : []),
    ...notesOfBound({ isNarrowed }),
    ...warnings.map((warning) => `[the server says: ${warning}]`),
  ];
  return { status: 'ok', text: text.join('\n'), command, evidence, narrow: howToNarrow };
}

function withoutName({ __name__: _name, ...labels }: MetricSeries['labels']): MetricSeries['labels'] {
  return labels;
}

/** Those that moved most, in their own order. */
function mostTelling(series: readonly MetricSeries[]): readonly MetricSeries[] {
  if (series.length <= mostShown) return series;
  const moved = ({ points }: MetricSeries): number => {
    const values = points.map(([, value]) => value).filter(Number.isFinite);
    return values.length === 0 ? -1 : Math.max(...values) - Math.min(...values);
  };
  const chosen = new Set([...series].sort((one, other) => moved(other) - moved(one)).slice(0, mostShown));
  return series.filter((one) => chosen.has(one));
}
