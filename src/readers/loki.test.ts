import { afterEach, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { VendorAnswer, VendorRequest } from '../../test/support/vendor.ts';
import { createHttpClient } from '../lib/http.ts';
import { createLoki } from './loki.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const { signal } = new AbortController();
const range = {
  expression: '{namespace="shop"}',
  from: '2026-01-01T11:00:00.000Z',
  to: '2026-01-01T12:00:00.000Z',
  limit: 10,
};

async function lokiThat(answer: (request: VendorRequest) => VendorAnswer) {
  const vendor = await startVendor((request) =>
    request.method === 'GET' && request.path === '/loki/api/v1/query_range' ? answer(request) : { status: 404 },
  );
  cleanup.defer(() => vendor.stop());
  const http = createHttpClient();
  cleanup.defer(() => http.close());
  return { vendor, loki: createLoki({ name: 'Loki', url: vendor.url, token: () => null, http }) };
}

it('gives the last lines, oldest first, and asks for no more', async () => {
  const { loki, vendor } = await lokiThat(() => ({
    status: 200,
    body: {
      status: 'success',
      data: {
        resultType: 'streams',
        result: [
          {
            stream: { namespace: 'shop', pod: 'web-1' },
            values: [
              ['1767265200123456789', 'second'],
              ['1767265199000000000', 'first'],
              [7, 'no time'],
            ],
          },
        ],
      },
    },
  }));
  expect(await loki.query(range, signal)).toEqual({
    streams: [
      {
        labels: { namespace: 'shop', pod: 'web-1' },
        lines: [
          [1767265199000, 'first'],
          [1767265200123, 'second'],
        ],
      },
    ],
  });
  expect(Object.fromEntries(vendor.requests[0]?.query ?? [])).toEqual({
    query: '{namespace="shop"}',
    start: '1767265200000000000',
    end: '1767268800000000000',
    limit: '10',
    direction: 'backward',
  });
});

it('gives series where an expression counts', async () => {
  const result = [{ metric: { pod: 'web-1' }, values: [[1767265200, '7']] }];
  const { loki } = await lokiThat(() => ({
    status: 200,
    body: { status: 'success', data: { resultType: 'matrix', result } },
  }));
  expect(await loki.query({ ...range, expression: 'sum(rate({namespace="shop"}[5m]))' }, signal)).toMatchObject({
    series: [{ labels: { pod: 'web-1' }, points: [[1767265200000, 7]] }],
    total: 1,
  });
});

it('bounds what it asks, and words what is refused', async () => {
  const { loki, vendor } = await lokiThat(() => ({ status: 400, body: 'parse error at line 1, col 2: syntax error' }));
  await expect(loki.query(range, signal)).rejects.toMatchObject({
    code: 'InvalidInput',
    message: 'Loki refuses the expression: parse error at line 1, col 2: syntax error',
  });
  for (const part of [
    { expression: '' },
    { from: range.to, to: range.from },
    { from: '2025-01-01T00:00:00.000Z' },
    { limit: 0 },
    { limit: 5000 },
  ])
    await expect(loki.query({ ...range, ...part }, signal)).rejects.toMatchObject({ code: 'InvalidInput' });
  expect(vendor.requests).toHaveLength(1);
});
