import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import type { StrictVendor } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { VendorAnswer } from '../../test/support/vendor.ts';
import { grafana } from './grafana.ts';
import { nothingKnown } from './known.ts';

const secrets = { 'gf/token': 'glsa_x' };

interface Annotation {
  readonly id: number;
  readonly dashboardUID?: string;
  readonly panelId?: number;
  readonly time: number;
  readonly timeEnd?: number;
  readonly tags: readonly string[];
  readonly text: string;
}

interface FakeGrafana extends StrictVendor {
  readonly annotations: readonly Annotation[];
  /** Somebody deletes them all. */
  readonly clear: () => void;
}

/** HTTP API (grafana/grafana: pkg/api/annotations.go, docs/sources/developers/http_api/annotations.md). */
async function startGrafana(): Promise<FakeGrafana> {
  const annotations: Annotation[] = [];
  let made = 0;
  const vendor = await startVendor(({ method, path, query, headers, json }): VendorAnswer => {
    if (headers.authorization !== 'Bearer glsa_x') return { status: 401, body: { message: 'Unauthorized' } };
    if (method !== 'GET' && headers['content-type'] !== 'application/json') return { status: 400 };
    if (method === 'POST' && path === '/api/annotations') {
      const given = json as Annotation;
      const problem = problemOf(given);
      if (problem !== null) return { status: 400, body: { message: problem } };
      if (given.dashboardUID !== undefined && given.dashboardUID !== 'shop-1')
        return { status: 404, body: { message: 'Dashboard not found' } };
      made += 1;
      annotations.push({ ...given, id: made });
      return { status: 200, body: { message: 'Annotation added', id: made } };
    }
    if (method === 'GET' && path === '/api/annotations') {
      const [from, to] = [Number(query.get('from')), Number(query.get('to'))];
      const uid = query.get('dashboardUID');
      const found = annotations.filter((one) => one.time >= from && one.time <= to);
      return { status: 200, body: found.filter((one) => uid === null || one.dashboardUID === uid) };
    }
    const id = /^\/api\/annotations\/(\d+)$/.exec(path)?.[1];
    const index = annotations.findIndex((one) => String(one.id) === id);
    if (method !== 'PATCH' || index === -1) return { status: 404, body: { message: 'Annotation not found' } };
    const patched = { ...(annotations[index] as Annotation), ...(json as Partial<Annotation>) };
    const problem = problemOf(patched);
    if (problem !== null) return { status: 400, body: { message: problem } };
    annotations[index] = patched;
    return { status: 200, body: { message: 'Annotation patched' } };
  });
  return {
    vendor,
    annotations,
    clear: () => void annotations.splice(0),
    effects: () => made,
    shown: () => annotations.map(({ text }) => text),
  };
}

function problemOf({ text, time, timeEnd, tags, panelId, dashboardUID }: Annotation): string | null {
  if (typeof text !== 'string' || text === '') return 'text field should not be empty';
  if (!Number.isInteger(time) || time < 1e12) return 'time is no time in milliseconds';
  if (timeEnd !== undefined && !(Number.isInteger(timeEnd) && timeEnd >= time)) return 'timeEnd';
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string' || tag === '' || tag.length > 100))
    return 'tags';
  return panelId !== undefined && dashboardUID === undefined ? 'panelId' : null;
}

const config = (url: string) => ({ endpoint: `${url}/`, authentication: { type: 'bearer', secretRef: 'gf' } });
testSink({
  backend: grafana,
  config,
  secrets,
  start: startGrafana,
  isIdempotent: true,
  forbidden: [/<(?!a href="https:\/\/fist\.example\/|\/a>)/, /<a [^>]*on\w+=/],
});

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start(more: object = {}) {
  const fake = await startGrafana();
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => fake.vendor.stop());
  const deliver = (changes: Parameters<typeof sinkDelivery>[0] = {}) =>
    attemptOf(grafana, world.io, { ...config(fake.vendor.url), ...more }, sinkDelivery(changes));
  return { ...fake, deliver };
}

const since = Date.parse(payload.alert.startsAt);
const until = Date.parse(resolvedPayload.alert.resolvedAt);
const link = `<a href="${payload.run.url}">${payload.run.url}</a>`;
const open = { ...nothingKnown, open: '1' };

test('an annotation from the start of the alert is brought up to date by the report, and is a region at the end', async () => {
  const { annotations, deliver } = await start({ dashboardUID: 'shop-1', panelId: 4 });
  const begun = { event: 'run-started', payload: { ...payload, report: null } } as const;
  expect(await deliver(begun)).toEqual({ ok: true, reference: '1' });
  const first = { id: 1, dashboardUID: 'shop-1', panelId: 4, time: since, tags: ['fist', 'critical', 'shop'] };
  expect(annotations).toEqual([{ ...first, text: `KubePodCrashLooping shop/web-1\n${link}` }]);
  expect(await deliver({ known: open })).toEqual({ ok: true, reference: '1' });
  const text = `KubePodCrashLooping shop/web-1: Container web was OOMKilled. (95%)\n${link}`;
  expect(annotations).toEqual([{ ...first, text }]);
  await deliver({ event: 'alert-resolved', payload: resolvedPayload, known: open });
  expect(annotations).toEqual([{ ...first, text, timeEnd: until }]);
});

test('a report that comes after the end makes a region', async () => {
  const { annotations, deliver } = await start();
  await deliver({ payload: { ...resolvedPayload, event: 'run-finished' } });
  expect(annotations).toMatchObject([{ time: since, timeEnd: until }]);
});

test('an end of what was never shown shows nothing', async () => {
  const { vendor, deliver } = await start();
  expect(await deliver({ event: 'alert-resolved', payload: resolvedPayload })).toEqual({ ok: true, reference: null });
  expect(vendor.requests).toEqual([]);
});

test('what may have been made is looked for, and what is of another run is not taken for it', async () => {
  const { vendor, annotations, deliver } = await start();
  const other = { ...payload, run: { ...payload.run, url: 'https://fist.example/api/v1/runs/r0' } };
  await deliver({ payload: other });
  vendor.fail('processed, then reset');
  expect(await deliver()).toMatchObject({ ok: false, ambiguous: true });
  expect(await deliver({ isRepeat: true })).toEqual({ ok: true, reference: '2' });
  expect(annotations).toHaveLength(2);
});

test('what somebody deleted is not made again', async () => {
  const { annotations, clear, deliver } = await start();
  await deliver();
  clear();
  expect(await deliver({ known: open })).toEqual({ ok: true, reference: '1' });
  expect(annotations).toEqual([]);
});

test("its own markup is the template's, and what that prints is text", async () => {
  const { annotations, deliver } = await start({ template: '<b>{{ .alert.alertname }}</b>' });
  await deliver({ payload: { ...payload, alert: { ...payload.alert, alertname: '<img src=x>' } } });
  expect(annotations[0]?.text).toBe(`<b>&lt;img src=x&gt;</b>\n${link}`);
});

test('a dashboard that is not there is said to be refused', async () => {
  const { deliver } = await start({ dashboardUID: 'gone' });
  const reason = expect.stringMatching(/ answered 404$/) as string;
  expect(await deliver()).toMatchObject({ ok: false, retry: false, reason });
});

test('a panel needs its dashboard', () => {
  const base = { endpoint: 'http://grafana:3000', authentication: { type: 'bearer', secretRef: 'gf' } };
  expect(grafana.config.safeParse({ ...base, panelId: 4 }).success).toBe(false);
  expect(grafana.config.safeParse({ ...base, dashboardUID: 'a/b' }).success).toBe(false);
  expect(grafana.config.safeParse({ ...base, dashboardUID: 'a-b', panelId: 4 }).success).toBe(true);
});
