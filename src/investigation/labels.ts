import type { ObjectKind } from '../analyzers/define.ts';
import { isKubernetesName } from '../core/cluster.ts';
import type { Labels } from '../core/alert.ts';

/** What the labels of an alert name. */
export interface NamedObjects {
  readonly namespace: string | null;
  readonly objects: readonly { readonly kind: ObjectKind; readonly name: string }[];
  readonly container: string | null;
  /** `address` or `host:port` of a node, where only that is known. */
  readonly instance: string | null;
  /** Of the pod that the alert is about, where it says so. */
  readonly uid: string | null;
  /** Labels whose values cannot be Kubernetes names; they were not used. */
  readonly unusable: readonly string[];
}

/** Labels that name objects. Prometheus puts `exported_` before a label that its own scrape target has too. */
const kindLabels: readonly (readonly [ObjectKind, readonly string[]])[] = [
  ['pod', ['pod', 'pod_name', 'kubernetes_pod_name']],
  ['deployment', ['deployment']],
  ['statefulset', ['statefulset']],
  ['daemonset', ['daemonset']],
  ['replicaset', ['replicaset']],
  ['job', ['job_name']],
  ['cronjob', ['cronjob']],
  ['horizontalpodautoscaler', ['horizontalpodautoscaler', 'hpa']],
  ['poddisruptionbudget', ['poddisruptionbudget', 'pdb']],
  ['resourcequota', ['resourcequota']],
  ['ingress', ['ingress']],
  ['persistentvolume', ['persistentvolume']],
  ['persistentvolumeclaim', ['persistentvolumeclaim']],
  ['service', ['service']],
  ['node', ['node', 'nodename', 'kubernetes_node']],
];

/**
 * Maps the labels of an alert to objects. Exporters put themselves into the labels: kube-state-metrics its own
 * `service` and `instance`, node-exporter its own `pod` and `namespace`; those are not what the alert is about. `job` is
 * Prometheus's scrape job, unless the alert is named after jobs and it is no exporter's.
 */
export function namedObjects(alertName: string, labels: Labels): NamedObjects {
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
  const ignored = exporterLabels(alertName, labels);
  const namespace = value(['namespace', 'kubernetes_namespace']);
  const objects = kindLabels.flatMap(([kind, names]) => {
    const name = value(names);
    return name === null || (kind !== 'node' && namespace === null) ? [] : [{ kind, name }];
  });
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
  const instance = labels['instance'] ?? '';
  return {
    namespace,
    objects,
    container: value(['container', 'container_name']),
    instance: instance !== '' && !ignored.has('instance') ? instance : null,
    uid: labels['exported_uid'] ?? labels['uid'] ?? null,
    unusable,
  };
}

function isExporter(job: string): boolean {
  return (
    job === '' ||
    /kube-state-metrics|node-exporter|kubelet|cadvisor|prometheus|alertmanager|apiserver|kubernetes-/.test(job)
  );
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
