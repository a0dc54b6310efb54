import { isKubernetesName } from '../../core/cluster.ts';
import type { ClusterResource } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { apiVersionOf, resourceTypes } from './resources.ts';
import type { ResourceType } from './resources.ts';

/** A kind of objects, with the name of its collection in paths. */
export interface ObjectKind extends ResourceType {
  /** `jobs`. */
  readonly plural: string;
}

/** One of those that investigations read. */
export function kindOf(resource: ClusterResource): ObjectKind {
  return { ...resourceTypes[resource], plural: resource };
}

const grouped = (group: string, kind: string, plural: string, namespaced = true): ObjectKind => ({
  group,
  version: 'v1',
  kind,
  plural,
  namespaced,
});

/** What this program writes or asks for beside the kinds that investigations read, and beside its own. */
export const kinds = {
  event: grouped('events.k8s.io', 'Event', 'events'),
  job: grouped('batch', 'Job', 'jobs'),
  lease: grouped('coordination.k8s.io', 'Lease', 'leases'),
  namespace: grouped('', 'Namespace', 'namespaces', false),
  pod: grouped('', 'Pod', 'pods'),
  secret: grouped('', 'Secret', 'secrets'),
  serviceAccount: grouped('', 'ServiceAccount', 'serviceaccounts'),
  customResourceDefinition: grouped(
    'apiextensions.k8s.io',
    'CustomResourceDefinition',
    'customresourcedefinitions',
    false,
  ),
  clusterRole: grouped('rbac.authorization.k8s.io', 'ClusterRole', 'clusterroles', false),
  clusterRoleBinding: grouped('rbac.authorization.k8s.io', 'ClusterRoleBinding', 'clusterrolebindings', false),
  role: grouped('rbac.authorization.k8s.io', 'Role', 'roles'),
  roleBinding: grouped('rbac.authorization.k8s.io', 'RoleBinding', 'rolebindings'),
  networkPolicy: grouped('networking.k8s.io', 'NetworkPolicy', 'networkpolicies'),
  persistentVolumeClaim: grouped('', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  service: grouped('', 'Service', 'services'),
  deployment: grouped('apps', 'Deployment', 'deployments'),
  storageClass: grouped('storage.k8s.io', 'StorageClass', 'storageclasses', false),
  statefulSet: grouped('apps', 'StatefulSet', 'statefulsets'),
} as const satisfies Readonly<Record<string, ObjectKind>>;

/** One of {@link kinds} by what stands in an object; undefined = it is none of them. */
export function kindNamed(apiVersion: string, kind: string): ObjectKind | undefined {
  return Object.values(kinds).find((known: ObjectKind) => known.kind === kind && apiVersionOf(known) === apiVersion);
}

/** The kind as the cluster's messages name it, `jobs.batch`. */
export function resourceOf({ group, plural }: ObjectKind): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** Path of a kind's collection; `namespace` null = in all, or a cluster-scoped kind. Throws InvalidInput for what cannot be a namespace. */
export function kindPath(kind: ObjectKind, namespace: string | null): string {
  const { group, version, plural, namespaced } = kind;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  if (!namespaced || namespace === null) return `${root}/${plural}`;
  if (!isKubernetesName(namespace))
    throw new AppError('InvalidInput', `${JSON.stringify(namespace)} is no name of a namespace`, {
      field: 'metadata.namespace',
    });
  return `${root}/namespaces/${namespace}/${plural}`;
}

/**
 * Path of one object. Throws InvalidInput for a name that no object can have (as apimachinery's IsValidPathSegmentName: roles may
 * have colons), or where a kind that is in namespaces has none.
 */
export function objectPath(kind: ObjectKind, namespace: string | null, name: string): string {
  if (kind.namespaced && namespace === null)
    throw new AppError('InvalidInput', `${kind.kind} ${name} has no namespace`, { field: 'metadata.namespace' });
  if (name === '' || name.length > 253 || name === '.' || name === '..' || /[/%]/.test(name))
    throw new AppError('InvalidInput', `${JSON.stringify(name)} is no name of a ${kind.kind}`, {
      field: 'metadata.name',
    });
  return `${kindPath(kind, namespace)}/${encodeURIComponent(name)}`;
}

/**
 * A kind as a watch names it: `pods`, `events.v1.events.k8s.io`. Throws InvalidInput for Secrets and other kinds of the core group that
 * nobody may watch.
 */
export function watchedName({ group, version, plural }: ObjectKind): string {
  const known = Object.hasOwn(resourceTypes, plural) ? resourceTypes[plural as ClusterResource] : undefined;
  if (known !== undefined && known.group === group) return plural;
  if (group === '') throw new AppError('InvalidInput', `${plural} are not watched`);
  return `${plural}.${version}.${group}`;
}
