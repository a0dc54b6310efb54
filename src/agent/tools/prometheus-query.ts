import { z } from 'zod';
import type { MetricSeries } from '../../core/readers.ts';
import { commonLabels, labelsText, objectOfSeries } from '../../investigation/metrics/text.ts';
import { valueText } from '../../investigation/metrics/value-text.ts';
import { plural } from '../../lib/words.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';
import { moment, momentOf } from './moments.ts';
import {
  howToNarrow,
  instantCommand,
  metricsOf,
  notesOfBound,
  tooLarge,
  whatThereIs,
  withoutMetrics,
} from './prometheus.ts';

/** Series that are shown. */
const mostShown = 30;

/** PromQL at one moment. */
export const prometheusQuery = defineTool({
  name: 'prometheus_query',
  description:
    'Evaluates a PromQL expression at one moment, by default now: which series there are and their values, the largest first. Use selectors with namespace and pod, and topk or sum by where there may be many series.',
  input: z.strictObject({
    query: z
      .string()
      .min(1)
      .max(4000)
      .describe('PromQL: sum by (pod) (rate(http_requests_total{namespace="shop"}[5m])).'),
    time: moment.describe('When: 15m (ago), or an RFC 3339 time. Default: now.'),
  }),
  reference: {
    example: { query: 'up{namespace="shop"}' },
    command: `promtool query instant --time=2026-01-01T12:00:00.000Z http://prometheus:9090 'up{namespace="shop"}'`,
    bounds: [`${mostShown} series are shown, the largest`],
  },
  data: { kind: 'metrics', isLearned: true },
  unavailable: withoutMetrics,
  reaches: ({ query }) => [{ of: 'metrics', expression: query }],
  async run(io, { query, time }): Promise<ToolAnswer> {
    const metrics = metricsOf(io);
    const at = momentOf(time, io.now) ?? io.now;
    const asked = metrics.bound(query);
    const { expression } = asked;
    const command = instantCommand(metrics, expression, at);
    const answer = await metrics.query(expression, at, io.signal).catch((thrown: unknown) => tooLarge(thrown, command));
    if ('status' in answer) return answer;
    const { series, total, warnings } = answer;
    const evidence = { kind: 'metrics', object: objectOfSeries(series) ?? 'metrics' };
    if (series.length === 0) {
      const text = [
        'no series at that moment.',
        ...notesOfBound(asked),
        ...(await whatThereIs(metrics, expression, at, io.signal)),
      ];
      return { status: 'no_data', text: text.join('\n'), command, evidence };
    }
    const notes = [...notesOfBound(asked), ...notesOf(total, warnings)];
    const text = [headOf(series, total, at), ...rowsOf(series, expression), ...notes];
    return { status: 'ok', text: text.join('\n'), command, evidence, narrow: howToNarrow };
  },
});

function headOf(series: readonly MetricSeries[], total: number, at: string): string {
  const common = series.length < 2 ? '' : labelsText(commonLabels(series).common);
  return `${total} series at ${at}${common === '' ? '' : `; all have ${common}`}`;
}

function rowsOf(series: readonly MetricSeries[], query: string): readonly string[] {
  const own = series.length < 2 ? series.map(({ labels }) => labels) : commonLabels(series).own;
  return series
    .map(({ points }, index) => ({ value: points.at(-1)?.[1] ?? Number.NaN, labels: own[index] ?? {} }))
    .sort((one, other) => (Number.isNaN(one.value) ? 1 : Number.isNaN(other.value) ? -1 : other.value - one.value))
    .slice(0, mostShown)
    .map(({ value, labels }) => `${valueText(value, query)}  ${labelsText(labels)}`.trimEnd());
}

function notesOf(total: number, warnings: readonly string[]): readonly string[] {
  return [
    ...(total > mostShown ? [`[${plural(total - mostShown, 'more value')}: ${howToNarrow}]`] : []),
    ...warnings.map((warning) => `[the server says: ${warning}]`),
  ];
}
