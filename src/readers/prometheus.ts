import type { Labels } from '../core/alert.ts';
import { AppError } from '../core/errors.ts';
import type { MetricAnswer, MetricPoint, MetricRange, MetricSeries, MetricsReader } from '../core/readers.ts';
import { toEpochMs } from '../core/time.ts';
import { oneLine } from '../lib/printable.ts';
import { getJson } from './http-json.ts';
import type { ReadServer } from './http-json.ts';

/** Bounds of every question. */
const limits = { timeoutMs: 15_000, mostBytes: 2 * 1024 * 1024 };
const longestExpression = 8000;
/** A week tells what is usual. */
const longestRangeMs = 8 * 24 * 3_600_000;
const shortestStepMs = 1000;
/** Points of one series. */
const mostPoints = 101;
/** Series that are kept of an answer. */
const mostSeries = 500;
/** Label sets that are asked for. */
const mostLabelSets = 100;

/**
 * Reads of Prometheus (and Thanos, Mimir, VictoriaMetrics) over `/api/v1/query`, `query_range` and `series`; no other path can be
 * asked, and what is asked is bounded. After https://prometheus.io/docs/prometheus/latest/querying/api/.
 */
export function createPrometheus(server: ReadServer): MetricsReader {
  const ask = (path: string, parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> =>
    getJson(server, `/api/v1/${path}`, parameters, limits, signal);
  const timeout = `${limits.timeoutMs / 1000}s`;
  return {
    description: `${server.name} at ${server.url}`,
    url: server.url,
    refusal: server.refusal,
    async query(expression, at, signal) {
      checkExpression(expression);
      const parameters = { query: expression, time: seconds(at), timeout, limit: String(mostSeries) };
      return answerOf(await ask('query', parameters, signal));
    },
    async queryRange(range, signal) {
      checkExpression(range.expression);
      checkRange(range);
      const { expression, from, to, stepMs } = range;
      const parameters = {
        query: expression,
        start: seconds(from),
        end: seconds(to),
        step: String(stepMs / 1000),
        timeout,
        limit: String(mostSeries),
      };
      return answerOf(await ask('query_range', parameters, signal));
    },
    async series(selector, from, to, signal) {
      checkExpression(selector);
      const parameters = { 'match[]': selector, start: seconds(from), end: seconds(to), limit: String(mostLabelSets) };
      const { data } = (await ask('series', parameters, signal)) as { readonly data?: unknown };
      return (Array.isArray(data) ? data : []).slice(0, mostLabelSets).map(labelsOf);
    },
  };
}

function checkExpression(text: string): void {
  if (text.trim() === '') throw new AppError('InvalidInput', 'the expression is empty');
  if (text.length > longestExpression)
    throw new AppError('InvalidInput', `the expression is longer than ${longestExpression} characters`);
}

function checkRange({ from, to, stepMs }: MetricRange): void {
  const lengthMs = toEpochMs(to) - toEpochMs(from);
  if (!(lengthMs >= 0)) throw new AppError('InvalidInput', `the range ends (${to}) before it begins (${from})`);
  if (lengthMs > longestRangeMs) throw new AppError('InvalidInput', 'the range is longer than 8 days');
  if (stepMs < shortestStepMs) throw new AppError('InvalidInput', 'the step is shorter than a second');
  if (Math.floor(lengthMs / stepMs) + 1 > mostPoints)
    throw new AppError('InvalidInput', `the range has more than ${mostPoints} points at this step`);
}

/** Unix time with milliseconds. */
function seconds(time: string): string {
  return (toEpochMs(time) / 1000).toFixed(3);
}

interface Answer {
  readonly status?: unknown;
  readonly error?: unknown;
  readonly warnings?: unknown;
  readonly infos?: unknown;
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown };
}

/** Reads vectors, matrices, scalars and strings alike. Histograms have no number and are left out. */
function answerOf(json: unknown): MetricAnswer {
  const { status, error, warnings, infos, data } = json as Answer;
  if (status !== 'success')
    throw new AppError(
      'Unreachable',
      `the metrics server says: ${oneLine(typeof error === 'string' ? error : 'no success', 300)}`,
    );
  return { ...seriesOf(data?.resultType, data?.result), warnings: [...textsOf(warnings), ...textsOf(infos)] };
}

/** Series of the form that Prometheus gives them in. */
export function seriesOf(type: unknown, result: unknown): Pick<MetricAnswer, 'series' | 'total'> {
  if (!Array.isArray(result)) return { series: [], total: 0 };
  if (type === 'scalar' || type === 'string') return { series: [{ labels: {}, points: pointsOf([result]) }], total: 1 };
  const series = result.slice(0, mostSeries).map((item): MetricSeries => {
    const { metric, value, values } = item as {
      readonly metric?: unknown;
      readonly value?: unknown;
      readonly values?: unknown;
    };
    return { labels: labelsOf(metric), points: pointsOf(Array.isArray(values) ? values : [value]) };
  });
  return { series: series.filter(({ points }) => points.length > 0), total: result.length };
}

function pointsOf(values: readonly unknown[]): readonly MetricPoint[] {
  return values.flatMap((pair): readonly MetricPoint[] => {
    if (!Array.isArray(pair)) return [];
    const [time, value] = pair as readonly unknown[];
    return typeof time === 'number' && typeof value === 'string' ? [[Math.round(time * 1000), numberOf(value)]] : [];
  });
}

const infinities: Readonly<Record<string, number>> = { '+Inf': Infinity, Inf: Infinity, '-Inf': -Infinity };

function numberOf(text: string): number {
  return infinities[text] ?? Number(text);
}

/** Label sets hold texts; what is none is no label. */
export function labelsOf(value: unknown): Labels {
  return Object.fromEntries(
    Object.entries(value ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [])
    .filter((text) => typeof text === 'string')
    .slice(0, 5)
    .map((text) => oneLine(text, 300));
}
