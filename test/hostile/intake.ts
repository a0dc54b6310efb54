import type { HostileInput, HostileWorld } from './define.ts';
import { sourceAndWorkflow } from './define.ts';

const path = 'large';

/** A notification that is as large as it may be, or larger; `expected` is the status of its answer. */
const body = (name: string, make: () => string, expected: number, quick = false): HostileInput => ({
  name: `notification ${name}`,
  quick,
  run: (world) => answered(world, make(), expected),
});

async function answered(world: HostileWorld, text: string, expected: number): Promise<void> {
  const { status, body: answer } = await world.post(path, text);
  if (status !== expected) throw new Error(`the answer was ${status} ${JSON.stringify(answer).slice(0, 300)}`);
}

const list = <T>(count: number, make: (at: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, at) => make(at));

const texts = (count: number, make: (at: number) => string): Readonly<Record<string, string>> =>
  Object.fromEntries(list(count, (at) => [`name-${at}`, make(at)]));

/** Alerts of their own: each input has its name in the labels. */
const notification = (alerts: readonly object[]): string => JSON.stringify({ version: '4', groupKey: 'large', alerts });
const alert = (name: string, at: number, more: object = {}) => ({
  status: 'firing',
  labels: { alertname: 'Large', input: name, at: String(at) },
  startsAt: '2026-01-01T00:00:00Z',
  ...more,
});

const ordinary = (at: number) =>
  alert('ordinary', at, {
    labels: {
      alertname: 'KubePodCrashLooping',
      severity: 'warning',
      cluster: 'prod-eu-1',
      namespace: `shop-${at % 40}`,
      pod: `web-7d9c${at}-abcde`,
      container: 'app',
      job: 'kube-state-metrics',
      instance: '10.42.3.17:8080',
      uid: `0b9c7a62-5c39-4c4e-9d1b-${String(at).padStart(12, '0')}`,
    },
    annotations: {
      summary: `Pod shop/web-${at} is crash looping.`,
      description: 'It waits to be started. '.repeat(12),
    },
    generatorURL: `http://prometheus.monitoring.svc:9090/graph?g0.expr=${'x'.repeat(160)}`,
  });

const seconds = (at: number): string => new Date(Date.UTC(2026, 0, 1) + at * 1000).toISOString();

/** Notifications. */
export const intake: readonly HostileInput[] = [
  {
    ...body('of 1.5 million zeros', () => `{"alerts":[${'0,'.repeat(1_500_000)}0]}`, 400, true),
    resources: sourceAndWorkflow(
      path,
      "steps:\n  - { name: is-known, type: conditional, condition: '{{ .alert.alertname }} == Large' }",
    ),
  },
  body('of a million objects', () => `{"alerts":[${'{},'.repeat(1_000_000)}0]}`, 400, true),
  body('of 20,000 zeros', () => `{"alerts":[${'0,'.repeat(19_999)}0]}`, 200, true),
  body('with deep nesting', () => `{"alerts":[${'['.repeat(1_000_000)}`, 400, true),
  body('with a million members', () => `{"x":{${'"":0,'.repeat(1_000_000)}"y":0},"alerts":[]}`, 400),
  body('of 15 MiB of no UTF-8', () => `{"alerts":[{"x":"${'\ud800'.repeat(5_000_000)}"}]}`, 200),
  body('of 10,000 ordinary alerts', () => notification(list(10_000, ordinary)), 200),
  body('of 10,000 ordinary alerts again', () => notification(list(10_000, ordinary)), 200),
  body('of 20,000 small alerts', () => notification(list(20_000, (at) => alert('small', at))), 200),
  body(
    'that says 20,000 times something else of one alert',
    () =>
      notification(
        list(20_000, (at) =>
          alert('same', 0, {
            status: at % 2 === 0 ? 'firing' : 'resolved',
            startsAt: seconds(at),
            endsAt: seconds(at),
          }),
        ),
      ),
    200,
  ),
  body(
    'of alerts with all labels that they may have',
    () =>
      notification(
        list(2000, (at) =>
          alert('labels', at, { labels: { at: String(at), ...texts(127, (n) => `value ${n} ${at}`) } }),
        ),
      ),
    200,
  ),
  body(
    'of alerts with long labels',
    () =>
      notification(
        list(100, (at) => alert('long', at, { labels: { at: String(at), ...texts(2, () => 'é '.repeat(20_000)) } })),
      ),
    200,
  ),
  body(
    'of alerts with long annotations',
    () => notification(list(30, (at) => alert('annotations', at, { annotations: texts(7, () => 'x'.repeat(65_000)) }))),
    200,
  ),
  body(
    'of control characters',
    () =>
      notification(list(30, (at) => alert('control', at, { annotations: texts(3, () => '\u0001'.repeat(24_000)) }))),
    200,
  ),
];
