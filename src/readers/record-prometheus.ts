import type { Labels } from '../core/alert.ts';
import type { CapturedFile } from '../core/cluster.ts';
import type { MetricAnswer, MetricPoint, MetricRange, MetricsReader } from '../core/readers.ts';
import { redact } from '../lib/redact.ts';
import { recordedFolder } from './recorded-prometheus.ts';

/** Bounds of what is recorded. */
const mostQuestions = 100;
const mostSeries = 50;

/** Metrics whose answers are kept. */
export interface MetricsRecorder {
  readonly reader: MetricsReader;
  /** What was answered until now, as files of a dump; redacted. */
  files(): readonly CapturedFile[];
  /** How many answers were not kept because there were too many. */
  leftOut(): number;
}

/**
 * Keeps the answers to ranges, so that the same questions can be asked again without the server (recorded-prometheus.ts). Of an answer
 * with many series those are kept that these labels fit.
 */
export function recordMetrics(metrics: MetricsReader, labels: Labels): MetricsRecorder {
  const kept = new Map<string, { readonly range: MetricRange; readonly answer: MetricAnswer }>();
  let leftOut = 0;
  const keep = (range: MetricRange, answer: MetricAnswer): void => {
    const key = `${range.expression} ${range.from} ${range.to}`;
    if (kept.has(key)) return;
    if (kept.size < mostQuestions) kept.set(key, { range, answer });
    else leftOut += 1;
  };
  return {
    reader: {
      ...metrics,
      async queryRange(range, signal) {
        const answer = await metrics.queryRange(range, signal);
        keep(range, answer);
        return answer;
      },
      async query(expression, at, signal) {
        const answer = await metrics.query(expression, at, signal);
        keep({ expression, from: at, to: at, stepMs: 1000 }, answer);
        return answer;
      },
    },
    files: () =>
      // Answers come in any order; the files of one capture have one.
      [...kept]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([, answer]) => answer)
        .map(({ range, answer }, index) => ({
          name: `${recordedFolder}/${String(index + 1).padStart(2, '0')}-${slugOf(range.expression)}.json`,
          text: `${JSON.stringify(recordingOf(metrics.url, range, answer, labels), null, 1)}\n`,
        })),
    leftOut: () => leftOut,
  };
}

/** `container-memory-working-set-bytes`, from the first name of a metric that is no function's. */
function slugOf(expression: string): string {
  const [, name = 'query'] = /([a-zA-Z_:][\w:]*)\s*(?:\{|\[|$)/.exec(expression) ?? [];
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60);
}

function recordingOf(url: string, range: MetricRange, { series, total }: MetricAnswer, labels: Labels): object {
  const fitting = series.length <= mostSeries ? series : series.filter((one) => fits(one.labels, labels));
  const shown = fitting.slice(0, mostSeries);
  return {
    query: redact(range.expression),
    start: range.from,
    end: range.to,
    step: range.stepMs / 1000,
    server: url,
    ...(total > shown.length ? { left_out: total - shown.length } : {}),
    status: 'success',
    data: {
      resultType: 'matrix',
      result: shown.map((one) => ({ metric: redactedLabels(one.labels), values: one.points.map(valueOf) })),
    },
  };
}

function fits(own: Labels, labels: Labels): boolean {
  return Object.entries(own).every(([name, value]) => labels[name] === undefined || labels[name] === value);
}

/** As a text of `name="value"`, by which a secret is known. */
function redactedLabels(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => {
      const text = `${name}=${value}`;
      const safe = redact(text);
      return [name, safe === text ? value : safe.startsWith(`${name}=`) ? safe.slice(name.length + 1) : '[REDACTED]'];
    }),
  );
}

function valueOf([at, value]: MetricPoint): readonly [number, string] {
  return [at / 1000, value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value)];
}
