import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { AppError } from '../core/errors.ts';
import type { HttpRequest, HttpResponse } from '../core/ports.ts';
import { createTraceExporter } from './exporter.ts';
import type { Span } from './span.ts';
import { silentLog } from '../lib/silent-log.ts';

const span: Span = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  parentSpanId: null,
  name: 'invoke_workflow triage',
  kind: 'internal',
  startMs: 1,
  endMs: 2,
  attributes: {},
  error: null,
};

const ok: HttpResponse = { status: 200, headers: {}, body: '{}', truncated: false };

/** What the collector does with the next requests; beyond them it takes everything. */
type Act = HttpResponse | Error | 'hang';

function start(acts: readonly Act[], load: (id: string) => Promise<readonly Span[]> = async () => [span]) {
  const warned: string[] = [];
  const clock = createFakeClock('2026-01-01T00:00:00.000Z');
  const requests: HttpRequest[] = [];
  const counted: Record<string, number> = {};
  const coming = [...acts];
  const exporter = createTraceExporter({
    url: 'http://collector.example/v1/traces',
    headers: { authorization: 'x' },
    sender: { version: '1', resource: { 'service.name': 'fist' } },
    load,
    http: {
      send(request) {
        requests.push(request);
        const act = coming.shift() ?? ok;
        if (act instanceof Error) return Promise.reject(act);
        if (act !== 'hang') return Promise.resolve(act);
        return new Promise((_, reject) => {
          request.signal?.addEventListener('abort', () => reject(new AppError('Cancelled', 'the program stops')));
        });
      },
    },
    clock,
    log: { ...silentLog, warn: (fields, message) => void warned.push(`${message}, ${String(fields['reason'])}`) },
    metrics: {
      increment(_, labels) {
        const result = String(Object.values(labels)[0]);
        counted[result] = (counted[result] ?? 0) + 1;
      },
    },
    random: () => 1,
    mostWaiting: 3,
  });
  return { clock, requests, counted, warned, exporter };
}

const answered = (status: number, more: Partial<HttpResponse> = {}): HttpResponse => ({ ...ok, status, ...more });
const unreachable = new AppError('Unreachable', 'nobody is there', { retryable: true });

test.each([429, 502, 503, 504])('an answer %i is tried again, later and later', async (status) => {
  const { clock, requests, counted, exporter } = start([answered(status), unreachable, answered(status)]);
  exporter.ended('r1');
  for (const [seconds, tries] of [
    [0, 1],
    [1, 2],
    [2, 3],
    [4, 4],
  ] as const) {
    await clock.advance(seconds * 1000 - 1);
    expect(requests).toHaveLength(Math.max(1, tries - 1));
    await clock.advance(1);
    expect(requests).toHaveLength(tries);
  }
  expect(counted).toEqual({ sent: 1 });
});

test('the collector says how long it wants to be left alone', async () => {
  const { clock, requests, exporter } = start([answered(429, { headers: { 'retry-after': '20' } })]);
  exporter.ended('r1');
  await clock.advance(19_999);
  expect(requests).toHaveLength(1);
  await clock.advance(1);
  expect(requests).toHaveLength(2);
});

test('after four tries the trace is given up, and the next one is sent', async () => {
  const { clock, requests, counted, exporter } = start(Array.from({ length: 4 }, () => unreachable));
  exporter.ended('r1');
  exporter.ended('r2');
  await clock.advance(60_000);
  expect(requests).toHaveLength(5);
  expect(counted).toEqual({ unreachable: 1, sent: 1 });
});

test.each([400, 401, 404, 413, 500])('an answer %i is final', async (status) => {
  const { clock, requests, counted, exporter } = start([answered(status)]);
  exporter.ended('r1');
  await clock.advance(60_000);
  expect(requests).toHaveLength(1);
  expect(counted).toEqual({ refused: 1 });
});

test('what was rejected of a trace is not sent again', async () => {
  const body = JSON.stringify({ partialSuccess: { rejectedSpans: '1', errorMessage: 'no\u001b[31m' } });
  const { clock, requests, counted, exporter } = start([answered(200, { body })]);
  exporter.ended('r1');
  await clock.advance(60_000);
  expect(requests).toHaveLength(1);
  expect(counted).toEqual({ partly: 1 });
});

test('a warning of a collector that rejected nothing is none of ours, and neither is an answer that is no JSON', async () => {
  const warned = JSON.stringify({ partialSuccess: { rejectedSpans: 0, errorMessage: 'use gzip' } });
  const { clock, counted, exporter } = start([answered(200, { body: warned }), answered(200, { body: '' })]);
  exporter.ended('r1');
  exporter.ended('r2');
  await clock.advance(1);
  expect(counted).toEqual({ sent: 2 });
});

test('more than may wait are left out and counted', async () => {
  const { clock, requests, counted, exporter } = start(['hang']);
  exporter.ended('r0');
  await clock.advance(0);
  for (const id of ['r1', 'r2', 'r3', 'r4', 'r5']) exporter.ended(id);
  expect(requests).toHaveLength(1);
  expect(counted).toEqual({ 'left-out': 2 });
});

test('a run that cannot be read is counted, and one without a model sends nothing', async () => {
  const load = (id: string) => (id === 'r1' ? Promise.reject(new Error('the store is away')) : Promise.resolve([]));
  const { clock, requests, counted, exporter } = start([], load);
  exporter.ended('r1');
  exporter.ended('r2');
  await clock.advance(1);
  expect(requests).toEqual([]);
  expect(counted).toEqual({ unreadable: 1 });
});

test('at the stop what waits is sent once more, without a pause', async () => {
  const { clock, requests, counted, warned, exporter } = start([unreachable, unreachable]);
  exporter.ended('r1');
  exporter.ended('r2');
  exporter.ended('r3');
  await clock.advance(0);
  await exporter.stop(1000);
  expect(requests).toHaveLength(4);
  expect(counted).toEqual({ unreachable: 1, sent: 2 });
  exporter.ended('r4');
  expect(counted).toMatchObject({ 'left-out': 1 });
  expect(warned).toEqual(['traces: unreachable, nobody is there', 'traces: left-out, the program stops']);
});

test('a collector that does not answer is waited for as long as the stop has time', async () => {
  const { clock, counted, exporter } = start(['hang']);
  exporter.ended('r1');
  exporter.ended('r2');
  await clock.advance(0);
  const stopped = exporter.stop(1000);
  await clock.advance(999);
  expect(counted).toEqual({});
  await clock.advance(1);
  await stopped;
  expect(counted).toEqual({ 'left-out': 2 });
});
