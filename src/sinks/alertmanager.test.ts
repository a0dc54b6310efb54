import { afterEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import type { StrictVendor } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { VendorAnswer, VendorRequest } from '../../test/support/vendor.ts';
import { alertmanager } from './alertmanager.ts';

type Texts = Readonly<Record<string, string>>;

interface Alert {
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
}

interface Silence {
  readonly matchers: readonly { name: string; value: string; isRegex: boolean; isEqual?: boolean }[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly createdBy: string;
  readonly comment: string;
}

interface Kept extends Silence {
  readonly id: string;
  readonly status: { state: 'active' | 'expired' };
}

interface FakeAlertmanager extends StrictVendor {
  readonly alerts: Alert[];
  readonly silences: Kept[];
}

const name = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const now = Date.parse(payload.timestamp);
const { labels } = payload.alert;

const theAlert: Alert = {
  labels,
  annotations: { summary: 'web-1 restarts' },
  startsAt: '2026-03-01T09:59:00.000Z',
  endsAt: '2026-03-01T10:04:30.000Z',
  generatorURL: 'http://prometheus.example/graph?g0.expr=x',
};

/** API v2 (prometheus/alertmanager: api/v2/openapi.yaml, types.go, silence.go). */
async function startFake(): Promise<FakeAlertmanager> {
  const alerts: Alert[] = [];
  const silences: Kept[] = [];
  const vendor = await startVendor((request): VendorAnswer => {
    const { method, path } = request;
    if (request.headers.authorization !== 'Basic ZmlzdDpzM2NyZXQ=') return { status: 401 };
    if (method === 'GET' && path === '/am/api/v2/alerts')
      return filtered(request, alerts, (alert) => alert.labels, { fingerprint: 'f', status: { state: 'active' } });
    if (method === 'GET' && path === '/am/api/v2/silences')
      return filtered(request, silences, ({ matchers }) => Object.fromEntries(matchers.map((m) => [m.name, m.value])));
    if (method === 'POST' && request.headers['content-type'] !== 'application/json') return { status: 415 };
    if (method === 'POST' && path === '/am/api/v2/alerts') return takeAlerts(alerts, request.json as readonly Alert[]);
    if (method === 'POST' && path === '/am/api/v2/silences') return takeSilence(silences, request.json as Silence);
    const id = /^\/am\/api\/v2\/silence\/(.+)$/.exec(path)?.[1];
    const index = silences.findIndex((silence) => silence.id === id);
    if (method !== 'DELETE' || index === -1) return { status: 404 };
    silences[index] = { ...(silences[index] as Kept), status: { state: 'expired' } };
    return { status: 200 };
  });
  return { vendor, alerts, silences, effects: () => silences.length, shown: () => silences.map((one) => one.comment) };
}

function filtered<T extends object>(
  { query }: VendorRequest,
  items: readonly T[],
  labelsOf: (item: T) => Texts,
  more: object = {},
): VendorAnswer {
  const filters = query.getAll('filter').map((filter) => /^([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\]*)"$/.exec(filter));
  if (filters.includes(null)) return { status: 400, body: 'bad matcher format' };
  const isWanted = (item: T) => filters.every((filter) => labelsOf(item)[String(filter?.[1])] === filter?.[2]);
  return { status: 200, body: items.filter(isWanted).map((item) => ({ ...item, ...more })) };
}

function takeAlerts(alerts: Alert[], posted: readonly Alert[]): VendorAnswer {
  if (!Array.isArray(posted)) return { status: 400 };
  for (const alert of posted) {
    const names = [...Object.keys(alert.labels), ...Object.keys(alert.annotations)];
    if (Object.keys(alert.labels).length === 0 || names.some((one) => !name.test(one))) return { status: 400 };
    if (!(Date.parse(alert.startsAt) <= Date.parse(alert.endsAt))) return { status: 400 };
    const key = JSON.stringify(alert.labels);
    const index = alerts.findIndex((known) => JSON.stringify(known.labels) === key);
    if (index === -1) alerts.push(alert);
    else alerts[index] = alert;
  }
  return { status: 200 };
}

function takeSilence(silences: Kept[], silence: Silence): VendorAnswer {
  const { matchers, startsAt, endsAt, createdBy, comment } = silence;
  const isMatching = matchers.some(({ value }) => value !== '');
  if (!isMatching || matchers.some((one) => !name.test(one.name))) return { status: 400, body: 'invalid silence' };
  if (!(Date.parse(startsAt) < Date.parse(endsAt)) || Date.parse(endsAt) < now) return { status: 400 };
  if (createdBy === '' || comment === '') return { status: 400 };
  const id = `silence-${silences.length + 1}`;
  silences.push({ ...silence, id, status: { state: 'active' } });
  return { status: 200, body: { silenceID: id } };
}

const secrets = { 'am/password': 's3cret' };
const authentication = { type: 'basic', username: 'fist', secretRef: 'am/password' };
const config = (url: string) => ({ endpoint: `${url}/am/`, action: 'silence', authentication });
testSink({ backend: alertmanager, config, secrets, start: startFake, isIdempotent: true, forbidden: [] });

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start(more: object = {}) {
  const fake = await startFake();
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => fake.vendor.stop());
  const deliver = (changes: Parameters<typeof sinkDelivery>[0] = {}) =>
    attemptOf(alertmanager, world.io, { ...config(fake.vendor.url), ...more }, sinkDelivery(changes));
  const posts = () => fake.vendor.requests.filter(({ method }) => method !== 'GET');
  return { ...fake, deliver, posts };
}

const end = { event: 'alert-resolved', payload: resolvedPayload } as const;

describe('annotate', () => {
  test('sends the alert again as it is there, with the cause and the run beside its own annotations', async () => {
    const { vendor, alerts, deliver } = await start({ action: 'annotate' });
    alerts.push({ ...theAlert, labels: { ...labels, pod: 'web-2' } }, theAlert);
    expect(await deliver()).toEqual({ ok: true, reference: null });
    const ours = { fist_cause: 'Container web was OOMKilled.', fist_confidence: '95%', fist_run: payload.run.url };
    expect(alerts).toEqual([
      { ...theAlert, labels: { ...labels, pod: 'web-2' } },
      { ...theAlert, annotations: { summary: 'web-1 restarts', ...ours } },
    ]);
    expect(vendor.requests[0]?.query.getAll('filter')).toContain('alertname="KubePodCrashLooping"');
    await deliver();
    expect(alerts).toHaveLength(2);
  });

  test('a run that starts is linked; a template has an annotation of its own', async () => {
    const { alerts, deliver } = await start({ action: 'annotate', template: 'x' });
    alerts.push(theAlert);
    await deliver({ event: 'run-started', payload: { ...payload, report: null, text: 'looking' } });
    expect(alerts[0]?.annotations).toEqual({
      ...theAlert.annotations,
      fist_run: payload.run.url,
      fist_report: 'looking',
    });
  });

  test.each([
    ['gone', {}],
    ['over', end],
  ])('an alert that is %s is not made anew', async (_, changes) => {
    const { alerts, deliver, posts } = await start({ action: 'annotate' });
    alerts.push({ ...theAlert, labels: { ...labels, pod: 'web-2' } });
    expect(await deliver(changes)).toEqual({ ok: true, reference: null });
    expect(posts()).toEqual([]);
  });
});

describe('silence', () => {
  test('is for this alert and no other, ends by itself, and says why', async () => {
    const { silences, deliver } = await start({ silenceFor: '30m' });
    expect(await deliver()).toEqual({ ok: true, reference: 'silence-1' });
    expect(silences).toMatchObject([
      {
        startsAt: payload.timestamp,
        endsAt: '2026-03-01T10:30:42.000Z',
        createdBy: 'punching-fist',
        comment: `KubePodCrashLooping shop/web-1: Container web was OOMKilled. (95%) ${payload.run.url}`,
        matchers: Object.entries(labels).map(([label, value]) => ({
          name: label,
          value,
          isRegex: false,
          isEqual: true,
        })),
      },
    ]);
  });

  test('one that is there is not made again; those of people and expired ones are none', async () => {
    const { silences, deliver } = await start();
    await deliver();
    expect(await deliver({ idempotencyKey: 'r2' })).toEqual({ ok: true, reference: 'silence-1' });
    const [ours] = silences as [Kept];
    silences.splice(0, 1, { ...ours, createdBy: 'ann' }, { ...ours, id: 'old', status: { state: 'expired' } });
    const wider = ours.matchers.slice(1);
    silences.push({ ...ours, id: 'wider', matchers: wider });
    silences.push({ ...ours, id: 'odd', matchers: ours.matchers.map((one) => ({ ...one, isRegex: true })) });
    expect(await deliver({ idempotencyKey: 'r3' })).toEqual({ ok: true, reference: 'silence-5' });
  });

  test('an answer that is lost after it was made does not make a second one', async () => {
    const { vendor, silences, deliver } = await start();
    vendor.fail('none', 'processed, then reset');
    expect(await deliver()).toMatchObject({ ok: false, retry: true, ambiguous: true });
    expect(await deliver()).toEqual({ ok: true, reference: 'silence-1' });
    expect(silences).toHaveLength(1);
  });

  test('is taken back with the end of the alert, and stays while Alertmanager has it', async () => {
    const { alerts, silences, deliver } = await start();
    await deliver();
    alerts.push(theAlert);
    await deliver(end);
    expect(silences[0]?.status.state).toBe('active');
    alerts.pop();
    expect(await deliver(end)).toEqual({ ok: true, reference: null });
    expect(silences[0]?.status.state).toBe('expired');
    expect(await deliver(end)).toEqual({ ok: true, reference: null });
  });

  test('a report that comes after the end makes none, nor does a run that starts', async () => {
    const { silences, deliver } = await start();
    await deliver({ payload: { ...payload, alert: { ...payload.alert, status: 'resolved' } } });
    await deliver({ event: 'run-started' });
    expect(silences).toEqual([]);
  });
});

describe('resolve', () => {
  test('ends the alert now, and changes nothing else of it', async () => {
    const { alerts, deliver } = await start({ action: 'resolve' });
    alerts.push(theAlert);
    await deliver({ event: 'run-started' });
    expect(alerts).toEqual([theAlert]);
    expect(await deliver()).toEqual({ ok: true, reference: null });
    expect(alerts).toEqual([{ ...theAlert, endsAt: payload.timestamp }]);
  });

  test('what is gone stays so', async () => {
    const { deliver, posts } = await start({ action: 'resolve' });
    expect(await deliver(end)).toEqual({ ok: true, reference: null });
    expect(posts()).toEqual([]);
  });
});

test('a run about no alert asks nothing', async () => {
  const { vendor, deliver } = await start();
  expect(await deliver({ payload: { ...payload, alert: null } })).toEqual({ ok: true, reference: null });
  expect(vendor.requests).toEqual([]);
});

test('what answers with something else is no Alertmanager', async () => {
  const vendor = await startVendor(() => ({ status: 200, body: '<html>' }));
  cleanup.defer(() => vendor.stop());
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  const verdict = await attemptOf(alertmanager, world.io, config(vendor.url), sinkDelivery());
  const reason = expect.stringMatching(/ answered what is no list of the API v2 of Alertmanager$/) as string;
  expect(verdict).toEqual({ ok: false, retry: false, reason });
});

test.each(['30s', '8d', 'soon'])('a silence of %s is refused', (silenceFor) => {
  expect(alertmanager.config.safeParse({ endpoint: 'http://am:9093', silenceFor }).success).toBe(false);
});

test('basic authentication needs a user name, and bearer has none', () => {
  const accepts = (value: object) =>
    alertmanager.config.safeParse({ endpoint: 'http://am:9093', authentication: value }).success;
  expect(accepts({ type: 'basic', secretRef: 'am' })).toBe(false);
  expect(accepts({ type: 'basic', username: 'a:b', secretRef: 'am' })).toBe(false);
  expect(accepts({ type: 'bearer', username: 'a', secretRef: 'am' })).toBe(false);
  expect(accepts({ type: 'bearer', secretRef: 'am' })).toBe(true);
});
