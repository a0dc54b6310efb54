import type { Labels } from '../../../src/core/alert.ts';
import { startVendor } from '../vendor.ts';
import type { Vendor, VendorAnswer, VendorRequest } from '../vendor.ts';

/** A series by its labels, and its value at a moment (seconds); null = none then. */
export interface FakeSeries {
  readonly labels: Labels;
  readonly value: (seconds: number) => number | null;
}

export interface FakePrometheusOptions {
  /** By expression; any other one gives no series. */
  readonly expressions?: Readonly<Record<string, readonly FakeSeries[]>>;
  /** Expressions that are refused, with what is said. */
  readonly refused?: Readonly<Record<string, string>>;
  /** The one bearer token; absent = none is asked for. */
  readonly token?: string;
}

const parametersOf = {
  '/api/v1/query': ['query', 'time', 'timeout', 'limit'],
  '/api/v1/query_range': ['query', 'start', 'end', 'step', 'timeout', 'limit'],
  '/api/v1/series': ['match[]', 'start', 'end', 'limit'],
} as const;

/** Prometheus's API as it reads, and nothing that writes or tells of the server: what it does not know is 4xx (web/api/v1/api.go). */
export function startPrometheusApi(options: FakePrometheusOptions = {}): Promise<Vendor> {
  return startVendor((request) => answer(request, options));
}

const bad = (error: string): VendorAnswer => ({ status: 400, body: { status: 'error', errorType: 'bad_data', error } });

function answer(
  request: VendorRequest,
  { expressions = {}, refused = {}, token }: FakePrometheusOptions,
): VendorAnswer {
  const { method, path, query, headers, text } = request;
  if (token !== undefined && headers.authorization !== `Bearer ${token}`) return { status: 401, body: 'Unauthorized' };
  if (!(path in parametersOf)) return { status: 404, body: '404 page not found' };
  if (method !== 'GET' || text !== '') return { status: 405, body: 'method not allowed' };
  const known: readonly string[] = parametersOf[path as keyof typeof parametersOf];
  for (const name of query.keys()) if (!known.includes(name)) return bad(`unknown parameter ${name}`);
  const number = (name: string): number => {
    const value = query.get(name) ?? '';
    return /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  };
  const expression = query.get(path === '/api/v1/series' ? 'match[]' : 'query') ?? '';
  const said = refused[expression];
  if (said !== undefined) return bad(said);
  const series = Object.hasOwn(expressions, expression) ? (expressions[expression] ?? []) : [];
  if (path === '/api/v1/series') return ok(series.map(({ labels }) => labels));
  if (path === '/api/v1/query') {
    const time = number('time');
    if (Number.isNaN(time)) return bad('invalid parameter "time"');
    const result = series.flatMap(({ labels, value }) => {
      const found = value(time);
      return found === null ? [] : [{ metric: labels, value: [time, textOf(found)] }];
    });
    return ok({ resultType: 'vector', result });
  }
  const [start, end, step] = [number('start'), number('end'), number('step')];
  if ([start, end, step].some(Number.isNaN) || end < start) return bad('invalid parameter "start"');
  if ((end - start) / step > 11_000) return bad('exceeded maximum resolution of 11,000 points per timeseries');
  const result = series.flatMap(({ labels, value }) => {
    const values: [number, string][] = [];
    for (let at = start; at <= end; at += step) {
      const found = value(at);
      if (found !== null) values.push([at, textOf(found)]);
    }
    return values.length === 0 ? [] : [{ metric: labels, values }];
  });
  return ok({ resultType: 'matrix', result });
}

const ok = (data: unknown): VendorAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: { status: 'success', data },
});

function textOf(value: number): string {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
