import type { Labels } from '../../src/core/alert.ts';
import { AppError } from '../../src/core/errors.ts';
import type { MetricAnswer, MetricPoint, MetricRange, MetricsReader } from '../../src/core/readers.ts';
import { toEpochMs } from '../../src/core/time.ts';

/** A series by its labels, and its value at a moment in milliseconds; null = none then. */
export interface MemorySeries {
  readonly labels: Labels;
  readonly value: (epochMs: number) => number | null;
}

export interface MemoryMetrics extends MetricsReader {
  /** What was asked, in order. */
  readonly asked: readonly (string | MetricRange)[];
}

/** Metrics by expression; an Error is thrown, and any other expression has no series. */
export function memoryMetrics(
  expressions: Readonly<Record<string, readonly MemorySeries[] | Error>>,
  warnings: readonly string[] = [],
): MemoryMetrics {
  const asked: (string | MetricRange)[] = [];
  const seriesOf = (expression: string): readonly MemorySeries[] => {
    const found = Object.hasOwn(expressions, expression) ? expressions[expression] : undefined;
    if (found instanceof Error) throw found;
    return found ?? [];
  };
  const answer = (expression: string, moments: readonly number[]): MetricAnswer => {
    const series = seriesOf(expression)
      .map(({ labels, value }) => ({
        labels,
        points: moments.flatMap((at): readonly MetricPoint[] => {
          const found = value(at);
          return found === null ? [] : [[at, found]];
        }),
      }))
      .filter(({ points }) => points.length > 0);
    return { series, total: series.length, warnings };
  };
  return {
    asked,
    description: 'memory',
    url: 'http://prometheus:9090',
    async query(expression, at) {
      asked.push(expression);
      return answer(expression, [toEpochMs(at)]);
    },
    async queryRange(range) {
      asked.push(range);
      const moments: number[] = [];
      for (let at = toEpochMs(range.from); at <= toEpochMs(range.to); at += range.stepMs) moments.push(at);
      return answer(range.expression, moments);
    },
    async series(selector) {
      return seriesOf(selector).map(({ labels }) => labels);
    },
  };
}

/** What a reader throws where an answer is too large. */
export const tooLargeError = new AppError('InvalidInput', 'the answer has more than 2097152 bytes', {
  reason: 'TooLarge',
});
