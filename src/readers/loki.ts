import { AppError } from '../core/errors.ts';
import type { LogRange, LogReader, LogStream } from '../core/readers.ts';
import { toEpochMs } from '../core/time.ts';
import { getJson } from './http-json.ts';
import type { ReadServer } from './http-json.ts';
import { labelsOf, seriesOf } from './prometheus.ts';

const limits = { timeoutMs: 20_000, mostBytes: 2 * 1024 * 1024 };
const longestExpression = 8000;
const longestRangeMs = 8 * 24 * 3_600_000;
/** Lines of one answer. */
const mostLines = 1000;

/**
 * Reads of Loki over `/loki/api/v1/query_range`; no other path can be asked. After
 * https://grafana.com/docs/loki/latest/reference/loki-http-api/.
 */
export function createLoki(server: ReadServer): LogReader {
  return {
    description: `${server.name} at ${server.url}`,
    url: server.url,
    refusal: server.refusal,
    async query(range, signal) {
      check(range);
      const { expression, from, to, limit } = range;
      const parameters = {
        query: expression,
        start: `${toEpochMs(from)}000000`,
        end: `${toEpochMs(to)}000000`,
        limit: String(limit),
        direction: 'backward',
      };
      const json = await getJson(server, '/loki/api/v1/query_range', parameters, limits, signal);
      const { data } = json as { readonly data?: { readonly resultType?: unknown; readonly result?: unknown } };
      if (data?.resultType !== 'streams') return { ...seriesOf(data?.resultType, data?.result), warnings: [] };
      return { streams: (Array.isArray(data.result) ? data.result : []).map(streamOf) };
    },
  };
}

function check({ expression, from, to, limit }: LogRange): void {
  const lengthMs = toEpochMs(to) - toEpochMs(from);
  if (expression.trim() === '' || expression.length > longestExpression)
    throw new AppError('InvalidInput', `the expression is empty, or longer than ${longestExpression} characters`);
  if (!(lengthMs >= 0)) throw new AppError('InvalidInput', `the range ends (${to}) before it begins (${from})`);
  if (lengthMs > longestRangeMs) throw new AppError('InvalidInput', 'the range is longer than 8 days');
  if (limit < 1 || limit > mostLines) throw new AppError('InvalidInput', `1 to ${mostLines} lines can be asked for`);
}

function streamOf(item: unknown): LogStream {
  const { stream, values } = item as { readonly stream?: unknown; readonly values?: unknown };
  const lines = (Array.isArray(values) ? values : []).flatMap((pair): LogStream['lines'] => {
    if (!Array.isArray(pair)) return [];
    const [time, text] = pair as readonly unknown[];
    // Nanoseconds, as text, because no number holds them.
    return typeof time === 'string' && typeof text === 'string' ? [[Number(time.slice(0, -6)), text]] : [];
  });
  return { labels: labelsOf(stream), lines: [...lines].sort(([one], [other]) => one - other) };
}
