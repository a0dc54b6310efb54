import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import type { StrictVendor } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { VendorAnswer } from '../../test/support/vendor.ts';
import { prometheus } from './prometheus.ts';

type Group = Readonly<Record<string, string>>;

interface FakePushgateway extends StrictVendor {
  /** Metrics by their group, as JSON. */
  readonly groups: ReadonlyMap<string, Group>;
}

/** Groups and the text format (prometheus/pushgateway: README.md, handler/push.go). */
async function startPushgateway(): Promise<FakePushgateway> {
  const groups = new Map<string, Group>();
  const made = new Set<string>();
  const vendor = await startVendor(({ method, path, headers, text }): VendorAnswer => {
    if (headers.authorization !== 'Bearer p4ss') return { status: 401 };
    const group = groupOf(path);
    if (group === undefined) return { status: path.startsWith('/metrics') ? 400 : 404 };
    const key = JSON.stringify(group);
    if (method === 'DELETE') {
      groups.delete(key);
      return { status: 202 };
    }
    if (method !== 'PUT') return { status: 405 };
    const metrics = metricsOf(text);
    if (!String(headers['content-type']).startsWith('text/plain; version=0.0.4') || metrics === undefined)
      return { status: 400, body: 'text format parsing error' };
    groups.set(key, metrics);
    made.add(key);
    return { status: 200 };
  });
  return { vendor, groups, effects: () => made.size, shown: () => [...made] };
}

function groupOf(path: string): Group | undefined {
  const [, root, ...parts] = path.split('/');
  if (root !== 'metrics' || parts.length === 0 || parts.length % 2 !== 0) return undefined;
  const labels: Record<string, string> = {};
  for (let index = 0; index < parts.length; index += 2) {
    const [name = '', value = ''] = [parts[index], parts[index + 1]];
    const plain = name.replace(/@base64$/, '');
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(plain) || plain.startsWith('__') || value === '') return undefined;
    if (plain in labels || (index === 0 && plain !== 'job')) return undefined;
    labels[plain] = plain === name ? decodeURIComponent(value) : Buffer.from(value, 'base64url').toString();
  }
  return labels;
}

function metricsOf(text: string): Group | undefined {
  if (!text.endsWith('\n')) return undefined;
  const metrics: Record<string, string> = {};
  for (const line of text.slice(0, -1).split('\n')) {
    const sample = /^([a-zA-Z_:][\w:]*) (\S+)$/.exec(line);
    if (sample === null && !/^# TYPE [a-zA-Z_:][\w:]* gauge$/.test(line)) return undefined;
    const [, name = '', value = ''] = sample ?? [];
    if (sample === null) continue;
    if (name in metrics || (Number.isNaN(Number(value)) && !/^(?:NaN|[+-]?Inf)$/.test(value))) return undefined;
    metrics[name] = value;
  }
  return metrics;
}

const secrets = { 'push/token': 'p4ss' };
const config = (url: string) => ({ pushgateway: `${url}/`, authentication: { type: 'bearer', secretRef: 'push' } });
testSink({ backend: prometheus, config, secrets, start: startPushgateway, isIdempotent: true, forbidden: [] });

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start(more: object = {}) {
  const fake = await startPushgateway();
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => fake.vendor.stop());
  const deliver = (changes: Parameters<typeof sinkDelivery>[0] = {}) =>
    attemptOf(prometheus, world.io, { ...config(fake.vendor.url), ...more }, sinkDelivery(changes));
  return { ...fake, deliver };
}

const end = { event: 'alert-resolved', payload: resolvedPayload } as const;
const usual = '{"job":"fist","alertname":"KubePodCrashLooping","namespace":"shop"}';

test('the last run of an alert is a group, which goes with the alert', async () => {
  const { groups, deliver } = await start();
  await deliver({ event: 'run-started' });
  expect(groups.size).toBe(0);
  await deliver();
  const metrics = {
    fist_run_success: '1',
    fist_run_duration_seconds: '12',
    fist_cause_confidence: '0.95',
  };
  expect([...groups]).toEqual([[usual, metrics]]);
  await deliver({ idempotencyKey: 'r2', payload: { ...payload, report: null } });
  expect(groups.get(usual)).toEqual({ ...metrics, fist_cause_confidence: '0' });
  await deliver(end);
  expect(groups.size).toBe(0);
  await deliver({ payload: { ...payload, alert: { ...payload.alert, status: 'resolved' } } });
  expect(groups.size).toBe(0);
});

test('metrics and grouping are templates; what was pushed before and is not now goes', async () => {
  const metrics = { 'shop:cause': ' {{ .report.confidence }}\n', constant: '-1e3', nothing: 'NaN' };
  const grouping = { pod: '{{ .alert.labels.pod }}', absent: '{{ .alert.labels.absent }}' };
  const { groups, deliver } = await start({ job: 'on call/1', metrics, grouping });
  await deliver();
  expect([...groups]).toEqual([
    ['{"job":"on call/1","pod":"web-1"}', { 'shop:cause': '0.95', constant: '-1e3', nothing: 'NaN' }],
  ]);
});

test.each(['a/b', '..', '.', '%2e%2e', 'a?b#c', 'line\nline', '東京', 'a b', '"', '+'])(
  'the label %j arrives as it is',
  async (value) => {
    const { groups, deliver } = await start({ grouping: { x: value } });
    expect(await deliver()).toMatchObject({ ok: true });
    expect([...groups.keys()]).toEqual([JSON.stringify({ job: 'fist', x: value })]);
  },
);

test.each(['yes', '', '1 2', '1\nevil 1', '0x10', '1,5'])('a value of %j is said to be no number', async (value) => {
  const { vendor, deliver } = await start({ metrics: { good: '1', bad: value } });
  const reason = `metrics.bad gives ${JSON.stringify(value)}, which is no number`;
  expect(await deliver()).toEqual({ ok: false, retry: false, reason });
  expect(vendor.requests).toEqual([]);
  expect(await deliver(end)).toMatchObject({ ok: true });
});

test.each([
  [{ metrics: { 'a-b': '1' } }, 'is not a name of a metric'],
  [{ metrics: { push_time_seconds: '1' } }, 'is kept by the Pushgateway itself'],
  [{ metrics: {} }, 'must have at least one metric'],
  [{ grouping: { job: 'x' } }, 'has a field of its own'],
  [{ grouping: { __name__: 'x' } }, 'is not a name of a label'],
  [{ grouping: { run: '{{ .run.id }}' } }, 'must not differ between runs'],
  [{ grouping: { since: '{{ .alert.startsAt }}' } }, 'must not differ between runs'],
  [{ job: '' }, '>=1'],
])('%j is refused: %s', (more, message) => {
  const parsed = prometheus.config.safeParse({ pushgateway: 'http://push:9091', ...more });
  expect(parsed.error?.message).toContain(message);
});
