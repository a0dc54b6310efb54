/** What the fixtures of test/fixtures/alertmanager are captured from: a configuration, and what happens under it. */
import type { Alertmanager, AlertTemplate, Notification } from './alertmanager.ts';

interface Fixture {
  config: string;
  /** Yields the name and the body of each file. */
  capture: (alertmanager: Alertmanager) => AsyncIterable<[name: string, body: string]>;
}

const config = (receiver: string, groupBy: string, webhook = ''): string => `
route:
  receiver: ${receiver}
  group_by: [${groupBy}]
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 4s
receivers:
  - name: ${receiver}
    webhook_configs: [{url: RECEIVER_URL, send_resolved: true${webhook}}]
`;

const alert = (
  labels: Record<string, string>,
  annotations: Record<string, string> = { summary: 'Pod is crash looping.' },
): AlertTemplate => ({
  labels,
  annotations,
  generatorURL: 'http://prometheus.example.com/graph?g0.expr=up+%3D%3D+0&g0.tab=1',
  startsSecondsAgo: 90,
});

const podAlert = (pod: string): AlertTemplate =>
  alert({ alertname: 'KubePodCrashLooping', namespace: 'shop', pod, container: 'checkout', severity: 'warning' });

const withCount =
  (count: number) =>
  ({ alerts }: Notification): boolean =>
    alerts.length === count;

const hasResolved = ({ alerts }: Notification): boolean => alerts.some(({ status }) => status === 'resolved');

/** One group's life: it fires, is sent again, loses one alert, then ends. */
const life: Fixture = {
  config: config('punching-fist', 'alertname, namespace'),
  async *capture({ post, next }) {
    const alerts = ['checkout-5577bf7884-59zsl', 'checkout-5577bf7884-xvlls'].map(podAlert);
    await post(alerts);
    yield ['firing', await next(withCount(2))];
    yield ['repeat', await next(withCount(2))];
    await post(alerts.slice(0, 1), true);
    yield ['mixed', await next(hasResolved)];
    await post(alerts.slice(1), true);
    yield ['resolved', await next(({ status }) => status === 'resolved')];
  },
};

const truncated: Fixture = {
  config: config('punching-fist', 'alertname, namespace', ', max_alerts: 2'),
  async *capture({ post, next }) {
    await post(['a', 'b', 'c', 'd', 'e'].map((suffix) => podAlert(`checkout-5577bf7884-${suffix}`)));
    yield ['truncated', await next(({ truncatedAlerts }) => truncatedAlerts === 3)];
  },
};

/** Label names in any script, `__proto__`, and values that break naive quoting. */
const text: Fixture = {
  config: config('punching-fist', "'größe 🐘'"),
  async *capture({ post, next }) {
    const labels = Object.fromEntries([
      ['alertname', 'Speicher "voll"\n99 %'],
      ['größe 🐘', "it's \\ {{ .Labels }} <b>&amp;</b>"],
      ['app.kubernetes.io/name', 'checkout'],
      ['__proto__', 'polluted'],
      ['constructor', 'polluted'],
      ['severity', 'Critical'],
    ]) as Record<string, string>;
    await post([alert(labels, { summary: 'line 1\nline 2\ttab', 'run book': '$(touch /tmp/x) `id` {{ .source }}' })]);
    yield ['utf8', await next()];
  },
};

/** Legal, though unusual: no alertname, no annotations, no generator URL. */
const nameless: Fixture = {
  config: config('punching-fist', 'namespace'),
  async *capture({ post, next }) {
    await post([{ labels: { namespace: 'shop', severity: 'warning' }, startsSecondsAgo: 90 }]);
    yield ['no-alertname', await next()];
  },
};

const receiverName: Fixture = {
  config: config('a.b', 'alertname'),
  async *capture({ post, next }) {
    await post([podAlert('checkout-5577bf7884-59zsl')]);
    yield ['receiver-name', await next()];
  },
};

/** Two groups under `group_by: ['...']`: one notification each, with all labels in the group key. */
const groups: Fixture = {
  config: config('punching-fist', "'...'"),
  async *capture({ post, next }) {
    await post(['checkout-5577bf7884-59zsl', 'checkout-5577bf7884-xvlls'].map(podAlert));
    const of = (pod: string) => (body: Notification) => body.alerts.some(({ labels }) => labels['pod'] === pod);
    const first = await next();
    const firstPod = (JSON.parse(first) as Notification).alerts[0]?.labels['pod'];
    const second = await next((body) => !of(firstPod ?? '')(body));
    const ordered = firstPod === 'checkout-5577bf7884-59zsl' ? [first, second] : [second, first];
    yield ['group-1', ordered[0] ?? ''];
    yield ['group-2', ordered[1] ?? ''];
  },
};

/** All fixtures, each captured with an Alertmanager of its own. */
export const fixtures: Fixture[] = [life, truncated, text, nameless, receiverName, groups];
