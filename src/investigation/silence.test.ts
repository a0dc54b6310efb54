import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { AlertSnapshot } from '../core/run.ts';
import { silenceCommand } from './silence.ts';

const alert = (labels: Record<string, string>, name = 'KubePodNotReady', fingerprint = 'f') =>
  ({ name, labels, fingerprint }) as unknown as AlertSnapshot;

const start = 'amtool silence add --duration=2h --comment=investigating';

/** What a shell makes of the command: the words that amtool is started with. */
function words(command: string | null): readonly string[] {
  const script = command?.replace(/^amtool /, "printf '%s\\0' ") ?? 'exit 1';
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

test.each([
  [
    'an object, without what changes',
    { namespace: 'shop', pod: 'web-1', severity: 'warning', reason: 'OOMKilled', uid: 'u', prometheus: 'k8s' },
    'namespace=shop pod=web-1 severity=warning',
  ],
  [
    'every label that tells alerts of a rule apart, however many',
    { cluster: 'prod', namespace: 'shop', deployment: 'web', container: 'app', job: 'web', prometheus_replica: 'a' },
    'cluster=prod container=app deployment=web job=web namespace=shop',
  ],
  [
    'kinds that are not known here',
    { namespace: 'mq', queue: 'invoices', vhost: 'a' },
    'namespace=mq queue=invoices vhost=a',
  ],
  [
    'names of other exporters',
    { kube_namespace: 'shop', kube_stateful_set: 'db' },
    'kube_namespace=shop kube_stateful_set=db',
  ],
  [
    'an autoscaler of kube-state-metrics',
    {
      namespace: 'a',
      horizontalpodautoscaler: 'api',
      job: 'kube-state-metrics',
      instance: '10.0.0.9:8080',
      service: 'ksm',
    },
    'horizontalpodautoscaler=api namespace=a',
  ],
  [
    'what the exporter wrote about itself left out',
    { exported_namespace: 'shop', namespace: 'monitoring', exported_pod: 'web-1', pod: 'kube-state-metrics-x' },
    'exported_namespace=shop exported_pod=web-1',
  ],
  [
    'an exporter itself, where nothing else is named',
    { job: 'kube-state-metrics', namespace: 'monitoring', instance: '10.0.0.9:8080', service: 'ksm' },
    'instance=10.0.0.9:8080 job=kube-state-metrics namespace=monitoring service=ksm',
  ],
])('a silence of this alert, not of its rule: %s', (_, labels, matchers) => {
  expect(silenceCommand(alert(labels))).toBe(`${start} alertname=KubePodNotReady ${matchers}`);
});

test('a value that is not plain is quoted, not dropped', () => {
  const labels = { mountpoint: '/var/lib', 'k8s.pod.name': 'web-1', pod: '' };
  expect(silenceCommand(alert(labels, 'Disk "full"'))).toBe(
    `${start} 'alertname="Disk \\"full\\""' '"k8s.pod.name"="web-1"' 'mountpoint="/var/lib"'`,
  );
});

test.each([
  ['$(id)', '"$(id)"'],
  ['`id`', '"`id`"'],
  ['a; rm -rf / #', '"a; rm -rf / #"'],
  ["it's'", `"it's'"`],
  ["'$(id)'", `"'$(id)'"`],
  ['a"b', '"a\\"b"'],
  ['back\\', '"back\\\\"'],
  ['\\\'"', `"\\\\'\\""`],
  ['a,b={c}', '"a,b={c}"'],
  ['--url=x', '"--url=x"'],
  ['~/*', '"~/*"'],
  ['größe', '"größe"'],
])('a hostile value stays one word of a shell: %s', (value, matched) => {
  expect(words(silenceCommand(alert({ queue: value }, value))).slice(4)).toEqual([
    `alertname=${matched}`,
    `queue=${matched}`,
  ]);
});

test.each([
  ['a line feed', 'a\nb'],
  ['a terminal sequence', '\u001b[2J'],
  ['a bidirectional control', 'a\u202eb'],
  ['spaces that are shown as one', 'a  b'],
  ['a secret', 'https://admin:hunter2-canary@shop.example.com/'],
  ['more than is shown', 'x'.repeat(1000)],
])('what cannot be shown as it has to be typed makes no command: %s', (_, value) => {
  expect(silenceCommand(alert({ namespace: 'shop', target: value }))).toBeNull();
  expect(silenceCommand(alert({ namespace: 'shop' }, value))).toBeNull();
});

test('no alert, no silence', () => {
  expect(silenceCommand(alert({ namespace: 'shop' }, 'Asked', ''))).toBeNull();
});
