import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { Vendor, VendorAnswer } from '../../test/support/vendor.ts';
import { createHttpClient } from '../lib/http.ts';
import { guardPages } from './guarded-pages.ts';
import type { PageReader } from './guarded-pages.ts';
import { allowedHost } from './policy.ts';

const cleanup = createCleanup();
let vendor: Vendor;
let other: Vendor;
let pages: PageReader;
const answers = new Map<string, VendorAnswer>();
const { signal } = new AbortController();

beforeEach(async () => {
  answers.clear();
  vendor = await startVendor(
    ({ path }) => answers.get(path) ?? { status: 404, headers: { 'content-type': 'text/plain' }, body: 'none' },
  );
  other = await startVendor(() => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: 'canary' }));
  cleanup.defer(() => vendor.stop());
  cleanup.defer(() => other.stop());
  const http = createHttpClient();
  cleanup.defer(() => http.close());
  const host = allowedHost(vendor.url);
  pages = guardPages(http, {
    namespaces: new Set(),
    isClusterWide: false,
    mcpTools: new Set(),
    hosts: host === null ? [] : [host],
  });
});
afterEach(() => cleanup.run());

const plain = (body: string): VendorAnswer => ({
  status: 200,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});
const read = (path: string, method: 'GET' | 'HEAD' = 'GET') => pages.read(method, `${vendor.url}${path}`, signal);

it('reads text of an allowed host, sends nothing but what it accepts, and bounds what comes (R12)', async () => {
  answers.set('/status', plain('ok')).set('/large', plain('x'.repeat(200_000)));
  expect(await read('/status')).toEqual({
    url: `${vendor.url}/status`,
    status: 200,
    contentType: 'text/plain',
    body: 'ok',
    truncated: false,
  });
  expect(Object.keys(vendor.requests[0]?.headers ?? {}).sort()).toEqual(['accept', 'connection', 'host', 'user-agent']);
  expect(await read('/status', 'HEAD')).toMatchObject({ status: 200, body: '' });
  const large = await read('/large');
  expect([large.body.length, large.truncated]).toEqual([65_536, true]);
  expect(await read('/nothing')).toMatchObject({ status: 404, body: 'none' });
});

it('goes to no other host, port or scheme, by itself or by a redirect', async () => {
  const { port } = new URL(vendor.url);
  for (const url of [
    other.url,
    `https://127.0.0.1:${port}/`,
    `http://localhost:${port}/`,
    'http://169.254.169.254/latest/meta-data',
    `http://x@127.0.0.1:${port}/`,
    'file:///etc/passwd',
  ])
    await expect(pages.read('GET', url, signal), url).rejects.toMatchObject({
      code: 'Forbidden',
      reason: 'HostNotAllowed',
    });
  const away = [other.url, 'http://169.254.169.254/', 'file:///etc/passwd', `//127.0.0.1:${new URL(other.url).port}/`];
  for (const location of away) {
    answers.set('/away', { status: 302, headers: { location } });
    await expect(read('/away'), location).rejects.toMatchObject({ code: 'Forbidden' });
  }
  expect(other.requests).toEqual([]);
});

it('follows three redirects within the host', async () => {
  answers
    .set('/1', { status: 301, headers: { location: '/2' } })
    .set('/2', { status: 302, headers: { location: `${vendor.url}/3` } })
    .set('/3', { status: 307, headers: { location: '/4' } })
    .set('/4', plain('there'))
    .set('/0', { status: 308, headers: { location: '/1' } })
    .set('/nowhere', { status: 302 });
  expect(await read('/1')).toMatchObject({ url: `${vendor.url}/4`, body: 'there' });
  await expect(read('/0')).rejects.toThrow('more than 3 redirects');
  await expect(read('/nowhere')).rejects.toThrow('redirect to nowhere');
});

it('takes text alone', async () => {
  for (const type of [
    'application/json',
    'text/html',
    'application/problem+json',
    'text/plain; version=0.0.4',
    'application/yaml',
  ]) {
    answers.set('/typed', { status: 200, headers: { 'content-type': type }, body: 'x' });
    expect((await read('/typed')).body, type).toBe('x');
  }
  for (const type of ['application/octet-stream', 'image/png', 'application/zip', 'application/jsonx', '']) {
    answers.set('/typed', { status: 200, headers: { 'content-type': type }, body: 'x' });
    await expect(read('/typed'), type).rejects.toMatchObject({ code: 'InvalidInput' });
  }
});
