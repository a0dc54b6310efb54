import { z } from 'zod';
import type { CapturedFile } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import { notRecorded } from '../core/readers.ts';
import type { MetricAnswer, MetricPoint, MetricRange, MetricSeries, MetricsReader } from '../core/readers.ts';
import { toEpochMs } from '../core/time.ts';
import { oneLine } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import { seriesOf } from './prometheus.ts';

/** The folder of a dump that holds answers of a Prometheus. */
export const recordedFolder = 'prometheus';

/**
 * One file: what was asked, and the answer of `/api/v1/query_range` as Prometheus gives it. Times are RFC 3339, the step is in
 * seconds. The query is redacted, as everything that is captured.
 */
const recordingSchema = z.object({
  query: z.string().min(1),
  start: z.string().refine((text) => !Number.isNaN(Date.parse(text)), { message: 'no RFC 3339 time' }),
  end: z.string().refine((text) => !Number.isNaN(Date.parse(text)), { message: 'no RFC 3339 time' }),
  step: z.number().positive(),
  /** Its address, for the commands that people are shown. */
  server: z.string().default('http://prometheus:9090'),
  status: z.literal('success'),
  data: z.object({ resultType: z.literal('matrix'), result: z.array(z.unknown()) }),
});

interface Recording {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly series: readonly MetricSeries[];
}

/**
 * Metrics as they were answered when they were recorded; null where no file holds an answer. What was not asked then is an error
 * with the reason `NotRecorded`, never no series. A file without `query` is none of these (a namespace may have this name, too).
 * Throws InvalidInput for one that cannot be read.
 */
export function recordedPrometheus(files: readonly CapturedFile[], where: string): MetricsReader | null {
  const recordings = new Map<string, Recording[]>();
  let url: string | null = null;
  for (const file of files) {
    const found = recordingOf(file);
    if (found === null) continue;
    url ??= found.server;
    const key = keyOf(found.query);
    recordings.set(key, [...(recordings.get(key) ?? []), found.recording]);
  }
  if (url === null) return null;
  const allOf = (expression: string): readonly Recording[] => {
    const found = recordings.get(keyOf(expression));
    if (found !== undefined) return found;
    throw unknown(`${where} holds no answer to ${oneLine(redact(expression), 300)}`);
  };
  return {
    description: `the recorded metrics of ${where}`,
    url,
    async query(expression, at) {
      const moment = toEpochMs(at);
      const known = allOf(expression).find(
        ({ startMs, endMs, stepMs }) => moment >= startMs && moment < endMs + stepMs,
      );
      if (known === undefined)
        throw unknown(`${where} holds no answer to ${oneLine(redact(expression), 300)} for ${at}`);
      return answerOf([known], [moment]);
    },
    queryRange: async (range) => answerOf(allOf(range.expression), momentsOf(range)),
    async series(selector) {
      throw unknown(`${where} does not say which series there were of ${oneLine(redact(selector), 300)}`);
    },
  };
}

function unknown(message: string): AppError {
  const next = 'capture it as well: fist capture --prometheus URL --alert FILE';
  return new AppError('NotFound', message, { reason: notRecorded, next });
}

/** Queries are the same whatever spaces they are written with. */
function keyOf(query: string): string {
  return redact(query).replace(/\s+/g, ' ').trim();
}

function recordingOf({ name, text }: CapturedFile) {
  const problem = (why: string): AppError =>
    new AppError('InvalidInput', `${name} is no recorded answer of Prometheus: ${why}`, {
      next: 'fist capture --prometheus URL --alert FILE writes such files',
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw problem((error as Error).message);
  }
  if (value === null || typeof value !== 'object' || !('query' in value)) return null;
  const parsed = recordingSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw problem(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { query, start, end, step, server, data } = parsed.data;
  const { series } = seriesOf('matrix', data.result);
  const recording: Recording = { startMs: Date.parse(start), endMs: Date.parse(end), stepMs: step * 1000, series };
  return { query, server, recording };
}

function momentsOf({ from, to, stepMs }: MetricRange): readonly number[] {
  const moments: number[] = [];
  for (let at = toEpochMs(from); at <= toEpochMs(to); at += stepMs) moments.push(at);
  return moments;
}

/** The series at these moments: a point is the value until the next one was due. */
function answerOf(recordings: readonly Recording[], moments: readonly number[]): MetricAnswer {
  const byLabels = new Map<string, { readonly labels: MetricSeries['labels']; points: readonly MetricPoint[] }>();
  for (const { series, stepMs } of recordings)
    for (const { labels, points } of series) {
      const key = JSON.stringify(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)));
      const known = byLabels.get(key) ?? { labels, points: [] };
      known.points = [...known.points, ...at(points, moments, stepMs)];
      byLabels.set(key, known);
    }
  const found = [...byLabels.values()]
    .map(({ labels, points }) => ({ labels, points: once(points) }))
    .filter(({ points }) => points.length > 0);
  return { series: found, total: found.length, warnings: [] };
}

function at(points: readonly MetricPoint[], moments: readonly number[], stepMs: number): readonly MetricPoint[] {
  let index = -1;
  return moments.flatMap((moment): readonly MetricPoint[] => {
    while ((points[index + 1]?.[0] ?? Infinity) <= moment) index += 1;
    const point = points[index];
    return point === undefined || moment - point[0] >= stepMs ? [] : [[moment, point[1]]];
  });
}

/** By time, each moment once: recordings may overlap. */
function once(points: readonly MetricPoint[]): readonly MetricPoint[] {
  return [...new Map(points)].sort(([one], [other]) => one - other);
}
