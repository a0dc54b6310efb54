import type { ClusterResource, UsageQuery } from '../../core/cluster.ts';

export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const core = (kind: string, namespaced = true): ResourceType => ({ group: '', version: 'v1', kind, namespaced });
const grouped = (group: string, version: string, kind: string, namespaced = true): ResourceType => ({
  group,
  version,
  kind,
  namespaced,
});

/** Everything that may be read. Secrets are not here, so no request for one can be built. */
export const resourceTypes: Readonly<Record<ClusterResource, ResourceType>> = {
  pods: core('Pod'),
  events: core('Event'),
  nodes: core('Node', false),
  namespaces: core('Namespace', false),
  services: core('Service'),
  endpointslices: grouped('discovery.k8s.io', 'v1', 'EndpointSlice'),
  deployments: grouped('apps', 'v1', 'Deployment'),
  replicasets: grouped('apps', 'v1', 'ReplicaSet'),
  statefulsets: grouped('apps', 'v1', 'StatefulSet'),
  daemonsets: grouped('apps', 'v1', 'DaemonSet'),
  jobs: grouped('batch', 'v1', 'Job'),
  cronjobs: grouped('batch', 'v1', 'CronJob'),
  horizontalpodautoscalers: grouped('autoscaling', 'v2', 'HorizontalPodAutoscaler'),
  poddisruptionbudgets: grouped('policy', 'v1', 'PodDisruptionBudget'),
  persistentvolumeclaims: core('PersistentVolumeClaim'),
  persistentvolumes: core('PersistentVolume', false),
  storageclasses: grouped('storage.k8s.io', 'v1', 'StorageClass', false),
  networkpolicies: grouped('networking.k8s.io', 'v1', 'NetworkPolicy'),
  ingresses: grouped('networking.k8s.io', 'v1', 'Ingress'),
  configmaps: core('ConfigMap'),
  resourcequotas: core('ResourceQuota'),
  limitranges: core('LimitRange'),
};

/** All readable resources, by plural name. */
export const resourceNames = Object.keys(resourceTypes) as readonly ClusterResource[];

/** `v1`, `apps/v1`. */
export function apiVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

/** Path of the collection on the API server, `/apis/apps/v1/namespaces/shop/deployments`. Names are validated by the caller. */
export function collectionPath(resource: ClusterResource, namespace: string | null): string {
  const type = resourceTypes[resource];
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  return type.namespaced && namespace !== null ? `${root}/namespaces/${namespace}/${resource}` : `${root}/${resource}`;
}

/** Path of what pods or nodes use, on an API server that has it. Names are validated by the caller. */
export function usagePath(of: UsageQuery['of'], namespace: string | null): string {
  const place = namespace === null ? '' : `/namespaces/${namespace}`;
  return `/apis/metrics.k8s.io/v1beta1${place}/${of}`;
}

/** Group, version and plural of what may be watched: one of {@link resourceTypes}, or `plural.version.group` of any other group. */
export function watchedType(resource: string): {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
} {
  if (Object.hasOwn(resourceTypes, resource))
    return { ...resourceTypes[resource as ClusterResource], plural: resource };
  const [plural = '', version = '', ...group] = resource.split('.');
  return { group: group.join('.'), version, plural };
}

/** Path of a collection that is watched. Names are validated by the caller. */
export function watchedPath(resource: string, namespace: string | null): string {
  if (Object.hasOwn(resourceTypes, resource)) return collectionPath(resource as ClusterResource, namespace);
  const { group, version, plural } = watchedType(resource);
  const root = `/apis/${group}/${version}`;
  return namespace === null ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}
