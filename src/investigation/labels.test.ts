import { expect, test } from 'vitest';
import { namespaceLabels as indexedNamespaceLabels } from '../core/alert.ts';
import { alertObject, alertTitle, namedObjects } from './labels.ts';

const named = (alert: string, labels: Record<string, string>) => {
  const { objects, ...rest } = namedObjects(alert, labels);
  return { ...rest, objects: objects.map(({ kind, name }) => `${kind}/${name}`) };
};
const exporter = {
  job: 'kube-state-metrics',
  instance: '10.0.0.1:8080',
  service: 'prometheus-kube-state-metrics',
  endpoint: 'http',
};

test.each([
  [
    'a pod with honoured labels',
    'KubePodCrashLooping',
    { ...exporter, namespace: 'shop', pod: 'web-1', container: 'app' },
    ['pod/web-1'],
    'shop',
    'app',
  ],
  [
    'the exporter in pod and container',
    'KubeDeploymentReplicasMismatch',
    { ...exporter, namespace: 'shop', deployment: 'web', pod: 'kube-state-metrics-x', container: 'kube-state-metrics' },
    ['deployment/web'],
    'shop',
    null,
  ],
  [
    'renamed labels',
    'KubePodNotReady',
    {
      ...exporter,
      namespace: 'monitoring',
      exported_namespace: 'shop',
      pod: 'kube-state-metrics-x',
      exported_pod: 'web-1',
    },
    ['pod/web-1'],
    'shop',
    null,
  ],
  [
    'a job by job_name',
    'KubeJobFailed',
    { ...exporter, namespace: 'shop', job_name: 'backup' },
    ['job/backup'],
    'shop',
    null,
  ],
  [
    'a namespace that an alert is about by its name',
    'KubeNamespaceTerminating',
    { ...exporter, namespace: 'monitoring', exported_namespace: 'lab' },
    ['namespace/lab'],
    'lab',
    null,
  ],
  [
    'a namespace by the phase that only it has',
    'LeftOverThings',
    { ...exporter, namespace: 'lab', phase: 'Terminating' },
    ['namespace/lab'],
    'lab',
    null,
  ],
  [
    'a namespace in which a pod is',
    'PodStuck',
    { namespace: 'lab', pod: 'web-1', phase: 'Terminating' },
    ['pod/web-1'],
    'lab',
    null,
  ],
  ['a scrape job is no job', 'KubeJobFailed', { ...exporter, namespace: 'shop' }, [], 'shop', null],
  ['a job named by an own rule', 'JobFailed', { job: 'backup', namespace: 'shop' }, ['job/backup'], 'shop', null],
  [
    'an application whose scrape job is no job',
    'HighErrorRate',
    { job: 'checkout', namespace: 'shop', service: 'checkout' },
    ['service/checkout'],
    'shop',
    null,
  ],
  ['a node', 'KubeNodeNotReady', { ...exporter, node: 'worker-1' }, ['node/worker-1'], null, null],
  [
    'node-exporter names itself',
    'NodeFilesystemAlmostOutOfSpace',
    {
      job: 'node-exporter',
      instance: '10.0.0.5:9100',
      namespace: 'monitoring',
      pod: 'node-exporter-x',
      container: 'node-exporter',
    },
    [],
    null,
    null,
  ],
  [
    'workloads',
    'X',
    {
      namespace: 'shop',
      statefulset: 'db',
      daemonset: 'agent',
      cronjob: 'nightly',
      persistentvolumeclaim: 'data',
      horizontalpodautoscaler: 'web',
    },
    [
      'statefulset/db',
      'daemonset/agent',
      'cronjob/nightly',
      'horizontalpodautoscaler/web',
      'persistentvolumeclaim/data',
    ],
    'shop',
    null,
  ],
  [
    'names of OpenTelemetry',
    'PodDown',
    { k8s_namespace_name: 'shop', k8s_pod_name: 'web-1', k8s_container_name: 'app', 'k8s.node.name': 'n1' },
    ['pod/web-1', 'node/n1'],
    'shop',
    'app',
  ],
  [
    'a workload of a recording rule',
    'KubeWorkloadDown',
    { namespace: 'shop', workload: 'db', workload_type: 'statefulset' },
    ['statefulset/db'],
    'shop',
    null,
  ],
  [
    'Istio names the destination',
    'IstioHighLatency',
    { destination_workload: 'web', destination_workload_namespace: 'shop', namespace: 'shop' },
    ['deployment/web'],
    'shop',
    null,
  ],
  ['no namespace, no object', 'X', { pod: 'web-1' }, [], null, null],
])('%s', (_, alert, labels, objects, namespace, container) => {
  expect(named(alert, labels as Record<string, string>)).toMatchObject({ objects, namespace, container, unusable: [] });
});

test('values that are no names are not used', () => {
  expect(named('X', { namespace: '../../etc', pod: 'web-1; rm -rf /' })).toMatchObject({
    objects: [],
    namespace: null,
    unusable: ['namespace', 'pod'],
  });
});

test('the instance of node-exporter is the node', () => {
  expect(named('NodeDown', { job: 'node-exporter', instance: '10.0.0.5:9100' }).instance).toBe('10.0.0.5:9100');
  expect(named('KubePodNotReady', { ...exporter, namespace: 'shop' }).instance).toBeNull();
});

test.each([
  ['a namespace alone', { namespace: 'shop', severity: 'critical', cluster: 'eu' }, [], []],
  ['an application', { namespace: 'shop', app: 'web', job: 'web' }, ['web'], ['app']],
  ['a certificate', { namespace: 'cert', exported_namespace: 'shop', name: 'web-tls' }, [], ['name']],
  ['a topic', { namespace: 'shop', topic: 'orders', code: '500' }, [], ['topic']],
  ['an object is named', { namespace: 'shop', pod: 'web-1', topic: 'orders' }, [], []],
] as const)('what is named beside objects: %s', (_, labels, applications, foreign) => {
  expect(named('X', labels)).toMatchObject({ applications, foreign });
});

test.each([
  ['KubePodCrashLooping', { ...exporter, namespace: 'shop', pod: 'web-1' }, 'pod/shop/web-1'],
  ['KubeNodeNotReady', { ...exporter, node: 'node-7' }, 'node/node-7'],
  ['HighErrorRate', { namespace: 'shop' }, 'namespace/shop'],
  ['Down', { job: 'blackbox', instance: 'https://shop.example' }, 'https://shop.example'],
  ['Watchdog', { severity: 'none' }, null],
])('%s is about %j', (name, labels: Record<string, string>, object) => {
  expect(alertObject(name, labels)).toBe(object);
});

test('an alert is told by its name and its object', () => {
  expect(alertTitle({ name: 'KubePodNotReady', labels: { namespace: 'shop', pod: 'web-1' } })).toBe(
    'KubePodNotReady pod/shop/web-1',
  );
  expect(alertTitle({ name: 'Watchdog', labels: {} })).toBe('Watchdog');
});

test('lists find the namespace in every label that an investigation knows', () => {
  for (const label of indexedNamespaceLabels)
    expect([label, namedObjects('X', { [label]: 'shop', pod: 'web-1' }).namespace]).toEqual([label, 'shop']);
});
