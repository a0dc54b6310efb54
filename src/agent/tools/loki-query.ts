import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { LogRange, LogReader, LogStream, MetricAnswer } from '../../core/readers.ts';
import { addMs, toTimestamp } from '../../core/time.ts';
import { windowOf } from '../../investigation/metrics/alert-series.ts';
import { commonLabels, labelsText, objectOfSeries, seriesText } from '../../investigation/metrics/text.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';
import { moment, momentOf } from './moments.ts';

const noLogs = 'no Loki is configured';
/** Series that are shown of an expression that counts. */
const mostSeries = 12;

/** What a store of logs has. */
export const lokiQuery = defineTool({
  name: 'loki_query',
  description:
    'Lines of a log store by LogQL, the last ones of a time, by default round the beginning of the alert: also of pods that are gone. Each selector names its namespace: {namespace="shop", pod=~"web-.*"} |~ "(?i)error".',
  input: z.strictObject({
    query: z
      .string()
      .min(1)
      .max(4000)
      .describe('LogQL with namespace="..." in each selector; also rate(...) and count_over_time(...).'),
    from: moment.describe('Since when: 2h (ago), or an RFC 3339 time. Default: an hour before the alert began.'),
    to: moment.describe('Until when. Default: an hour after the alert began, or now.'),
    limit: z.int().min(1).max(500).default(100).describe('Lines at most.'),
  }),
  reference: {
    example: { query: '{namespace="shop", pod="web-1"} |= "error"', from: '1h' },
    command: `logcli --addr=http://loki:3100 query --from=2026-01-01T11:00:00.000Z --to=2026-01-01T12:00:00.000Z --limit=100 '{namespace="shop", pod="web-1"} |= "error"'`,
    bounds: ['500 lines, and 8 days'],
  },
  data: { kind: 'logs', isLearned: true },
  unavailable: ({ logs }) => (logs === null ? noLogs : (logs.refusal?.message ?? null)),
  reaches: ({ query }) => [{ of: 'logs', expression: query }],
  async run(io, asked): Promise<ToolAnswer> {
    const { logs } = io;
    if (logs === null) throw new AppError('InvalidInput', noLogs);
    const around = windowOf(io.alert?.startsAt ?? null, io.now);
    const to = momentOf(asked.to, io.now) ?? around.to;
    const from = momentOf(asked.from, io.now) ?? (around.from < to ? around.from : addMs(to, -3_600_000));
    const range: LogRange = { expression: asked.query, from, to, limit: asked.limit };
    const command = commandOf(logs, range);
    const found = await logs.query(range, io.signal);
    const answer = 'streams' in found ? ofStreams(found.streams, range) : ofSeries(found, range);
    return { ...answer, command };
  },
});

type Told = Pick<ToolAnswer, 'status' | 'text' | 'evidence' | 'keepEnd' | 'narrow'>;

function commandOf({ url }: LogReader, { expression, from, to, limit }: LogRange): string {
  return `logcli --addr=${shellWord(url)} query --from=${from} --to=${to} --limit=${limit} ${shellWord(expression)}`;
}

function ofStreams(streams: readonly LogStream[], { from, to, limit }: LogRange): Told {
  const { common, own } = commonLabels(streams);
  const evidence = { kind: 'logs', object: objectOfSeries(streams) ?? 'logs' };
  const lines = streams
    .flatMap(({ lines: said }, index) => said.map(([at, text]) => ({ at, text, labels: labelsText(own[index] ?? {}) })))
    .sort((one, other) => one.at - other.at);
  if (lines.length === 0) return { status: 'no_data', text: `no lines from ${from} to ${to}.`, evidence };
  const head = `${lines.length} lines from ${from} to ${to}${lines.length < limit ? '' : ', the last ones'}; all have ${labelsText(common) || 'no label alike'}`;
  const rows = lines.map(
    ({ at, text, labels }) => `${toTimestamp(at)} ${labels === '' ? '' : `${labels} `}${text.replace(/\n+$/, '')}`,
  );
  return {
    status: 'ok',
    text: [head, ...rows].join('\n'),
    evidence,
    keepEnd: true,
    narrow: 'use a line filter |~ "...", a shorter time or a smaller limit',
  };
}

function ofSeries({ series, total }: MetricAnswer, { expression, from, to }: LogRange): Told {
  const evidence = { kind: 'metrics', object: objectOfSeries(series) ?? 'logs' };
  if (series.length === 0) return { status: 'no_data', text: `no series from ${from} to ${to}.`, evidence };
  const text = [
    `${total} series from ${from} to ${to}`,
    ...series
      .slice(0, mostSeries)
      .flatMap((one) => [labelsText(one.labels), ...seriesText(one, expression, null).map((line) => `  ${line}`)]),
    ...(total > mostSeries ? [`[${total - mostSeries} more: use topk(10, ...) or sum by (...)]`] : []),
  ];
  return { status: 'ok', text: text.join('\n'), evidence, narrow: 'use topk or sum by' };
}
