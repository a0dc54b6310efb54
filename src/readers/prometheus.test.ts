import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { startVendor } from '../../test/support/vendor.ts';
import { startPrometheusApi } from '../../test/support/vendors/prometheus-api.ts';
import type { FakePrometheusOptions } from '../../test/support/vendors/prometheus-api.ts';
import { createHttpClient } from '../lib/http.ts';
import { serverUrl } from './http-json.ts';
import { createPrometheus } from './prometheus.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const at = '2026-01-01T12:00:00.000Z';
const from = '2026-01-01T11:00:00.000Z';
const { signal } = new AbortController();

function readerOf(url: string, token: string | null = null) {
  const http = createHttpClient();
  cleanup.defer(() => http.close());
  return createPrometheus({ name: 'Prometheus', url, token: () => token, http });
}

async function world(options: FakePrometheusOptions = {}, token: string | null = null) {
  const vendor = await startPrometheusApi(options);
  cleanup.defer(() => vendor.stop());
  return { vendor, prometheus: readerOf(vendor.url, token) };
}

const up = { labels: { __name__: 'up', job: 'a' }, value: (seconds: number) => seconds % 2 };

describe('Prometheus', () => {
  it('is asked for one moment, for a time and for label sets', async () => {
    const { prometheus, vendor } = await world({
      expressions: { up: [up, { labels: { job: 'b' }, value: () => Number.POSITIVE_INFINITY }] },
    });
    expect(await prometheus.query('up', at, signal)).toEqual({
      series: [
        { labels: { __name__: 'up', job: 'a' }, points: [[Date.parse(at), 0]] },
        { labels: { job: 'b' }, points: [[Date.parse(at), Infinity]] },
      ],
      total: 2,
      warnings: [],
    });
    const range = await prometheus.queryRange({ expression: 'up', from, to: at, stepMs: 60_000 }, signal);
    expect(range.series[0]?.points).toHaveLength(61);
    expect(range.series[0]?.points[0]).toEqual([Date.parse(from), 0]);
    expect(await prometheus.series('up', from, at, signal)).toEqual([{ __name__: 'up', job: 'a' }, { job: 'b' }]);
    expect(vendor.refusals).toEqual([]);
  });

  it('has no other paths and no other methods, and bounds what it asks (R11)', async () => {
    const { prometheus, vendor } = await world({ expressions: { up: [up] } });
    await prometheus.query('up', at, signal);
    await prometheus.queryRange({ expression: 'up', from, to: at, stepMs: 60_000 }, signal);
    await prometheus.series('up', from, at, signal);
    // What an expression holds stays in its parameter.
    await prometheus.query('up&time=0#/../../admin/tsdb/delete_series?match[]=up', at, signal);
    expect(vendor.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v1/query',
      'GET /api/v1/query_range',
      'GET /api/v1/series',
      'GET /api/v1/query',
    ]);
    for (const { query } of vendor.requests.slice(0, 2))
      expect([query.get('timeout'), query.get('limit')]).toEqual(['15s', '500']);
    const asked = vendor.requests.length;
    const range = { expression: 'up', from, to: at, stepMs: 60_000 };
    const wrong: readonly (readonly [Partial<typeof range>, RegExp])[] = [
      [{ expression: ' ' }, /empty/],
      [{ expression: 'x'.repeat(8001) }, /longer than 8000/],
      [{ from: at, to: from }, /before it begins/],
      [{ from: '2025-12-01T00:00:00.000Z' }, /longer than 8 days/],
      [{ stepMs: 100 }, /shorter than a second/],
      [{ stepMs: 30_000 }, /more than 101 points/],
    ];
    for (const [part, problem] of wrong)
      await expect(prometheus.queryRange({ ...range, ...part }, signal)).rejects.toThrow(problem);
    expect(vendor.requests).toHaveLength(asked);
  });

  it('sends its token, and says what is wrong without it', async () => {
    const good = await world({ token: 'canary-token' }, 'canary-token');
    expect(await good.prometheus.query('up', at, signal)).toMatchObject({ total: 0 });
    const bad = await world({ token: 'canary-token' });
    await expect(bad.prometheus.query('up', at, signal)).rejects.toMatchObject({ code: 'Unauthenticated' });
  });

  it('keeps 500 series, and says how many there were', async () => {
    const many = Array.from({ length: 600 }, (_, index) => ({ labels: { pod: `web-${index}` }, value: () => index }));
    const { prometheus } = await world({ expressions: { many } });
    const { series, total } = await prometheus.query('many', at, signal);
    expect([series.length, total]).toEqual([500, 600]);
  });

  it('gives errors in the words of people, typed', async () => {
    const { prometheus } = await world({ refused: { 'up{': 'parse error: unexpected end of input inside braces' } });
    await expect(prometheus.query('up{', at, signal)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: 'Prometheus refuses the expression: parse error: unexpected end of input inside braces',
    });
    const answers = [
      [
        { status: 503, body: { status: 'error', error: 'query timed out in expression evaluation' } },
        'Timeout',
        /did not finish/,
      ],
      [{ status: 503, body: 'busy' }, 'Unreachable', /answered 503: busy/],
      [{ status: 403, body: 'no' }, 'Forbidden', /403/],
      [{ status: 302, headers: { location: 'http://169.254.169.254/' } }, 'Unreachable', /answered 302/],
      [{ status: 200, body: '<html>login</html>' }, 'Unreachable', /did not answer with JSON/],
      [{ status: 200, body: { status: 'error', error: 'no' } }, 'Unreachable', /says: no/],
      [
        { status: 200, body: `{"status":"success","data":"${'x'.repeat(3_000_000)}"}` },
        'InvalidInput',
        /more than 2097152 bytes/,
      ],
    ] as const;
    for (const [answer, code, message] of answers) {
      const vendor = await startVendor(() => answer);
      cleanup.defer(() => vendor.stop());
      await expect(readerOf(vendor.url).query('up', at, signal)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message) as string,
      });
    }
    await expect(readerOf('http://127.0.0.1:1').query('up', at, signal)).rejects.toMatchObject({ code: 'Unreachable' });
  });

  it('reads odd answers without failing', async () => {
    const odd = {
      status: 'success',
      warnings: ['partial response', 7],
      data: {
        resultType: 'vector',
        result: [{ metric: { a: 1, b: 'x' }, value: [1, 'NaN'] }, { metric: {}, histogram: [1, {}] }, {}],
      },
    };
    const vendor = await startVendor(() => ({ status: 200, body: odd }));
    cleanup.defer(() => vendor.stop());
    expect(await readerOf(vendor.url).query('up', at, signal)).toEqual({
      series: [{ labels: { b: 'x' }, points: [[1000, Number.NaN]] }],
      total: 3,
      warnings: ['partial response'],
    });
  });
});

it('takes addresses of servers alone', () => {
  expect(serverUrl('http://prometheus:9090/', '--prometheus')).toBe('http://prometheus:9090');
  expect(serverUrl('https://mimir.example.com/prometheus', '--prometheus')).toBe(
    'https://mimir.example.com/prometheus',
  );
  for (const text of ['prometheus:9090', 'ftp://x', 'http://x/?a=b', 'http://x/#a', '', 'http://user:canary@x'])
    expect(() => serverUrl(text, '--prometheus'), text).toThrow(
      expect.objectContaining({ code: 'InvalidInput', field: '--prometheus' }) as Error,
    );
});
