import { isClusterScoped, objectName } from '../analyzers/define.ts';
import type { ObjectKind } from '../analyzers/define.ts';
import { isKubernetesName } from '../core/cluster.ts';
import type { Labels } from '../core/alert.ts';
import { questionOf } from './questions.ts';

/** What the labels of an alert name. */
export interface NamedObjects {
  readonly namespace: string | null;
  readonly objects: readonly { readonly kind: ObjectKind; readonly name: string }[];
  readonly container: string | null;
  /** `address` or `host:port` of a node, where only that is known. */
  readonly instance: string | null;
  /** Of the pod that the alert is about, where it says so. */
  readonly uid: string | null;
  /** What its `cluster` label says. */
  readonly cluster: string | null;
  /** Names of applications, where no object is named: of a workload or a service, or a value of their `app` labels. */
  readonly applications: readonly string[];
  /** Labels that name something that is no object known here: a certificate, a topic, a queue. */
  readonly foreign: readonly string[];
  /** Labels whose values cannot be Kubernetes names; they were not used. */
  readonly unusable: readonly string[];
}

/**
 * Labels that name objects: of kube-state-metrics and cAdvisor, of their older releases, of the OpenTelemetry collector
 * (`k8s.pod.name`, with dots or underscores), Istio, Loki and Datadog. Prometheus puts `exported_` before a label that its own
 * scrape target has too.
 */
const kindLabels: readonly (readonly [ObjectKind, readonly string[]])[] = [
  ['pod', ['pod', 'pod_name', 'kubernetes_pod_name', 'k8s_pod_name', 'kube_pod_name']],
  ['deployment', ['deployment', 'kubernetes_deployment', 'k8s_deployment_name', 'kube_deployment']],
  ['statefulset', ['statefulset', 'k8s_statefulset_name', 'kube_stateful_set']],
  ['daemonset', ['daemonset', 'k8s_daemonset_name', 'kube_daemon_set']],
  ['replicaset', ['replicaset', 'k8s_replicaset_name', 'kube_replica_set']],
  ['job', ['job_name', 'k8s_job_name', 'kube_job']],
  ['cronjob', ['cronjob', 'k8s_cronjob_name', 'kube_cronjob']],
  ['horizontalpodautoscaler', ['horizontalpodautoscaler', 'hpa', 'k8s_hpa_name']],
  ['poddisruptionbudget', ['poddisruptionbudget', 'pdb']],
  ['resourcequota', ['resourcequota', 'k8s_resourcequota_name']],
  ['ingress', ['ingress']],
  ['persistentvolume', ['persistentvolume']],
  ['persistentvolumeclaim', ['persistentvolumeclaim', 'k8s_persistentvolumeclaim_name', 'pvc']],
  ['service', ['service', 'destination_service_name', 'kube_service', 'kubernetes_name', 'k8s_service_name']],
  ['node', ['node', 'nodename', 'kubernetes_node', 'k8s_node_name', 'kube_node']],
];

/** The label that names an object of each kind. */
export function objectLabels(): ReadonlyMap<string, string> {
  return new Map(kindLabels.map(([kind, [label = '']]) => [kind, label]));
}

const namespaceLabels = [
  'namespace',
  'kubernetes_namespace',
  'k8s_namespace_name',
  'kube_namespace',
  'destination_service_namespace',
  'destination_workload_namespace',
  'target_namespace',
] as const;

/** Labels that hold the kind of an object beside its name: recording rules, Istio, kube-state-metrics. */
const pairLabels = [
  ['workload', 'workload_type'],
  ['owner_name', 'owner_kind'],
  ['created_by_name', 'created_by_kind'],
  ['destination_workload', ''],
] as const;

const applicationLabels = [
  'app',
  'app_kubernetes_io_name',
  'label_app_kubernetes_io_name',
  'label_app',
  'k8s_app',
  'application',
  'service_name',
  'workload',
] as const;

/** Labels that say how, where or whose, and name nothing that could be broken. */
const generic =
  /^(?:alertname|alertstate|alertgroup|severity|priority|level|prometheus.*|replica|cluster.*|region|zone|.*availability_zone|environment|env|team|tier|squad|owner|project|stack|stage|datacenter|dc|tenant|account|exported_job|exported_instance|job|instance|endpoint|container.*|reason|condition|status.*|code|response_code.*|grpc_.*|method|verb|route|path|handler|uri|operation|le|quantile|phase|state|receiver|uid|key|effect|slo.*|sloth.*|long|short|window|runbook.*|grafana_folder|rule.*|rulename|source|monitor|type|scope|metrics_path|unit|mode|version|category|reporter|connection_security_policy|request_protocol|source_.*|destination_.*|host|hostname|controller.*|ingress_class)$/;

/**
 * Maps the labels of an alert to objects. Exporters put themselves into the labels: kube-state-metrics its own
 * `service` and `instance`, node-exporter its own `pod` and `namespace`; those are not what the alert is about. `job` is
 * Prometheus's scrape job, unless the alert is named after jobs and it is no exporter's.
 */
export function namedObjects(alertName: string, given: Labels): NamedObjects {
  const labels = withUnderscores(given);
  const unusable: string[] = [];
  const value = (names: readonly string[]): string | null => {
    const label = names
      .flatMap((name) => [`exported_${name}`, name])
      .find((name) => (labels[name] ?? '') !== '' && !ignored.has(name));
    if (label === undefined) return null;
    const text = labels[label] ?? '';
    if (isKubernetesName(text)) return text;
    unusable.push(label);
    return null;
  };
  const ignored = scrapeTargetLabels(alertName, labels);
  const namespace = value(namespaceLabels);
  const objects = kindLabels.flatMap(([kind, names]) => {
    const name = value(names);
    return name === null || (!isClusterScoped(kind) && namespace === null) ? [] : [{ kind, name }];
  });
  for (const [nameLabel, kindLabel] of pairLabels) {
    const kind = (labels[kindLabel] ?? 'deployment').toLowerCase();
    const isNamed = objects.some((object) => object.kind !== 'service' && !isClusterScoped(object.kind));
    const name = isNamed || namespace === null || !isWorkload(kind) ? null : value([nameLabel]);
    if (name !== null) objects.push({ kind: kind as ObjectKind, name });
  }
  const scrapeJob = labels['job'] ?? '';
  if (
    /^(?:Kube)?(?:Cron)?Job/.test(alertName) &&
    !objects.some(({ kind }) => kind === 'job') &&
    !isExporter(scrapeJob) &&
    namespace !== null &&
    isKubernetesName(scrapeJob)
  ) {
    objects.push({ kind: 'job', name: scrapeJob });
  }
  if (objects.length === 0 && namespace !== null && isAboutNamespace(alertName, labels))
    objects.push({ kind: 'namespace', name: namespace });
  const instance = labels['instance'] ?? '';
  return {
    namespace,
    objects,
    container: value(['container', 'container_name', 'k8s_container_name', 'kube_container_name']),
    instance: instance !== '' && !ignored.has('instance') ? instance : null,
    applications: objects.length > 0 ? [] : applicationsOf(labels),
    foreign: objects.length > 0 ? [] : foreignLabels(labels),
    cluster: labels['cluster'] ?? labels['k8s_cluster_name'] ?? labels['cluster_name'] ?? null,
    uid: labels['exported_uid'] ?? labels['uid'] ?? labels['k8s_pod_uid'] ?? null,
    unusable,
  };
}

/** The first object that an alert names, else its namespace or its instance: `pod/shop/web-1`. Null where it names nothing. */
export function alertObject(alertName: string, labels: Labels): string | null {
  const { objects, namespace, instance } = namedObjects(alertName, labels);
  const [first] = objects;
  if (first !== undefined) return objectName(first.kind, isClusterScoped(first.kind) ? null : namespace, first.name);
  return namespace === null ? instance : `namespace/${namespace}`;
}

/** An alert by its name and what it names: `KubePodCrashLooping pod/shop/web-1`. */
export function alertTitle({ name, labels }: { readonly name: string; readonly labels: Labels }): string {
  return `${name} ${alertObject(name, labels) ?? ''}`.trim();
}

function applicationsOf(labels: Labels): readonly string[] {
  const scrapeJob = labels['job'] ?? '';
  const names = [
    ...applicationLabels.map((label) => labels[label] ?? ''),
    ...(isExporter(scrapeJob) ? [] : [scrapeJob]),
  ];
  return [...new Set(names)].filter((name) => name !== '' && isKubernetesName(name));
}

function foreignLabels(labels: Labels): readonly string[] {
  const known = new Set<string>([
    ...kindLabels.flatMap(([, names]) => names),
    ...namespaceLabels,
    ...pairLabels.flat(),
  ]);
  return Object.keys(labels).filter((label) => {
    const plain = label.replace(/^exported_/, '');
    return labels[label] !== '' && !known.has(plain) && !generic.test(plain);
  });
}

/** OpenTelemetry's names have dots where a store keeps them. */
function withUnderscores(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name.replaceAll('.', '_'), value]));
}

/** Whether the namespace is what the alert is about: by its name, or by the phase that only a namespace has. */
function isAboutNamespace(alertName: string, labels: Labels): boolean {
  return questionOf(alertName) === 'namespace' || labels['phase'] === 'Terminating';
}

function isWorkload(kind: string): boolean {
  return ['deployment', 'statefulset', 'daemonset', 'replicaset', 'job', 'cronjob'].includes(kind);
}

export function isExporter(job: string): boolean {
  return (
    job === '' ||
    /kube-state-metrics|node-exporter|kubelet|cadvisor|prometheus|alertmanager|apiserver|kubernetes-/.test(job)
  );
}

/** Labels that tell of the exporter that was asked, not of what it measured. */
export function scrapeTargetLabels(alertName: string, labels: Labels): ReadonlySet<string> {
  return new Set([
    ...exporterLabels(alertName, labels),
    // Where the namespace had to be renamed, what stands beside the plain one is the scrape target's own.
    ...(labels['exported_namespace'] === undefined
      ? []
      : ['namespace', 'pod', 'container', 'service', 'endpoint', 'instance']),
  ]);
}

function exporterLabels(alertName: string, labels: Labels): ReadonlySet<string> {
  const job = labels['job'] ?? '';
  if (job.includes('node-exporter')) return new Set(['pod', 'namespace', 'container', 'service', 'daemonset']);
  if (job.includes('kube-state-metrics') || labels['container'] === 'kube-state-metrics') {
    // Where Prometheus had to rename labels, the plain ones are the exporter's own.
    const renamed =
      Object.keys(labels).some((name) => name.startsWith('exported_')) || labels['container'] === 'kube-state-metrics';
    const service =
      /service|endpoint/i.test(alertName) && !(labels['service'] ?? '').includes('kube-state-metrics')
        ? []
        : ['service'];
    return new Set([
      'instance',
      'endpoint',
      ...service,
      ...(renamed ? ['pod', 'container', ...(labels['exported_namespace'] === undefined ? [] : ['namespace'])] : []),
    ]);
  }
  if (/kubelet|cadvisor/.test(job)) return new Set(['service', 'endpoint']);
  return new Set(['endpoint']);
}
